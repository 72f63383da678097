//! Names at the limits of what carries them: the constructor is the one place a rule stands.

use std::fmt::{self, Write};
use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("a name cannot be empty")]
    Empty,
    /// A character that a host name cannot hold.
    #[error("`{0}` cannot stand in a name: use a to z, 0 to 9 and, between them, -")]
    Character(char),
    /// A dash at an end.
    #[error("a name cannot start or end with -")]
    Edge,
    /// Too long for what carries it.
    #[error("{length} bytes are too long: at most {limit}")]
    Length {
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
}

/// The longest machine name: systemd's `MACHINE_NAME` is a host name label of 64 bytes (machined
/// refuses more), and the kernel's `HOST_NAME_MAX` is 64.
pub const MACHINE_NAME_MAX: usize = 64;
/// The longest interface name: the kernel's `IFNAMSIZ` is 16 with the final NUL.
pub const INTERFACE_NAME_MAX: usize = 15;

fn check_label(text: &str, limit: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(wrong) = text.chars().find(|&c| !allowed(c)) {
        return Err(NameError::Character(wrong));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(NameError::Edge);
    }
    if text.len() > limit {
        return Err(NameError::Length {
            length: text.len(),
            limit,
        });
    }
    Ok(())
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $limit:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check_label(text, $limit)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

label!(
    /// The name of a group: `[a-z0-9]([a-z0-9-]*[a-z0-9])?`.
    GroupName,
    MACHINE_NAME_MAX
);
label!(
    /// The name of a container within its group: `[a-z0-9]([a-z0-9-]*[a-z0-9])?`.
    ContainerName,
    MACHINE_NAME_MAX
);
label!(
    /// The name of a machine, unique on the host: see [`ContainerId::machine`].
    MachineName,
    MACHINE_NAME_MAX
);

/// One container, by group and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ContainerId {
    /// Its group.
    pub group: GroupName,
    /// Its name in that group.
    pub name: ContainerName,
}

impl ContainerId {
    /// `<group>-<name>`, or `<name>` where that already starts with `<group>-`: `dev/dev-ml` is the
    /// machine `dev-ml`, `dev/postgres` is `dev-postgres`.
    pub fn machine(&self) -> Result<MachineName, NameError> {
        let group = self.group.as_str();
        let name = self.name.as_str();
        let prefixed = name
            .strip_prefix(group)
            .is_some_and(|rest| rest.starts_with('-'));
        if prefixed {
            name.parse()
        } else {
            format!("{group}-{name}").parse()
        }
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.name)
    }
}

/// The name of a network interface, at most [`INTERFACE_NAME_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The bridge of a group: `br-<group>` while that fits, else `ctr-<hash>`.
    pub fn bridge(group: &GroupName) -> Self {
        let plain = format!("br-{group}");
        if plain.len() <= INTERFACE_NAME_MAX {
            Self(plain)
        } else {
            Self(format!("ctr-{}", short_hash(group.as_str())))
        }
    }

    /// The host's end of a machine's veth: `cv-<hash>`, the same at every start.
    pub fn veth(machine: &MachineName) -> Self {
        Self(format!("cv-{}", short_hash(machine.as_str())))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InterfaceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // dev_valid_name() in the kernel's net/core/dev.c: no `/`, no `:`, no white space, not `.`
        // or `..`.
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > INTERFACE_NAME_MAX {
            return Err(NameError::Length {
                length: text.len(),
                limit: INTERFACE_NAME_MAX,
            });
        }
        if let Some(wrong) = text
            .chars()
            .find(|c| matches!(c, '/' | ':') || c.is_whitespace())
        {
            return Err(NameError::Character(wrong));
        }
        if text == "." || text == ".." {
            return Err(NameError::Character('.'));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Ten hexadecimal digits of the SHA-256 of a name: 40 bits, so that a thousand names meet with a
/// probability of one in two million.
fn short_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..5])
}

/// Lower-case hexadecimal digits, two a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{ContainerId, GroupName, InterfaceName, NameError};

    fn id(group: &str, name: &str) -> ContainerId {
        ContainerId {
            group: group.parse().expect("a valid group"),
            name: name.parse().expect("a valid name"),
        }
    }

    #[test]
    fn a_name_that_starts_with_its_group_is_the_machine() {
        assert_eq!(
            id("dev", "dev-ml").machine().expect("short").as_str(),
            "dev-ml"
        );
        assert_eq!(
            id("dev", "postgres").machine().expect("short").as_str(),
            "dev-postgres"
        );
        assert_eq!(
            id("dev", "devel").machine().expect("short").as_str(),
            "dev-devel"
        );
    }

    #[test]
    fn a_bridge_name_fits_the_kernel() {
        let short: GroupName = "ml".parse().expect("valid");
        assert_eq!(InterfaceName::bridge(&short).as_str(), "br-ml");
        let long: GroupName = "a-long-group-name".parse().expect("valid");
        assert_eq!(InterfaceName::bridge(&long).as_str().len(), 14);
    }

    #[test]
    fn a_wrong_name_says_which_character() {
        assert_eq!("Ml".parse::<GroupName>(), Err(NameError::Character('M')));
        assert_eq!("-ml".parse::<GroupName>(), Err(NameError::Edge));
        assert_eq!("".parse::<GroupName>(), Err(NameError::Empty));
    }
}
