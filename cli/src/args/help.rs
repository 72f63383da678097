//! The words of the help that clap does not write.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::builder::styling::Style;

use super::group_verbs;

pub(super) const ROOT_EXAMPLES: &str = "\
Examples:
  ctr status                          every group at a glance
  ctr ml start ollama                 start one, wait until it is ready
  ctr dev enter postgres              a login shell inside
  ctr dev exec postgres -- df -h      one command inside
  ctr plan                            what the edited declaration would change

`ctr <GROUP> --help` and `ctr <GROUP> <VERB> --help` say more.";

/// The verbs of a group stand before the commands of the host: they are what is typed most.
pub(super) fn root_template() -> StyledStr {
    let heading = Style::new().bold().underline();
    let literal = Style::new().bold();
    let mut text = String::from("{about-with-newline}\n{usage-heading} {usage}\n\n");
    let _ = writeln!(
        text,
        "{heading}One group{heading:#} (`ml`, `dev` or any other that is declared):"
    );
    for (verb, about) in group_verbs() {
        let _ = writeln!(text, "  {literal}{verb:<11}{literal:#}  {about}");
    }
    text.push_str("\n{all-args}{after-help}");
    text.into()
}

pub(super) fn group_examples(group: &str) -> String {
    format!(
        "Examples:
  ctr {group} status                   the group at a glance
  ctr {group} start NAME               start one, wait until it is ready
  ctr {group} logs -f NAME             follow what it says
  ctr {group} exec NAME -- CMD...      run a command inside"
    )
}

/// Examples of one verb of `group`.
pub(super) fn verb_examples(group: &str, verb: &str) -> Option<String> {
    let lines: &[(&str, &str)] = match verb {
        "status" => &[
            ("status", "the table of the group"),
            (
                "status NAME",
                "one container in detail; ends with 5 if it does not run",
            ),
            ("status --watch", "redraw as things change"),
        ],
        "start" => &[
            ("start NAME", "wait until it is ready"),
            ("start NAME NAME2", "both at once"),
            (
                "start NAME --timeout 2min",
                "give up waiting after two minutes",
            ),
            ("start-all", "every container of the group"),
        ],
        "stop" => &[
            ("stop NAME", "wait until it is stopped"),
            ("stop-all", "the whole group"),
        ],
        "restart" => &[("restart NAME", "wait until it is ready again")],
        "enter" => &[
            ("enter NAME", "a login shell of root"),
            ("enter NAME -u alice", "of alice"),
        ],
        "exec" => &[
            (
                "exec NAME -- ls -l /srv",
                "its output and its exit status are the command's",
            ),
            ("exec -t NAME -- top", "on a terminal"),
            ("exec -u alice NAME -- id", "as another user"),
        ],
        "run" => &[
            ("run NAME ACTION", "the command that is declared as ACTION"),
            ("run NAME ACTION -v x", "with two words more"),
        ],
        "logs" => &[
            ("logs NAME", "everything, in the pager"),
            ("logs -f NAME", "the last lines, then new ones"),
            ("logs NAME --since -1h", "the last hour"),
            ("logs -o json NAME", "for programs"),
        ],
        "wait" => &[
            (
                "wait NAME --timeout 60s",
                "until it is ready, for a minute at most",
            ),
            ("wait NAME --for stopped", "until it does not run"),
        ],
        "url" => &[
            ("url NAME", "http://192.168.200.12:8888/"),
            ("url NAME 443", "another port"),
        ],
        "secret" => &[
            ("secret NAME", "which it has"),
            ("secret NAME token", "the content of one, as it is"),
        ],
        _ => return None,
    };
    let width = lines
        .iter()
        .map(|(words, _)| words.len())
        .max()
        .unwrap_or(0);
    let mut text = String::from("Examples:");
    for (words, says) in lines {
        let _ = write!(text, "\n  ctr {group} {words:<width$}   {says}");
    }
    Some(text)
}
