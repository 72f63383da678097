//! A ctrd that would start guests with other words takes the place of the one that started them: what
//! is declared counts, so nothing is restarted. A restart by hand has the new words.

use ctr_lab::{Host, program_for_tests};

use crate::guests::{booted, lab, number, property, running, sleeper};

const UNITS: [&str; 2] = ["ctr-lab-boots", "ctr-lab-sleeps"];

#[test]
fn an_upgrade_restarts_nothing() {
    let another = program_for_tests("another_build").expect("it is built");
    let port = "ports = [{ port = 80, publish = { host-port = 18080 } }]\n";
    let host = Host::with_ctr(&lab(&[
        booted("boots", 11, ""),
        sleeper("sleeps", 12, port),
    ]));
    let names = ["boots", "sleeps"];
    let leaders = running(&host, &names);
    let words = UNITS.map(|unit| property(&host, unit, "ExecStart"));
    let first = number(&host, "ctrd", "MainPID");

    let program = std::fs::read(another).expect("the program");
    host.write("/usr/bin/ctrd.new", program);
    host.ok("mkdir -p /usr/lib/another && ln -s /usr/bin/systemd-nspawn /usr/lib/another/");
    host.ok("chmod +x /usr/bin/ctrd.new && mv /usr/bin/ctrd.new /usr/bin/ctrd");
    host.ok("systemctl restart ctrd");
    assert_ne!(number(&host, "ctrd", "MainPID"), first);
    assert_eq!(running(&host, &names), leaders, "a guest was restarted");
    assert_eq!(UNITS.map(|unit| property(&host, unit, "ExecStart")), words);
    assert_eq!(host.ok("ctr plan"), "2 nothing\n");
    assert_eq!(host.run("ctr plan --exit-code").status, 0);
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
    assert_eq!(running(&host, &names), leaders, "a guest was restarted");
    host.ok("ctr lab exec boots -- true && ctr lab exec sleeps -- true");

    // It is another program, and its words are there with the next start.
    host.ok("ctr lab restart boots sleeps --timeout 40s");
    let now = running(&host, &names);
    assert!(now[0] != leaders[0] && now[1] != leaders[1]);
    for (unit, old) in UNITS.iter().zip(&words) {
        let new = property(&host, unit, "ExecStart");
        assert!(
            new.contains("path=/usr/lib/another/systemd-nspawn"),
            "{new}"
        );
        assert!(!old.contains("/usr/lib/another"), "{old}");
    }
    let journal = "--bind=/var/log/journal";
    assert!(words[0].contains(journal), "{}", words[0]);
    assert!(!property(&host, UNITS[0], "ExecStart").contains(journal));
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
}
