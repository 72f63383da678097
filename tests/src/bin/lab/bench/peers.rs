//! What ctr is compared with: how each of them gets a guest of the same tree.

use crate::bench::scene::{TREE, shared};

/// Debian packages with them, besides what every host has: systemd-nspawn, machinectl and nft.
pub(crate) const PACKAGES: [&str; 6] = [
    "aardvark-dns",
    "conmon",
    "crun",
    "iperf3",
    "netavark",
    "podman",
];

/// The users of these guests, a range of 65536 as ctrd gives to each of its own.
const USERS: &str = "999948288:65536";

/// Bash that makes a tree with a layer of its own for each of these names, in users of its own: what ctrd makes too,
/// so that no start has to change the owner of every file.
pub(crate) fn trees(names: &[String]) -> String {
    format!(
        "mkdir -p /srv/bench/users
        mountpoint -q /srv/bench/users || mount --bind -o X-mount.idmap=0:{USERS} {TREE} /srv/bench/users
        for name in {}; do
            layers=/srv/bench/$name
            mkdir -p $layers/upper $layers/work /var/lib/machines/$name
            chown {users}:{users} $layers/upper
            mount -t overlay -o lowerdir=/srv/bench/users,upperdir=$layers/upper,workdir=$layers/work \
                overlay /var/lib/machines/$name
        done\n",
        names.join(" "),
        users = USERS.split(':').next().unwrap_or_default(),
    )
}

/// Bash that tells systemd-nspawn@.service how these guests are started: as ctrd does, READY is the guest's own, and
/// its users are a range.
pub(crate) fn nspawn_files(names: &[String]) -> String {
    format!(
        "mkdir -p /etc/systemd/nspawn
        for name in {}; do
            printf '[Exec]\\nBoot=yes\\nNotifyReady=yes\\nPrivateUsers={USERS}\\n[Files]\\nPrivateUsersOwnership=off\\n' \
                >/etc/systemd/nspawn/$name.nspawn
        done\n",
        names.join(" "),
    )
}

/// `systemd-nspawn` of the tree `name`, with what all have: users of its own, and no talk.
pub(crate) fn nspawn(name: &str, more: &str) -> String {
    format!(
        "systemd-nspawn --quiet --machine={name} --directory=/var/lib/machines/{name} --settings=no \
         --private-users={USERS} --private-users-ownership=off --resolv-conf=off --timezone=off {more}"
    )
}

/// A bind of what guests send their line through.
pub(crate) fn nspawn_shared() -> String {
    format!("--bind={}", shared())
}

/// Bash that makes a network namespace with an address, connected to the host.
pub(crate) fn namespace(name: &str) -> String {
    format!(
        "ip netns add {name}
        ip link add ve-{name} type veth peer name host0 netns {name}
        ip address add 10.66.0.1/24 dev ve-{name}
        ip link set ve-{name} up
        ip -n {name} address add 10.66.0.2/24 dev host0
        ip -n {name} link set lo up
        ip -n {name} link set host0 up
        ip -n {name} route add default via 10.66.0.1\n"
    )
}

/// Bash that gives podman a place for what it keeps: its layers cannot be on the host's root, which is an overlay.
pub(crate) fn podman_storage() -> String {
    "mkdir -p /var/lib/containers
    mountpoint -q /var/lib/containers || mount -t tmpfs -o size=2g tmpfs /var/lib/containers\n"
        .to_owned()
}

/// The arguments of `podman create` and `podman run` up to the command: the same tree with a layer of its own. Where
/// the kernel gives cgroup2 no controller for processes, crun would not start anything with a bound on them.
pub(crate) fn podman_options(name: &str, more: &str) -> String {
    let volume = format!("--volume {}", shared());
    format!("--name {name} --pids-limit=0 {volume} {more} --rootfs {TREE}:O")
}
