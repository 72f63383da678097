//! What a container said can be read while it is stopped, and when it is declared no more: whether it wrote a
//! journal of its own or only to its console. Several come in the order of time, also while they are followed.

use ctr_lab::Host;

use crate::guests::{PATIENCE, booted, lab, running};

/// What a guest says that keeps no journal stands on its console.
const MUTE: &str = "files.\"/etc/systemd/journald.conf.d/none.conf\" = \
                    { text = \"[Journal]\\nStorage=none\\nForwardToConsole=yes\\n\" }\n";
const SAYS: &str = "command = [\"/bin/sh\", \"-c\", \
                    \"touch /var/said; echo begun; exec tail --lines=0 --follow /var/said\"]\n";

fn declaration(names: &[&str]) -> String {
    let all = [("says", 11, SAYS), ("boots", 12, ""), ("mute", 13, MUTE)];
    let all = all.iter().filter(|(name, ..)| names.contains(name));
    let all: Vec<_> = all
        .map(|(name, place, keys)| booted(name, *place, keys))
        .collect();
    lab(&all)
}

fn speak(host: &Host, name: &str, words: &str) {
    host.ok(&if name == "says" {
        format!("ctr lab exec says -- sh -c 'echo {words} >> /var/said'")
    } else {
        format!("ctr lab exec {name} -- systemd-cat -t inside echo {words}")
    });
}

#[test]
fn logs_outlive_their_container() {
    let host = Host::with_ctr(&declaration(&["says", "boots", "mute"]));
    running(&host, &["says", "boots", "mute"]);
    host.until("ctr lab logs says | grep --quiet begun", PATIENCE);
    in_the_order_of_time(&host);

    speak(&host, "mute", "on the console");
    let heard = "grep --quiet 'on the console'";
    host.until(&format!("ctr lab logs mute | {heard}"), PATIENCE);
    host.fails(
        "ctr lab exec mute -- sh -c 'ls /var/log/journal/*/*.journal /run/log/journal/*/*.journal'",
    );
    host.ok("ctr lab exec boots -- sh -c 'ls /var/log/journal/*/*.journal'");

    host.ok("ctr lab stop-all");
    let last = [
        ("says", "turn-5"),
        ("boots", "turn-6"),
        ("mute", "on the console"),
    ];
    for (name, words) in last {
        host.ok(&format!("ctr lab logs {name} | grep --quiet '{words}'"));
    }

    // One stays, so that there is a group; what the others said is told where to find.
    host.write("/etc/ctr/containers.toml", declaration(&["mute"]));
    host.ok("ctr apply");
    for (name, words) in &last[..2] {
        let output = host.run(&format!("ctr lab logs {name} -n 5"));
        assert_eq!(
            (output.status, output.stdout.as_str()),
            (4, ""),
            "{output:?}"
        );
        let told = output.stderr.lines().find_map(|line| {
            let (said, rest) = line.split_once(" said before is in `")?;
            assert_eq!(said, format!("hint: what lab/{name}"));
            rest.strip_suffix('`')
        });
        let command = told.unwrap_or_else(|| panic!("no command: {output:?}"));
        host.ok(&format!("{command} | grep --quiet '{words}'"));
        host.fails(&format!("{command} | grep --quiet 'on the console'"));
    }
    // Of one that never was there is nothing to be told.
    let output = host.run("ctr lab logs never");
    assert_eq!(output.status, 4);
    assert!(!output.stderr.contains("said before"), "{output:?}");
}

/// One speaks by its unit's output, the other by a journal of its own, in turns.
fn in_the_order_of_time(host: &Host) {
    let _follow =
        host.spawn("exec ctr lab logs says boots --follow --lines=500 > /root/followed 2>&1");
    for number in 1..=6 {
        let name = if number % 2 == 1 { "says" } else { "boots" };
        speak(host, name, &format!("turn-{number}"));
        let heard = format!("grep --quiet 'turn-{number}' /root/followed");
        host.until(&heard, PATIENCE);
    }
    let followed = host.ok("cat /root/followed");
    let once = host.ok("ctr lab logs says boots --lines=500");
    for text in [followed, once] {
        let order: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once("turn-"))
            .map(|(_, number)| number)
            .collect();
        assert_eq!(order, ["1", "2", "3", "4", "5", "6"], "{text}");
    }
}
