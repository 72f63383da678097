//! What a running unit was declared as, written on the unit itself.
//!
//! The unit carries `CTR_DECLARED=key=digest …` in its environment: one digest for each group of
//! fields that a running guest cannot follow. So a restart names the keys that changed, and a new
//! version of ctrd that merely writes its command line differently restarts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::credentials::{Credentials, Taken};
use crate::model::change::{Change, Key, Values, container_values, text, whole};
use crate::model::{Container, Group, hex};

/// The variable's name.
pub(super) const VARIABLE: &str = "CTR_DECLARED";

/// What the key of a credential's digest begins with.
const CREDENTIAL: &str = "credentials.";
/// The digest of a credential that cannot be read: it is not known whether it changed.
const UNKNOWN: &str = "unknown";
/// The digest of a credential that is yet to be made.
const UNMADE: &str = "unmade";
/// What keeps a key one word of the variable, and apart from its digest.
const NO_PART_OF_A_WORD: &AsciiSet = &CONTROLS.add(b' ').add(b'=').add(b'%').add(b'"').add(b'\'');

/// The digests by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared(BTreeMap<String, String>);

impl Declared {
    /// The digests of a container as it is declared in its group, with these credentials.
    ///
    /// Which values are part of which digest is in the table of [`crate::model::change`].
    pub fn of(group: &Group, container: &Container, taken: &Credentials) -> Self {
        let mut values = Parts(BTreeMap::new());
        container_values(group, container, &mut values);
        let digests = values.0.into_iter();
        let mut digests: BTreeMap<String, String> = digests
            .map(|(name, values)| (name.to_owned(), digest(&values)))
            .collect();
        // By content and not by path: a file that says the same as before is no change.
        for (id, taken) in taken.iter() {
            let digest = match taken {
                Taken::Ready { digest, .. } => digest,
                Taken::Unmade => UNMADE,
                Taken::Refused(_) => UNKNOWN,
            };
            digests.insert(format!("{CREDENTIAL}{id}"), digest.to_owned());
        }
        Self(digests)
    }

    /// As it is after its guest has switched to another system, which the unit cannot be told.
    #[must_use]
    pub fn switched_to(mut self, system: &Path) -> Self {
        if let Some(now) = Key::System.digest().and_then(|name| self.0.get_mut(name)) {
            *now = digest(&[text(system)]);
        }
        self
    }

    /// The digests that a unit carries, from its environment.
    pub fn from_environment(environment: &[String]) -> Option<Self> {
        let text = environment
            .iter()
            .find_map(|entry| entry.strip_prefix(VARIABLE)?.strip_prefix('='))?;
        let pairs = text.split_whitespace().filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let key = percent_decode_str(key).decode_utf8_lossy();
            Some((key.into_owned(), value.to_owned()))
        });
        Some(Self(pairs.collect()))
    }

    /// The keys in which a container as it runs (`self`) and as it is declared differ.
    ///
    /// A key that only one of the two knows is no difference: it belongs to another version of ctrd.
    /// Only credentials come and go by themselves, and graphics processors, which no unit of an earlier
    /// version has. A credential that cannot be read now is not changed.
    pub fn changed(&self, declared: &Self) -> Vec<Change> {
        let differs = |key: &String| match (self.0.get(key), declared.0.get(key)) {
            (Some(old), Some(new)) => old != new && new != UNKNOWN,
            (Some(_), None) | (None, Some(_)) => {
                key.starts_with(CREDENTIAL) || Some(key.as_str()) == Key::Gpu.digest()
            }
            (None, None) => false,
        };
        let keys: BTreeSet<&String> = self.0.keys().chain(declared.0.keys()).collect();
        let changed = keys.into_iter().filter(|key| differs(key));
        let mut named: Vec<Change> = changed.filter_map(|key| named(key)).collect();
        named.sort();
        whole(&named)
    }
}

/// The key that a person knows a digest by.
fn named(digest: &str) -> Option<Change> {
    match digest.strip_prefix(CREDENTIAL) {
        Some(id) => Some(Change {
            key: Key::Credential,
            entry: Some(id.to_owned()),
        }),
        None => Key::of_digest(digest).map(Change::of),
    }
}

/// The values of each digest, as JSON.
struct Parts(BTreeMap<&'static str, Vec<String>>);

impl Values for Parts {
    fn put<T: Serialize + ?Sized>(&mut self, key: Key, _entry: Option<&str>, value: &T) {
        if let Some(name) = key.digest() {
            self.0.entry(name).or_default().push(text(value));
        }
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            let key = utf8_percent_encode(key, NO_PART_OF_A_WORD);
            write!(f, "{space}{key}={value}")?;
        }
        Ok(())
    }
}

/// Sixteen hexadecimal digits over one value, or over the list of several.
fn digest(values: &[String]) -> String {
    let json = match values {
        [only] => only.clone(),
        several => format!("[{}]", several.join(",")),
    };
    hex(&Sha256::digest(json)[..8])
}

#[cfg(test)]
mod tests {
    use super::Declared;
    use crate::machine::credentials::{Credentials, Refusal, Taken};
    use crate::machine::{test_container, test_group};
    use crate::model::{Bind, Program, Root};

    fn declared(container: &crate::model::Container) -> Declared {
        with(container, &[])
    }

    fn with(container: &crate::model::Container, credentials: &[(&str, Taken)]) -> Declared {
        let credentials: Credentials = credentials
            .iter()
            .map(|(id, taken)| (id.parse().expect("valid"), taken.clone()))
            .collect();
        Declared::of(&test_group(), container, &credentials)
    }

    fn keys(running: &Declared, declared: &Declared) -> Vec<String> {
        let changed = running.changed(declared);
        changed.iter().map(ToString::to_string).collect()
    }

    fn ready(digest: &str) -> Taken {
        Taken::Ready {
            secret: Vec::new().into(),
            digest: digest.to_owned(),
        }
    }

    #[test]
    fn a_credential_that_comes_goes_or_says_something_else_is_a_change() {
        let container = test_container("hello");
        let running = with(&container, &[("a", ready("1")), ("b", ready("2"))]);
        assert!(running.changed(&running).is_empty());
        let other = with(&container, &[("a", ready("9")), ("c d=%", Taken::Unmade)]);
        let named = ["credentials.a", "credentials.b", "credentials.\"c d=%\""];
        assert_eq!(keys(&running, &other), named);
        let line = format!("CTR_DECLARED={other}");
        let read = Declared::from_environment(&[line]).expect("it is there");
        assert_eq!(read, other);
        assert_eq!(running.changed(&with(&container, &[])).len(), 2);
        assert_eq!(with(&container, &[]).changed(&running).len(), 2);
    }

    #[test]
    fn a_credential_that_cannot_be_read_is_not_changed() {
        let container = test_container("hello");
        let refused = Taken::Refused(Refusal {
            reason: "it is gone".to_owned(),
            hint: None,
        });
        let running = with(&container, &[("a", ready("1"))]);
        let now = with(&container, &[("a", refused)]);
        assert!(running.changed(&now).is_empty());
        assert_eq!(keys(&with(&container, &[]), &now), ["credentials.a"]);
    }

    #[test]
    fn the_changed_keys_are_named() {
        let old = test_container("hello");
        let mut new = old.clone();
        new.address = "10.77.3.99".parse().expect("valid");
        let Program::Command { command, .. } = &mut new.program else {
            panic!("the test container runs a command");
        };
        command.push("-v".to_owned());
        assert_eq!(
            keys(&declared(&old), &declared(&new)),
            ["address", "command"]
        );
    }

    #[test]
    fn a_changed_owner_is_a_change_of_the_binds() {
        let mut old = test_container("hello");
        old.binds = vec![Bind {
            host: "/srv/a".into(),
            guest: "/srv/a".into(),
            read_only: false,
            create: false,
            data: false,
            owner: None,
            host_owner: None,
        }];
        let mut new = old.clone();
        new.binds[0].owner = Some("www-data".to_owned());
        assert_eq!(keys(&declared(&old), &declared(&new)), ["binds.owner"]);
        new.binds[0].read_only = true;
        assert_eq!(keys(&declared(&old), &declared(&new)), ["binds"]);
    }

    #[test]
    fn what_a_running_guest_follows_is_no_change() {
        let old = test_container("hello");
        let mut new = old.clone();
        new.description = "something else".to_owned();
        new.autostart = !old.autostart;
        new.ports.clear();
        assert!(declared(&old).changed(&declared(&new)).is_empty());
    }

    /// Guests run for months with what an earlier ctrd wrote on their units: were one of these
    /// digests made otherwise, an upgrade would restart every one of them.
    #[test]
    fn the_digests_stay_what_they_are() {
        let line = "address=fc3c84388629ae90 \
                    bind-owners=4f53cda18c2baa0c \
                    binds=4f53cda18c2baa0c \
                    capabilities=4f53cda18c2baa0c \
                    command=392ff7f02e7c8695 \
                    environment=44136fa355b3678a \
                    ephemeral=fcbcf165908dd18a \
                    files=4f53cda18c2baa0c \
                    root=08c677c63b7c2ead \
                    users=c0a7f2fb3edce6b3";
        assert_eq!(declared(&test_container("hello")).to_string(), line);
    }

    #[test]
    fn a_guest_that_switched_is_what_it_switched_to() {
        let mut old = test_container("hello");
        old.root = Root::Nixos("/nix/store/a".into());
        let mut new = old.clone();
        new.root = Root::Nixos("/nix/store/b".into());
        let running = declared(&old);
        assert_eq!(keys(&running, &declared(&new)), ["root.nixos"]);
        let switched = running.switched_to(std::path::Path::new("/nix/store/b"));
        assert!(switched.changed(&declared(&new)).is_empty());
        assert_eq!(keys(&switched, &declared(&old)), ["root.nixos"]);
    }

    #[test]
    fn it_survives_the_unit_and_ignores_keys_of_another_version() {
        let now = declared(&test_container("hello"));
        let line = format!("CTR_DECLARED={now} later=0123");
        let read = Declared::from_environment(&["A=b".to_owned(), line]).expect("it is there");
        assert!(read.changed(&now).is_empty());
        assert_eq!(Declared::from_environment(&["A=b".to_owned()]), None);
    }
}
