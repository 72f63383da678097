//! The switches under `/proc/sys/net`.
//!
//! Whose they are is decided by the thread that opens them (`net_ctl_header_lookup()` in
//! `net/sysctl_net.c` asks for the current task's namespace), so the same functions serve the host
//! and, called in a namespace's thread, a guest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::desired::Sysctl;
use super::observed::Sysctls;

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

/// Sets a switch; one that this kernel does not have needs no setting.
pub(super) fn write(sysctl: &Sysctl) -> io::Result<()> {
    match fs::write(file(&sysctl.key), &sysctl.value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
