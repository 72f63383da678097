//! Reads the credentials of a container.

use crate::error_text::with_causes;
use crate::machine::root::HostPathError;
use crate::model::{Container, CredentialId, CredentialSource};
use crate::os::Paths;

use super::digest_key::DigestKey;
use super::error::CredentialError;
use super::source::read_secret;
use super::taken::{Credentials, Refusal, Taken};

/// Reads the credentials of a container, each source once. Nothing is made but the key of this host.
pub fn take(container: &Container, paths: &Paths) -> Credentials {
    if container.credentials.is_empty() {
        return Credentials::default();
    }
    let key = DigestKey::open(&paths.digest_key());
    let entries = container.credentials.iter().map(|(id, source)| {
        let taken = match &key {
            Ok(key) => {
                read(container, paths, key, id, source).unwrap_or_else(|error| refused(&error))
            }
            Err(error) => refused(error),
        };
        (id.clone(), taken)
    });
    entries.collect()
}

fn read(
    container: &Container,
    paths: &Paths,
    key: &DigestKey,
    id: &CredentialId,
    source: &CredentialSource,
) -> Result<Taken, CredentialError> {
    let content = match source {
        CredentialSource::File(path) => read_secret(path)?,
        CredentialSource::Generated => {
            let path = paths.machine_secrets(&container.machine).join(id.as_str());
            match read_secret(&path) {
                Err(CredentialError::Path(HostPathError::Missing { .. })) => {
                    return Ok(Taken::Unmade);
                }
                read => match read? {
                    // Made again, it would be another one than the guest's data was made with.
                    content if content.is_empty() => return Err(CredentialError::Lost { path }),
                    content => content,
                },
            }
        }
    };
    let digest = key.digest(&container.machine, id, &content);
    let secret = content.into();
    Ok(Taken::Ready { secret, digest })
}

fn refused(error: &CredentialError) -> Taken {
    Taken::Refused(Refusal {
        reason: with_causes(error),
        hint: error.hint(),
    })
}

#[cfg(test)]
mod tests {
    use super::take;
    use crate::machine::credentials::{Taken, make_secret};
    use crate::machine::test_container;
    use crate::model::{CredentialId, CredentialSource};
    use crate::os::Paths;

    #[test]
    fn a_secret_that_was_made_and_is_empty_is_refused_and_not_made_again() {
        // Paths below a directory of another user would be refused for that.
        assert!(nix::unistd::geteuid().is_root(), "run this test as root");
        let place = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            state: place.path().join("ctr"),
            ..Paths::default()
        };
        let mut container = test_container("web");
        let id: CredentialId = "token".parse().expect("valid");
        container
            .credentials
            .insert(id.clone(), CredentialSource::Generated);
        let now = || {
            let credentials = take(&container, &paths);
            let (_, token) = credentials.iter().next().expect("one credential");
            match token {
                Taken::Unmade => "unmade".to_owned(),
                Taken::Ready { .. } => "ready".to_owned(),
                Taken::Refused(refusal) => refusal.reason.clone(),
            }
        };
        assert_eq!(now(), "unmade");
        make_secret(&paths, &container.machine, &id).expect("made");
        assert_eq!(now(), "ready");
        let path = paths.machine_secrets(&container.machine).join("token");
        std::fs::write(&path, "").expect("emptied");
        assert!(now().ends_with("is empty: the secret that ctrd made is lost"));
        make_secret(&paths, &container.machine, &id).expect("nothing to do");
        assert!(now().ends_with("is lost"));
    }
}
