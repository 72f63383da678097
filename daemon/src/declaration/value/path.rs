//! Paths.

use std::path::{Component, Path, PathBuf};

use toml::de::DeValue;

use super::scalar::text;
use crate::declaration::collect::Collector;
use crate::declaration::place::{Place, quote};
use crate::declaration::read::{Read, ReadKey};

/// `PATH_MAX` of the kernel, with its final NUL.
const PATH_MAX: usize = 4095;
/// `NAME_MAX` of the kernel.
const COMPONENT_MAX: usize = 255;

/// An absolute path without `..`, and without what the kernel would skip over: doubled and
/// trailing slashes and `.`. So two paths are the same place exactly where they are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AbsolutePath(pub(crate) PathBuf);

impl Read for AbsolutePath {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        absolute(text::<Self>(value, place, problems)?, place, problems)
    }
}

impl ReadKey for AbsolutePath {
    fn read_key(text: &str, place: &Place, problems: &mut Collector) -> Option<Self> {
        absolute(text, place, problems)
    }
}

fn absolute(text: &str, place: &Place, problems: &mut Collector) -> Option<AbsolutePath> {
    match plain_path(text) {
        Ok(path) => Some(AbsolutePath(path)),
        Err((problem, hint)) => {
            problems.error(place, problem).hint(hint);
            None
        }
    }
}

/// Reads a path by the rule of [`AbsolutePath`], or says what is wrong with it and what to write.
pub(crate) fn plain_path(text: &str) -> Result<PathBuf, (String, &'static str)> {
    let path = Path::new(text);
    let shown = quote(text);
    let (problem, hint) = if text.is_empty() {
        (
            "a path cannot be empty".to_owned(),
            "write an absolute path, such as \"/srv/data\"",
        )
    } else if text.chars().any(char::is_control) {
        (
            format!("the path {shown} has a control character"),
            "write it without",
        )
    } else if !path.has_root() {
        (
            format!("the path {shown} is not absolute"),
            "begin it with /",
        )
    } else if path
        .components()
        .any(|component| component == Component::ParentDir)
    {
        (
            format!("the path {shown} has `..` in it"),
            "write where it leads to",
        )
    } else if text.len() > PATH_MAX
        || path
            .components()
            .any(|component| component.as_os_str().len() > COMPONENT_MAX)
    {
        (
            format!("the path {shown} is longer than the kernel takes"),
            "at most 4095 bytes in all and 255 between slashes",
        )
    } else {
        return Ok(path.components().collect());
    };
    Err((problem, hint))
}
