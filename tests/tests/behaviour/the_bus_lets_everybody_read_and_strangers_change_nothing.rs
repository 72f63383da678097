//! Every user of the host may look, and may change nothing. The bus says what happens.

use ctr_lab::Host;

use crate::guests::{PATIENCE, declared, lab, running, sleeper, status};

const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";
const SERVICE: &str = "org.kernelcore.Containers1";
const MANAGER: &str = "/org/kernelcore/Containers1";
const SENTENCE: &str = "not authorised: user 65534 may not ";

#[test]
fn the_bus_lets_everybody_read_and_strangers_change_nothing() {
    let idle = declared(
        "idle",
        12,
        "root = { tree = \"/var/lib/machines/debian\" }\n",
    );
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, ""), idle]));
    let leaders = running(&host, &["web"]);
    let web = format!("{MANAGER}/container/lab/web");

    for look in [
        "status",
        "lab status web",
        "plan",
        "status --json",
        "lab wait web",
        "aliases",
    ] {
        host.ok(&format!("{NOBODY} ctr {look}"));
    }
    host.ok(&format!(
        "{NOBODY} busctl call {SERVICE} {MANAGER} {SERVICE}.Manager Status"
    ));
    for change in ["Start", "Stop", "Restart"] {
        refused(
            &host,
            &format!("busctl call {SERVICE} {web} {SERVICE}.Container {change}"),
        );
    }
    for change in ["Apply", "Down"] {
        refused(
            &host,
            &format!("busctl call {SERVICE} {MANAGER} {SERVICE}.Manager {change}"),
        );
    }
    for change in [
        "apply",
        "down --yes",
        "lab start idle",
        "lab stop web",
        "lab restart web",
        "stop-all",
        "lab exec web -- true",
        "lab enter web </dev/null",
    ] {
        refused(&host, &format!("ctr {change}"));
    }
    assert_eq!(
        running(&host, &["web"]),
        leaders,
        "a refused request did something"
    );
    host.fails("systemctl is-active ctr-lab-idle");

    // No other program of an ordinary user can take the daemon's name while it is away.
    host.ok("systemctl stop ctrd");
    host.fails(&format!(
        "{NOBODY} busctl call org.freedesktop.DBus / org.freedesktop.DBus RequestName su {SERVICE} 0"
    ));
    host.ok("systemctl start ctrd");
    host.until("ctr status", PATIENCE);
}

fn refused(host: &Host, request: &str) {
    let output = host.fails(&format!("{NOBODY} {request}"));
    let expected = if request.contains("exec") || request.contains("enter") {
        125
    } else {
        1
    };
    assert_eq!(output.status, expected, "{request}: {output:#?}");
    assert!(
        output.stderr.contains(SENTENCE),
        "{request}: {}",
        output.stderr
    );
}

#[test]
fn the_bus_says_what_changes() {
    let gone = sleeper("gone", 12, "");
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, ""), gone]));
    running(&host, &["web", "gone"]);
    let web = format!("{MANAGER}/container/lab/web");
    let listed = host.ok(&format!(
        "busctl --json=short call {SERVICE} {MANAGER} org.freedesktop.DBus.ObjectManager GetManagedObjects"
    ));
    for path in [&web, &format!("{MANAGER}/container/lab/gone")] {
        assert!(listed.contains(path.as_str()), "no {path} in {listed}");
    }
    let now = status(&host, "web");
    for (property, value) in [
        ("Group", format!("s \"{}\"", now.group)),
        ("Name", format!("s \"{}\"", now.name)),
        ("Machine", format!("s \"{}\"", now.machine)),
        ("Address", format!("s \"{}\"", now.address)),
        ("Unit", format!("s \"{}\"", now.unit)),
        ("State", format!("s \"{}\"", now.state.as_str())),
        ("Reason", "s \"\"".to_owned()),
        ("Since", format!("t {}", now.since_ms)),
        ("Leader", format!("u {}", now.leader.unwrap_or_default())),
        ("Restarts", format!("u {}", now.restarts)),
    ] {
        let get = format!("busctl get-property {SERVICE} {web} {SERVICE}.Container {property}");
        assert_eq!(host.ok(&get).trim(), value, "{property}");
    }

    let heard = host.spawn(&format!("exec busctl monitor --json=short {SERVICE}"));
    let events = host.spawn("exec ctr events");
    // Both listen from some moment on, which they do not tell: things happen until they hear them.
    host.until("pgrep -x busctl && pgrep -f 'ctr events'", PATIENCE);
    host.ok("ctr lab restart web && ctr lab restart web");
    let stopped = "\"State\":{\"type\":\"s\",\"data\":\"stopping\"}";
    heard
        .expect("PropertiesChanged", PATIENCE)
        .expect("a signal");
    host.ok("ctr lab stop web");
    heard
        .expect(stopped, PATIENCE)
        .expect("the state is in a signal");
    events
        .expect("lab/web  running → stopping", PATIENCE)
        .expect("a line for every change");
    host.write(
        "/etc/ctr/containers.toml",
        lab(&[sleeper("web", 11, ""), sleeper("new", 13, "")]),
    );
    host.ok("ctr apply");
    heard
        .expect("InterfacesRemoved", PATIENCE)
        .expect("a container went");
    host.ok(&format!("busctl tree {SERVICE} | grep -q lab/new"));
    host.fails(&format!("busctl tree {SERVICE} | grep -q lab/gone"));
}
