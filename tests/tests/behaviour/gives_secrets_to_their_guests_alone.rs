//! A guest's services and its command read the secrets that it is given, and nobody finds them
//! anywhere else.

use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, running, write_secret};

const SECRET: &str = "hunter2 of the lab\n";
const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";
/// A service of the guest, as its own package would bring it.
const SERVICE: &str = "[Service]\\nDynamicUser=yes\\nType=oneshot\\nRemainAfterExit=yes\\nLoadCredential=db\\nRuntimeDirectory=sum\\nExecStart=sh -c 'sha256sum < %d/db > /run/sum/sum'\\n";

/// A guest whose command writes the digest of its secret into /tmp, and sleeps.
fn command(name: &str, place: u8, keys: &str) -> String {
    let script = "sha256sum < $CREDENTIALS_DIRECTORY/db > /tmp/new; mv /tmp/new /tmp/sum; exec sleep infinity";
    let command = format!("command = [\"/bin/sh\", \"-c\", \"{script}\"]\n");
    let credential = "credentials.db = \"/run/secrets/db\"\n";
    booted(name, place, &format!("{command}{credential}{keys}"))
}

#[test]
fn gives_secrets_to_their_guests_alone() {
    let service = format!("files.\"/etc/systemd/system/sum.service\" = {{ text = \"{SERVICE}\" }}");
    let boots = format!(
        "enable = [\"sum.service\"]\ncredentials.db = {{ path = \"/run/secrets/db\" }}\n\
         credentials.token = {{ generate = true }}\n{service}\n"
    );
    let host = Host::with_ctr(&lab(&[
        booted("boots", 11, &boots),
        booted("own", 12, &format!("users = \"host\"\n{boots}")),
        command("root", 13, ""),
        command("web", 14, "user = \"www-data\""),
        command("host", 15, "users = \"host\""),
        command("both", 16, "users = \"host\"\nuser = \"www-data\""),
    ]));
    write_secret(&host, "/run/secrets/db", SECRET);
    host.ok("ctr apply");
    let names = ["boots", "own", "root", "web", "host", "both"];
    running(&host, &names);

    let sum = host.ok("sha256sum </run/secrets/db");
    for name in &names[2..] {
        let read = format!("ctr lab exec {name} -- cat /tmp/sum");
        assert_eq!(host.until(&read, PATIENCE), sum, "{name} reads another");
    }
    for name in &names[..2] {
        let read = format!("ctr lab exec {name} -- cat /run/sum/sum");
        assert_eq!(host.ok(&read), sum, "{name} reads something else");
        let list = host.ok(&format!(
            "ctr lab exec {name} -- systemd-creds --system --no-legend list"
        ));
        assert!(list.contains("db") && list.contains("token"), "{list}");
    }
    // In the guest they are for the program's user alone, and on the host for root alone.
    let file = "/run/credentials/@system/db";
    for (name, user, other) in [("web", "www-data", "nobody"), ("boots", "root", "nobody")] {
        host.ok(&format!("ctr lab exec {name} -u {user} -- cat {file}"));
        let refused = host.fails(&format!("ctr lab exec {name} -u {other} -- cat {file}"));
        assert!(refused.stderr.contains("Permission denied"), "{refused:#?}");
    }
    for closed in ["/run/ctr/credentials", "/var/lib/ctr"] {
        host.fails(&format!("{NOBODY} ls {closed}"));
    }
    // `both` runs as the host's own www-data, who has the digits of its file's owner.
    host.fails("setpriv --reuid 33 --regid 33 --clear-groups cat /run/ctr/credentials/lab-both/db");

    let token = host.ok("ctr lab secret boots token");
    assert_eq!(token.len(), 64, "{token}");
    for secret in [SECRET.trim(), &token] {
        for (place, control) in PLACES {
            let found = search(&host, place, secret);
            assert_eq!(found, "", "a secret is in `{place}`");
            assert_ne!(search(&host, place, control), "", "`{place}` sees nothing");
        }
    }
    for directory in ["/run", "/etc", "/var/log", "/var/lib"] {
        for secret in [SECRET.trim(), &token] {
            assert_eq!(search_files(&host, directory, secret), "");
        }
        let planted = format!("{directory}/planted");
        host.ok(&format!("echo a-known-text >{planted}"));
        let found = search_files(&host, directory, "a-known-text");
        assert_eq!(found.trim(), planted);
    }
}

/// What prints something about the guests, and a text that must be in it.
const PLACES: [(&str, &str); 10] = [
    ("systemctl show --all 'ctr-lab-*'", "CTR_DECLARED"),
    ("@ systemctl show --all 'ctr-lab-*'", "CTR_DECLARED"),
    ("cat /proc/[0-9]*/cmdline", "systemd-nspawn"),
    ("@ cat /proc/[0-9]*/cmdline", "systemd-nspawn"),
    ("cat /proc/[0-9]*/environ", "CREDENTIALS_DIRECTORY"),
    ("journalctl --no-pager --output=export", "Started"),
    ("@ ctr status --json", "\"credentials\""),
    ("@ ctr plan --json", "\"containers\""),
    ("ctr lab status boots", "/run/secrets/db"),
    (
        "busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager ListMachines",
        "lab-boots",
    ),
];

/// The lines of a command's output that hold a text; `@` runs it as nobody. The text is an argument
/// of nothing: it would be found there.
fn search(host: &Host, command: &str, text: &str) -> String {
    let command = match command.strip_prefix("@ ") {
        Some(command) => format!("{NOBODY} {command}"),
        None => command.to_owned(),
    };
    let script = format!(
        "umask 077; cat >/root/text; {{ {command}; }} 2>/dev/null | tr '\\0' '\\n' \
         | grep --text --fixed-strings --file=/root/text || true"
    );
    let searched = host.bash(&script).stdin(text).output();
    searched.expect("the command runs").stdout
}

/// The files of a directory's file system that everybody can read and that hold a text. Guests' trees
/// are mounts of their own.
fn search_files(host: &Host, directory: &str, text: &str) -> String {
    let script = format!(
        "umask 077; cat >/tmp/text; chown nobody /tmp/text; \
         {NOBODY} sh -c 'find {directory} -xdev -type f -readable -print0 \
         | xargs --null grep --files-with-matches --fixed-strings --file=/tmp/text' \
         2>/dev/null || true"
    );
    let searched = host.bash(&script).stdin(text).output();
    searched.expect("the command runs").stdout
}
