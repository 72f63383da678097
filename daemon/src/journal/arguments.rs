//! The command line of `journalctl`: pure.

use ctr_api::journal::{JournalRequest, OUTPUTS, matches};
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

/// The words of `journalctl` for these containers, each given by its unit and its machine id.
///
/// The caller's words follow an `=` of the option they belong to, so none becomes an option or a
/// match of its own.
pub fn arguments(
    request: &JournalRequest,
    containers: &[(String, String)],
) -> Result<Vec<String>, OptionError> {
    let JournalRequest {
        lines,
        since,
        follow,
        output,
    } = request;
    let mut words: Vec<String> = ["--merge", "--quiet", "--no-pager"]
        .map(str::to_owned)
        .into();
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
    words.extend(matches(
        containers
            .iter()
            .map(|(unit, machine_id)| (unit.as_str(), machine_id.as_str())),
    ));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(request: &JournalRequest) -> Result<Vec<String>, OptionError> {
        arguments(request, &[("ctr-a.service".to_owned(), "4d".to_owned())])
    }

    #[test]
    fn what_the_caller_says_stays_behind_its_option() {
        let request = JournalRequest {
            lines: Some(5),
            since: Some("-1h --file=/etc/shadow".to_owned()),
            follow: true,
            output: Some("json".to_owned()),
        };
        assert_eq!(
            words(&request).unwrap(),
            [
                "--merge",
                "--quiet",
                "--no-pager",
                "--output=json",
                "--since=-1h --file=/etc/shadow",
                "--follow",
                "--lines=5",
                "_SYSTEMD_UNIT=ctr-a.service",
                "+",
                "UNIT=ctr-a.service",
                "_PID=1",
                "+",
                "_MACHINE_ID=4d",
            ]
        );
    }

    #[test]
    fn other_words_are_refused() {
        let with = |change: &dyn Fn(&mut JournalRequest)| {
            let mut request = JournalRequest::default();
            change(&mut request);
            words(&request)
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
