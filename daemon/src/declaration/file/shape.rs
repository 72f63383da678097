//! What a table looks like.

/// One table of the schema.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What it describes, as it stands in a sentence: `a group`.
    pub(crate) what: &'static str,
    /// How it is written: `[groups.<group>]`.
    pub(crate) table: &'static str,
    /// Its keys.
    pub(crate) keys: &'static [Key],
}

impl Shape {
    /// The key `name`.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// One key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// Whether it must be there.
    pub(crate) presence: Presence,
    /// A value for it, as TOML.
    pub(crate) example: &'static str,
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// A table without it is a problem.
    Required,
    /// It may be left out.
    Optional,
}

/// A table that was read.
pub(crate) trait Table {
    /// Its keys that are there, those whose value is wrong included: a key that was refused must
    /// not be missed as well.
    fn written(&self) -> &[&'static str];
}

/// Defines a table: its type with an optional field for every key (absent, or wrong and recorded),
/// its shape, and how it is read.
macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        $name:ident is $what:literal in $table:literal {
            $($(#[$field_meta:meta])+
            $presence:ident $field:ident: $type:ty = $key:literal, $example:literal;)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        #[allow(clippy::struct_field_names, reason = "the fields are the keys of the schema")]
        pub(crate) struct $name {
            $($(#[$field_meta])+
            pub(crate) $field: Option<At<$type>>,)+
            /// See [`Table::written`].
            pub(crate) written: Vec<&'static str>,
        }

        impl $name {
            /// What the table looks like.
            pub(crate) const SHAPE: Shape = Shape {
                what: $what,
                table: $table,
                keys: &[$(Key { name: $key, presence: Presence::$presence, example: $example }),+],
            };
        }

        impl Table for $name {
            fn written(&self) -> &[&'static str] {
                &self.written
            }
        }

        impl Read for $name {
            const EXPECTED: &'static str = "a table";

            fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
                const SHAPE: &Shape = &$name::SHAPE;
                let Some(table) = value.as_table() else {
                    mismatch::<Self>(value, place, problems);
                    return None;
                };
                let mut table = TableReader::open(table, place, SHAPE, problems);
                Some(Self { written: table.written(), $($field: table.read($key)),+ })
            }
        }
    };
}

pub(super) use table;
