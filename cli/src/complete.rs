//! Completion that knows the live groups, containers and actions.
//!
//! The shell calls `ctr` at every Tab. It must be quick and must never print an error: where the
//! daemon does not answer in time there are simply fewer candidates.

use std::time::Duration;

use clap::Command;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::CompleteEnv;
use ctr_api::wire::{ContainerStatus, GroupStatus, HostStatus, Leftover, Leftovers};
use ctr_api::{Dict, from_dict};

use crate::args;
use crate::connect::Daemon;

/// The variable that says which shell asks.
pub(crate) const VARIABLE: &str = "COMPLETE";
const PATIENCE: Duration = Duration::from_millis(100);

/// Answers a shell that asks for completions, and ends; otherwise does nothing.
pub(crate) fn answer_shell() {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(|| tree(live().as_ref()))
            .var(VARIABLE)
            .bin("ctr")
            .complete();
    }
}

fn live() -> Option<HostStatus> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    runtime.block_on(async {
        let status = async { Daemon::connect().await.ok()?.status().await.ok() };
        tokio::time::timeout(PATIENCE, status).await.ok()?
    })
}

/// The machines that are declared no more, for who may know them without being asked for a password.
fn undeclared() -> Option<Vec<CompletionCandidate>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let left: Leftovers = runtime.block_on(async {
        let asked = async {
            let daemon = Daemon::connect().await.ok()?;
            let manager = daemon.manager().inner();
            let answer: Dict = manager.call("Leftovers", &()).await.ok()?;
            from_dict(&answer).ok()
        };
        tokio::time::timeout(PATIENCE, asked).await.ok()?
    })?;
    let candidate = |it: &Leftover| {
        CompletionCandidate::new(&it.machine).help(Some(it.paths.join(", ").into()))
    };
    Some(left.machines.iter().map(candidate).collect())
}

/// The grammar with a subcommand for every live group.
fn tree(host: Option<&HostStatus>) -> Command {
    let groups = host.map(|host| host.groups.as_slice()).unwrap_or_default();
    let root = args::command().mut_subcommand("prune", |verb| {
        verb.mut_args(|argument| match argument.get_id().as_str() {
            "machines" => {
                argument.add(ArgValueCandidates::new(|| undeclared().unwrap_or_default()))
            }
            _ => argument,
        })
    });
    groups
        .iter()
        .fold(root, |root, group| root.subcommand(with_names(group)))
}

fn with_names(group: &GroupStatus) -> Command {
    let mut command = args::group_command(&group.name);
    let verbs: Vec<_> = command
        .get_subcommands()
        .map(|it| it.get_name().to_owned())
        .collect();
    for verb in verbs {
        let containers = group.containers.clone();
        // Not `mut_arg`: it moves the argument behind the others, and its place is its meaning.
        command = command.mut_subcommand(verb, |verb| {
            verb.mut_args(|argument| {
                let containers = containers.clone();
                match argument.get_id().as_str() {
                    "name" | "names" => {
                        argument.add(ArgValueCandidates::new(move || names(&containers)))
                    }
                    "id" => argument.add(ArgValueCandidates::new(move || secrets(&containers))),
                    "action" => argument.add(ArgValueCandidates::new(move || actions(&containers))),
                    _ => argument,
                }
            })
        });
    }
    command
}

fn names(containers: &[ContainerStatus]) -> Vec<CompletionCandidate> {
    let help = |it: &ContainerStatus| format!("{}, {}", it.state.as_str(), it.address);
    containers
        .iter()
        .flat_map(|it| {
            let all = [&it.name].into_iter().chain(&it.aliases);
            all.map(|name| CompletionCandidate::new(name).help(Some(help(it).into())))
        })
        .collect()
}

/// The actions of the containers on the command line.
fn actions(containers: &[ContainerStatus]) -> Vec<CompletionCandidate> {
    let actions = typed(containers).into_iter().flat_map(|it| &it.actions);
    actions
        .map(|it| CompletionCandidate::new(&it.name).help(Some(it.command.join(" ").into())))
        .collect()
}

/// The credentials of the containers on the command line.
fn secrets(containers: &[ContainerStatus]) -> Vec<CompletionCandidate> {
    let credentials = typed(containers).into_iter().flat_map(|it| &it.credentials);
    credentials
        .map(|it| {
            let from = it.path.as_deref().unwrap_or("made by ctrd");
            CompletionCandidate::new(&it.id).help(Some(from.to_owned().into()))
        })
        .collect()
}

/// The containers on the command line; the whole group where none is there.
fn typed(containers: &[ContainerStatus]) -> Vec<&ContainerStatus> {
    let words: Vec<_> = std::env::args().collect();
    let named = |it: &&ContainerStatus| {
        words
            .iter()
            .any(|word| *word == it.name || it.aliases.contains(word))
    };
    let mut chosen: Vec<_> = containers.iter().filter(named).collect();
    if chosen.is_empty() {
        chosen = containers.iter().collect();
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::tree;
    use crate::sample;

    fn complete(words: &[&str]) -> Vec<String> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        let last = words.len() - 1;
        let mut tree = tree(Some(&sample::host()));
        let candidates =
            clap_complete::engine::complete(&mut tree, words, last, None).expect("candidates");
        candidates
            .iter()
            .map(|it| it.get_value().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn groups_stand_beside_commands() {
        let found = complete(&["ctr", ""]);
        for word in ["ml", "dev", "status", "plan"] {
            assert!(found.contains(&word.to_owned()), "{word} in {found:?}");
        }
        assert!(!found.contains(&"man".to_owned()), "hidden");
    }

    #[test]
    fn names_and_aliases_are_live() {
        assert_eq!(
            complete(&["ctr", "dev", "enter", "p"]),
            ["proxy", "postgres", "pg"]
        );
    }

    #[test]
    fn actions_are_live() {
        assert_eq!(complete(&["ctr", "dev", "run", "postgres", "p"]), ["psql"]);
    }

    #[test]
    fn secrets_are_live() {
        assert_eq!(
            complete(&["ctr", "ml", "secret", "jupyter", "t"]),
            ["token"]
        );
    }
}
