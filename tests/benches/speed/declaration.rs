//! Declarations of any size.

use std::fmt::Write;

/// How many containers a group of these declarations has at most: a /24 has no more places.
const IN_A_GROUP: usize = 200;

/// What a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It runs one command, which sleeps.
    Sleeps,
    /// It is declared, and runs its command only when somebody starts it.
    Rests,
    /// It boots when somebody starts it.
    BootsLater,
}

/// So many containers, in groups of two hundred at most.
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
        let keys = match kind {
            Kind::Sleeps => "autostart = true\ncommand = [\"/usr/bin/sleep\", \"infinity\"]\n",
            Kind::Rests => "autostart = false\ncommand = [\"/usr/bin/sleep\", \"infinity\"]\n",
            Kind::BootsLater => "autostart = false\n",
        };
        let _ = write!(
            text,
            "\n[groups.g{group}.containers.c{number}]\naddress = \"10.77.{group}.{place}\"\n\
             root = {{ tree = \"/var/lib/machines/debian\" }}\n{keys}\
             ports = [{{ port = 80, publish = {{ host-port = {} }} }}]\n",
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
