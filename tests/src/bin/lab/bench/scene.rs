//! What a case needs: a declaration, the pieces of work, and who does them.

use std::fmt::Write;

use crate::bench::figures::Unit;
use crate::bench::plan::Contender;

/// A directory of the host that every guest has at [`READY`], on a file system of its own: the host's root is an
/// overlay, which can hold neither another nor a bind for users of another range.
const SHARED: &str = "/srv/bench/ready";
/// Where a guest has it.
const READY: &str = "/ready";
/// The tree that all guests are made of.
pub(crate) const TREE: &str = "/var/lib/machines/debian";

/// Bash, on each host before anything else.
pub(crate) const PREPARE_HOST: &str = "mkdir -p /srv/bench
mount -t tmpfs -o size=4g,mode=755 tmpfs /srv/bench
mkdir -m 755 -p /srv/bench/ready";

/// How many containers a group of a declaration has at most: a /24 has no more places.
const IN_A_GROUP: usize = 200;

/// One case, ready to be played on a host.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    pub(crate) declaration: String,
    /// Bash, on the booted host.
    pub(crate) prepare: String,
    pub(crate) works: Vec<Work>,
    pub(crate) contenders: Vec<Contender>,
    /// The name of a recorded machine, whose devices its ctrd finds.
    pub(crate) hardware: Option<&'static str>,
}

/// A piece of work.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) name: String,
    pub(crate) unit: Unit,
}

impl Work {
    pub(crate) fn new(name: impl Into<String>, unit: Unit) -> Self {
        let name = name.into();
        Self { name, unit }
    }

    pub(crate) fn seconds(name: impl Into<String>) -> Self {
        Self::new(name, Unit::Seconds)
    }
}

/// What the containers of a declaration are, all of them alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It boots when somebody starts it.
    Boots,
    /// It boots with the host.
    BootsByItself,
    /// It runs one command, which sends a line and sleeps, when somebody starts it.
    Sends,
    /// It runs one command, which sleeps.
    Sleeps,
    /// It is declared, and runs its command only when somebody starts it.
    Rests,
    /// It runs one command, which takes connections on port 8080.
    Listens,
    /// It runs one command, which measures throughput on port 5201.
    MeasuresThroughput,
}

impl Kind {
    /// What a single process is, as words of a shell.
    pub(crate) fn command(self) -> &'static [&'static str] {
        match self {
            Self::Boots | Self::BootsByItself => &[],
            Self::Sends => &["/bin/sh", "-c", SEND],
            Self::Sleeps | Self::Rests => &["/usr/bin/sleep", "infinity"],
            Self::Listens => &["/usr/bin/nc", "-l", "-k", "8080"],
            Self::MeasuresThroughput => &["/usr/bin/iperf3", "--server"],
        }
    }

    fn keys(self) -> String {
        let mut keys = match self {
            Self::Boots | Self::Sends | Self::Rests => "autostart = false\n".to_owned(),
            _ => "autostart = true\n".to_owned(),
        };
        if !self.command().is_empty() {
            let _ = writeln!(keys, "command = {:?}", self.command());
        }
        if self == Self::Sends {
            let _ = writeln!(
                keys,
                "binds = [{{ host = \"{SHARED}\", guest = \"{READY}\", host-owner = \"root\" }}]"
            );
        }
        keys
    }

    /// The port that is declared and published from the beginning.
    fn port(self) -> u16 {
        if self == Self::MeasuresThroughput {
            5201
        } else {
            80
        }
    }
}

/// Sends a line, which says that the process runs, and goes on.
const SEND: &str = "echo > /ready/line; exec sleep infinity";

/// The same directory for others, as `HOST:GUEST`.
pub(crate) fn shared() -> String {
    format!("{SHARED}:{READY}")
}

/// So many containers `c0`, `c1` and so on, in groups `g0`, `g1` of two hundred at most, each with a published port.
pub(crate) fn containers(count: usize, kind: Kind) -> String {
    let mut text = "schema = 1\n".to_owned();
    for number in 0..count {
        let (group, place) = (number / IN_A_GROUP, number % IN_A_GROUP + 11);
        if number % IN_A_GROUP == 0 {
            let _ = write!(
                text,
                "\n[groups.g{group}]\nsubnet = \"10.77.{group}.0/24\"\nhost-address = \"10.77.{group}.1\"\n"
            );
        }
        let _ = write!(
            text,
            "\n[groups.g{group}.containers.c{number}]\naddress = \"10.77.{group}.{place}\"\n\
             root = {{ tree = \"{TREE}\" }}\n{}\
             ports = [{{ port = {}, publish = {{ host-port = {} }} }}]\n",
            kind.keys(),
            kind.port(),
            20_000 + number
        );
    }
    text
}

/// The same with one more published port of the last container.
pub(crate) fn with_port(declaration: &str, port: u16) -> String {
    let last = declaration.rfind("ports = [").unwrap_or_default();
    let (before, ports) = declaration.split_at(last);
    let one_more = format!("ports = [{{ port = 8080, publish = {{ host-port = {port} }} }}, ");
    format!("{before}{}", ports.replacen("ports = [", &one_more, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_port_is_the_last_containers() {
        let before = containers(2, Kind::Sleeps);
        let after = with_port(&before, 30_000);
        let changed: Vec<&str> = after
            .lines()
            .filter(|line| !before.contains(line))
            .collect();
        let both = "ports = [{ port = 8080, publish = { host-port = 30000 } }, \
                    { port = 80, publish = { host-port = 20001 } }]";
        assert_eq!(changed, [both]);
    }

    #[test]
    fn every_container_has_an_address_of_its_own() {
        let text = containers(201, Kind::Rests);
        let addresses = text.lines().filter(|line| line.starts_with("address"));
        let mut addresses: Vec<&str> = addresses.collect();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 201);
        assert!(text.contains("[groups.g1.containers.c200]"));
    }
}
