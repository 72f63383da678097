//! What the owner of a rule adds so that it lets through what is declared.
//!
//! Every interface of ours is in one link group, so one rule for each direction serves all groups for
//! ever. It accepts in that table alone: ctrd's own chains still keep groups apart, and the host and the
//! LAN away from what is not declared.

use super::listing::Ruleset;
use super::owner::Owner;
use super::packet::Hook;
use super::walk::Blame;
use crate::model::Group;

/// What to do, as commands, and what makes it last.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Remedy {
    /// Commands for root, in order; they take effect at once.
    pub(super) commands: Vec<String>,
    /// How it stays so.
    pub(super) lasting: String,
}

/// What to add where `blame` drops packets of `group` at `hook`.
pub(super) fn remedy(
    ruleset: &Ruleset,
    owner: Owner,
    blame: &Blame,
    hook: Hook,
    group: &Group,
    link_group: u32,
) -> Remedy {
    let bridge = &group.bridge;
    if owner == Owner::Firewalld {
        return Remedy {
            commands: vec![
                format!("firewall-cmd --zone=trusted --add-interface={bridge}"),
                format!("firewall-cmd --permanent --zone=trusted --add-interface={bridge}"),
            ],
            lasting: String::new(),
        };
    }
    if owner == Owner::Ufw {
        let commands: &[&str] = match hook {
            Hook::Forward => &["ufw route allow in on", "ufw route allow out on"],
            Hook::Input => &["ufw allow in on"],
            Hook::Output => &["ufw allow out on"],
            Hook::Prerouting | Hook::Postrouting => &[],
        };
        return Remedy {
            commands: commands.iter().map(|it| format!("{it} {bridge}")).collect(),
            lasting: String::new(),
        };
    }
    let (source, destination) = directions(hook);
    if Ruleset::is_iptables(&blame.base.table, &blame.base.name) {
        let chain = accepting_chain(ruleset, owner, blame, hook);
        let accept = if owner == Owner::Nixos && chain == "nixos-fw" {
            "nixos-fw-accept"
        } else {
            "ACCEPT"
        };
        let table = match blame.base.table.name.as_str() {
            "filter" => String::new(),
            table => format!("-t {table} "),
        };
        let command = |side: &str| {
            format!(
                "iptables {table}-I {chain} -m devgroup --{side}-group {link_group:#x} -j {accept}"
            )
        };
        let sides = [("src", source), ("dst", destination)];
        let commands = sides.iter().filter(|(_, is)| *is);
        return Remedy {
            commands: commands.map(|(side, _)| command(side)).collect(),
            lasting: lasting_iptables(owner, hook).to_owned(),
        };
    }
    let table = &blame.base.table;
    let chain = nft_chain(ruleset, owner, blame, hook);
    let command = |key: &str| {
        format!(
            "nft insert rule {} {} {chain} {key} {link_group:#x} accept",
            table.family, table.name
        )
    };
    let sides = [("iifgroup", source), ("oifgroup", destination)];
    let commands = sides.iter().filter(|(_, is)| *is);
    Remedy {
        commands: commands.map(|(key, _)| command(key)).collect(),
        lasting: lasting_nft(owner, hook, link_group),
    }
}

/// By which side a packet of ours is known: where it came in, where it goes out.
fn directions(hook: Hook) -> (bool, bool) {
    match hook {
        Hook::Prerouting | Hook::Input => (true, false),
        Hook::Forward => (true, true),
        Hook::Output | Hook::Postrouting => (false, true),
    }
}

/// Docker keeps a chain for others, and so does NixOS; otherwise the base chain itself.
fn accepting_chain(ruleset: &Ruleset, owner: Owner, blame: &Blame, hook: Hook) -> String {
    let kept = match (owner, hook) {
        (Owner::Docker, Hook::Forward) => "DOCKER-USER",
        (Owner::Nixos, Hook::Input) => "nixos-fw",
        _ => "",
    };
    chain_or_base(ruleset, blame, kept)
}

/// What has come by its state is not asked again in NixOS's chains, and the base chain is made anew
/// with them: the chain for what is new is where its options write to.
fn nft_chain(ruleset: &Ruleset, owner: Owner, blame: &Blame, hook: Hook) -> String {
    let kept = match (owner, hook) {
        (Owner::Nixos, Hook::Forward) => "forward-allow",
        (Owner::Nixos, Hook::Input) => "input-allow",
        _ => "",
    };
    chain_or_base(ruleset, blame, kept)
}

/// The chain `kept` where there is one, else the base chain.
fn chain_or_base(ruleset: &Ruleset, blame: &Blame, kept: &str) -> String {
    let there = !kept.is_empty() && ruleset.chains.contains_key(&blame.base.beside(kept));
    if there {
        kept.to_owned()
    } else {
        blame.base.name.clone()
    }
}

fn lasting_iptables(owner: Owner, hook: Hook) -> &'static str {
    match (owner, hook) {
        (Owner::Docker, Hook::Forward) => {
            "`systemctl enable --now ctr-docker.service` does the same at every start of Docker"
        }
        (Owner::Nixos, _) => {
            "the same lines in `networking.firewall.extraCommands` outlive a rebuild"
        }
        (Owner::Nobody, _) => {
            "write them where your other rules are, so that they outlive a reboot"
        }
        _ => "",
    }
}

fn lasting_nft(owner: Owner, hook: Hook, link_group: u32) -> String {
    match (owner, hook) {
        (Owner::Nixos, Hook::Forward) => format!(
            "`networking.firewall.extraForwardRules = \"iifgroup {link_group:#x} accept; oifgroup {link_group:#x} accept\"` outlives a rebuild"
        ),
        (Owner::Nixos, Hook::Input) => format!(
            "`networking.firewall.extraInputRules = \"iifgroup {link_group:#x} accept\"` outlives a rebuild"
        ),
        (Owner::Nobody, _) => {
            "write them where your other rules are, so that they outlive a reboot".to_owned()
        }
        _ => String::new(),
    }
}
