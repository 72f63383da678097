//! The catalog of what `ctrd` says in the journal of a container's state: one `MESSAGE_ID` for each.
//!
//! The ids are random 128-bit numbers, made once and never given to anything else, as
//! systemd.journal-fields(7) has them. `dist/ctr.catalog` explains each to people (`journalctl
//! --catalog`), `docs/reference/journal.md` to programs; a test compares the three.

/// The state in words of a container that is declared no more and gone.
pub const REMOVED: &str = "removed";

/// By the state, in the word that people see: its `MESSAGE_ID`.
pub const MESSAGE_IDS: &[(&str, &str)] = &[
    ("stopped", "509de693b7754973b5d0994d1cea402c"),
    ("waiting", "49874892a29e491781860d2da33dfd4b"),
    ("starting", "9ba3c8b2b2d14bef87ceb1eb1b7730c3"),
    ("running", "96640d628ebb4a64ae53f0f92d427925"),
    ("healthy", "852c4f3efb224915a41481a4e6af12be"),
    ("unhealthy", "bd2436ea07744f14aba49b03dd06e5a6"),
    ("stopping", "1fba8c878ad3464997eb18cf486654ac"),
    ("failed", "d3cf5e5dce734a809b64596d6b644a52"),
    (REMOVED, "466146e995b247d8a360d8abfd653f81"),
];

/// The `MESSAGE_ID` of the record that a container came to be in this state.
pub fn message_id(state: &str) -> Option<&'static str> {
    let mut rows = MESSAGE_IDS.iter();
    rows.find(|(word, _)| *word == state).map(|(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{MESSAGE_IDS, message_id};
    use ctr_api::wire::State;

    #[test]
    fn every_state_has_an_id_of_its_own() {
        for state in State::ALL {
            assert!(message_id(state.as_str()).is_some(), "{}", state.as_str());
        }
        let ids: BTreeSet<_> = MESSAGE_IDS.iter().map(|(_, id)| id).collect();
        assert_eq!(ids.len(), MESSAGE_IDS.len());
        let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|it| it.is_ascii_hexdigit());
        assert!(ids.into_iter().all(is_id));
    }

    #[test]
    fn people_and_programs_are_told_the_same() {
        let catalog = include_str!("../../../dist/ctr.catalog");
        let entries = catalog.lines().filter_map(|line| line.strip_prefix("-- "));
        let entries: BTreeSet<_> = entries.collect();
        let page = include_str!("../../../docs/reference/journal.md");
        let rows: Vec<_> = page.lines().filter(|it| it.starts_with("| `")).collect();
        for (state, id) in MESSAGE_IDS {
            assert!(entries.contains(id), "dist/ctr.catalog lacks {state}");
            let begins = format!("| `{state}` | `{id}` |");
            assert!(
                rows.iter().any(|row| row.starts_with(&begins)),
                "journal.md lacks {begins}"
            );
        }
        assert_eq!(entries.len(), MESSAGE_IDS.len());
    }
}
