//! Whoever can write the declaration is root, so ctrd takes it from nobody else.

use ctr_lab::Host;

use crate::guests::{host_status, lab, running, sleeper};

const FILE: &str = "/etc/ctr/containers.toml";

#[test]
fn the_declaration_is_roots_alone() {
    let host = Host::with_ctr(&lab(&[sleeper("one", 11, "")]));
    let leaders = running(&host, &["one"]);
    host.write(FILE, lab(&[sleeper("one", 11, ""), sleeper("two", 12, "")]));
    host.ok("useradd --no-create-home alice");
    let alice = host.ok("id --user alice").trim().to_owned();
    let group = host.ok("id --group alice").trim().to_owned();
    let distrusted = [
        (
            format!("chown alice {FILE}"),
            format!("{FILE} belongs to user {alice}, not to root"),
        ),
        (
            format!("chmod 0666 {FILE}"),
            format!("everybody can write to {FILE}"),
        ),
        (
            format!("chgrp alice {FILE} && chmod 0664 {FILE}"),
            format!("group {group} can write to {FILE}"),
        ),
        (
            "chmod 0777 /etc/ctr".to_owned(),
            "everybody can write to /etc/ctr".to_owned(),
        ),
        (
            // The link is root's, and what it leads to is not.
            format!(
                "mv {FILE} /home/real.toml && ln -s /home/real.toml {FILE} && chown alice /home"
            ),
            format!("/home belongs to user {alice}, not to root"),
        ),
    ];
    for (how, why) in distrusted {
        host.ok(&how);
        let refused = host.fails("ctr apply");
        assert_eq!(refused.status, 1, "{refused:#?}");
        assert!(refused.stderr.contains(&why), "{why}: {}", refused.stderr);
        let problems = host_status(&host).declaration.problems;
        assert!(problems[0].message.contains(&why), "{problems:#?}");
        assert_eq!(running(&host, &["one"]), leaders);
        // Everybody may ask what is wrong with it.
        host.ok(&format!("ctr check {FILE}"));
        // What the hint says is enough.
        let hint = problems[0].hint.clone().expect("a hint");
        let (mend, then) = hint.split_once(", then ").expect("two commands");
        assert_eq!(then, "`ctr apply`");
        host.ok(mend);
    }
    host.ok("ctr apply");
    running(&host, &["one", "two"]);
    assert!(host_status(&host).declaration.problems.is_empty());
}
