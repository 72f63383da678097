//! Where a value stands: its key and its bytes.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use super::file::Key;

/// A dotted key. It shares its beginning with its neighbours, so that a long name costs its
/// length once and not once for every key below it.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyPath(Option<Rc<Segment>>);

#[derive(Debug)]
struct Segment {
    parent: KeyPath,
    name: Name,
}

#[derive(Debug)]
enum Name {
    Key(String),
    Index(usize),
}

impl KeyPath {
    /// The key `name` below this one.
    pub(crate) fn key(&self, name: &str) -> Self {
        self.join(Name::Key(name.to_owned()))
    }

    /// The element `index` of the list that this key holds.
    pub(crate) fn index(&self, index: usize) -> Self {
        self.join(Name::Index(index))
    }

    fn join(&self, name: Name) -> Self {
        Self(Some(Rc::new(Segment {
            parent: self.clone(),
            name,
        })))
    }
}

/// As TOML writes it: `groups.ml.containers.web.files."/etc/motd"`, `ports[0]`.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(segment) = &self.0 else {
            return Ok(());
        };
        segment.parent.fmt(f)?;
        match &segment.name {
            Name::Index(index) => write!(f, "[{index}]"),
            Name::Key(key) => {
                if segment.parent.0.is_some() {
                    f.write_str(".")?;
                }
                f.write_str(&as_key(key))
            }
        }
    }
}

/// A key as TOML wants it: bare where that is possible, else quoted.
fn as_key(key: &str) -> String {
    let key = shorten(key);
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '…');
    if !key.is_empty() && key.chars().all(bare) {
        key
    } else {
        format!("\"{}\"", key.escape_debug())
    }
}

/// A person's own text within a sentence: in backticks, on one line, not endless.
pub(crate) fn quote(text: &str) -> String {
    let escaped: String = shorten(text)
        .chars()
        .map(|c| match c {
            '"' | '\'' => c.to_string(),
            _ => c.escape_debug().to_string(),
        })
        .collect();
    format!("`{escaped}`")
}

/// The beginning of a text, where it is longer than a sentence bears.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut characters = text.chars();
    let beginning: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        format!("{beginning}…")
    } else {
        beginning
    }
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Its dotted key.
    pub(crate) path: KeyPath,
    /// Its bytes: those of the value, or of the key where the value is a table.
    pub(crate) span: Range<usize>,
    /// What the schema says of the key it stands at, or of the list around it.
    pub(crate) key: Option<&'static Key>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it stands.
    pub(crate) place: Place,
}
