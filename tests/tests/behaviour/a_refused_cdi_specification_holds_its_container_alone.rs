//! A CDI specification that is refused keeps those from starting who name something of it, and says which file
//! and why. Others start, who runs keeps what it has, and who waited starts when the file is mended.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::cdi::{FOLDER, laptop, write_spec};
use crate::gpus::error;
use crate::guests::{declared, lab, running, sleeper, status, until, until_that};

fn spec(kind: &str, node: &str, edits: &str) -> String {
    format!(
        "cdiVersion: 0.6.0\nkind: {kind}\ndevices:\n- name: a\n  containerEdits:\n    \
         deviceNodes: [{{path: {node}}}]\n{edits}"
    )
}

fn good() -> String {
    spec("x.org/gpu", "/dev/nvidia0", "")
}

fn mount(host: &str, guest: &str) -> String {
    let mount = format!("{{hostPath: {host}, containerPath: {guest}}}");
    let edits = format!("containerEdits: {{mounts: [{mount}]}}\n");
    spec("x.org/gpu", "/dev/nvidia0", &edits)
}

const KEYS: &str = "root = { tree = \"/var/lib/machines/debian\" }\n\
    command = [\"/usr/bin/sleep\", \"infinity\"]\n\
    restart = { delay = \"200ms\", max-delay = \"1s\" }\n";

fn host() -> Host {
    let named = |vendor: &str| format!("gpu = {{ cdi = [\"{vendor}.org/gpu=a\"] }}\n");
    let host = laptop(&lab(&[
        declared("late", 11, &format!("{KEYS}{}", named("x"))),
        sleeper("runs", 12, &named("x")),
        sleeper("other", 13, &named("y")),
    ]));
    write_spec(&host, "x.yaml", &good());
    write_spec(&host, "y.yaml", &spec("y.org/gpu", "/dev/nvidiactl", ""));
    host
}

#[test]
fn a_refused_cdi_specification_holds_its_container_alone() {
    let host = host();
    let before = running(&host, &["runs", "other"]);
    host.ok("cd /run/hardware/dev && mknod disk b 7 0 && touch nothing");
    let many = format!("{}{}", good(), "# more\n".repeat(150_000));
    let recursive =
        "cdiVersion: 0.6.0\nkind: x.org/gpu\ndevices: &d\n- name: a\n  containerEdits: *d\n";
    for (text, reason) in [
        (mount("/opt/../etc/shadow", "/opt/shadow"), "has `..`"),
        (mount("/opt/driver", "/"), "onto `/` would hide all of it"),
        (spec("x.org/gpu", "/dev/disk", ""), "is a block device"),
        (spec("x.org/gpu", "/dev/nothing", ""), "is a file"),
        (many, "more than 1048576 bytes"),
        (recursive.to_owned(), "more values than are read"),
    ] {
        write_spec(&host, "x.yaml", &text);
        is_held(&host, "x.yaml", reason, &before);
        write_spec(&host, "x.yaml", &good());
        comes(&host);
    }
    write_spec(&host, "z.yaml", &good());
    is_held(&host, "z.yaml", "has the device x.org/gpu=a too", &before);
    host.ok(&format!("rm {FOLDER}/z.yaml"));
    comes(&host);
    host.ok(&format!("chmod 666 {FOLDER}/x.yaml"));
    is_held(&host, "x.yaml", "everybody can write to", &before);
    host.ok(&format!("chmod 644 {FOLDER}/x.yaml"));
    comes(&host);
    assert_eq!(running(&host, &["runs", "other"]), before);
}

/// Who is to start does not, who runs has what it had, and others start.
#[track_caller]
fn is_held(host: &Host, file: &str, reason: &str, before: &[u32]) {
    let says = |said: &Option<String>| {
        let said = said.as_deref().unwrap_or_default();
        said.contains(&format!("{FOLDER}/{file}")) && said.contains(reason)
    };
    until_that(host, "runs", |it| says(&it.reason));
    host.ok("ctr lab start --no-wait late");
    let held = until_that(host, "late", |it| says(&it.reason));
    assert_eq!(held.state, State::Waiting, "{held:#?}");
    assert!(held.hint.is_some(), "{held:#?}");
    assert_eq!(status(host, "runs").state, State::Running);
    host.fails("ctr lab restart runs");
    assert_eq!(error(host, "runs", "/dev/nvidia0"), "ENXIO");
    assert_eq!(running(host, &["runs"]), before[..1], "it was disturbed");
    assert_eq!(status(host, "runs").gpus.len(), 1, "it has what it had");
    let other = status(host, "other");
    assert_eq!((other.state, other.reason), (State::Running, None));
}

/// It starts by itself, and is stopped for what comes next.
#[track_caller]
fn comes(host: &Host) {
    until(host, "late", State::Running);
    assert_eq!(error(host, "late", "/dev/nvidia0"), "ENXIO");
    until_that(host, "runs", |it| it.reason.is_none());
    host.ok("ctr lab stop late");
}

#[test]
fn a_path_of_the_host_is_not_led_astray_by_a_person() {
    let host = host();
    host.ok(
        "mount -t tmpfs -o mode=755 home /home && useradd --create-home alice
         runuser --user alice -- sh -c 'mkdir ~/driver && echo hers >~/driver/shadow'
         chmod 755 /home/alice",
    );
    write_spec(
        &host,
        "x.yaml",
        &mount("/home/alice/driver/shadow", "/opt/file"),
    );
    host.ok("ctr lab start late --timeout 40s");
    assert_eq!(host.ok("ctr lab exec late -- cat /opt/file"), "hers\n");
    let before = running(&host, &["late", "other"]);

    // Between two starts she leads it to where she may not read.
    host.ok("runuser --user alice -- sh -c 'cd && mv driver kept && ln -s /etc driver'");
    let reason = "/home/alice/driver/shadow, which comes with the graphics processor, cannot be given: \
        /home/alice/driver/shadow leads through the link /home/alice/driver, which belongs to alice";
    let refused = host.fails("ctr lab restart late");
    assert!(refused.stderr.contains(reason), "{refused:#?}");
    assert_eq!(running(&host, &["late", "other"]), before);
    host.ok("ctr lab stop late");
    let refused = host.fails("ctr lab start late --timeout 40s");
    assert!(refused.stderr.contains(reason), "{refused:#?}");
    let failed = until(&host, "late", State::Failed);
    assert!(failed.reason.is_some_and(|it| it.contains(reason)));
    assert!(failed.hint.is_some_and(|it| it.contains("as root")));
    assert_eq!(status(&host, "other").state, State::Running);

    host.ok("runuser --user alice -- sh -c 'cd && rm driver && mv kept driver'");
    until(&host, "late", State::Running);
    assert_eq!(host.ok("ctr lab exec late -- cat /opt/file"), "hers\n");
    assert_eq!(running(&host, &["other"]), before[1..]);
}
