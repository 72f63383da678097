//! The containers that the scenarios are about.

/// A declaration with these groups.
pub(crate) fn declaration(groups: &[String]) -> String {
    format!("schema = 1\n{}", groups.concat())
}

/// A group on 10.77.`net`.0/24 with these containers.
pub(crate) fn group(name: &str, net: u8, containers: &[String]) -> String {
    let containers: String = containers
        .iter()
        .map(|it| it.replace("GROUP", name).replace("NET", &net.to_string()))
        .collect();
    format!(
        "\n[groups.{name}]\nsubnet = \"10.77.{net}.0/24\"\nhost-address = \"10.77.{net}.10\"\n{containers}"
    )
}

/// A container on the shared tree that sleeps, with these keys besides.
pub(crate) fn sleeper(name: &str, place: u8, keys: &str) -> String {
    format!(
        "\n[groups.GROUP.containers.{name}]\naddress = \"10.77.NET.{place}\"\n\
         root = {{ tree = \"/var/lib/machines/debian\" }}\n\
         command = [\"/usr/bin/sleep\", \"infinity\"]\nrestart = {{ delay = \"100ms\" }}\n{keys}\n"
    )
}

/// A container on the shared tree that boots.
pub(crate) fn booted(name: &str, place: u8, keys: &str) -> String {
    format!(
        "\n[groups.GROUP.containers.{name}]\naddress = \"10.77.NET.{place}\"\n\
         root = {{ tree = \"/var/lib/machines/debian\" }}\nautostart = true\n\
         restart = {{ delay = \"100ms\" }}\n{keys}\n"
    )
}

/// A container that boots this system of the stand-in for NixOS (`../nixos-store.sh`).
pub(crate) fn nixos(name: &str, place: u8, system: &str) -> String {
    let libraries = "/nix/store/aaaa-debian/usr/lib/x86_64-linux-gnu";
    let keys = format!("environment = {{ LD_LIBRARY_PATH = \"{libraries}\" }}\n");
    booted(name, place, &keys).replace(
        "tree = \"/var/lib/machines/debian\"",
        &format!("nixos = \"/nix/store/{system}-nixos-system-web\""),
    )
}

/// A container that boots and is never ready; it starts only when asked.
pub(crate) fn slow(name: &str, place: u8) -> String {
    let unit = "[Unit]\\nBefore=multi-user.target\\n[Service]\\nType=oneshot\\nExecStart=/usr/bin/sleep infinity\\n";
    let keys = format!(
        "enable = [\"slow.service\"]\nfiles.\"/etc/systemd/system/slow.service\" = {{ text = \"{unit}\" }}"
    );
    booted(name, place, &keys).replace("autostart = true\n", "")
}

/// What a guest that boots writes, in its layer.
pub(crate) const BOOTS: &str = "/var/lib/ctr/lab-web/(upper|work)";

/// The one that nothing may happen to.
pub(crate) fn bystander() -> String {
    sleeper(
        "by",
        99,
        "autostart = true\nports = [{ port = 9, publish = { host-port = 18009 } }]",
    )
}

/// Of everything that a start makes, one.
pub(crate) const EVERYTHING: &str = "autostart = true
ports = [{ port = 8080, publish = { host-port = 18080 } }]
binds = [
    { host = \"/srv/crash/shared\", guest = \"/srv/shared\", read-only = true },
    { host = \"/srv/crash/made/deep\", guest = \"/srv/made\", create = true },
]
files.\"/etc/motd\" = { text = \"hello\\n\" }
credentials = { token = { generate = true }, password = \"/etc/crash-secret\" }
limits = { tasks-max = 200 }";
