//! However early a session is opened, it is confined as its guest stays: it never gets what
//! systemd-nspawn still has while it sets the guest up.

use ctr_lab::Host;

use crate::PATIENCE;

/// Enough to hit a moment that one session of a few hits.
const ROUNDS: u32 = 15;

/// Opens a session as soon as there is something to open one in, and compares it with what the
/// guest's first process is once it runs.
const ROUND: &str = r#"
set -u; guest=$1
look() { grep -E '^(CapBnd|NoNewPrivs|Seccomp|Seccomp_filters):' "$1"; }
for round in $(seq $2); do
    ctr lab stop $guest && ctr lab start --no-wait $guest || exit 1
    until session=$(ctr lab exec $guest -- cat /proc/self/status 2>/tmp/refused); do
        # There is no session in what does not run yet, and no other reason against one.
        grep -q 'does not run, it is starting' /tmp/refused || { cat /tmp/refused >&2; exit 1; }
    done
    ctr lab wait $guest --timeout 40s || exit 1
    echo "$session" >/tmp/session
    leader=/proc/$(machinectl show lab-$guest -p Leader --value)/status
    diff <(look /tmp/session) <(look $leader) >&2 || exit 1
done
look $leader
"#;

#[test]
fn a_session_is_confined_like_its_guest_from_the_first_moment() {
    let tree = "root = { tree = \"/var/lib/machines/debian\" }";
    let command = "command = [\"/usr/bin/sleep\", \"infinity\"]";
    let guests = [
        ("own", command.to_owned()),
        ("host", format!("{command}\nusers = \"host\"")),
        ("user", format!("{command}\nuser = \"www-data\"")),
        ("boots", String::new()),
    ];
    let declared = guests.iter().enumerate().map(|(place, (name, keys))| {
        let address = format!("address = \"10.77.4.{}\"", 11 + place);
        format!("\n[groups.lab.containers.{name}]\n{address}\n{tree}\n{keys}\n")
    });
    let group = "[groups.lab]\nsubnet = \"10.77.4.0/24\"\nhost-address = \"10.77.4.10\"\n";
    let host = Host::with_ctr(&format!(
        "schema = 1\n\n{group}{}",
        declared.collect::<String>()
    ));
    host.write("/tmp/round", ROUND);
    for (name, _) in &guests {
        // A boot takes longer, and its first process is more than one program one after the other.
        let rounds = if *name == "boots" { ROUNDS / 3 } else { ROUNDS };
        let rounds = rounds.to_string();
        let looked = host
            .command(["bash", "/tmp/round", name, &rounds])
            .timeout(4 * PATIENCE)
            .output()
            .expect("bash ran");
        assert!(looked.success(), "{name}: {looked:#?}");
        // The control: what is compared is a confinement.
        let expected = if *name == "boots" { "0" } else { "1" };
        let words: Vec<&str> = looked.stdout.split_ascii_whitespace().collect();
        assert_eq!(words[2..5], ["NoNewPrivs:", expected, "Seccomp:"], "{name}");
        assert_ne!(words[1], "000001ffffffffff", "{name}");
    }
}
