//! A secret that a container is given.

use toml::de::DeValue;

use super::shape::{Key, Presence, Shape, Table, table};
use crate::declaration::collect::Collector;
use crate::declaration::place::{At, Place};
use crate::declaration::read::{Read, TableReader, mismatch};
use crate::declaration::value::AbsolutePath;

table! {
    /// The table of a secret: one of its keys.
    CredentialTable is "a credential" in "`credentials.<credential>`" {
        /// The file of the host that holds it.
        Optional path: AbsolutePath = "path", r#""/run/secrets/x""#;
        /// It is made once, at random.
        Optional generate: bool = "generate", "true";
    }
}

/// A secret: its table, or only the path.
#[derive(Debug)]
pub(crate) struct Credential {
    /// The file of the host that holds it.
    pub(crate) path: Option<At<AbsolutePath>>,
    /// It is made once, at random.
    pub(crate) generate: Option<At<bool>>,
    /// See [`Table::written`].
    pub(crate) written: Vec<&'static str>,
    /// Where it stands.
    pub(crate) place: Place,
}

impl Credential {
    /// What the table looks like.
    pub(crate) const SHAPE: Shape = CredentialTable::SHAPE;
}

impl Table for Credential {
    fn written(&self) -> &[&'static str] {
        &self.written
    }
}

impl Read for Credential {
    const EXPECTED: &'static str = "a path or a table";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let place = place.clone();
        match value {
            DeValue::String(_) => Some(Self {
                path: Some(At {
                    value: AbsolutePath::read(value, &place, problems)?,
                    place: place.clone(),
                }),
                generate: None,
                written: vec!["path"],
                place,
            }),
            DeValue::Table(_) => {
                let CredentialTable {
                    path,
                    generate,
                    written,
                } = CredentialTable::read(value, &place, problems)?;
                Some(Self {
                    path,
                    generate,
                    written,
                    place,
                })
            }
            _ => {
                mismatch::<Self>(value, &place, problems);
                None
            }
        }
    }
}
