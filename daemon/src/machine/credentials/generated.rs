//! Secrets that `ctrd` makes: once, and then they are data.

use std::fs;
use std::io;
use std::path::Path;

use rustix::rand::{GetRandomFlags, getrandom};

use super::error::CredentialError;
use super::private_file::{closed_directory, write_private};
use crate::model::{CredentialId, MachineName, hex};
use crate::os::{Paths, durable};

/// How many random bytes a secret has; as text it has twice as many hexadecimal digits, which can
/// stand in an address as they are.
const BYTES: usize = 32;

/// Makes a secret of a machine, unless it is there.
pub fn make_secret(
    paths: &Paths,
    machine: &MachineName,
    id: &CredentialId,
) -> Result<(), CredentialError> {
    let directory = paths.machine_secrets(machine);
    let path = directory.join(id.as_str());
    match fs::symlink_metadata(&path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(CredentialError::io("look at", &path)(error)),
    }
    durable::make_directory(&paths.state, 0o755)?;
    closed_directory(&paths.secrets())?;
    closed_directory(&directory)?;
    write_private(&path, hex(&random()?).as_bytes())
}

/// The paths of all secrets that were made and never taken away.
pub fn generated_secrets(paths: &Paths) -> Vec<String> {
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    list(&paths.secrets())
        .flat_map(|machine| list(&machine.path()))
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|it| !it.contains(':'))
        })
        .map(|entry| entry.path().display().to_string())
        .collect()
}

/// As many random bytes as a secret has, from the kernel.
pub(super) fn random() -> Result<[u8; BYTES], CredentialError> {
    let mut bytes = [0; BYTES];
    let mut filled = 0;
    while filled < BYTES {
        let random = getrandom(&mut bytes[filled..], GetRandomFlags::empty());
        filled += random.map_err(|errno| CredentialError::Random(errno.into()))?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{generated_secrets, make_secret};
    use crate::os::Paths;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_is_closed_to_everybody_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            state: directory.path().join("ctr"),
            ..Paths::default()
        };
        let machine = "ml-jupyter".parse().expect("valid");
        let id = "token".parse().expect("valid");
        // What a ctrd that was killed in the middle leaves.
        std::fs::create_dir_all(paths.machine_secrets(&machine)).expect("made");
        std::fs::write(
            paths.machine_secrets(&machine).join("token:unfinished"),
            "x",
        )
        .expect("written");
        make_secret(&paths, &machine, &id).expect("made");
        let path = paths.machine_secrets(&machine).join("token");
        let secret = std::fs::read_to_string(&path).expect("read");
        assert_eq!(secret.len(), 64);
        assert!(secret.chars().all(|c| c.is_ascii_hexdigit()));
        make_secret(&paths, &machine, &id).expect("there");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), secret);
        for (path, expected) in [
            (path.clone(), 0o600),
            (paths.machine_secrets(&machine), 0o700),
            (paths.secrets(), 0o700),
        ] {
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o7777, expected, "{}", path.display());
        }
        assert_eq!(generated_secrets(&paths), [path.display().to_string()]);
        make_secret(&paths, &machine, &"other".parse().expect("valid")).expect("made");
        let other = std::fs::read_to_string(paths.machine_secrets(&machine).join("other"));
        assert_ne!(other.expect("read"), secret);
    }
}
