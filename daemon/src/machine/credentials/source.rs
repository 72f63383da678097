//! Reads a secret from a file of the host.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::error::{CredentialError, LARGEST};
use crate::machine::root::open_host;

/// The content of a file that holds a secret.
///
/// The file is opened once: what is looked at is what is read, whatever happens to the path.
pub(super) fn read_secret(path: &Path) -> Result<Vec<u8>, CredentialError> {
    let name = File::from(open_host(path)?.file);
    let metadata = name
        .metadata()
        .map_err(CredentialError::io("look at", path))?;
    let kind = metadata.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() {
            "a directory"
        } else if kind.is_fifo() || kind.is_socket() {
            "a pipe or a socket"
        } else {
            "a device"
        };
        return Err(CredentialError::NoFile {
            path: path.to_owned(),
            what,
        });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o004 != 0 {
        return Err(CredentialError::ReadableByOthers {
            path: path.to_owned(),
            mode,
        });
    }
    // One byte more than there may be tells a file that has grown meanwhile.
    let mut content = Vec::new();
    reopen(&name.into())
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut content))
        .map_err(CredentialError::io("read", path))?;
    if content.len() as u64 > LARGEST {
        return Err(CredentialError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(content)
}

/// The same file, for reading: proc(5), `/proc/pid/fd`.
fn reopen(name: &OwnedFd) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", name.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::read_secret;
    use crate::machine::credentials::CredentialError;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    fn write(path: &Path, content: &[u8], mode: u32) {
        std::fs::write(path, content).expect("written");
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("its mode");
    }

    #[test]
    fn only_a_small_file_that_others_cannot_read_is_a_secret() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        write(&at("good"), b"a\0b\n", 0o640);
        assert_eq!(read_secret(&at("good")).expect("read"), b"a\0b\n");
        write(&at("open"), b"x", 0o644);
        assert!(matches!(
            read_secret(&at("open")),
            Err(CredentialError::ReadableByOthers { mode: 0o644, .. })
        ));
        write(&at("bound"), &vec![b'x'; 1 << 20], 0o600);
        assert_eq!(read_secret(&at("bound")).expect("read").len(), 1 << 20);
        write(&at("large"), &vec![b'x'; (1 << 20) + 1], 0o600);
        assert!(matches!(
            read_secret(&at("large")),
            Err(CredentialError::TooLarge { .. })
        ));
        assert!(matches!(
            read_secret(directory.path()),
            Err(CredentialError::NoFile {
                what: "a directory",
                ..
            })
        ));
        assert!(matches!(
            read_secret(Path::new("/dev/null")),
            Err(CredentialError::NoFile {
                what: "a device",
                ..
            })
        ));
        assert!(matches!(
            read_secret(&at("missing")),
            Err(CredentialError::Path(_))
        ));
    }

    #[test]
    fn the_mode_that_counts_is_that_of_the_file_and_not_of_the_link() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        write(&at("file"), b"x", 0o400);
        symlink("file", at("link")).expect("a link");
        assert_eq!(read_secret(&at("link")).expect("read"), b"x");
        write(&at("file"), b"x", 0o444);
        assert!(read_secret(&at("link")).is_err());
    }
}
