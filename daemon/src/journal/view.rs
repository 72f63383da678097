//! Which links there should be: pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ctr_api::journal::{group_view, machine_view};

use crate::model::{GroupName, MachineName};

/// The link to the host's journal in memory, beside the one on its disk. `journalctl` takes a link for
/// a journal where its name is a machine id, and looks no further at it (`add_directory` in systemd's
/// sd-journal.c); no machine has this one.
const VOLATILE: &str = "cf9a5f0d1a3c4b0e8d6e6f1c2b7a4d93";

/// A container that may speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// Its group.
    pub group: GroupName,
    /// Its machine.
    pub machine: MachineName,
    /// Its machine id, which its journal is called by.
    pub machine_id: String,
}

/// Where journals stand on the host, in directories called by machine ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journals<'a> {
    /// The host's machine id.
    pub host_id: &'a str,
    /// On its disk: its own, and those of guests.
    pub persistent: &'a Path,
    /// In memory: its own.
    pub volatile: &'a Path,
}

/// Each view, and the links in it: what they are called, and what they lead to.
pub type Views = BTreeMap<PathBuf, BTreeMap<String, PathBuf>>;

/// One view for each container, of the host's journal and its own, and one for each group, of the
/// host's and those of all these containers in it.
///
/// The host's own journal has both of its places: it writes in memory while it cannot, or may not,
/// write to its disk (journald.conf(5), `Storage=`).
pub fn desired_views(root: &Path, journals: Journals<'_>, speakers: &[Speaker]) -> Views {
    let Journals {
        host_id,
        persistent,
        volatile,
    } = journals;
    let mut views = Views::new();
    for speaker in speakers {
        let id = &speaker.machine_id;
        for view in [
            machine_view(root, speaker.machine.as_str()),
            group_view(root, speaker.group.as_str()),
        ] {
            views.entry(view).or_default().extend([
                (host_id.to_owned(), persistent.join(host_id)),
                (VOLATILE.to_owned(), volatile.join(host_id)),
                (id.clone(), persistent.join(id)),
            ]);
        }
    }
    views
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Journals, Speaker, desired_views};

    fn speaker(group: &str, machine: &str, id: &str) -> Speaker {
        Speaker {
            group: group.parse().expect("valid"),
            machine: machine.parse().expect("valid"),
            machine_id: id.to_owned(),
        }
    }

    #[test]
    fn a_view_has_no_journal_of_a_stranger() {
        let journals = Journals {
            host_id: "4e00",
            persistent: Path::new("/var/log/journal"),
            volatile: Path::new("/run/log/journal"),
        };
        let speakers = [
            speaker("ml", "ml-ollama", "4d01"),
            speaker("ml", "ml-web", "4d02"),
            speaker("dev", "dev-web", "4d03"),
        ];
        let views = desired_views(Path::new("/views"), journals, &speakers);
        let shown: Vec<String> = views
            .iter()
            .map(|(view, links)| {
                let to: Vec<_> = links.values().map(|it| it.display().to_string()).collect();
                format!("{}: {}", view.display(), to.join(" "))
            })
            .collect();
        let host = "/var/log/journal/4e00 /run/log/journal/4e00";
        assert_eq!(
            shown,
            [
                format!("/views/group/dev: /var/log/journal/4d03 {host}"),
                format!("/views/group/ml: /var/log/journal/4d01 /var/log/journal/4d02 {host}"),
                format!("/views/machine/dev-web: /var/log/journal/4d03 {host}"),
                format!("/views/machine/ml-ollama: /var/log/journal/4d01 {host}"),
                format!("/views/machine/ml-web: /var/log/journal/4d02 {host}"),
            ]
        );
        assert!(desired_views(Path::new("/views"), journals, &[]).is_empty());
    }
}
