//! Whose rules these are, by the names that programs give to their tables and chains.

use super::listing::{Ruleset, TableId};
use super::walk::Blame;

/// Who wrote a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Docker,
    Nixos,
    Ufw,
    Firewalld,
    Kubernetes,
    Libvirt,
    /// Known by name, and with nothing particular to do about it.
    Other(&'static str),
    /// Written by hand, for what its table tells.
    Nobody,
}

/// Chains of iptables' shared tables, by how their names start.
const CHAINS: [(&str, Owner); 21] = [
    ("DOCKER", Owner::Docker),
    ("nixos-fw", Owner::Nixos),
    ("nixos-filter-forward", Owner::Nixos),
    ("ufw-", Owner::Ufw),
    ("ufw6-", Owner::Ufw),
    ("KUBE-ROUTER", Owner::Kubernetes),
    ("KUBE-", Owner::Kubernetes),
    ("FLANNEL", Owner::Kubernetes),
    ("cali-", Owner::Other("Calico")),
    ("CILIUM", Owner::Other("Cilium")),
    ("CNI-", Owner::Other("a CNI plugin")),
    ("LIBVIRT", Owner::Libvirt),
    ("NETAVARK", Owner::Other("Podman")),
    ("ts-", Owner::Other("Tailscale")),
    ("f2b-", Owner::Other("fail2ban")),
    ("FORWARD_direct", Owner::Firewalld),
    ("FWD_", Owner::Firewalld),
    ("IN_", Owner::Firewalld),
    ("fw4", Owner::Other("OpenWrt's firewall")),
    ("sshguard", Owner::Other("sshguard")),
    ("WEAVE", Owner::Other("Weave")),
];

/// Tables that one program has for itself, by how their names start.
const TABLES: [(&str, Owner); 10] = [
    ("nixos-fw", Owner::Nixos),
    ("firewalld", Owner::Firewalld),
    ("docker-bridges", Owner::Docker),
    ("kube-proxy", Owner::Kubernetes),
    ("kube-router", Owner::Kubernetes),
    ("libvirt", Owner::Libvirt),
    ("netavark", Owner::Other("Podman")),
    ("nm-", Owner::Other("NetworkManager")),
    ("incus", Owner::Other("Incus")),
    ("lxd", Owner::Other("LXD")),
];

/// Programs that set the policy of one of iptables' base chains, by a chain that shows that they are there.
const POLICIES: [(&str, &str, Owner); 4] = [
    ("INPUT", "ufw-", Owner::Ufw),
    ("FORWARD", "ufw-", Owner::Ufw),
    ("OUTPUT", "ufw-", Owner::Ufw),
    ("FORWARD", "DOCKER-", Owner::Docker),
];

/// Whose rule, or policy, this is.
pub(super) fn owner(ruleset: &Ruleset, blame: &Blame) -> Owner {
    let table = &blame.chain.table;
    let by = |names: &[(&str, Owner)], name: &str| {
        let found = names.iter().find(|(start, _)| name.starts_with(start));
        found.map(|(_, owner)| *owner)
    };
    if !Ruleset::is_iptables(table, &blame.base.name) {
        return by(&TABLES, &table.name).unwrap_or(Owner::Nobody);
    }
    if let Some(owner) = by(&CHAINS, &blame.chain.name) {
        return owner;
    }
    let sets = |(base, start, _): &&(&str, &str, Owner)| {
        blame.rule.is_none() && blame.base.name == *base && ruleset.has_chain(table, start)
    };
    POLICIES
        .iter()
        .find(sets)
        .map_or(Owner::Nobody, |(.., owner)| *owner)
}

/// Its name in a sentence; the table's where nobody is known.
pub(super) fn name(owner: Owner, table: &TableId) -> String {
    match owner {
        Owner::Docker => "Docker".to_owned(),
        Owner::Nixos => "NixOS's firewall".to_owned(),
        Owner::Ufw => "ufw".to_owned(),
        Owner::Firewalld => "firewalld".to_owned(),
        Owner::Kubernetes => "Kubernetes".to_owned(),
        Owner::Libvirt => "libvirt".to_owned(),
        Owner::Other(name) => name.to_owned(),
        Owner::Nobody => format!("the table {} {}", table.family, table.name),
    }
}
