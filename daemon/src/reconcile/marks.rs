//! What nothing else on the host can hold: that a person stopped a container, or started one that
//! does not start by itself, that its guest powered itself off, or that it is being restarted. The marks stand in /run, so a reboot
//! forgets them.

use std::fs;
use std::io;
use std::path::Path;

use crate::os::failpoint;

/// The end of a mark's name until all of it is written. No machine's name has a dot.
pub(super) const UNFINISHED: &str = "new";

/// Why a container does not do what its declaration alone would have it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Stopped by hand.
    Stopped,
    /// Started by hand, and not declared to start with the host: while it is restarted there is no
    /// unit that would tell.
    Started,
    /// Its guest powered itself off.
    PoweredOff,
    /// Stopped by ctrd, to be started again: its end is nobody's failure, and no wish of its guest.
    Restarting,
}

impl Mark {
    const ALL: [Self; 4] = [
        Self::Stopped,
        Self::Started,
        Self::PoweredOff,
        Self::Restarting,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped\n",
            Self::Started => "started\n",
            Self::PoweredOff => "powered-off\n",
            Self::Restarting => "restarting\n",
        }
    }

    /// Reads the mark at `path`, if there is one.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Self::ALL.into_iter().find(|mark| mark.word() == text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the mark at `path`, whole or not at all.
    pub fn write(self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let fresh = path.with_extension(UNFINISHED);
        fs::write(&fresh, self.word())?;
        failpoint("mark written");
        fs::rename(&fresh, path)?;
        failpoint("mark named");
        Ok(())
    }

    /// Removes whatever mark is at `path`.
    pub fn clear(path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => {
                failpoint("mark removed");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_a_half_written_one_is_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("mark/ml-ollama");
        assert_eq!(Mark::read(&path).expect("read"), None);
        for mark in Mark::ALL {
            mark.write(&path).expect("written");
            assert_eq!(Mark::read(&path).expect("read"), Some(mark));
        }
        std::fs::write(&path, "stop").expect("written");
        assert_eq!(Mark::read(&path).expect("read"), None);
        Mark::clear(&path).expect("cleared");
        Mark::clear(&path).expect("cleared twice");
    }
}
