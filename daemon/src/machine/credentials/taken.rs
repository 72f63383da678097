//! The credentials of a container as they were read at one moment: pure.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::model::CredentialId;

/// The content of a secret. It cannot be printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a credential cannot be given, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub reason: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

/// One credential as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is there.
    Ready {
        /// Its content.
        secret: Secret,
        /// The digest that a unit carries of it.
        digest: String,
    },
    /// It is to be made, and was not yet.
    Unmade,
    /// It cannot be given.
    Refused(Refusal),
}

/// The credentials of one container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials(BTreeMap<CredentialId, Taken>);

impl Credentials {
    /// Each by its name.
    pub fn iter(&self) -> impl Iterator<Item = (&CredentialId, &Taken)> {
        self.0.iter()
    }

    /// One of them.
    pub fn get(&self, id: &CredentialId) -> Option<&Taken> {
        self.0.get(id)
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Some have to be made first.
    pub fn any_unmade(&self) -> bool {
        self.0.values().any(|taken| *taken == Taken::Unmade)
    }

    /// Every one of them can be given.
    pub fn all_ready(&self) -> bool {
        let ready = |taken: &Taken| matches!(taken, Taken::Ready { .. });
        self.0.values().all(ready)
    }

    /// Why they cannot be given, all reasons in one sentence.
    pub fn refusal(&self) -> Option<Refusal> {
        let refused = || {
            self.0.iter().filter_map(|(id, taken)| match taken {
                Taken::Refused(refusal) => Some((id, refusal)),
                Taken::Ready { .. } | Taken::Unmade => None,
            })
        };
        let reasons: Vec<String> = refused()
            .map(|(id, refusal)| format!("the credential {id} cannot be given: {}", refusal.reason))
            .collect();
        (!reasons.is_empty()).then(|| Refusal {
            reason: reasons.join("; "),
            hint: refused().find_map(|(_, refusal)| refusal.hint.clone()),
        })
    }
}

impl FromIterator<(CredentialId, Taken)> for Credentials {
    fn from_iter<T: IntoIterator<Item = (CredentialId, Taken)>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}
