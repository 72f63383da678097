//! What holds for any declaration on a host in any state.
//!
//! ```text
//! declarations  any model, and the same with some of its keys changed
//! written       the model as TOML, in any order
//! machine       a whole host that obeys steps and refuses what cannot be
//! damage        what can have happened to a host: crashes, other programs, people
//! fleet         a declaration made so, each container in rounds of its own
//! converges     properties of what comes of it
//! changes       properties of what is done for it
//! ```

mod changes;
mod converges;
mod damage;
mod declarations;
mod fleet;
mod machine;
mod order;
mod unreadable;
mod written;

use proptest::test_runner::Config;

/// A few hundred, so that a test run stays short; `.ci/run` asks for ten thousand with
/// `PROPTEST_CASES`.
pub(super) fn cases() -> Config {
    Config {
        failure_persistence: None,
        ..Config::default()
    }
}
