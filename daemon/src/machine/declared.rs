//! What a running unit was declared as, written on the unit itself.
//!
//! The unit carries `CTR_DECLARED=key=digest …` in its environment: one digest for each group of
//! fields that a running guest cannot follow. So a restart names the keys that changed, and a new
//! version of ctrd that merely writes its command line differently restarts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ipnet::Ipv4Net;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::credentials::{Credentials, Taken};
use crate::model::{Container, Program, Root, hex};

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

/// The digest of who owns what in the binds.
const BIND_OWNERS: &str = "bind-owners";

/// The digests by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared(BTreeMap<String, String>);

impl Declared {
    /// The digests of a container as it is declared in a subnet, with these credentials.
    pub fn of(
        container: &Container,
        subnet: &Ipv4Net,
        gateway: std::net::Ipv4Addr,
        taken: &Credentials,
    ) -> Self {
        // Exhaustive on purpose: a new field does not compile until somebody has said here whether a
        // running guest can follow it.
        let Container {
            id: _,
            machine: _,
            description: _,
            aliases: _,
            address,
            autostart: _,
            root,
            program,
            ports: _,
            binds,
            files,
            credentials: _,
            after: _,
            actions: _,
            start_timeout: _,
            limits: _,
            restart: _,
            ephemeral,
            users,
            capabilities,
        } = container;
        let mut digests = BTreeMap::new();
        let mut put = |key: &str, value: String| {
            digests.insert(key.to_owned(), value);
        };
        put("address", digest(&(address, subnet.prefix_len(), gateway)));
        put("root", digest(root));
        if let Root::Nixos(system) = root {
            put("root", digest(&"nixos"));
            put("system", digest(system));
        }
        match program {
            Program::Boot {
                enable,
                environment,
            } => {
                put("command", digest(&"boot"));
                put("enable", digest(enable));
                put("environment", digest(environment));
            }
            Program::Command {
                command,
                user,
                environment,
                working_directory,
            } => {
                put("command", digest(&(command, user, working_directory)));
                put("environment", digest(environment));
            }
        }
        // Making a directory is done before the start; only what is mounted matters.
        let mounted: Vec<_> = binds
            .iter()
            .map(|bind| (&bind.host, &bind.guest, bind.read_only))
            .collect();
        put("binds", digest(&mounted));
        // Apart, so that a guest that an earlier version started, which knew none, is not restarted.
        let owners: Vec<_> = binds
            .iter()
            .filter(|bind| bind.owner.is_some() || bind.host_owner.is_some())
            .map(|bind| (&bind.guest, &bind.owner, &bind.host_owner))
            .collect();
        put(BIND_OWNERS, digest(&owners));
        // The text of a file is rewritten in place; which files there are is not.
        put("files", digest(&files.keys().collect::<Vec<_>>()));
        put("ephemeral", digest(ephemeral));
        put("users", digest(users));
        put("capabilities", digest(capabilities));
        // By content and not by path: a file that says the same as before is no change.
        for (id, taken) in taken.iter() {
            let digest = match taken {
                Taken::Ready { digest, .. } => digest,
                Taken::Unmade => UNMADE,
                Taken::Refused(_) => UNKNOWN,
            };
            put(&format!("{CREDENTIAL}{id}"), digest.to_owned());
        }
        Self(digests)
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
    /// Only credentials come and go by themselves. One that cannot be read now is not changed.
    pub fn changed(&self, declared: &Self) -> Vec<String> {
        let differs = |key: &String| match (self.0.get(key), declared.0.get(key)) {
            (Some(old), Some(new)) => old != new && new != UNKNOWN,
            (Some(_), None) | (None, Some(_)) => key.starts_with(CREDENTIAL),
            (None, None) => false,
        };
        let keys: BTreeSet<&String> = self.0.keys().chain(declared.0.keys()).collect();
        let changed = keys.into_iter().filter(|key| differs(key));
        // A person has written `binds`.
        let written = changed.map(|key| if key == BIND_OWNERS { "binds" } else { key });
        let once: BTreeSet<&str> = written.collect();
        once.into_iter().map(str::to_owned).collect()
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

/// Sixteen hexadecimal digits over the value's canonical JSON.
fn digest<T: Serialize + ?Sized>(value: &T) -> String {
    let json =
        serde_json::to_vec(value).expect("a model value has no map with keys that are not text");
    hex(&Sha256::digest(json)[..8])
}

#[cfg(test)]
mod tests {
    use super::Declared;
    use crate::machine::credentials::{Credentials, Refusal, Taken};
    use crate::machine::test_container;
    use crate::model::{Bind, Program};

    fn declared(container: &crate::model::Container) -> Declared {
        with(container, &[])
    }

    fn with(container: &crate::model::Container, credentials: &[(&str, Taken)]) -> Declared {
        let subnet = "10.77.3.0/24".parse().expect("valid");
        let gateway = "10.77.3.1".parse().expect("valid");
        let credentials: Credentials = credentials
            .iter()
            .map(|(id, taken)| (id.parse().expect("valid"), taken.clone()))
            .collect();
        Declared::of(container, &subnet, gateway, &credentials)
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
        let keys = ["credentials.a", "credentials.b", "credentials.c d=%"];
        assert_eq!(running.changed(&other), keys);
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
        assert_eq!(with(&container, &[]).changed(&now), ["credentials.a"]);
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
            declared(&old).changed(&declared(&new)),
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
        assert_eq!(declared(&old).changed(&declared(&new)), ["binds"]);
        new.binds[0].read_only = true;
        assert_eq!(declared(&old).changed(&declared(&new)), ["binds"]);
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

    #[test]
    fn it_survives_the_unit_and_ignores_keys_of_another_version() {
        let now = declared(&test_container("hello"));
        let line = format!("CTR_DECLARED={now} later=0123");
        let read = Declared::from_environment(&["A=b".to_owned(), line]).expect("it is there");
        assert!(read.changed(&now).is_empty());
        assert_eq!(Declared::from_environment(&["A=b".to_owned()]), None);
    }
}
