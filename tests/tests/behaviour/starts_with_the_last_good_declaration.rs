//! A host that boots with a broken declaration runs the one before it, and says so.

use ctr_lab::Host;

use crate::guests::{PATIENCE, host_status, lab, running, sleeper};

const FILE: &str = "/etc/ctr/containers.toml";
const KEPT: &str = "/var/lib/ctr/.declaration";

/// What a boot does to ctrd and to guests.
const BOOT: &str =
    "systemctl stop ctrd && systemctl stop 'ctr-lab-*.service' && systemctl start ctrd";

#[test]
fn starts_with_the_last_good_declaration() {
    let first = lab(&[sleeper("one", 11, "")]);
    let good = lab(&[sleeper("one", 11, ""), sleeper("two", 12, "")]);
    let host = Host::with_ctr(&first);
    let before = running(&host, &["one"]);
    host.write(FILE, good.clone());
    host.ok("ctr apply");
    assert_eq!(host.ok(&format!("stat -c '%a %U' {KEPT}")), "600 root\n");
    assert_eq!(host.ok(&format!("cat {KEPT}")), good);

    let half = &good[..good.len() / 2];
    for spoilt in [half, "", "schema = 1\nadress = 2\n"] {
        host.write(FILE, spoilt);
        host.ok(BOOT);
        let now = running(&host, &["one", "two"]);
        assert_ne!(now[0], before[0], "the guest was not started again");
        let declaration = host_status(&host).declaration;
        assert!(!declaration.problems.is_empty(), "{declaration:#?}");
        let told = host.run("ctr status").stderr;
        let sentence = "is refused; what was declared before it stays in force";
        assert!(told.contains(sentence), "{told}");
        host.fails("ctr apply");
        // Not the first one, and not what was refused.
        assert_eq!(host.ok(&format!("cat {KEPT}")), good);
        // A ctrd that is only started again finds them as they are.
        host.ok("systemctl restart ctrd");
        assert_eq!(running(&host, &["one", "two"]), now);
    }

    // A copy that anybody may have written is nobody's word, and without the file there is no word.
    let down = || {
        host.until("ctr status", PATIENCE);
        assert!(host_status(&host).groups.is_empty());
        host.fails("systemctl is-active ctr-lab-one ctr-lab-two");
    };
    host.ok(&format!("chmod 0666 {KEPT} && {BOOT}"));
    down();
    host.ok(&format!("chmod 0600 {KEPT} && rm {FILE} && {BOOT}"));
    down();
    host.write(FILE, half);
    host.ok(BOOT);
    running(&host, &["one", "two"]);

    host.write(FILE, first);
    host.ok("ctr apply");
    assert_eq!(host_status(&host).declaration.problems, []);
    host.ok("ctr down --yes");
    host.fails(&format!("test -e {KEPT}"));
    host.write(FILE, half);
    host.ok(BOOT);
    down();
}
