//! Guests know each other by name: their own group's by any name, other groups' only with the group.
//! A guest that runs learns the names of what is declared later.

use ctr_lab::Host;

use crate::talk::{SOON, answering, answers_to, apply, boot, declaration, group, leader};

#[test]
fn names_resolve_between_containers() {
    let declared = declaration(&[
        &group("red", 1, ""),
        &answering("red/one", "10.77.1.11", ""),
        &answering("red/two", "10.77.1.12", "aliases = [\"zwei\"]"),
        &group("blue", 2, ""),
        &answering("blue/one", "10.77.2.11", ""),
        &answering("blue/web", "10.77.2.12", "aliases = [\"www\"]"),
    ]);
    let host = boot(&declared);
    let expected = [
        ("localhost", "127.0.0.1"),
        ("one", "10.77.1.11"),
        ("two", "10.77.1.12"),
        ("red-two", "10.77.1.12"),
        ("two.red", "10.77.1.12"),
        ("zwei", "10.77.1.12"),
        ("zwei.red", "10.77.1.12"),
        ("host.red", "10.77.1.1"),
        ("one.blue", "10.77.2.11"),
        ("web.blue", "10.77.2.12"),
        ("www.blue", "10.77.2.12"),
        ("web", "unknown"),
        ("www", "unknown"),
        ("blue-web", "unknown"),
        ("host.blue", "unknown"),
        ("three", "unknown"),
    ];
    for (name, address) in expected {
        assert_eq!(address_of(&host, "red", "one", name), address, "{name}");
    }
    // The bare name is the own group's, whatever other groups call theirs.
    assert_eq!(address_of(&host, "blue", "web", "one"), "10.77.2.11");
    assert_eq!(address_of(&host, "blue", "web", "one.red"), "10.77.1.11");
    let named = answers_to(&host, "red/one", &["tcp/two/8080", "ping/zwei.red"]);
    assert_eq!(named, ["red/two sees 10.77.1.11", "pong"]);

    let before = leader(&host, "red-one");
    // A program that keeps the file open reads what is new as well: it is the same file.
    let inode = "ctr red exec one -- stat -c %i /etc/hosts";
    let file = host.ok(inode);
    let three = answering("red/three", "10.77.1.13", "aliases = [\"drei\"]");
    apply(&host, &format!("{declared}{three}"));
    for name in ["three", "drei", "three.red"] {
        assert_eq!(
            address_of(&host, "red", "one", name),
            "10.77.1.13",
            "{name}"
        );
    }
    assert_eq!(address_of(&host, "blue", "web", "drei.red"), "10.77.1.13");
    assert_eq!(host.ok(inode), file);
    host.until("ctr red exec one -- nc -z three 8080", SOON);

    // And forgets what is not declared any more.
    apply(&host, &declared);
    assert_eq!(address_of(&host, "red", "one", "three"), "unknown");
    assert_eq!(address_of(&host, "red", "one", "two"), "10.77.1.12");
    assert_eq!(leader(&host, "red-one"), before);
}

#[track_caller]
fn address_of(host: &Host, group: &str, guest: &str, name: &str) -> String {
    let output = host.run(&format!(
        "ctr {group} exec {guest} -- getent ahostsv4 {name}"
    ));
    match output.stdout.split_whitespace().next() {
        Some(address) if output.success() => address.to_owned(),
        // getent: "one or more supplied keys could not be found".
        _ if output.status == 2 => "unknown".to_owned(),
        _ => panic!("{output:?}"),
    }
}
