//! The words that `ctr` reads itself, which no group can be called.

/// Words that cannot be a group's name: `ctr <word> …` already means something.
///
/// The host-wide commands, the verbs of a group (so that `ctr start ollama` can say that a group is
/// missing) and `help`, sorted.
pub const RESERVED_GROUP_NAMES: &[&str] = &[
    "aliases",
    "apply",
    "check",
    "completions",
    "down",
    "enter",
    "events",
    "exec",
    "gpu",
    "help",
    "logs",
    "man",
    "open",
    "plan",
    "prune",
    "restart",
    "restart-all",
    "run",
    "secret",
    "start",
    "start-all",
    "status",
    "status-all",
    "stop",
    "stop-all",
    "url",
    "version",
    "wait",
];

/// Words that cannot be a group's name although `ctr` does not read them yet: commands that are
/// planned, so that no declaration breaks when they come. Sorted.
pub const RESERVED_FOR_LATER: &[&str] = &["backup", "doctor", "export", "restore", "top"];
