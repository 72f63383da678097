//! On a host without polkit every user may look, as its defaults would let them, and nothing more.
//! Where polkit is installed and fails, nobody may but root.

use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, running, sleeper};

const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";
const SERVICE: &str = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service";

#[test]
fn everybody_looks_where_there_is_no_polkit() {
    let host = Host::with_ctr(&lab(&[sleeper("web", 11, "")]));
    let leaders = running(&host, &["web"]);
    let looks = ["status", "lab status web --json", "plan", "aliases"];

    // It cannot start: who might have been refused by a rule of it is refused.
    host.ok("systemctl mask --now polkit");
    for look in looks {
        let refused = host.fails(&format!("{NOBODY} ctr {look}"));
        assert!(
            refused.stderr.contains("may not see containers"),
            "{refused:#?}"
        );
        assert!(refused.stderr.contains("gave no answer"), "{refused:#?}");
    }
    host.ok("systemctl unmask polkit");
    // The control.
    host.ok(&format!("{NOBODY} ctr status"));

    // It is not installed.
    host.ok(&format!("systemctl stop polkit && rm {SERVICE} && busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig"));
    host.until("! busctl status org.freedesktop.PolicyKit1", PATIENCE);
    for look in looks {
        host.ok(&format!("{NOBODY} ctr {look}"));
    }
    for more in ["lab stop web", "apply", "lab logs web", "down --yes"] {
        let refused = host.fails(&format!("{NOBODY} ctr {more}"));
        assert!(
            refused.stderr.contains("not authorised: user 65534"),
            "{refused:#?}"
        );
        assert!(refused.stderr.contains("sudo"), "{refused:#?}");
    }
    host.fails(&format!("{NOBODY} ctr lab exec web -- true"));
    assert_eq!(running(&host, &["web"]), leaders);
    host.ok("ctr lab stop web");
}
