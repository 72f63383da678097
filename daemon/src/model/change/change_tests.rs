use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Change, Class, Key, Level, changes, group_changes};
use crate::machine::{test_container, test_group};
use crate::model::{
    ActionCommand, Container, CredentialSource, FileContent, Model, Port, Program, Protocol,
    Publish, Reach, Root,
};

fn model(container: Container) -> Model {
    let mut group = test_group();
    group
        .containers
        .insert(container.id.name.clone(), container);
    Model {
        nameservers: None,
        metrics: None,
        load_gpu_modules: true,
        groups: BTreeMap::from([(group.name.clone(), group)]),
    }
}

/// The keys in which `change` makes the container differ.
fn changed(change: impl FnOnce(&mut Container)) -> Vec<String> {
    between(&test_container("hello"), change)
}

fn between(old: &Container, change: impl FnOnce(&mut Container)) -> Vec<String> {
    let mut new = old.clone();
    change(&mut new);
    let found = changes(&model(old.clone()), &model(new), &old.id);
    found.iter().map(ToString::to_string).collect()
}

fn port(publish: Option<u16>) -> Port {
    Port {
        port: 80,
        protocol: Protocol::Tcp,
        url: None,
        token: None,
        publish: publish.map(|host_port| Publish {
            host_port,
            address: None,
        }),
    }
}

#[test]
fn nothing_changed_is_no_key() {
    assert!(changed(|_| {}).is_empty());
}

#[test]
fn keys_are_named_as_they_are_written() {
    assert_eq!(
        changed(|it| it.limits.memory_max = Some(1)),
        ["limits.memory-max"]
    );
    assert_eq!(
        changed(|it| it.restart.delay = Duration::from_secs(9)),
        ["restart.delay"]
    );
    let psql = ActionCommand {
        command: vec!["psql".to_owned()],
        user: None,
        terminal: true,
    };
    assert_eq!(
        changed(|it| drop(it.actions.insert("psql".to_owned(), psql))),
        ["actions.psql"]
    );
    assert_eq!(
        changed(|it| {
            it.description = "x".to_owned();
            it.autostart = !it.autostart;
        }),
        ["description", "autostart"]
    );
}

#[test]
fn a_thing_that_comes_is_named_as_a_whole_and_a_part_of_it_by_itself() {
    assert_eq!(changed(|it| it.ports = vec![port(Some(8080))]), ["ports"]);
    let mut old = test_container("hello");
    old.ports = vec![port(None)];
    assert_eq!(
        between(&old, |it| it.ports = vec![port(Some(8080))]),
        ["ports.publish"]
    );
    assert_eq!(
        between(&old, |it| it.ports[0].url = Some("http".to_owned())),
        ["ports.url"]
    );

    let file = |text: &str| FileContent {
        text: text.to_owned(),
        mode: 0o644,
    };
    assert_eq!(
        changed(|it| drop(it.files.insert("/etc/motd".into(), file("a")))),
        ["files"]
    );
    old.files.insert("/etc/motd".into(), file("a"));
    assert_eq!(
        between(&old, |it| drop(
            it.files.insert("/etc/motd".into(), file("b"))
        )),
        ["files.\"/etc/motd\".text"]
    );
}

#[test]
fn another_kind_of_program_or_root_is_one_key() {
    let boot = Program::Boot {
        enable: Vec::new(),
        environment: BTreeMap::new(),
    };
    assert_eq!(changed(|it| it.program = boot), ["command"]);
    let nixos = |system: &str| Root::Nixos(system.into());
    assert_eq!(changed(|it| it.root = nixos("/nix/store/a")), ["root"]);
    let mut old = test_container("hello");
    old.root = nixos("/nix/store/a");
    assert_eq!(
        between(&old, |it| it.root = nixos("/nix/store/b")),
        ["root.nixos"]
    );
}

#[test]
fn a_credential_comes_or_is_read_from_elsewhere() {
    let db = || "db".parse().expect("a name");
    assert_eq!(
        changed(|it| drop(it.credentials.insert(db(), CredentialSource::Generated))),
        ["credentials.db"]
    );
    let mut old = test_container("hello");
    old.credentials.insert(db(), CredentialSource::Generated);
    let file = CredentialSource::File("/run/secrets/db".into());
    assert_eq!(
        between(&old, |it| drop(it.credentials.insert(db(), file))),
        ["credentials.db.path"]
    );
}

#[test]
fn what_the_host_and_its_group_say_counts_for_a_container() {
    let old = model(test_container("hello"));
    let id = test_container("hello").id;
    let mut new = old.clone();
    new.nameservers = Some(vec!["1.1.1.1".parse().expect("an address")]);
    let group = new.groups.get_mut(&id.group).expect("its group");
    group.host_address = "10.77.3.2".parse().expect("an address");
    group.reach = vec![Reach::Group("dev".parse().expect("a name"))];
    let keys = |found: Vec<Change>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        keys(changes(&old, &new, &id)),
        ["nameservers", "host-address"]
    );
    assert_eq!(
        keys(group_changes(
            &old.groups[&id.group],
            &new.groups[&id.group]
        )),
        ["host-address", "reach"]
    );
}

#[test]
fn a_digest_is_called_after_a_key_of_the_container() {
    assert_eq!(Key::of_digest("address"), Some(Key::Address));
    assert_eq!(Key::of_digest("command"), Some(Key::Command));
    assert_eq!(Key::of_digest("another"), None);
    for key in Key::ALL {
        let on_the_unit = key.digest().is_some();
        let needs_it = matches!(key.class(), Class::Switch | Class::Restart);
        assert_eq!(on_the_unit, needs_it && *key != Key::Credential, "{key:?}");
    }
}

#[test]
fn no_key_is_there_twice() {
    let names: BTreeSet<(Level, &str)> = Key::ALL
        .iter()
        .map(|key| (key.level(), key.name()))
        .collect();
    assert_eq!(names.len(), Key::ALL.len());
}
