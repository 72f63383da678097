//! Attacks that are tried in other test programs, where the host is right for them.

use std::path::Path;

use crate::Row;

/// The test, who tries what, its outcome and its control.
const TESTS: [[&str; 5]; 4] = [
    [
        "vm/a_guest_that_forks_without_end_is_bounded.rs",
        "sleeps",
        "forks without end",
        "bounded: `tasks-max`, and a quarter of the host's tasks where none is declared",
        "under a larger limit it has as many processes as it wants",
    ],
    [
        "vm/a_guest_that_wants_too_much_memory_is_bounded.rs",
        "sleeps",
        "takes more memory than its `memory-max`",
        "bounded: what asks for more is killed in the guest",
        "it takes less than that",
    ],
    [
        "sessions/a_session_gives_the_guest_nothing_of_the_host.rs",
        "boots, sleeps",
        "traces processes that join it for `ctr … exec`, and opens what they have open",
        "fails: until its last fork a session is in no process namespace of the guest, and lets nobody trace it",
        "it sees them come",
    ],
    [
        "sessions/a_session_gives_the_guest_nothing_of_the_host.rs",
        "sleeps",
        "has the program that brings a session into it run by a shell of its own making",
        "harmless: the program is a sealed copy in memory, and no file of the host",
        "sessions go on as before",
    ],
];

pub(crate) fn rows() -> Vec<Row> {
    TESTS
        .iter()
        .map(|[_, guest, what, outcome, control]| Row {
            guest,
            what,
            outcome: (*outcome).to_owned(),
            control,
        })
        .collect()
}

#[test]
fn the_other_tests_are_there() {
    for [file, ..] in TESTS {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        assert!(tests.join(file).is_file(), "{file} is gone");
    }
}
