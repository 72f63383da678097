//! Command lines that are wrong, in the same words as every other error.

use clap::error::ErrorKind;

use crate::error::Exit;
use crate::output;

/// Prints what clap has to say: help that was asked for on stdout, everything else on stderr.
pub(crate) fn print(error: &clap::Error) -> Exit {
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            return Exit::OK;
        }
        // Nothing was asked for: this is how to ask.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
        }
        _ => {
            let plain = !output::stderr_paint().is_on();
            let text = if plain {
                text.to_string()
            } else {
                text.ansi().to_string()
            };
            output::say(&in_our_words(&text));
        }
    }
    Exit::USAGE
}

/// clap's tips are our hints.
fn in_our_words(text: &str) -> String {
    let ours = |line: &str| match line.find("tip:") {
        // Only where it begins the line, behind spaces and a colour.
        Some(at) if at < 12 => format!("{}\n", line.trim_start().replacen("tip:", "hint:", 1)),
        _ => format!("{line}\n"),
    };
    text.lines().map(ours).collect()
}
