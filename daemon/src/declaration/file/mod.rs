//! The declaration as written: one type for every table of the TOML.
//!
//! Every key of every table stands here once, with its type, whether it must be there and an
//! example: the reader, "did you mean", "for example" and the test of the reference all use this.

mod container;
mod credential;
mod group;
mod shape;

pub(crate) use container::{
    Action, Bind, Container, FileEntry, Gpu, Health, HealthHttp, Limits, Missing, Port, Publish,
    Restart, Root,
};
pub(crate) use credential::Credential;
pub(crate) use group::{Document, Group};
pub(crate) use shape::{Key, Presence, Shape, Table};

/// Every table of the schema.
pub(crate) const SHAPES: [&Shape; 16] = [
    &Document::SHAPE,
    &Group::SHAPE,
    &Container::SHAPE,
    &Missing::SHAPE,
    &Root::SHAPE,
    &Port::SHAPE,
    &Publish::SHAPE,
    &Bind::SHAPE,
    &FileEntry::SHAPE,
    &Credential::SHAPE,
    &Action::SHAPE,
    &Limits::SHAPE,
    &Restart::SHAPE,
    &Health::SHAPE,
    &HealthHttp::SHAPE,
    &Gpu::SHAPE,
];

#[cfg(test)]
mod tests {
    use super::{Presence, SHAPES};

    #[test]
    fn the_reference_has_every_key_in_the_section_of_its_table() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/reference/declaration.md"
        );
        let reference = std::fs::read_to_string(path).expect("the reference is there");
        for shape in SHAPES {
            let heading = format!("\n## {}\n", shape.table);
            let (_, after) = reference
                .split_once(&heading)
                .unwrap_or_else(|| panic!("no section `{}`", heading.trim()));
            let section = after.split("\n## ").next().unwrap_or_default();
            for key in shape.keys {
                let row = format!("\n| `{}` |", key.name);
                let (_, row) = section
                    .split_once(&row)
                    .unwrap_or_else(|| panic!("`{}` is not in `{}`", key.name, shape.table));
                let row = row.lines().next().unwrap_or_default();
                let required = row.contains("| required |");
                assert_eq!(required, key.presence == Presence::Required, "{row}");
            }
            let rows = section
                .lines()
                .filter(|line| line.starts_with("| `"))
                .count();
            assert_eq!(
                rows,
                shape.keys.len(),
                "keys of `{}` that the code lacks",
                shape.table
            );
        }
    }

    #[test]
    fn the_fuzzer_knows_every_key() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/declaration.dict");
        let dictionary = std::fs::read_to_string(path).expect("the dictionary is there");
        for key in SHAPES.iter().flat_map(|shape| shape.keys) {
            let entry = format!("\"{}\"", key.name);
            assert!(
                dictionary.lines().any(|line| line == entry),
                "add {entry} to it"
            );
        }
    }

    #[test]
    fn every_example_is_toml() {
        for key in SHAPES.iter().flat_map(|shape| shape.keys) {
            let line = format!("{} = {}", key.name, key.example);
            assert!(line.parse::<toml::Table>().is_ok(), "{line}");
        }
    }
}
