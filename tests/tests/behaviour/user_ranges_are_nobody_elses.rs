//! A container's range of users is one that nobody else on the host has, and it stays the same when
//! everything in /run is gone.

use ctr_lab::Host;

use crate::guests::{lab, running, sleeper};

#[test]
fn user_ranges_are_nobody_elses() {
    let host = Host::with_ctr(&lab(&[sleeper("one", 11, ""), sleeper("two", 12, "")]));
    running(&host, &["one", "two"]);
    let base = |name: &str| -> u32 {
        let owner = host.ok(&format!("stat -c %u /var/lib/ctr/lab-{name}"));
        owner.trim().parse().expect("an id")
    };
    let (one, two) = (base("one"), base("two"));
    assert_ne!(one, two);

    // As after a reboot: nothing in /run, ctrd from the start.
    host.ok("ctr down --yes && systemctl stop ctrd && rm -rf /run/ctr && systemctl start ctrd");
    running(&host, &["one", "two"]);
    assert_eq!((base("one"), base("two")), (one, two));

    // Without a range of its own it would take the same one again, unless somebody else has it.
    let again = |meanwhile: &str| {
        host.ok("ctr down --yes && rm -r /var/lib/ctr/lab-one");
        host.ok(meanwhile);
        host.ok("systemctl restart ctrd");
        running(&host, &["one"]);
        base("one")
    };
    assert_eq!(again("true"), one);
    let second = again(&format!("echo someone:{}:1 >>/etc/subuid", one + 65_535));
    assert_ne!(second, one);
    let third = again(&format!("echo someone:{second}:65536 >>/etc/subgid"));
    assert!(third != one && third != second);
    let fourth = again(&format!("useradd --uid {third} someone"));
    assert!(![one, second, third].contains(&fourth));
    let lock =
        format!("mkdir -p /run/systemd/nspawn-uid && touch /run/systemd/nspawn-uid/{fourth}");
    let fifth = again(&lock);
    assert!(![one, second, third, fourth, two].contains(&fifth));
}
