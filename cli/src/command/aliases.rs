//! `ctr aliases`: the short words of one's fingers, as shell aliases over `ctr`.

use std::collections::{BTreeMap, HashMap};

use ctr_api::wire::{ContainerStatus, GroupStatus, HostStatus};

use crate::args::Shell;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;

const VERBS: [&str; 4] = ["enter", "status", "start", "stop"];
const GROUP_VERBS: [&str; 3] = ["status-all", "start-all", "stop-all"];

pub(super) async fn run(shell: Option<Shell>) -> Result<Exit, Error> {
    let shell = shell.unwrap_or_else(own_shell);
    let host = Daemon::connect().await?.status().await?;
    output::print(&script(&host, shell))?;
    Ok(Exit::OK)
}

fn own_shell() -> Shell {
    let shell = std::env::var("SHELL").unwrap_or_default();
    match shell.rsplit('/').next() {
        Some("fish") => Shell::Fish,
        Some("zsh") => Shell::Zsh,
        _ => Shell::Bash,
    }
}

fn script(host: &HostStatus, shell: Shell) -> String {
    let lines = aliases(host).into_iter().map(|(alias, words)| {
        let command: Vec<_> = words.iter().map(|word| quoted(word, shell)).collect();
        let command = in_quotes(&command.join(" "), shell);
        match shell {
            Shell::Bash | Shell::Zsh => format!("alias {alias}={command}\n"),
            Shell::Fish => format!("alias {alias} {command}\n"),
        }
    });
    lines.collect()
}

/// Alias to command, the first claim on a word wins: groups, then machines, then actions.
fn aliases(host: &HostStatus) -> BTreeMap<String, Vec<String>> {
    let mut aliases = BTreeMap::new();
    let mut claim = |alias: String, words: Vec<&str>| {
        if is_alias_name(&alias) {
            let words = ["ctr"]
                .iter()
                .chain(&words)
                .map(|it| (*it).to_owned())
                .collect();
            aliases.entry(alias).or_insert(words);
        }
    };
    for group in &host.groups {
        for verb in GROUP_VERBS {
            claim(format!("{}-{verb}", group.name), vec![&group.name, verb]);
        }
    }
    for (group, container) in containers(host) {
        for prefix in prefixes(group, container) {
            for verb in VERBS {
                claim(
                    format!("{prefix}-{verb}"),
                    vec![&group.name, verb, &container.name],
                );
            }
        }
    }
    // `ollama-list` needs no group as long as only one group has an ollama.
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for (_, container) in containers(host) {
        *owners.entry(&container.name).or_default() += 1;
    }
    for (group, container) in containers(host) {
        let mut prefixes = prefixes(group, container);
        if owners.get(container.name.as_str()) == Some(&1) {
            prefixes.push(container.name.clone());
        }
        for action in &container.actions {
            for prefix in &prefixes {
                let words = vec![group.name.as_str(), "run", &container.name, &action.name];
                claim(format!("{prefix}-{}", action.name), words);
            }
        }
    }
    aliases
}

fn containers(host: &HostStatus) -> impl Iterator<Item = (&GroupStatus, &ContainerStatus)> {
    host.groups
        .iter()
        .flat_map(|group| group.containers.iter().map(move |it| (group, it)))
}

/// What stands before the verb: `ml-ollama`; and `dev-pg` for the alias `pg` of dev/postgres.
fn prefixes(group: &GroupStatus, container: &ContainerStatus) -> Vec<String> {
    let aliases = container
        .aliases
        .iter()
        .map(|alias| format!("{}-{alias}", group.name));
    [container.machine.clone()]
        .into_iter()
        .chain(aliases)
        .collect()
}

/// What every shell takes for the name of an alias.
fn is_alias_name(text: &str) -> bool {
    let allowed = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    text.starts_with(|it: char| it.is_ascii_alphanumeric()) && text.chars().all(allowed)
}

fn quoted(word: &str, shell: Shell) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./:@%+,".contains(it);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        in_quotes(word, shell)
    }
}

fn in_quotes(text: &str, shell: Shell) -> String {
    let text = match shell {
        Shell::Bash | Shell::Zsh => text.replace('\'', r"'\''"),
        Shell::Fish => text.replace('\\', r"\\").replace('\'', r"\'"),
    };
    format!("'{text}'")
}

#[cfg(test)]
#[path = "aliases_tests.rs"]
mod tests;
