//! The command line of `journalctl`: pure.

use ctr_api::journal::{JournalRequest, OUTPUTS};
use thiserror::Error;

/// Enough for any time that a person writes.
const SINCE_MAX: usize = 128;

/// An option that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionError {
    /// No way that lines look.
    #[error("lines cannot look like `{0}`: choose from {known}", known = OUTPUTS.join(", "))]
    Output(String),
    /// No time.
    #[error(
        "`since` is a time of at most {SINCE_MAX} printable characters, such as `today` or `-1h`"
    )]
    Since,
}

/// The words of `journalctl` for a request, after which its selection follows
/// ([`ctr_api::journal::selection`]).
///
/// The caller's words follow an `=` of the option they belong to, so none becomes an option or a
/// match of its own.
pub fn arguments(request: &JournalRequest) -> Result<Vec<String>, OptionError> {
    let JournalRequest {
        lines,
        since,
        follow,
        output,
    } = request;
    let mut words: Vec<String> = ["--quiet", "--no-pager"].map(str::to_owned).into();
    let output = output.as_deref().unwrap_or("short");
    if !OUTPUTS.contains(&output) {
        let shown = output.chars().filter(|it| !it.is_control()).take(32);
        return Err(OptionError::Output(shown.collect()));
    }
    words.push(format!("--output={output}"));
    if let Some(since) = since {
        if since.len() > SINCE_MAX || since.chars().any(char::is_control) {
            return Err(OptionError::Since);
        }
        words.push(format!("--since={since}"));
    }
    if *follow {
        words.push("--follow".to_owned());
    }
    match lines {
        Some(lines) => words.push(format!("--lines={lines}")),
        // Else --follow would mean the last ten.
        None => words.push("--lines=all".to_owned()),
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_says_stays_behind_its_option() {
        let request = JournalRequest {
            lines: Some(5),
            since: Some("-1h --file=/etc/shadow".to_owned()),
            follow: true,
            output: Some("json".to_owned()),
        };
        assert_eq!(
            arguments(&request).unwrap(),
            [
                "--quiet",
                "--no-pager",
                "--output=json",
                "--since=-1h --file=/etc/shadow",
                "--follow",
                "--lines=5",
            ]
        );
    }

    #[test]
    fn other_words_are_refused() {
        let with = |change: &dyn Fn(&mut JournalRequest)| {
            let mut request = JournalRequest::default();
            change(&mut request);
            arguments(&request)
        };
        assert!(with(&|_| ()).is_ok());
        assert_eq!(
            with(&|it| it.output = Some("cat\n --root=/".to_owned())),
            Err(OptionError::Output("cat --root=/".to_owned()))
        );
        for since in ["a\0b".to_owned(), "a\nb".to_owned(), "9".repeat(129)] {
            let refused = with(&|it| it.since = Some(since.clone()));
            assert_eq!(refused, Err(OptionError::Since));
        }
    }
}
