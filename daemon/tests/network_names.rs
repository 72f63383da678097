//! The names a guest can use.

mod network_world;

use ctrd::network::{hosts, read_upstreams, resolv_conf, upstreams};
use network_world::{add, container, dev, ml, model};

#[test]
fn a_guest_knows_its_own_group_by_bare_names_and_others_by_their_group() {
    let mut model = model();
    container(&mut model, "postgres", "dev").aliases = vec!["pg".parse().expect("a name")];
    container(&mut model, "jupyter", "ml").aliases = vec!["notebook".parse().expect("a name")];
    let ollama = container(&mut model, "ollama", "ml").clone();
    assert_eq!(
        hosts(&model, &ollama),
        "127.0.0.1 localhost\n\
         192.168.200.11 ollama ml-ollama ollama.ml\n\
         192.168.200.12 jupyter ml-jupyter jupyter.ml\n\
         192.168.200.12 notebook notebook.ml\n\
         192.168.210.15 postgres.dev\n\
         192.168.210.15 pg.dev\n\
         192.168.200.10 host.ml\n"
    );
}

#[test]
fn a_name_leads_to_one_container_and_bare_names_to_the_own_group() {
    let mut model = model();
    add(&mut model, "dev", "ollama", dev(16), &[]);
    add(&mut model, "ml", "ml-tools", ml(20), &[]);
    // An alias that is somebody's name, and a container that is called like the host.
    container(&mut model, "jupyter", "ml").aliases = vec!["ollama".parse().expect("a name")];
    add(&mut model, "ml", "host", ml(21), &[]);
    let jupyter = container(&mut model, "jupyter", "ml").clone();
    let text = hosts(&model, &jupyter);
    let line = |name: &str| -> Vec<&str> {
        text.lines()
            .filter(|line| line.split(' ').any(|word| word == name))
            .collect()
    };
    assert_eq!(
        line("ollama"),
        ["192.168.200.11 ollama ml-ollama ollama.ml"]
    );
    assert_eq!(line("ollama.dev"), ["192.168.210.16 ollama.dev"]);
    assert_eq!(line("ml-tools"), ["192.168.200.20 ml-tools ml-tools.ml"]);
    assert_eq!(line("host.ml"), ["192.168.200.21 host ml-host host.ml"]);
    assert_eq!(
        text.lines().nth(1),
        Some("192.168.200.12 jupyter ml-jupyter jupyter.ml")
    );
}

#[test]
fn only_servers_that_a_guest_can_reach_are_upstreams() {
    let text = "# by systemd-resolved\nnameserver 127.0.0.53\nnameserver 2606:4700::1111\n\
                nameserver 192.0.2.53\n nameserver  198.51.100.53 \nnameserver 192.0.2.53\n\
                options edns0\nsearch example.org\nnameserver\nnameserver none\n";
    let servers = upstreams(text);
    assert_eq!(
        resolv_conf(&servers),
        "nameserver 192.0.2.53\nnameserver 198.51.100.53\n"
    );
}

#[test]
fn the_first_file_with_a_real_upstream_wins() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let stub = file("stub", "nameserver 127.0.0.53\n");
    let real = file("real", "nameserver 192.0.2.1\n");
    let other = file("other", "nameserver 192.0.2.2\n");
    let missing = directory.path().join("missing");
    let first = |files: &[std::path::PathBuf]| read_upstreams(files).expect("read");
    assert_eq!(
        first(&[missing.clone(), stub.clone(), real, other]),
        ["192.0.2.1"
            .parse::<std::net::Ipv4Addr>()
            .expect("an address")]
    );
    assert!(first(&[missing, stub]).is_empty());
    read_upstreams(&[directory.path().to_owned()]).expect_err("a directory is no answer");
}
