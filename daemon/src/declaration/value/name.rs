//! Names that people choose, and references to them.

use std::str::FromStr;

use toml::de::DeValue;

use super::scalar::text;
use crate::declaration::collect::Collector;
use crate::declaration::place::{Place, quote};
use crate::declaration::read::{Read, ReadKey};
use crate::model::{ContainerId, ContainerName, CredentialId, GroupName, NameError};

/// Reads a name by its newtype's rule.
fn name<T: FromStr<Err = NameError>>(
    text: &str,
    what: &str,
    place: &Place,
    problems: &mut Collector,
) -> Option<T> {
    match text.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let recorded =
                problems.error(place, format!("{} cannot be {what}: {error}", quote(text)));
            let better = better_name(text);
            if better.parse::<T>().is_ok() {
                recorded.hint(format!("write \"{better}\""));
            }
            None
        }
    }
}

/// The same name within the rule, where a little change is enough.
fn better_name(text: &str) -> String {
    let small: String = text
        .chars()
        .take(crate::model::MACHINE_NAME_MAX + 1)
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    small.trim_matches('-').to_owned()
}

impl ReadKey for GroupName {
    fn read_key(text: &str, place: &Place, problems: &mut Collector) -> Option<Self> {
        name(text, "the name of a group", place, problems)
    }
}

impl ReadKey for ContainerName {
    fn read_key(text: &str, place: &Place, problems: &mut Collector) -> Option<Self> {
        name(text, "the name of a container", place, problems)
    }
}

impl Read for ContainerName {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        name(text, "the name of a container", place, problems)
    }
}

/// The name of an action: the same rule as for containers, since both are typed as one word.
#[derive(Debug, Clone)]
pub(crate) struct ActionName(pub(crate) String);

impl ReadKey for ActionName {
    fn read_key(text: &str, place: &Place, problems: &mut Collector) -> Option<Self> {
        let name: ContainerName = name(text, "the name of an action", place, problems)?;
        Some(Self(name.as_str().to_owned()))
    }
}

/// The name of an environment variable.
#[derive(Debug, Clone)]
pub(crate) struct VariableName(pub(crate) String);

impl ReadKey for VariableName {
    fn read_key(text: &str, place: &Place, problems: &mut Collector) -> Option<Self> {
        if is_variable_name(text) {
            return Some(Self(text.to_owned()));
        }
        problems
            .error(
                place,
                format!("{} cannot be the name of a variable", quote(text)),
            )
            .hint("use A to Z, a to z, 0 to 9 and _, and no digit first");
        None
    }
}

/// IEEE 1003.1, 8.1: letters, digits and `_`, and no digit first. systemd refuses the rest.
pub(crate) fn is_variable_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well && text.chars().all(allowed)
}

fn credential_id(text: &str, place: &Place, problems: &mut Collector) -> Option<CredentialId> {
    match text.parse() {
        Ok(id) => Some(id),
        Err(error) => {
            problems
                .error(
                    place,
                    format!(
                        "{} cannot be the name of a credential: {error}",
                        quote(text)
                    ),
                )
                .hint("use printable ASCII without / and :, at most 255 of it: \"db-password\"");
            None
        }
    }
}

impl ReadKey for CredentialId {
    fn read_key(text: &str, place: &Place, problems: &mut Collector) -> Option<Self> {
        credential_id(text, place, problems)
    }
}

impl Read for CredentialId {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        credential_id(text::<Self>(value, place, problems)?, place, problems)
    }
}

/// A group, or one container of it: `ml`, `ml/ollama`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reference {
    /// A whole group.
    Group(GroupName),
    /// One container.
    Container(ContainerId),
}

impl Read for Reference {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        let Some((group, container)) = text.split_once('/') else {
            return Some(Self::Group(name(
                text,
                "the name of a group",
                place,
                problems,
            )?));
        };
        let group = name(group, "the name of a group", place, problems);
        let container = name(container, "the name of a container", place, problems);
        Some(Self::Container(ContainerId {
            group: group?,
            name: container?,
        }))
    }
}
