//! The switches under `/proc/sys/net`.
//!
//! Whose they are is decided by the thread that opens them (`net_ctl_header_lookup()` in
//! `net/sysctl_net.c` asks for the current task's namespace), so the same functions serve the host
//! and, called in a namespace's thread, a guest.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::desired::Sysctl;
use super::observed::Sysctls;
use crate::os::failpoint;

fn file(key: &str) -> PathBuf {
    Path::new("/proc/sys/net").join(key)
}

/// Reads switches; one that this kernel does not have is `None`.
pub(super) fn read<'a>(keys: impl IntoIterator<Item = &'a str>) -> io::Result<Sysctls> {
    keys.into_iter()
        .map(|key| match fs::read_to_string(file(key)) {
            Ok(text) => Ok((key.to_owned(), Some(text.trim_end().to_owned()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((key.to_owned(), None)),
            Err(error) => Err(error),
        })
        .collect()
}

/// Switches that are open to be read again and again.
///
/// Whose they are was decided when they were opened, so they are read from any thread. The kernel
/// tells nobody of a changed switch: reading is all there is, and one of these takes a microsecond.
#[derive(Debug)]
pub(super) struct Switches {
    files: Vec<(String, Option<File>)>,
}

impl Switches {
    /// Opens switches; one that this kernel does not have reads as `None`.
    pub(super) fn open<'a>(keys: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let open = |key: &str| match File::open(file(key)) {
            Ok(file) => Ok((key.to_owned(), Some(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((key.to_owned(), None)),
            Err(error) => Err(error),
        };
        let files = keys.into_iter().map(open).collect::<io::Result<_>>()?;
        Ok(Self { files })
    }

    /// Reads them; one whose interface is gone is `None`.
    pub(super) fn read(&self) -> io::Result<Sysctls> {
        let mut words = [0; 64];
        let mut read = |file: &File| match file.read_at(&mut words, 0) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&words[..length]);
                Ok(Some(text.trim_end().to_owned()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        self.files
            .iter()
            .map(|(key, file)| {
                Ok((
                    key.clone(),
                    file.as_ref().map(&mut read).transpose()?.flatten(),
                ))
            })
            .collect()
    }

    /// Their interface is not gone.
    pub(super) fn are_there(&self) -> bool {
        let mut word = [0; 1];
        let mut files = self.files.iter().filter_map(|(_, file)| file.as_ref());
        files.all(|file| file.read_at(&mut word, 0).is_ok())
    }
}

/// Sets a switch; one that this kernel does not have needs no setting.
pub(super) fn write(sysctl: &Sysctl) -> io::Result<()> {
    match fs::write(file(&sysctl.key), &sysctl.value) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => {
            failpoint("sysctl set");
            Ok(())
        }
    }
}
