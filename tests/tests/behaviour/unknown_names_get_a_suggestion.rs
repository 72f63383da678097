//! A wrong word says which words there are and which is meant, and does nothing.

use ctr_lab::Host;

use crate::guests::{lab, running, sleeper};

#[test]
fn unknown_names_get_a_suggestion() {
    let actions =
        "aliases = [\"pg\"]\nactions.greet = { command = [\"/usr/bin/echo\", \"hello\"] }\n";
    let host = Host::with_ctr(&lab(&[
        sleeper("postgres", 11, actions),
        sleeper("web", 12, ""),
    ]));
    let leaders = running(&host, &["postgres", "web"]);
    for (typed, status, said) in [
        ("lab stop postgre", 4, "did you mean `postgres`?"),
        ("lab stop web postgre", 4, "did you mean `postgres`?"),
        ("lab status nonsense", 4, "postgres, web"),
        ("lba status", 4, "lab"),
        ("stauts", 4, "did you mean `ctr status`?"),
        ("stop web", 2, "did you mean `ctr lab stop web`?"),
        ("lab stop", 2, "stop-all"),
        ("lab strat web", 2, "start"),
        ("lab events", 2, "`ctr events`"),
        ("lab run postgres gret", 125, "greet"),
        ("lab enter postgre", 125, "postgres"),
        ("status --jsn", 2, "--json"),
    ] {
        let output = host.fails(&format!("ctr {typed} </dev/null"));
        assert_eq!(output.status, status, "ctr {typed}: {output:#?}");
        assert!(
            output.stderr.contains(said),
            "ctr {typed}: {}",
            output.stderr
        );
        assert_eq!(output.stdout, "", "ctr {typed}");
    }
    assert_eq!(
        running(&host, &["postgres", "web"]),
        leaders,
        "a wrong word did something"
    );
    // The other words that a container answers to.
    for name in ["postgres", "pg", "lab-postgres"] {
        let output = host.ok(&format!("ctr lab run {name} greet you"));
        assert_eq!(output, "hello you\n", "{name}");
    }
}
