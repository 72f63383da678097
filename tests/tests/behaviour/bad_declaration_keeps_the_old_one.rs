//! A declaration that is wrong is refused with every reason, and what ran before runs on.

use ctr_lab::Host;

use crate::guests::{PATIENCE, host_status, lab, running, sleeper};

const FILE: &str = "/etc/ctr/containers.toml";

#[test]
fn bad_declaration_keeps_the_old_one() {
    let good = lab(&[sleeper("one", 11, ""), sleeper("two", 12, "")]);
    let host = Host::with_ctr(&good);
    let leaders = running(&host, &["one", "two"]);
    let half = &good[..good.find("\"/var/lib").expect("it has a root") + 8];
    let lines = good.lines().count() + 1;
    let wrong = [
        (
            "[groups.lab\n".to_owned(),
            "containers.toml:1:12".to_owned(),
            "unclosed table",
        ),
        (
            format!("{good}adress = \"x\"\n"),
            format!("containers.toml:{lines}:1"),
            "did you mean `address`",
        ),
        (
            half.to_owned(),
            "containers.toml:10:".to_owned(),
            "this is not TOML",
        ),
        (
            good.replace("10.77.3.12", "10.77.4.12"),
            ":15:11".to_owned(),
            "10.77.4.12 is not in the subnet",
        ),
        (
            "\u{0}\u{1}\n".to_owned(),
            "containers.toml:1:1".to_owned(),
            "error:",
        ),
        (String::new(), "containers.toml:1:1".to_owned(), "schema"),
    ];
    for (text, place, sentence) in wrong {
        host.write(FILE, text.clone());
        refused(&host, &place, sentence);
        assert_eq!(
            running(&host, &["one", "two"]),
            leaders,
            "guests were touched by {text:?}"
        );
    }
    host.ok(&format!("rm {FILE}"));
    refused(&host, FILE, "error:");
    host.ok(&format!("mkdir {FILE}"));
    refused(&host, FILE, "error:");
    host.ok(&format!("rmdir {FILE}"));
    assert_eq!(
        running(&host, &["one", "two"]),
        leaders,
        "guests were touched"
    );

    host.write(FILE, good);
    assert_eq!(host.ok("ctr apply"), "nothing to do\n");
    let declaration = host_status(&host).declaration;
    assert!(
        declaration.problems.is_empty() && !declaration.differs,
        "{declaration:#?}"
    );
    host.ok("systemctl reload ctrd");
    assert_eq!(
        running(&host, &["one", "two"]),
        leaders,
        "guests were touched"
    );
}

/// `ctr apply` and `systemctl reload` fail, with the place and the sentence; the status says so.
fn refused(host: &Host, place: &str, sentence: &str) {
    let output = host.fails("ctr apply");
    assert_eq!(output.status, 1, "{output:#?}");
    assert!(output.stderr.starts_with("error: "), "{output:#?}");
    for part in [place, sentence] {
        assert!(
            output.stderr.contains(part),
            "no {part} in {}",
            output.stderr
        );
    }
    host.fails("systemctl reload ctrd");
    let declaration = host_status(host).declaration;
    assert!(!declaration.problems.is_empty(), "{declaration:#?}");
    assert!(host.run("ctr status").stderr.contains("is refused"));
}

#[test]
fn ctrd_that_starts_with_a_bad_file_leaves_the_guests_alone() {
    let good = lab(&[sleeper("one", 11, "")]);
    let host = Host::with_ctr(&good);
    let leaders = running(&host, &["one"]);
    host.write("/root/good.toml", good.clone());
    for spoil in [format!("echo schema >{FILE}"), format!("rm {FILE}")] {
        host.ok(&format!("{spoil} && systemctl restart ctrd"));
        host.until("ctr status", PATIENCE);
        let status = host_status(&host);
        assert!(!status.declaration.problems.is_empty(), "{status:#?}");
        // A plan waits for its turn, and so for whatever ctrd does on its way up.
        host.ok("ctr plan /root/good.toml");
        host.ok("ping -q -c1 -W2 10.77.3.11 && systemctl is-active ctr-lab-one");
        host.ok(&format!("test -d /proc/{}", leaders[0]));
    }
    host.write(FILE, good);
    host.ok("ctr apply");
    assert_eq!(running(&host, &["one"]), leaders, "the guest was restarted");
}

#[test]
fn check_says_every_problem_at_once() {
    let host = Host::with_ctr("schema = 1\n");
    let good = lab(&[sleeper("one", 11, "")]);
    let bad = good.replace(
        "autostart = true",
        "autostart = 5\nadress = \"x\"\nrestart = { policy = \"sometimes\" }",
    );
    host.write("/root/good.toml", good);
    host.write("/root/bad.toml", bad.replace("10.77.3.11", "10.99.0.1"));
    for check in ["ctrd check", "ctr check"] {
        host.ok(&format!("{check} /root/good.toml"));
        let output = host.fails(&format!("{check} /root/bad.toml"));
        assert_eq!(output.status, 1, "{output:#?}");
        for part in [
            "autostart",
            "adress",
            "sometimes",
            "10.99.0.1",
            "4 problems",
        ] {
            assert!(
                output.stderr.contains(part),
                "no {part} in {}",
                output.stderr
            );
        }
        let missing = host.fails(&format!("{check} /root/none.toml"));
        assert_eq!(missing.status, 1, "{missing:#?}");
        assert!(missing.stderr.contains("/root/none.toml"), "{missing:#?}");
    }
}
