//! A container can be given users of its own, and the host's again: ctr's own state of it is re-owned,
//! with every mode, capability and access list, and nothing else is.

use ctr_lab::Host;

use crate::guests::{lab, running, sleeper, status};

const TREE: &str = "/var/lib/machines/debian";

/// Files of several owners, with everything that a change of the owner could lose, and links that lead
/// out of the guest for whoever follows them on the host.
const FILES: &str = r#"
set -e; cd /root; echo mine >mine
cp /usr/bin/true set; chmod 4755 set
cp /usr/bin/true theirs; chown 33:42 theirs; chmod 6711 theirs
cp /usr/bin/true cap; echo list >list
python3 -c '
import os, struct
os.setxattr("cap", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
entry = lambda tag, perm, id: struct.pack("<HHI", tag, perm, id)
none = 0xffffffff
os.setxattr("list", "system.posix_acl_access", struct.pack("<I", 2) + entry(1, 6, none)
    + entry(2, 4, 33) + entry(4, 4, none) + entry(16, 4, none) + entry(32, 0, none))
'
mkdir -m 2770 dir; chown 33:33 dir
ln -s /etc/shadow link; ln -s /srv/outside out; ln -s ../../../../../../srv/outside up
"#;

/// What the guest sees of them.
const LOOK: &str = r#"
cd /root; stat -c '%n %u:%g %a' -- * | sort
python3 -c '
import os
print(os.getxattr("cap", "security.capability").hex(), os.getxattr("list", "system.posix_acl_access").hex())
'
"#;

fn guest(users: &str) -> String {
    lab(&[
        sleeper("one", 11, &format!("users = \"{users}\"\n")),
        sleeper(
            "short",
            12,
            &format!("users = \"{users}\"\nephemeral = true\n"),
        ),
    ])
}

fn in_guest(host: &Host, script: &str) -> String {
    host.write("/tmp/script", script.as_bytes());
    host.ok("ctr lab exec one -- sh </tmp/script")
}

/// Owners in the state, but for the kernel's own work directory of the layer.
fn owners(host: &Host) -> String {
    host.ok("cd /var/lib/ctr/lab-one/upper && find root -printf '%U\\n' | sort -un | tr '\\n' ' '")
}

#[test]
fn switches_users_both_ways() {
    let host = Host::with_ctr(&guest("own"));
    running(&host, &["one", "short"]);
    host.ok("mkdir /srv/outside && touch /srv/outside/file");
    in_guest(&host, FILES);
    let seen = in_guest(&host, LOOK);
    assert!(
        seen.contains("set 0:0 4755") && seen.contains("theirs 33:42 6711"),
        "{seen}"
    );
    let base: u32 = host
        .ok("stat -c %u /var/lib/ctr/lab-one")
        .trim()
        .parse()
        .expect("an id");
    assert_eq!(owners(&host), format!("{base} {} ", base + 33));
    let untouched = format!(
        "stat -c '%n %u:%g %a %Z' /srv/outside/file /srv/outside /etc/shadow {TREE}/root {TREE}/etc/shadow"
    );
    let before = host.ok(&untouched);

    host.write("/etc/ctr/containers.toml", guest("host").into_bytes());
    let plan = host.ok("ctr plan -v");
    assert!(plan.contains("restart") && plan.contains("users"), "{plan}");
    assert!(
        plan.contains("give its state to the host's users"),
        "{plan}"
    );
    host.ok("ctr apply");
    running(&host, &["one", "short"]);
    assert_eq!(in_guest(&host, LOOK), seen);
    assert_eq!(owners(&host), "0 33 ");
    assert_eq!(host.ok("stat -c %u:%a /var/lib/ctr/lab-one"), "0:700\n");
    assert_eq!(host.ok(&untouched), before);
    assert_eq!(status(&host, "one").users, "host");
    assert!(host.ok("ctr status").contains("runs as the host's users"));
    host.ok("test -x /var/lib/ctr/lab-one/upper/root/set");
    assert_eq!(host.ok("ctr plan | tail -1"), "2 nothing\n");

    host.write("/etc/ctr/containers.toml", guest("own").into_bytes());
    let plan = host.ok("ctr plan -v");
    assert!(
        plan.contains("give its state to users of its own"),
        "{plan}"
    );
    host.ok("ctr apply");
    running(&host, &["one", "short"]);
    assert_eq!(in_guest(&host, LOOK), seen);
    assert_eq!(owners(&host), format!("{base} {} ", base + 33));
    assert_eq!(host.ok(&untouched), before);
    assert_eq!(
        host.ok("ls -A /var/lib/ctr"),
        ".declaration\nlab-one\nlab-short\n"
    );

    a_switch_that_was_cut_short_is_ended(&host, base, &seen);
}

/// Some files are given already, the directory itself is not, and the declaration has changed back.
fn a_switch_that_was_cut_short_is_ended(host: &Host, base: u32, seen: &str) {
    host.ok("ctr lab stop one && systemctl stop ctrd");
    host.ok(&format!(
        "cd /var/lib/ctr && touch .giving-lab-one && chown {base}:{base} .giving-lab-one && \
         chown --no-dereference 0:0 lab-one/upper/root/mine lab-one/upper/root/link lab-one/upper/root"
    ));
    host.ok("systemctl start ctrd && ctr lab start one");
    assert_eq!(in_guest(host, LOOK), seen);
    assert_eq!(owners(host), format!("{base} {} ", base + 33));
    assert_eq!(
        host.ok("ls -A /var/lib/ctr"),
        ".declaration\nlab-one\nlab-short\n"
    );
}
