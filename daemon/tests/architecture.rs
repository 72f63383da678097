//! What the compiler does not hold: which files are pure, and which way the arrows point.

use std::fs;
use std::path::{Path, PathBuf};

/// Files that decide. They see values and return values.
const PURE: &[&str] = &[
    "bus/access.rs",
    "bus/diff.rs",
    "firewall/desired.rs",
    "firewall/element.rs",
    "firewall/plan.rs",
    "gpu/cdi/choose.rs",
    "gpu/cdi/edits.rs",
    "gpu/cdi/error.rs",
    "gpu/cdi/gather.rs",
    "gpu/cdi/hooks.rs",
    "gpu/cdi/nodes.rs",
    "gpu/cdi/rules.rs",
    "gpu/cdi/spec.rs",
    "health/course.rs",
    "health/http.rs",
    "health/spread.rs",
    "journal/arguments.rs",
    "journal/view.rs",
    "machine/command_line.rs",
    "machine/credentials/taken.rs",
    "machine/declared.rs",
    "machine/names.rs",
    "machine/root/ownership.rs",
    "machine/root/shift.rs",
    "machine/root/uid_base.rs",
    "machine/unit.rs",
    "model/change/mod.rs",
    "model/change/table.rs",
    "model/change/values.rs",
    "model/container.rs",
    "model/credential.rs",
    "model/health.rs",
    "model/mod.rs",
    "model/names.rs",
    "network/conflict.rs",
    "network/desired.rs",
    "network/kept_links.rs",
    "network/observed.rs",
    "network/plan.rs",
    "network/removal.rs",
    "reconcile/plan.rs",
    "reconcile/reason.rs",
    "reconcile/state.rs",
    "reconcile/supervise.rs",
];

/// What a pure file has no business with.
const EFFECTS: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "std::thread",
    "std::net::Tcp",
    "std::net::Udp",
    "Instant",
    "SystemTime",
    "tokio",
    "rtnetlink",
    "nix::",
    "rustix",
    "async fn",
];

/// A folder, and the folders of the crate that it must not know.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "model",
        &[
            "os",
            "machine",
            "network",
            "firewall",
            "reconcile",
            "bus",
            "session",
            "declaration",
        ],
    ),
    (
        "declaration",
        &[
            "os",
            "machine",
            "network",
            "firewall",
            "reconcile",
            "bus",
            "session",
        ],
    ),
    (
        "network",
        &[
            "machine",
            "firewall",
            "reconcile",
            "bus",
            "session",
            "declaration",
        ],
    ),
    (
        "firewall",
        &[
            "machine",
            "network",
            "reconcile",
            "bus",
            "session",
            "declaration",
        ],
    ),
    (
        "machine",
        &[
            "network",
            "firewall",
            "reconcile",
            "bus",
            "session",
            "declaration",
        ],
    ),
    (
        "session",
        &[
            "machine",
            "network",
            "firewall",
            "reconcile",
            "bus",
            "declaration",
        ],
    ),
    (
        "health",
        &[
            "os",
            "machine",
            "network",
            "firewall",
            "reconcile",
            "bus",
            "session",
            "declaration",
        ],
    ),
    (
        "journal",
        &[
            "machine",
            "network",
            "firewall",
            "reconcile",
            "bus",
            "session",
            "declaration",
        ],
    ),
    (
        "gpu",
        &[
            "machine",
            "network",
            "firewall",
            "reconcile",
            "bus",
            "session",
        ],
    ),
    ("bus", &["network", "firewall"]),
    ("reconcile", &["bus"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The lines of a file that are neither comments nor its tests.
fn code(path: &Path) -> Vec<String> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(str::to_owned)
        .collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry of the source").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_a_test(&path) {
            found.push(path);
        }
    }
    found
}

/// Whole files of tests put together what is apart otherwise.
fn is_a_test(path: &Path) -> bool {
    path.file_stem()
        .is_some_and(|stem| stem.to_string_lossy().ends_with("_tests"))
}

#[test]
fn what_decides_has_no_effects() {
    let mut wrong = Vec::new();
    for name in PURE {
        for line in code(&source().join(name)) {
            for effect in EFFECTS.iter().filter(|effect| line.contains(**effect)) {
                wrong.push(format!("{name} has `{effect}`: {}", line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arrows_point_down() {
    let mut wrong = Vec::new();
    for (folder, forbidden) in ARROWS {
        for path in files(&source().join(folder)) {
            for line in code(&path) {
                for other in *forbidden {
                    if line.contains(&format!("crate::{other}::")) {
                        wrong.push(format!("{}: {}", path.display(), line.trim()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
