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
                read => read?,
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
