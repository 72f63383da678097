//! Secrets that a guest is given.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

/// Where a guest finds its credentials: the directory that systemd as its init has for those of the
/// whole system (`SYSTEM_CREDENTIALS_DIRECTORY` in systemd).
pub const CREDENTIALS_IN_GUEST: &str = "/run/credentials/@system";
/// The variable that says so (systemd.exec(5)).
pub const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// The name of a credential within its container.
///
/// The rule is systemd's own (`credential_name_valid()`, systemd.exec(5)): a file name of printable
/// ASCII without `:`, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CredentialId(String);

/// The longest name: `NAME_MAX` of the kernel, which is systemd's `FDNAME_MAX` as well.
const LONGEST: usize = 255;

/// Why a text is not the name of a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialIdError {
    /// Nothing there, or a name that means a directory.
    #[error("it has to be the name of a file")]
    NoFileName,
    /// A character that systemd refuses.
    #[error("`{}` cannot stand in it", .0.escape_debug())]
    Character(char),
    /// Longer than a file's name can be.
    #[error("{0} bytes are too long: at most {LONGEST}")]
    Length(usize),
}

impl CredentialId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CredentialId {
    type Err = CredentialIdError;

    fn from_str(text: &str) -> Result<Self, CredentialIdError> {
        if matches!(text, "" | "." | "..") {
            return Err(CredentialIdError::NoFileName);
        }
        let allowed = |c: char| matches!(c, ' '..='~') && c != '/' && c != ':';
        if let Some(wrong) = text.chars().find(|&c| !allowed(c)) {
            return Err(CredentialIdError::Character(wrong));
        }
        if text.len() > LONGEST {
            return Err(CredentialIdError::Length(text.len()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the content of a credential comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialSource {
    /// A file of the host.
    File(PathBuf),
    /// `ctrd` makes it once, at random.
    Generated,
}

#[cfg(test)]
mod tests {
    use super::{CredentialId, CredentialIdError};

    #[test]
    fn names_are_those_that_systemd_takes() {
        for name in ["token", "db.password", "a b", "x=y", "-", "...", "~"] {
            assert!(name.parse::<CredentialId>().is_ok(), "{name}");
        }
        assert!("x".repeat(255).parse::<CredentialId>().is_ok());
        for name in ["", ".", "..", "a/b", "a:b", "a\nb", "ä", "\u{7f}"] {
            assert!(name.parse::<CredentialId>().is_err(), "{name:?}");
        }
        assert_eq!(
            "x".repeat(256).parse::<CredentialId>(),
            Err(CredentialIdError::Length(256))
        );
    }
}
