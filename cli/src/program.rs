//! Programs that we run, by absolute path.
//!
//! `PATH` belongs to whoever calls us, often through sudo; the system's own programs stand in few
//! places.

use std::path::PathBuf;

use crate::error::Error;

const PLACES: [&str; 4] = [
    "/run/current-system/sw/bin",
    "/usr/bin",
    "/bin",
    "/usr/local/bin",
];

/// A program of the system.
pub(crate) fn of_the_system(name: &str) -> Result<PathBuf, Error> {
    find(name, PLACES.iter().map(PathBuf::from)).ok_or_else(|| {
        Error::failed(format!("{name} is not installed"))
            .because(format!("it is in none of {}", PLACES.join(", ")))
    })
}

/// A program that is installed with us.
pub(crate) fn of_ours(name: &str) -> Result<PathBuf, Error> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|it| Some(it.parent()?.to_path_buf()));
    let fixed = [
        "/usr/bin",
        "/usr/sbin",
        "/usr/libexec/ctr",
        "/run/current-system/sw/bin",
    ];
    let places = beside.into_iter().chain(fixed.iter().map(PathBuf::from));
    find(name, places).ok_or_else(|| {
        Error::failed(format!("{name} is not installed"))
            .because(format!(
                "it is neither beside ctr nor in {}",
                fixed.join(", ")
            ))
            .hint("install the whole package: ctr and ctrd come together")
    })
}

fn find(name: &str, places: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    places
        .map(|place| place.join(name))
        .find(|path| path.is_file())
}
