//! The text, and what it says.

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Everything that is recorded of a machine, in the order of its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Machine {
    pub(crate) entries: Vec<(PathBuf, Entry)>,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A file with these bytes.
    File(String),
    /// A directory, for one with nothing else in it.
    Directory,
    /// A symbolic link.
    Link(PathBuf),
    /// A character device of root's.
    Character {
        /// Its major number.
        major: u32,
        /// Its minor number.
        minor: u32,
        /// Its permission bits.
        mode: u32,
        /// The name of its group.
        group: String,
    },
}

/// A line that says nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadMachine {
    line: usize,
    what: &'static str,
}

impl Machine {
    /// The groups that nodes belong to, each once.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self
            .entries
            .iter()
            .filter_map(|(_, entry)| match entry {
                Entry::Character { group, .. } => Some(group.as_str()),
                _ => None,
            })
            .collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Puts something else at a path, or something at one that had nothing.
    pub fn set(&mut self, path: impl Into<PathBuf>, entry: Entry) {
        let path = path.into();
        self.remove(&path);
        self.entries.push((path, entry));
    }

    /// Takes away what is at a path and below it.
    pub fn remove(&mut self, path: impl AsRef<Path>) {
        self.entries
            .retain(|(known, _)| !known.starts_with(path.as_ref()));
    }
}

impl FromStr for Machine {
    type Err = BadMachine;

    fn from_str(text: &str) -> Result<Self, BadMachine> {
        let mut entries: Vec<(PathBuf, Entry)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let bad = |what| BadMachine {
                line: number + 1,
                what,
            };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(rest) = line.strip_prefix('|') {
                let Some((_, Entry::File(text))) = entries.last_mut() else {
                    return Err(bad("a line of text that belongs to no file"));
                };
                text.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                text.push('\n');
                continue;
            }
            let (word, rest) = line.split_once(' ').ok_or(bad("no path"))?;
            let (path, entry) = entry(word, rest).map_err(bad)?;
            let path = PathBuf::from(path);
            let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
            if !path.components().all(plain) {
                return Err(bad("a path that is not plain and relative"));
            }
            entries.push((path, entry));
        }
        Ok(Self { entries })
    }
}

fn entry<'a>(word: &str, rest: &'a str) -> Result<(&'a str, Entry), &'static str> {
    match word {
        "file" => Ok(match rest.split_once(" = ") {
            Some((path, text)) => (path, Entry::File(format!("{text}\n"))),
            None => (rest, Entry::File(String::new())),
        }),
        "dir" => Ok((rest, Entry::Directory)),
        "link" => {
            let (path, target) = rest.split_once(" -> ").ok_or("a link without a target")?;
            Ok((path, Entry::Link(target.into())))
        }
        "char" => character(rest).ok_or("a device is: char PATH MAJOR:MINOR MODE GROUP"),
        _ => Err("none of: file, dir, link, char"),
    }
}

fn character(rest: &str) -> Option<(&str, Entry)> {
    let mut words = rest.split_ascii_whitespace();
    let path = words.next()?;
    let (major, minor) = words.next()?.split_once(':')?;
    let entry = Entry::Character {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
        mode: u32::from_str_radix(words.next()?, 8).ok()?,
        group: words.next()?.to_owned(),
    };
    words.next().is_none().then_some((path, entry))
}

#[cfg(test)]
mod tests {
    use super::{Entry, Machine};

    #[test]
    fn a_text_says_what_stands_where() {
        let text = "# comment\n\nfile a/b = 1\nfile c\n| x\n|  y\n|\nlink d -> ../e\nchar dev/f 226:128 0660 render\n";
        let machine: Machine = text.parse().expect("a machine");
        let entries: Vec<_> = machine
            .entries
            .iter()
            .map(|(path, entry)| (path.to_str().expect("text"), entry.clone()))
            .collect();
        let device = Entry::Character {
            major: 226,
            minor: 128,
            mode: 0o660,
            group: "render".to_owned(),
        };
        let expected = [
            ("a/b", Entry::File("1\n".to_owned())),
            ("c", Entry::File("x\n y\n\n".to_owned())),
            ("d", Entry::Link("../e".into())),
            ("dev/f", device),
        ];
        assert_eq!(entries, expected);
        assert_eq!(machine.groups(), ["render"]);
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, said) in [
            ("nothing", "line 1: no path"),
            ("| text", "line 1: a line of text that belongs to no file"),
            (
                "\nfile ../etc/passwd = x",
                "line 2: a path that is not plain and relative",
            ),
            (
                "file /etc/passwd = x",
                "line 1: a path that is not plain and relative",
            ),
            ("link a", "line 1: a link without a target"),
            (
                "char dev/a 1:x 0666 root",
                "line 1: a device is: char PATH MAJOR:MINOR MODE GROUP",
            ),
            ("block a", "line 1: none of: file, dir, link, char"),
        ] {
            let error = text.parse::<Machine>().expect_err(text);
            assert_eq!(error.to_string(), said);
        }
    }
}
