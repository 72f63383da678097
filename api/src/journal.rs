//! What `OpenJournal` is asked for, and where a container's lines are found in the host's journal.

use serde::{Deserialize, Serialize};

/// Which lines, and how they look: the options of `OpenJournal`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRequest {
    /// Only the last so many lines; all of them where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// Only lines since then, as `journalctl --since` takes it: `today`, `-1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Go on with new lines, until the reader closes the pipe.
    #[serde(default)]
    pub follow: bool,
    /// How lines look, one of [`OUTPUTS`]; `short` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// How lines can look (journalctl(1), `--output`), sorted.
pub const OUTPUTS: &[&str] = &[
    "cat",
    "export",
    "json",
    "json-pretty",
    "json-seq",
    "json-sse",
    "short",
    "short-delta",
    "short-full",
    "short-iso",
    "short-iso-precise",
    "short-monotonic",
    "short-precise",
    "short-unix",
    "verbose",
    "with-unit",
];

/// The words of `journalctl` that select what containers say, each given by its unit and its machine
/// id (journalctl(1): words are joined by "and", `+` stands for "or").
///
/// There are three places: the unit's own output, what PID 1 says about the unit, and the journal
/// that a booted guest keeps, which is found by the guest's machine id. What others than PID 1 say
/// about the unit is left out: any program of the host can write `UNIT=` (systemd.journal-fields(7)).
pub fn matches<'a>(containers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut words = Vec::new();
    for (unit, machine_id) in containers {
        if !words.is_empty() {
            words.push("+".to_owned());
        }
        words.extend([
            format!("_SYSTEMD_UNIT={unit}"),
            "+".to_owned(),
            format!("UNIT={unit}"),
            "_PID=1".to_owned(),
            "+".to_owned(),
            format!("_MACHINE_ID={machine_id}"),
        ]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{OUTPUTS, matches};

    #[test]
    fn a_container_is_its_unit_and_its_guest() {
        let unit = "ctr-ml-ollama.service";
        let one = [
            "_SYSTEMD_UNIT=ctr-ml-ollama.service",
            "+",
            "UNIT=ctr-ml-ollama.service",
            "_PID=1",
            "+",
            "_MACHINE_ID=4d06",
        ];
        assert_eq!(matches([(unit, "4d06")]), one);
        let two = matches([(unit, "4d06"), ("ctr-b.service", "4d07")]);
        assert_eq!(two.len(), 2 * one.len() + 1);
        assert_eq!(two[one.len()], "+");
    }

    #[test]
    fn the_outputs_are_sorted() {
        assert!(OUTPUTS.is_sorted());
    }
}
