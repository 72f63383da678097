//! What is told of credentials, and to whom.

use std::time::Duration;

use ctr_api::Error;
use ctr_api::wire::CredentialStatus;

use crate::machine::credentials::{Credentials, Taken};
use crate::model::{Container, ContainerId, CredentialId, CredentialSource};
use crate::reconcile::Handle;
use crate::reconcile::fleet::Fleet;

use super::convert::CredentialsOf;

/// A file on a disk that does not answer holds up nobody who asks for the state.
const PATIENCE: Duration = Duration::from_millis(500);

/// What everybody may know of the credentials of all containers.
pub(super) async fn credentials_of_all(fleet: &Fleet) -> CredentialsOf {
    let model = fleet.in_force().model;
    let handles = fleet.handles().borrow().clone();
    let mut all = CredentialsOf::new();
    for container in model.containers().filter(|it| !it.credentials.is_empty()) {
        if let Some(handle) = handles.get(&container.id) {
            let told = credentials_of(fleet, container, handle).await;
            all.insert(container.id.clone(), told);
        }
    }
    all
}

/// What everybody may know of the credentials of one container.
pub(super) async fn credentials_of(
    fleet: &Fleet,
    container: &Container,
    handle: &Handle,
) -> Vec<CredentialStatus> {
    if container.credentials.is_empty() {
        return Vec::new();
    }
    let reading = fleet.credentials_now(container);
    let now = tokio::time::timeout(PATIENCE, reading).await;
    let now = now.unwrap_or_default();
    let in_force = handle.credentials.borrow().clone();
    let tell = |(id, source): (&CredentialId, &CredentialSource)| CredentialStatus {
        id: id.to_string(),
        path: match source {
            CredentialSource::File(path) => Some(path.display().to_string()),
            CredentialSource::Generated => None,
        },
        changed: differs(in_force.get(id), now.get(id)),
        problem: match now.get(id) {
            Some(Taken::Refused(refusal)) => Some(refusal.reason.clone()),
            Some(Taken::Ready { .. } | Taken::Unmade) | None => None,
        },
    };
    container.credentials.iter().map(tell).collect()
}

/// What cannot be read now is a problem and no change.
fn differs(in_force: Option<&Taken>, now: Option<&Taken>) -> bool {
    match (in_force, now) {
        (Some(Taken::Ready { digest, .. }), Some(Taken::Ready { digest: now, .. })) => {
            digest != now
        }
        (Some(Taken::Refused(_)), Some(Taken::Ready { .. })) => true,
        _ => false,
    }
}

/// The content of a credential that is in force.
pub(super) fn secret_of(
    container: &ContainerId,
    id: &str,
    in_force: &Credentials,
) -> Result<Vec<u8>, Error> {
    let taken = id
        .parse()
        .ok()
        .and_then(|id: CredentialId| in_force.get(&id));
    match taken {
        Some(Taken::Ready { secret, .. }) => Ok(secret.expose().to_vec()),
        Some(Taken::Refused(refusal)) => {
            let hint = refusal.hint.as_ref();
            let hint = hint.map(|it| format!("\nhint: {it}")).unwrap_or_default();
            Err(Error::Failed(format!("{}{hint}", refusal.reason)))
        }
        Some(Taken::Unmade) => Err(Error::Failed(format!(
            "the secret {id} of {container} is made when the container is first started\n\
             hint: `ctr {} start {}`",
            container.group, container.name
        ))),
        None => {
            let known: Vec<&str> = in_force.iter().map(|(id, _)| id.as_str()).collect();
            let known = if known.is_empty() {
                "it has none".to_owned()
            } else {
                format!("it has {}", known.join(", "))
            };
            Err(Error::BadRequest(format!(
                "{container} has no credential {id:?}\nhint: {known}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{differs, secret_of};
    use crate::machine::credentials::{Credentials, Refusal, Taken};
    use crate::model::ContainerId;

    fn ready(content: &str) -> Taken {
        Taken::Ready {
            secret: content.as_bytes().to_vec().into(),
            digest: content.to_owned(),
        }
    }

    fn refused() -> Taken {
        Taken::Refused(Refusal {
            reason: "/run/x does not exist".to_owned(),
            hint: Some("write it".to_owned()),
        })
    }

    #[test]
    fn a_secret_is_told_or_why_it_is_not() {
        let container = ContainerId {
            group: "ml".parse().expect("valid"),
            name: "web".parse().expect("valid"),
        };
        let credentials: Credentials = [("a", ready("x")), ("b", refused()), ("c", Taken::Unmade)]
            .map(|(id, taken)| (id.parse().expect("valid"), taken))
            .into_iter()
            .collect();
        let secret = |id| secret_of(&container, id, &credentials);
        assert_eq!(secret("a").expect("told"), b"x");
        for (id, expected) in [
            ("b", "does not exist\nhint: write it"),
            ("c", "hint: `ctr ml start web`"),
            ("d", "hint: it has a, b, c"),
            ("../a", "has no credential"),
        ] {
            let error = secret(id).expect_err("nothing to tell").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn only_another_content_is_a_change() {
        let (old, new) = (ready("1"), ready("2"));
        assert!(differs(Some(&old), Some(&new)));
        assert!(differs(Some(&refused()), Some(&new)));
        assert!(!differs(Some(&old), Some(&old.clone())));
        assert!(!differs(Some(&old), Some(&refused())));
        assert!(!differs(Some(&Taken::Unmade), Some(&new)));
    }
}
