//! Ids of the host that no guest may be given, because somebody else has them.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use nix::unistd::{Group, User};

use crate::os::Paths;

use super::{FileError, UidBase};

/// Runs of ids that others have: subordinate ids of the host's users (subuid(5), subgid(5)), and the
/// ranges of machines that systemd-nspawn has chosen one for.
#[derive(Debug, Default)]
pub(super) struct IdsInUse(Vec<Range<u64>>);

impl IdsInUse {
    /// Reads what is in use now.
    pub(super) fn read(paths: &Paths) -> Result<Self, FileError> {
        let mut ranges = Vec::new();
        for path in &paths.subordinate_ids {
            match fs::read(path) {
                Ok(text) => ranges.extend(subordinate(&String::from_utf8_lossy(&text))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(FileError::new("read", path)(error)),
            }
        }
        ranges.extend(locked(&paths.nspawn_uids)?);
        Ok(Self(ranges))
    }

    /// Whether any id from a base on is among them.
    pub(super) fn overlaps(&self, base: UidBase) -> bool {
        let start = u64::from(base.get());
        let end = start + u64::from(UidBase::RANGE);
        self.0
            .iter()
            .any(|range| range.start < end && start < range.end)
    }
}

/// The lines of subuid(5): `name:first:count`.
fn subordinate(text: &str) -> Vec<Range<u64>> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':').skip(1);
            let first: u64 = fields.next()?.trim().parse().ok()?;
            let count: u64 = fields.next()?.trim().parse().ok()?;
            Some(first..first.saturating_add(count))
        })
        .collect()
}

/// systemd-nspawn locks a file named like the first id for as long as a machine has the range
/// (`uid_shift_pick()` in its source).
fn locked(directory: &Path) -> Result<Vec<Range<u64>>, FileError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::new("list", directory)(error)),
    };
    let mut ranges = Vec::new();
    for entry in entries {
        let entry = entry.map_err(FileError::new("list", directory))?;
        let name = entry.file_name();
        if let Some(first) = name.to_str().and_then(|name| name.parse::<u64>().ok()) {
            ranges.push(first..first + u64::from(UidBase::RANGE));
        }
    }
    Ok(ranges)
}

/// Whether the host has a user or a group of that number, by all its user databases, as
/// systemd-nspawn asks.
pub(super) fn has_account(base: UidBase) -> nix::Result<bool> {
    let id = base.get();
    Ok(User::from_uid(id.into())?.is_some() || Group::from_gid(id.into())?.is_some())
}

#[cfg(test)]
mod tests {
    use super::{IdsInUse, subordinate};
    use crate::machine::root::UidBase;

    #[test]
    fn a_range_of_somebody_else_is_left_alone() {
        let text = "alice:100000:65536\nbob:589824:1\n# nobody\nodd:x:y\ncarol:720895:2\n";
        let in_use = IdsInUse(subordinate(text));
        let overlaps = |base| in_use.overlaps(UidBase::new(base).expect("a base"));
        assert!(!overlaps(524_288));
        assert!(overlaps(589_824), "one id is enough");
        assert!(overlaps(655_360) && overlaps(720_896), "it lies in both");
        assert!(!overlaps(786_432));
    }
}
