//! The files that a guest reads its credentials from.
//!
//! They stand on a file system in memory, in a directory that nobody but root can reach, and belong
//! to the user of the guest who runs its program; the guest sees that directory read-only. One way
//! for every kind of guest: systemd-nspawn's own `--load-credential=` is for root alone where a
//! command runs as another user.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown, fchown};
use std::path::Path;

use super::error::CredentialError;
use super::private_file::closed_directory;
use super::taken::{Credentials, Taken};
use crate::machine::root::{UidBase, user_of_guest};
use crate::model::{Container, Program};
use crate::os::failpoint;

/// Writes the credentials of a container into `directory`, afresh. `root` is the guest's, mounted,
/// `base` its first user id.
///
/// No guest may run: a bind holds the directory that was there when it was made.
pub fn deliver(
    directory: &Path,
    container: &Container,
    credentials: &Credentials,
    root: &Path,
    base: Option<UidBase>,
) -> Result<(), CredentialError> {
    let (user, group) = reader(container, root)?;
    let (user, group) = match base {
        None => (Some(user), Some(group)),
        Some(base) if user < UidBase::RANGE && group < UidBase::RANGE => {
            (Some(base.get() + user), Some(base.get() + group))
        }
        // Outside of the guest's range there is nobody.
        Some(_) => {
            let user = user.to_string();
            return Err(CredentialError::NoSuchUser { user });
        }
    };
    if let Some(all) = directory.parent() {
        closed_directory(all)?;
    }
    withdraw(directory)?;
    failpoint("old credentials withdrawn");
    fs::DirBuilder::new()
        .mode(0o700)
        .create(directory)
        .map_err(CredentialError::io("make", directory))?;
    failpoint("credentials directory made");
    for (id, taken) in credentials.iter() {
        let Taken::Ready { secret, .. } = taken else {
            continue;
        };
        let path = directory.join(id.as_str());
        File::options()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&path)
            .and_then(|mut file| {
                failpoint("credential made");
                file.write_all(secret.expose())?;
                failpoint("credential written");
                file.set_permissions(Permissions::from_mode(0o400))?;
                fchown(&file, user, group)
            })
            .map_err(CredentialError::io("write", &path))?;
        failpoint("credential owned");
    }
    fs::set_permissions(directory, Permissions::from_mode(0o500))
        .and_then(|()| chown(directory, user, group))
        .map_err(CredentialError::io("give an owner to", directory))
}

/// Whether there are such files.
pub fn delivered(directory: &Path) -> Result<bool, CredentialError> {
    directory
        .try_exists()
        .map_err(CredentialError::io("look at", directory))
}

/// Takes the files away.
pub fn withdraw(directory: &Path) -> Result<(), CredentialError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(CredentialError::io("remove", directory)(error))
        }
        _ => Ok(()),
    }
}

/// The user and group of the guest who has to be able to read them: an init hands them on itself.
fn reader(container: &Container, root: &Path) -> Result<(u32, u32), CredentialError> {
    match &container.program {
        Program::Command {
            user: Some(user), ..
        } => user_of_guest(root, user)
            .ok_or_else(|| CredentialError::NoSuchUser { user: user.clone() }),
        Program::Command { user: None, .. } | Program::Boot { .. } => Ok((0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::{deliver, delivered, withdraw};
    use crate::machine::credentials::{Credentials, Secret, Taken};
    use crate::machine::root::UidBase;
    use crate::machine::test_container;
    use crate::model::Program;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn only_the_user_who_runs_the_program_can_read_them() {
        // Giving files away needs root, as ctrd has it.
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("credentials/lab-web");
        let root = place.path().join("root");
        std::fs::create_dir_all(root.join("etc")).expect("made");
        std::fs::write(root.join("etc/passwd"), "www-data:x:33:34::/:/bin/sh\n").expect("written");
        let mut container = test_container("web");
        if let Program::Command { user, .. } = &mut container.program {
            *user = Some("www-data".to_owned());
        }
        let ready = |content: &[u8]| Taken::Ready {
            secret: Secret::from(content.to_vec()),
            digest: String::new(),
        };
        let one = |name: &str, content: &[u8]| -> Credentials {
            [(name.parse().expect("valid"), ready(content))]
                .into_iter()
                .collect()
        };
        let base = UidBase::new(524_288);
        deliver(&directory, &container, &one("old", b"1"), &root, base).expect("given");
        deliver(&directory, &container, &one("new", b"2"), &root, base).expect("given again");
        assert!(!directory.join("old").exists());
        let file = std::fs::metadata(directory.join("new")).expect("there");
        let closed = std::fs::metadata(place.path().join("credentials")).expect("there");
        let own = std::fs::metadata(&directory).expect("there");
        assert_eq!(
            (file.mode() & 0o7777, file.uid(), file.gid()),
            (0o400, 524_321, 524_322)
        );
        assert_eq!((own.mode() & 0o7777, own.uid()), (0o500, 524_321));
        assert_eq!((closed.mode() & 0o7777, closed.uid()), (0o700, 0));
        if let Program::Command { user, .. } = &mut container.program {
            *user = Some("nobody-there".to_owned());
        }
        let refused = deliver(&directory, &container, &one("x", b"3"), &root, base);
        assert!(refused.is_err_and(|it| it.to_string().contains("nobody-there")));
        for number in ["65536", "4294967295"] {
            if let Program::Command { user, .. } = &mut container.program {
                *user = Some(number.to_owned());
            }
            assert!(deliver(&directory, &container, &one("x", b"3"), &root, base).is_err());
        }
        withdraw(&directory).expect("taken away");
        withdraw(&directory).expect("twice");
        assert!(!delivered(&directory).expect("looked at"));
    }
}
