//! The names a guest can use: the text of its `hosts` and `resolv.conf`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use crate::model::{Container, Group, Model};

/// The `hosts(5)` of a container.
///
/// Of its own group it knows every container by its bare name, its machine name, its aliases and
/// each of those with the group (`ollama.ml`); of other groups only with the group. A bare name is
/// the own group's, and a name stands for one address: a container's name before another's alias.
/// The host is `host.<group>`. Whatever this is made of is compared by [`same_names`].
pub fn hosts(model: &Model, container: &Container) -> String {
    let mut taken = BTreeSet::from(["localhost".to_owned()]);
    let mut text = String::from("127.0.0.1 localhost\n");
    let Some(own) = model.groups.get(&container.id.group) else {
        return text;
    };
    let mut line = |address: Ipv4Addr, names: Vec<String>| {
        let names: Vec<_> = names
            .into_iter()
            .filter(|name| taken.insert(name.clone()))
            .collect();
        if !names.is_empty() {
            let _ = writeln!(text, "{address} {}", names.join(" "));
        }
    };
    line(container.address, bare_names(own, container));
    let neighbours = own
        .containers
        .values()
        .filter(|other| other.id != container.id);
    for other in neighbours {
        line(other.address, bare_names(own, other));
    }
    for other in own.containers.values() {
        line(other.address, own_aliases(own, other));
    }
    for group in model.groups.values().filter(|group| group.name != own.name) {
        for other in group.containers.values() {
            line(
                other.address,
                vec![qualified(group, other.id.name.as_str())],
            );
        }
        for other in group.containers.values() {
            let aliases = other
                .aliases
                .iter()
                .map(|alias| qualified(group, alias.as_str()));
            line(other.address, aliases.collect());
        }
    }
    line(own.host_address, vec![qualified(own, "host")]);
    text
}

/// Whether all containers of both have the same names, so that their `hosts(5)` are the same.
pub fn same_names(one: &Model, other: &Model) -> bool {
    let groups = |model: &Model| model.groups.len();
    groups(one) == groups(other)
        && one.groups.values().zip(other.groups.values()).all(|pair| {
            let (one, other) = pair;
            one.name == other.name
                && one.host_address == other.host_address
                && one.containers.len() == other.containers.len()
                && one
                    .containers
                    .values()
                    .zip(other.containers.values())
                    .all(|pair| {
                        let (one, other) = pair;
                        one.id == other.id
                            && one.machine == other.machine
                            && one.address == other.address
                            && one.aliases == other.aliases
                    })
        })
}

fn bare_names(group: &Group, container: &Container) -> Vec<String> {
    let name = container.id.name.as_str();
    vec![
        name.to_owned(),
        container.machine.to_string(),
        qualified(group, name),
    ]
}

fn own_aliases(group: &Group, container: &Container) -> Vec<String> {
    container
        .aliases
        .iter()
        .flat_map(|alias| [alias.to_string(), qualified(group, alias.as_str())])
        .collect()
}

fn qualified(group: &Group, name: &str) -> String {
    format!("{name}.{}", group.name)
}

/// The `resolv.conf(5)` of a guest that asks `nameservers`.
pub fn resolv_conf(nameservers: &[Ipv4Addr]) -> String {
    nameservers.iter().fold(String::new(), |mut text, server| {
        let _ = writeln!(text, "nameserver {server}");
        text
    })
}

/// The name servers of a `resolv.conf(5)` that a guest can reach: IPv4, and not on the host's own
/// loopback (`127.0.0.53` is the host's systemd-resolved).
pub fn upstreams(text: &str) -> Vec<Ipv4Addr> {
    let mut servers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        if let Some(Ok(IpAddr::V4(server))) = words.next().map(str::parse)
            && !server.is_loopback()
            && !server.is_unspecified()
            && !servers.contains(&server)
        {
            servers.push(server);
        }
    }
    servers
}

/// The host's real name servers: those of the first candidate file that names one a guest can
/// reach; none where no file does. The candidates are `Paths::resolv_conf`.
pub fn read_upstreams(candidates: &[PathBuf]) -> io::Result<Vec<Ipv4Addr>> {
    for file in candidates {
        let servers = match fs::read_to_string(file) {
            Ok(text) => upstreams(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if !servers.is_empty() {
            return Ok(servers);
        }
    }
    Ok(Vec::new())
}
