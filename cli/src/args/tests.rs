use std::collections::BTreeSet;

use super::{Condition, GroupVerb, Invocation, command, group_verbs, parse};
use crate::args::HostVerb;
use clap::error::ErrorKind;

fn words(line: &str) -> Vec<std::ffi::OsString> {
    line.split_whitespace().map(Into::into).collect()
}

fn read(line: &str) -> Invocation {
    parse(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn in_group(line: &str) -> (String, GroupVerb) {
    match read(line) {
        Invocation::Group(group, verb) => (group, verb),
        other => panic!("{line}: {other:?}"),
    }
}

fn refused(line: &str) -> ErrorKind {
    match parse(&words(line)) {
        Err(error) => error.kind(),
        Ok(read) => panic!("{line} was taken for {read:?}"),
    }
}

#[test]
fn a_word_that_is_not_ours_is_a_group() {
    for group in ["ml", "dev", "0-lab"] {
        let (read, verb) = in_group(&format!("ctr {group} start a b --no-wait"));
        assert_eq!(read, group);
        let GroupVerb::Start(settle) = verb else {
            panic!("{verb:?}")
        };
        assert_eq!(settle.names, ["a", "b"]);
        assert!(settle.options.no_wait);
    }
}

#[test]
fn our_words_are_ours() {
    assert!(matches!(
        read("ctr status"),
        Invocation::Host(HostVerb::Status(_))
    ));
    assert!(matches!(
        read("ctr stop-all"),
        Invocation::Host(HostVerb::StopAll(_))
    ));
    let plan = read("ctr plan - --exit-code");
    let Invocation::Host(HostVerb::Plan {
        file, exit_code, ..
    }) = plan
    else {
        panic!("{plan:?}")
    };
    assert_eq!(file.expect("a file").to_str(), Some("-"));
    assert!(exit_code);
}

#[test]
fn every_verb_of_a_group_is_understood() {
    for line in [
        "ctr ml status",
        "ctr ml status ollama jupyter --json",
        "ctr ml status-all --watch",
        "ctr ml stop ollama --timeout 90s",
        "ctr ml restart-all",
        "ctr ml enter ollama -u alice",
        "ctr ml logs -f -n 20 --since -1h -o json ollama",
        "ctr ml logs",
        "ctr ml url jupyter 8888",
        "ctr ml open jupyter",
        "ctr ml secret jupyter",
        "ctr ml secret jupyter token --json",
    ] {
        in_group(line);
    }
}

#[test]
fn a_command_keeps_its_own_options() {
    for line in [
        "ctr dev exec pg -- ls -t -u x",
        "ctr dev exec pg ls -t -u x",
    ] {
        let (_, GroupVerb::Exec(exec)) = in_group(line) else {
            panic!("{line}")
        };
        assert_eq!(exec.command, ["ls", "-t", "-u", "x"]);
        assert!(!exec.terminal && exec.user.is_none());
    }
    let (_, GroupVerb::Exec(exec)) = in_group("ctr dev exec -t -u bob pg -- top") else {
        panic!("exec")
    };
    assert!(exec.terminal);
    assert_eq!(exec.user.as_deref(), Some("bob"));
}

#[test]
fn an_action_keeps_its_own_options_even_help() {
    let (_, GroupVerb::Run(run)) = in_group("ctr dev run pg psql -h db --help") else {
        panic!("run")
    };
    assert_eq!(run.action, ["psql", "-h", "db", "--help"]);
}

#[test]
fn waiting_is_for_ready_by_default_and_running_means_ready() {
    let (_, GroupVerb::Wait(wait)) = in_group("ctr ml wait ollama") else {
        panic!("wait")
    };
    assert_eq!(wait.condition, Condition::Ready);
    let (_, GroupVerb::Wait(wait)) = in_group("ctr ml wait ollama --for running") else {
        panic!("wait")
    };
    assert_eq!(wait.condition, Condition::Ready);
}

#[test]
fn what_changes_something_wants_a_name() {
    for verb in ["start", "stop", "restart"] {
        let read = read(&format!("ctr ml {verb}"));
        assert!(
            matches!(&read, Invocation::NoName { verb: it, .. } if it == verb),
            "{read:?}"
        );
    }
    for verb in ["enter", "exec", "run", "url", "open", "secret"] {
        assert_eq!(
            refused(&format!("ctr ml {verb}")),
            ErrorKind::MissingRequiredArgument
        );
    }
}

#[test]
fn a_group_alone_or_with_a_wrong_verb_is_left_to_the_daemon() {
    for line in ["ctr ml", "ctr ml strat ollama", "ctr statsu"] {
        assert!(matches!(read(line), Invocation::NoVerb { .. }), "{line}");
    }
}

#[test]
fn a_verb_without_a_group_keeps_its_names() {
    let read = read("ctr start --no-wait ollama");
    let Invocation::NoGroup { verb, names } = read else {
        panic!("{read:?}")
    };
    assert_eq!((verb.as_str(), names), ("start", vec!["ollama".to_owned()]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (line, kind) in [
        ("ctr", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("ctr status --json --watch", ErrorKind::ArgumentConflict),
        (
            "ctr ml start a --no-wait --timeout 5s",
            ErrorKind::ArgumentConflict,
        ),
        ("ctr ml start a --timeout soon", ErrorKind::ValueValidation),
        ("ctr ml status-all ollama", ErrorKind::UnknownArgument),
        ("ctr ml wait a --for happy", ErrorKind::InvalidValue),
        ("ctr plan --nonsense", ErrorKind::UnknownArgument),
        ("ctr aliases --shell tcsh", ErrorKind::InvalidValue),
        ("ctr check", ErrorKind::MissingRequiredArgument),
    ] {
        assert_eq!(refused(line), kind, "{line}");
    }
}

#[test]
fn help_is_a_word_and_an_option() {
    for line in [
        "ctr help",
        "ctr --help",
        "ctr help ml start",
        "ctr ml --help",
        "ctr help plan",
    ] {
        assert_eq!(refused(line), ErrorKind::DisplayHelp, "{line}");
    }
}

#[test]
fn no_group_can_be_called_like_a_word_of_ours() {
    let own = command();
    let own = own.get_subcommands().map(|it| it.get_name().to_owned());
    let verbs = group_verbs().into_iter().map(|(verb, _)| verb);
    let words: BTreeSet<_> = own.chain(verbs).chain(["help".to_owned()]).collect();
    let reserved: Vec<_> = ctr_api::RESERVED_GROUP_NAMES.to_vec();
    assert_eq!(
        words.iter().map(String::as_str).collect::<Vec<_>>(),
        reserved
    );
}

#[test]
fn the_reference_names_every_command() {
    let page = include_str!("../../../docs/reference/cli.md");
    let headings: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### `ctr "))
        .map(|rest| {
            rest.split(['`', ' '])
                .take_while(|it| !it.is_empty())
                .collect::<Vec<_>>()
        })
        .filter_map(|words| {
            let own = words.first().filter(|it| **it != "<GROUP>");
            own.map(|it| (*it).to_owned())
                .or_else(|| Some(format!("<GROUP> {}", words.get(1)?)))
        })
        .collect();
    let own = command();
    let own = own.get_subcommands().filter(|it| !it.is_hide_set());
    let verbs = group_verbs()
        .into_iter()
        .map(|(verb, _)| format!("<GROUP> {verb}"));
    let words: BTreeSet<_> = own
        .map(|it| it.get_name().to_owned())
        .chain(verbs)
        .collect();
    assert_eq!(headings, words);
}

#[test]
fn the_help_reads_like_this() {
    let mut help = Vec::new();
    for line in [
        "ctr --help",
        "ctr ml --help",
        "ctr ml start --help",
        "ctr dev run --help",
    ] {
        let error = parse(&words(line)).expect_err("help");
        help.push(format!("$ {line}\n{}", error.render()));
    }
    insta::assert_snapshot!(help.join("\n"));
}
