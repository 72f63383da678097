//! A guest's first process is in no namespace of the host's, and has no more than its kind needs.

use crate::{exec, host, leader};

/// The host's clocks are every guest's.
const SHARED: [&str; 2] = ["time", "time_for_children"];

#[test]
fn a_guest_shares_no_namespace_with_the_host() {
    let host = host();
    let same = |guest: &str| {
        let first = leader(&host, guest);
        let script = format!(
            "cd /proc/{first}/ns && for it in *; do \
             test \"$(readlink $it)\" = \"$(readlink /proc/1/ns/$it)\" && echo $it; done; true"
        );
        let same = host.ok(&script);
        let same: Vec<String> = same.split_whitespace().map(str::to_owned).collect();
        assert!(host.ok(&format!("ls /proc/{first}/ns | wc -l")).trim() != "0");
        same
    };
    assert_eq!(same("boots"), SHARED);
    assert_eq!(same("sleeps"), SHARED);
    // With the host's users it has the host's users.
    assert_eq!(same("strong"), ["time", "time_for_children", "user"]);
}

#[test]
fn a_guest_and_a_session_in_it_have_what_the_declaration_says() {
    let host = host();
    for (guest, capabilities, privileges) in [
        ("boots", "00000000a0ec81ff", "0"),
        ("sleeps", "00000000a00401fb", "1"),
        ("strong", "00000000200435fb", "1"),
    ] {
        let first = leader(&host, guest);
        let of_first = host.ok(&format!(
            "grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp_filters):' /proc/{first}/status"
        ));
        assert!(
            of_first.contains(&format!("CapBnd:\t{capabilities}\n")),
            "{guest}: {of_first}"
        );
        assert!(
            of_first.contains(&format!("CapEff:\t{capabilities}\n")),
            "{guest}: {of_first}"
        );
        assert!(
            of_first.contains(&format!("NoNewPrivs:\t{privileges}\n")),
            "{guest}: {of_first}"
        );
        let script = "grep -E '^(CapBnd|CapEff|NoNewPrivs|Seccomp_filters):' /proc/self/status";
        assert_eq!(exec(&host, guest, script).stdout, of_first, "{guest}");
    }
}

#[test]
fn what_boots_is_not_hindered() {
    let host = host();
    host.until(
        "ctr red exec boots -- systemctl is-system-running | grep -x running",
        crate::PATIENCE,
    );
    assert_eq!(
        exec(&host, "boots", "systemctl --failed --no-legend").stdout,
        ""
    );
    // su needs a setuid program's rights, audit and a login's session.
    assert!(exec(&host, "boots", "su -s /bin/sh nobody -c true").success());
    let nodes = exec(
        &host,
        "boots",
        "cd /dev && find . -type c -o -type b | sort | xargs",
    )
    .stdout;
    assert_eq!(
        nodes.trim(),
        "./full ./net/tun ./null ./pts/0 ./pts/ptmx ./random ./tty ./urandom ./zero"
    );
}
