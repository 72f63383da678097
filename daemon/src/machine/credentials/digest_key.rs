//! The key that makes a digest of a secret worth nothing to whoever reads it.
//!
//! A unit's environment can be read by every user. A plain hash there would let anybody try all weak
//! secrets against it.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::CredentialError;
use super::generated::random;
use super::private_file::write_private;
use crate::model::{CredentialId, MachineName, hex};
use crate::os::durable;

/// Its length in bytes: as long as the hash's output (RFC 2104, 3).
pub(super) const LENGTH: usize = 32;

/// The key of this host.
pub struct DigestKey([u8; LENGTH]);

impl DigestKey {
    /// The key that stands at `path`, made there if there is none.
    ///
    /// A key that cannot be read is an error: another one would make every secret look changed.
    pub fn open(path: &Path) -> Result<Self, CredentialError> {
        match fs::read(path) {
            Ok(bytes) => {
                let key = bytes
                    .try_into()
                    .map_err(|bytes: Vec<u8>| CredentialError::NoKey {
                        path: path.to_owned(),
                        length: bytes.len(),
                    })?;
                Ok(Self(key))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(directory) = path.parent() {
                    durable::make_directory(directory, 0o755)?;
                }
                let key = random()?;
                write_private(path, &key)?;
                Ok(Self(key))
            }
            Err(error) => Err(CredentialError::io("read", path)(error)),
        }
    }

    /// The digest of one credential of one machine, as 32 hexadecimal digits. The same secret has
    /// another digest for every machine and name, so two that are alike do not show it.
    pub(super) fn digest(&self, machine: &MachineName, id: &CredentialId, secret: &[u8]) -> String {
        let mut hmac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        // Neither name holds a zero byte, so no two inputs run together.
        for part in [machine.as_str(), id.as_str()] {
            hmac.update(part.as_bytes());
            hmac.update(&[0]);
        }
        hmac.update(secret);
        hex(&hmac.finalize().into_bytes()[..16])
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::DigestKey;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_is_made_once_and_only_root_can_read_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("state/.digest-key");
        let first = DigestKey::open(&path).expect("made");
        let again = DigestKey::open(&path).expect("read");
        assert_eq!(first.0, again.0);
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600);
        std::fs::write(&path, "short").expect("written");
        let error = DigestKey::open(&path).expect_err("never replaced");
        assert!(error.to_string().contains("has 5 bytes instead of 32"));
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_digest_says_nothing_about_another_host_machine_or_name() {
        let (machine, other) = (
            "lab-a".parse().expect("valid"),
            "lab-b".parse().expect("valid"),
        );
        let (id, name) = ("x".parse().expect("valid"), "y".parse().expect("valid"));
        let key = DigestKey([1; 32]);
        let digest = key.digest(&machine, &id, b"secret");
        assert_eq!(digest, key.digest(&machine, &id, b"secret"));
        assert_ne!(digest, key.digest(&machine, &id, b"Secret"));
        assert_ne!(digest, key.digest(&other, &id, b"secret"));
        assert_ne!(digest, key.digest(&machine, &name, b"secret"));
        assert_ne!(digest, DigestKey([2; 32]).digest(&machine, &id, b"secret"));
    }
}
