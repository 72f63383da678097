//! The grammar: `ctr <GROUP> <VERB> [NAME…] [-- COMMAND…]`, and host-wide words beside it.
//!
//! Which groups there are is known only to the daemon, and most commands should not ask it twice.
//! So the first word that is not one of our own is taken for a group and gets the verbs; whether it
//! is declared shows when the daemon answers.

mod duration;
mod group;
mod help;
mod host;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Command, FromArgMatches, Subcommand};

pub(crate) use group::{
    Condition, Enter, Exec, GroupVerb, Logs, Look, Run, Secret, Settle, SettleAll, Url, Wait,
};
pub(crate) use host::{GpuVerb, HostVerb, Shell};

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// Something about the whole host.
    Host(HostVerb),
    /// Something about containers of a group.
    Group(String, GroupVerb),
    /// A word that is taken for a group, without a verb of a group after it.
    NoVerb {
        group: String,
        error: Box<clap::Error>,
    },
    /// A verb of a group where the group belongs; the words after it.
    NoGroup { verb: String, names: Vec<String> },
    /// A verb that changes something, and not a word about what.
    NoName { group: String, verb: String },
}

/// What stands for the group in help and manual pages.
pub(crate) const ANY_GROUP: &str = "GROUP";

/// Reads a command line, the program's own name first.
pub(crate) fn parse(words: &[OsString]) -> Result<Invocation, clap::Error> {
    let words = &without_help_word(words);
    let Some(group) = group_word(words) else {
        let matches = command().try_get_matches_from(words)?;
        return HostVerb::from_arg_matches(&matches).map(Invocation::Host);
    };
    if is_verb_of_a_group(&group) {
        return Ok(Invocation::NoGroup {
            names: names_after(&group, words),
            verb: group,
        });
    }
    let mut command = command().subcommand(group_command(&group).hide(true));
    let parsed = command.try_get_matches_from_mut(words).and_then(|matches| {
        let (_, matches) = matches.subcommand().ok_or_else(|| no_verb(&group))?;
        GroupVerb::from_arg_matches(matches)
    });
    match parsed {
        Ok(verb) => Ok(Invocation::Group(group, verb)),
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            match verb_without_name(&group, words) {
                Some(verb) => Ok(Invocation::NoName { group, verb }),
                None => Err(error),
            }
        }
        Err(error) if says_no_verb(&error) => Ok(Invocation::NoVerb {
            group,
            error: Box::new(error),
        }),
        Err(error) => Err(error),
    }
}

/// The command without any group: what `ctr --help` shows.
pub(crate) fn command() -> Command {
    let root = Command::new("ctr")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .max_term_width(100)
        .override_usage("ctr <GROUP> <VERB> [NAME]... [-- COMMAND...]\n       ctr <COMMAND>")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_help_heading("The whole host")
        .help_template(help::root_template())
        .after_help(help::ROOT_EXAMPLES);
    // Tests must not depend on the terminal that they run in.
    let root = if cfg!(test) {
        root.term_width(100)
    } else {
        root
    };
    // What stands above the verbs' type would otherwise become the help's first line.
    HostVerb::augment_subcommands(root).about("The declared containers of this host")
}

/// The command of one group.
pub(crate) fn group_command(name: &str) -> Command {
    let group = Command::new(name.to_owned())
        .override_usage(format!("ctr {name} <VERB> [NAME]... [-- COMMAND...]"))
        .subcommand_help_heading("Verbs")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .after_help(help::group_examples(name));
    let mut group =
        GroupVerb::augment_subcommands(group).about(format!("The containers of {name}"));
    let verbs: Vec<_> = group
        .get_subcommands()
        .map(|it| it.get_name().to_owned())
        .collect();
    for verb in verbs {
        if let Some(examples) = help::verb_examples(name, &verb) {
            group = group.mut_subcommand(verb, |it| it.after_help(examples));
        }
    }
    let usage = |words: &str| format!("ctr {name} {words}");
    group
        .mut_subcommand("exec", |it| {
            it.override_usage(usage("exec [OPTIONS] <NAME> -- <COMMAND>..."))
        })
        .mut_subcommand("run", |it| {
            it.override_usage(usage("run <NAME> <ACTION> [WORD]..."))
        })
}

/// The verbs of a group and what they do, in the order of the help.
pub(crate) fn group_verbs() -> Vec<(String, String)> {
    GroupVerb::augment_subcommands(Command::new(ANY_GROUP))
        .get_subcommands()
        .map(|it| {
            let about = it.get_about().map(ToString::to_string).unwrap_or_default();
            (it.get_name().to_owned(), about)
        })
        .collect()
}

/// The first word that is neither an option nor a command of the whole host.
fn group_word(words: &[OsString]) -> Option<String> {
    let mut plain = words.iter().skip(1).filter_map(|it| it.to_str());
    let first = plain.find(|it| !it.starts_with('-'))?;
    (!HostVerb::has_subcommand(first)).then(|| first.to_owned())
}

fn is_verb_of_a_group(word: &str) -> bool {
    GroupVerb::has_subcommand(word)
}

fn names_after(verb: &str, words: &[OsString]) -> Vec<String> {
    words
        .iter()
        .filter_map(|it| it.to_str())
        .skip_while(|it| *it != verb)
        .skip(1)
        .take_while(|it| *it != "--")
        .filter(|it| !it.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

fn no_verb(group: &str) -> clap::Error {
    group_command(group).error(ErrorKind::MissingSubcommand, "name a verb")
}

/// Whether clap missed a verb, or found a word that is none.
fn says_no_verb(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidSubcommand
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// The verb of `ctr ml stop`, which should not guess between nothing and everything.
fn verb_without_name(group: &str, words: &[OsString]) -> Option<String> {
    let mut plain = words.iter().skip(1).filter_map(|it| it.to_str());
    let verb = plain
        .find(|it| *it == group)
        .and_then(|_| plain.find(|it| !it.starts_with('-')))?;
    is_verb_of_a_group(&format!("{verb}-all")).then(|| verb.to_owned())
}

/// `ctr help ml start` is another way to say `ctr ml start --help`.
fn without_help_word(words: &[OsString]) -> Vec<OsString> {
    let mut words = words.to_vec();
    if words.get(1).is_some_and(|it| it == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

#[cfg(test)]
mod tests;
