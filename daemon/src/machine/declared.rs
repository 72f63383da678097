//! What a running unit was declared as, written on the unit itself.
//!
//! The unit carries `CTR_DECLARED=key=digest …` in its environment: one digest for each group of
//! fields that a running guest cannot follow. So a restart names the keys that changed, and a new
//! version of ctrd that merely writes its command line differently restarts nothing.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::Ipv4Net;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{Container, Program, Root, hex};

/// The variable's name.
pub(super) const VARIABLE: &str = "CTR_DECLARED";

/// The digests by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared(BTreeMap<String, String>);

impl Declared {
    /// The digests of a container as it is declared in a subnet.
    pub fn of(container: &Container, subnet: &Ipv4Net, gateway: std::net::Ipv4Addr) -> Self {
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
            after: _,
            actions: _,
            start_timeout: _,
            limits: _,
            restart: _,
            ephemeral,
            users,
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
        put("bind-owners", digest(&owners));
        // The text of a file is rewritten in place; which files there are is not.
        put("files", digest(&files.keys().collect::<Vec<_>>()));
        put("ephemeral", digest(ephemeral));
        put("users", digest(users));
        Self(digests)
    }

    /// The digests that a unit carries, from its environment.
    pub fn from_environment(environment: &[String]) -> Option<Self> {
        let text = environment
            .iter()
            .find_map(|entry| entry.strip_prefix(VARIABLE)?.strip_prefix('='))?;
        let pairs = text.split_whitespace().filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Some(Self(pairs.collect()))
    }

    /// The keys in which a container as it runs (`self`) and as it is declared differ.
    ///
    /// A key that only one of the two knows is no difference: it belongs to another version of ctrd.
    pub fn changed(&self, declared: &Self) -> Vec<String> {
        declared
            .0
            .iter()
            .filter(|(key, value)| self.0.get(*key).is_some_and(|old| old != *value))
            .map(|(key, _)| key.clone())
            .collect()
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
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
    use crate::machine::test_container;
    use crate::model::Program;

    fn declared(container: &crate::model::Container) -> Declared {
        let subnet = "10.77.3.0/24".parse().expect("valid");
        Declared::of(container, &subnet, "10.77.3.1".parse().expect("valid"))
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
