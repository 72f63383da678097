//! A typed reader of a TOML document that records a problem and goes on.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::collect::Collector;
use super::file::{Key, Presence, SHAPES, Shape};
use super::place::{At, KeyPath, Place, quote};
use super::suggest::closest;

/// A type that a value of a declaration can be read as.
pub(crate) trait Read: Sized {
    /// What a person is told to write: `a string`.
    const EXPECTED: &'static str;

    /// Reads it; `None` after recording what is wrong with it.
    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self>;
}

/// A type that a key chosen by a person can be read as.
pub(crate) trait ReadKey: Sized {
    /// Reads it; `None` after recording what is wrong with it.
    fn read_key(text: &str, place: &Place, problems: &mut Collector) -> Option<Self>;
}

/// Records that a value is not of the type that its key holds.
pub(crate) fn mismatch<T: Read>(value: &DeValue<'_>, place: &Place, problems: &mut Collector) {
    let message = format!("expected {}, found {}", T::EXPECTED, kind(value));
    let recorded = problems.error(place, message);
    if let Some(key) = place.key {
        recorded.hint(format!("for example: {} = {}", key.name, key.example));
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Reads the keys of one table, each at most once.
#[derive(Debug)]
pub(crate) struct TableReader<'a, 'i> {
    table: &'a DeTable<'i>,
    place: &'a Place,
    shape: &'static Shape,
    /// The keys that its unknown keys most likely are.
    meant: Vec<&'static str>,
    problems: &'a mut Collector,
}

impl<'a, 'i> TableReader<'a, 'i> {
    /// Begins with a table, and records its keys that the shape does not know.
    pub(crate) fn open(
        table: &'a DeTable<'i>,
        place: &'a Place,
        shape: &'static Shape,
        problems: &'a mut Collector,
    ) -> Self {
        let mut meant = Vec::new();
        for (key, _) in table {
            if shape.key(key.get_ref()).is_none() {
                meant.extend(unknown_key(key, place, shape, problems));
            }
        }
        Self {
            table,
            place,
            shape,
            meant,
            problems,
        }
    }

    /// The value of the key `name`; `None` where it is absent or after recording what is wrong.
    pub(crate) fn read<T: Read>(&mut self, name: &'static str) -> Option<At<T>> {
        let key = self.shape.key(name)?;
        let Some((written, value)) = self.table.get_key_value(name) else {
            if key.presence == Presence::Required && !self.meant.contains(&name) {
                self.missing(key);
            }
            return None;
        };
        let place = Place {
            path: self.place.path.key(name),
            span: value_span(written.span(), value),
            key: Some(key),
        };
        let value = T::read(value.get_ref(), &place, self.problems)?;
        Some(At { value, place })
    }

    /// See [`super::file::Table::written`].
    pub(crate) fn written(&self) -> Vec<&'static str> {
        let keys = self.shape.keys.iter().map(|key| key.name);
        keys.filter(|name| self.table.contains_key(*name) || self.meant.contains(name))
            .collect()
    }

    fn missing(&mut self, key: &Key) {
        let message = format!("{} needs `{}`", self.shape.what, key.name);
        self.problems
            .error(self.place, message)
            .hint(format!("add {} = {}", key.name, key.example));
    }
}

/// A table is pointed at by its key, because the table itself goes over many lines.
fn value_span(key: Range<usize>, value: &Spanned<DeValue<'_>>) -> Range<usize> {
    if value.get_ref().is_table() {
        key
    } else {
        value.span()
    }
}

/// Records a key that the shape does not know; returns the one that was most likely meant.
fn unknown_key(
    key: &Spanned<DeString<'_>>,
    table: &Place,
    shape: &'static Shape,
    problems: &mut Collector,
) -> Option<&'static str> {
    let (name, span) = (key.get_ref(), key.span());
    let place = Place {
        path: table.path.key(name),
        span,
        key: None,
    };
    let meant = closest(name, shape.keys.iter().map(|key| key.name));
    let recorded = problems.error(&place, format!("{} has no key {}", shape.what, quote(name)));
    recorded.hint_with(|| {
        let known: Vec<&str> = shape.keys.iter().map(|key| key.name).collect();
        let known = format!("the keys of {} are {}", shape.what, known.join(", "));
        let elsewhere = SHAPES.iter().find(|other| other.key(name).is_some());
        match (meant, elsewhere) {
            (Some(meant), _) => format!("did you mean `{meant}`? {known}"),
            (None, Some(other)) => {
                format!(
                    "`{name}` belongs to {}, {}; {known}",
                    other.what, other.table
                )
            }
            (None, None) => known,
        }
    });
    meant
}

/// A large value in a list or table costs a pointer there, however the list grows.
impl<T: Read> Read for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        T::read(value, place, problems).map(Self::new)
    }
}

/// A list whose elements are each read by themselves.
impl<T: Read> Read for Vec<At<T>> {
    const EXPECTED: &'static str = "a list";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let Some(array) = value.as_array() else {
            mismatch::<Self>(value, place, problems);
            return None;
        };
        let read = |(index, element): (usize, &Spanned<DeValue<'_>>)| {
            let path = place.path.index(index);
            let place = Place {
                path,
                span: element.span(),
                key: place.key,
            };
            let value = T::read(element.get_ref(), &place, problems)?;
            problems.keeps().then_some(At { value, place })
        };
        Some(array.iter().enumerate().filter_map(read).collect())
    }
}

/// A table whose keys are names that a person chose, in the order of the text.
#[derive(Debug)]
pub(crate) struct Entries<K, T>(pub(crate) Vec<Entry<K, T>>);

/// One name and what stands under it.
#[derive(Debug)]
pub(crate) struct Entry<K, T> {
    /// The name, and the place of the name.
    pub(crate) name: At<K>,
    /// What stands under it.
    pub(crate) value: T,
}

impl<K: ReadKey, T: Read> Read for Entries<K, T> {
    const EXPECTED: &'static str = "a table";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let Some(table) = value.as_table() else {
            mismatch::<Self>(value, place, problems);
            return None;
        };
        let mut entries: Vec<Entry<K, T>> = table
            .iter()
            .filter_map(|(key, value)| read_entry(key, value, place, problems))
            .collect();
        entries.sort_by_key(|entry| entry.name.place.span.start);
        Some(Self(entries))
    }
}

fn read_entry<K: ReadKey, T: Read>(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    table: &Place,
    problems: &mut Collector,
) -> Option<Entry<K, T>> {
    let path: KeyPath = table.path.key(key.get_ref());
    let name_place = Place {
        path: path.clone(),
        span: key.span(),
        key: None,
    };
    let name = K::read_key(key.get_ref(), &name_place, problems);
    let place = Place {
        path,
        span: value_span(key.span(), value),
        key: table.key,
    };
    // The value is read even under a bad name, so that its own problems are seen too.
    let value = T::read(value.get_ref(), &place, problems);
    if !problems.keeps() {
        return None;
    }
    Some(Entry {
        name: At {
            value: name?,
            place: name_place,
        },
        value: value?,
    })
}
