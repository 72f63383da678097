//! Guests that answer whoever calls them, and callers on the host, in guests and on the LAN.

use std::time::Duration;

use ctr_lab::{Background, Host, Options};

/// Long enough for anything that is about to happen on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The program of both ends.
pub(crate) const PROGRAM: &str = include_str!("talk.py");

/// A group `10.77.<net>.0/24`, the host at `.1`, with further keys.
pub(crate) fn group(name: &str, net: u8, keys: &str) -> String {
    format!(
        "[groups.{name}]\nsubnet = \"10.77.{net}.0/24\"\nhost-address = \"10.77.{net}.1\"\n{keys}\n"
    )
}

/// A container, `<group>/<name>`, that starts with the host and answers on TCP and UDP at 8080 and
/// 9090, with further keys.
pub(crate) fn answering(id: &str, address: &str, keys: &str) -> String {
    let serve = format!("\"serve\", \"{id}\", \"8080\", \"9090\"");
    running(id, address, &serve, keys)
}

/// A container that starts with the host and runs the program of these tests with these arguments.
pub(crate) fn running(id: &str, address: &str, arguments: &str, keys: &str) -> String {
    let section = id.replace('/', ".containers.");
    format!(
        "[groups.{section}]\naddress = \"{address}\"\nautostart = true\n\
         root = {{ tree = \"/var/lib/machines/debian\" }}\n\
         command = [\"/usr/bin/python3\", \"/srv/talk.py\", {arguments}]\n\
         files.\"/srv/talk.py\" = {{ text = '''{PROGRAM}''' }}\n{keys}\n"
    )
}

/// A whole declaration of groups and containers.
pub(crate) fn declaration<T: AsRef<str>>(parts: &[T]) -> String {
    let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
    format!("schema = 1\n{}", parts.join(""))
}

/// A host with this declaration, all of whose containers run and listen.
#[track_caller]
pub(crate) fn boot(declaration: &str) -> Host {
    let options = Options::new().file("/srv/talk.py", PROGRAM);
    let host = match options.with_ctr(declaration).boot() {
        Ok(host) => host,
        Err(error) => panic!("{error:#}"),
    };
    all_listen(&host);
    host
}

/// Waits until every guest runs, and something listens in its namespace: it does a moment before
/// ctrd has seen that it runs.
#[track_caller]
pub(crate) fn all_listen(host: &Host) {
    host.until(
        "ctr status --json | grep -q . && for namespace in $(ls /run/netns); do
             ip netns exec $namespace ss -Htln | grep -q . || exit 1
         done; declared=$(grep -c ^autostart /etc/ctr/containers.toml)
         test $(ls /run/netns | wc -l) = $declared &&
             test $(ctr status --json | grep -o '\"state\": *\"running\"' | wc -l) = $declared",
        SOON,
    );
}

/// Puts a declaration in place and applies it.
#[track_caller]
pub(crate) fn apply(host: &Host, declaration: &str) -> String {
    host.write("/etc/ctr/containers.toml", declaration);
    host.ok("ctr apply")
}

/// The PID of a container's leader, as systemd and machined know it.
#[track_caller]
pub(crate) fn leader(host: &Host, machine: &str) -> String {
    host.ok(&format!("machinectl show -p Leader --value {machine}"))
}

/// What each target answers the host.
#[track_caller]
pub(crate) fn answers(host: &Host, targets: &[&str]) -> Vec<String> {
    lines(&host.ok(&ask(targets)))
}

/// What each target answers a guest, `<group>/<name>`.
#[track_caller]
pub(crate) fn answers_to(host: &Host, guest: &str, targets: &[&str]) -> Vec<String> {
    let (group, name) = guest.split_once('/').expect("<group>/<name>");
    lines(&host.ok(&format!("ctr {group} exec {name} -- {}", ask(targets))))
}

/// What each target answers the LAN.
#[track_caller]
pub(crate) fn answers_to_lan(host: &Host, targets: &[&str]) -> Vec<String> {
    lines(&host.in_lan(&ask(targets)))
}

/// A server on the host or on the LAN, once it listens.
#[track_caller]
pub(crate) fn serve(host: &Host, on_lan: bool, name: &str, ports: &[&str]) -> Background {
    let serve = format!("python3 /srv/talk.py serve {name} {}", ports.join(" "));
    let server = if on_lan {
        host.spawn_in_lan(&serve)
    } else {
        host.spawn(&serve)
    };
    let address = if on_lan { "192.0.2.1" } else { "127.0.0.1" };
    for port in ports {
        host.until(&format!("nc -z {address} {port}"), SOON);
    }
    server
}

/// The lines that only one of two texts has.
pub(crate) fn difference(before: &str, after: &str) -> Vec<String> {
    let only_in = |one: &str, other: &str, sign: char| {
        let other: Vec<_> = other.lines().collect();
        let lines = one.lines().filter(|line| !other.contains(line));
        lines
            .map(|line| format!("{sign} {line}"))
            .collect::<Vec<_>>()
    };
    [only_in(before, after, '-'), only_in(after, before, '+')].concat()
}

fn ask(targets: &[&str]) -> String {
    format!("python3 /srv/talk.py ask {}", targets.join(" "))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(ToOwned::to_owned).collect()
}
