//! What `OpenJournal` is asked for, and where a container's lines are found on the host.

use std::path::{Path, PathBuf};
use std::{fs, io};

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

/// Where the [`view`]s stand. Whoever may read the host's journal may enter; root alone may write.
pub const VIEWS: &str = "/run/ctr-journal";

/// A container, as its lines are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its group.
    pub group: &'a str,
    /// Its machine name.
    pub machine: &'a str,
    /// Its machine id, 32 hexadecimal digits.
    pub machine_id: &'a str,
    /// The unit that it runs in.
    pub unit: &'a str,
}

/// The host's machine id (machine-id(5)), 32 hexadecimal digits.
pub fn host_id() -> io::Result<String> {
    Ok(fs::read_to_string("/etc/machine-id")?.trim().to_owned())
}

/// The directory below `views` whose journals are those of one container, and the host's own.
pub fn machine_view(views: &Path, machine: &str) -> PathBuf {
    views.join("machine").join(machine)
}

/// The directory below `views` whose journals are those of a group's containers, and the host's own.
pub fn group_view(views: &Path, group: &str) -> PathBuf {
    views.join("group").join(group)
}

/// The directory that these containers are read from: one alone from its own, several from that of
/// their group. There is none for several groups, which do not trust each other, and for nobody.
pub fn view(views: &Path, sources: &[Source<'_>]) -> Option<PathBuf> {
    match sources {
        [] => None,
        [one] => Some(machine_view(views, one.machine)),
        [first, rest @ ..] => rest
            .iter()
            .all(|it| it.group == first.group)
            .then(|| group_view(views, first.group)),
    }
}

/// The words of `journalctl` that read what these containers say from the directory `view`
/// (journalctl(1): words are joined by "and", `+` stands for "or").
///
/// There are three places: the unit's own output and what PID 1 says about the unit, both in the
/// host's journal, and the journal that a booted guest keeps, which is found by the guest's machine
/// id. What others than PID 1 say about the unit is left out: any program of the host can write
/// `UNIT=` (systemd.journal-fields(7)).
///
/// A guest's root can write journal files with any field in them, so that fields alone prove nothing:
/// the directory has no journals but those that may speak.
///
/// `--merge` is there for `--follow`, which without it shows one boot of one machine only.
pub fn selection(view: &Path, host_id: &str, sources: &[Source<'_>]) -> Vec<String> {
    let mut words = vec![
        "--merge".to_owned(),
        format!("--directory={}", view.display()),
    ];
    let host = format!("_MACHINE_ID={host_id}");
    for (
        index,
        Source {
            machine_id, unit, ..
        },
    ) in sources.iter().enumerate()
    {
        if index > 0 {
            words.push("+".to_owned());
        }
        words.extend([
            format!("_SYSTEMD_UNIT={unit}"),
            host.clone(),
            "+".to_owned(),
            format!("UNIT={unit}"),
            "_PID=1".to_owned(),
            host.clone(),
            "+".to_owned(),
            format!("_MACHINE_ID={machine_id}"),
        ]);
    }
    words
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{OUTPUTS, Source, selection, view};

    fn source<'a>(group: &'a str, machine: &'a str) -> Source<'a> {
        Source {
            group,
            machine,
            machine_id: "4d06",
            unit: "ctr-ml-ollama.service",
        }
    }

    #[test]
    fn a_container_is_its_unit_on_the_host_and_its_guest() {
        let place = Path::new("/views/machine/ml-ollama");
        let one = [
            "--merge",
            "--directory=/views/machine/ml-ollama",
            "_SYSTEMD_UNIT=ctr-ml-ollama.service",
            "_MACHINE_ID=4e00",
            "+",
            "UNIT=ctr-ml-ollama.service",
            "_PID=1",
            "_MACHINE_ID=4e00",
            "+",
            "_MACHINE_ID=4d06",
        ];
        let ollama = source("ml", "ml-ollama");
        assert_eq!(selection(place, "4e00", &[ollama]), one);
        let two = selection(place, "4e00", &[ollama, ollama]);
        assert_eq!(two[one.len()], "+");
        assert_eq!(two[one.len() + 1..], one[2..]);
    }

    #[test]
    fn who_does_not_trust_each_other_is_never_read_from_one_place() {
        let views = Path::new("/views");
        let place =
            |sources: &[Source<'_>]| view(views, sources).map(|path| path.display().to_string());
        let (ollama, web) = (source("ml", "ml-ollama"), source("ml", "ml-web"));
        assert_eq!(
            place(&[ollama]).as_deref(),
            Some("/views/machine/ml-ollama")
        );
        assert_eq!(place(&[ollama, web]).as_deref(), Some("/views/group/ml"));
        assert_eq!(place(&[ollama, web, source("dev", "dev-web")]), None);
        assert_eq!(place(&[]), None);
    }

    #[test]
    fn the_outputs_are_sorted() {
        assert!(OUTPUTS.is_sorted());
    }
}
