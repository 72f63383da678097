//! Reads the file.

use std::error::Error as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::parse::{Parsed, SIZE_MAX, parse};
use super::problem::{Problems, counted};
use super::render::Colour;
use super::trust::{Distrust, distrust};

/// Why a declaration was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("failed to read the declaration {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody who is not root can change it.
    #[error("the declaration {path} is refused: {distrust}", path = path.display())]
    NotOnlyRoots {
        /// The file.
        path: PathBuf,
        /// Who else can.
        distrust: Distrust,
    },
    /// It was read, and it is refused. Too large and not UTF-8 are among its problems.
    #[error(transparent)]
    Refused(#[from] Problems),
}

impl LoadError {
    /// There is no file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// What a person can do about it; a refused file has a hint with each of its problems.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("write it, then `ctr apply`".to_owned()),
            Self::NotOnlyRoots { distrust, .. } => {
                Some(format!("{}, then `ctr apply`", distrust.hint()))
            }
            Self::Refused(_) => None,
        }
    }
}

/// Reads the declaration that is to be made so: the file `path`, which only root may change.
pub fn load(path: &Path) -> Result<Parsed, LoadError> {
    load_again(path, None)
}

/// The same, where `known` is what it may still say: what the same bytes say is the same.
pub fn load_again(path: &Path, known: Option<&Parsed>) -> Result<Parsed, LoadError> {
    let unreadable = |source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = open(path).map_err(unreadable)?;
    if let Some(distrust) = distrust(&file, path).map_err(unreadable)? {
        return Err(LoadError::NotOnlyRoots {
            path: path.to_owned(),
            distrust,
        });
    }
    let bytes = read(file).map_err(unreadable)?;
    if let Some(known) = known.filter(|it| it.text.as_bytes() == bytes) {
        return Ok(known.clone());
    }
    Ok(parse(&path.display().to_string(), &bytes)?)
}

/// Reads a declaration to say what is wrong with it, whoever wrote it.
fn load_to_check(path: &Path) -> Result<Parsed, LoadError> {
    let bytes = open(path)
        .and_then(read)
        .map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    Ok(parse(&path.display().to_string(), &bytes)?)
}

/// SHA-256 of what the file holds now.
pub fn digest(path: &Path) -> io::Result<[u8; 32]> {
    Ok(Sha256::digest(read(open(path)?)?).into())
}

/// Never waits, as it would for the other side of a FIFO.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
}

/// At most one byte more than is accepted, so that a wrong file cannot fill the memory.
fn read(file: File) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(SIZE_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What `ctrd check FILE` does: says on `out` what is wrong, or what is declared, and returns the
/// exit code: 0 where the declaration is accepted, warnings or not, else 1.
pub fn check(path: &Path, out: &mut dyn Write, colour: bool) -> io::Result<u8> {
    let colour = if colour {
        Colour::Always
    } else {
        Colour::Never
    };
    match load_to_check(path) {
        Ok(Parsed {
            model, warnings, ..
        }) => {
            for problem in warnings.render_each(colour) {
                writeln!(out, "{problem}\n")?;
            }
            let groups = counted(model.groups.len(), "group");
            let containers = counted(model.containers().count(), "container");
            writeln!(
                out,
                "{}: {groups}, {containers}, {}",
                path.display(),
                warnings.count()
            )?;
            Ok(0)
        }
        Err(LoadError::Refused(problems)) => {
            write!(out, "{}", problems.render(colour))?;
            Ok(1)
        }
        Err(error) => {
            writeln!(out, "error: {error}")?;
            if let Some(cause) = error.source() {
                writeln!(out, " -> {cause}")?;
            }
            Ok(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LoadError, check, load_to_check};

    fn checked(path: &Path) -> (u8, String) {
        let mut out = Vec::new();
        let code = check(path, &mut out, false).expect("a vector takes everything");
        (code, String::from_utf8(out).expect("text is written"))
    }

    fn file(text: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("it is ours");
        file
    }

    #[test]
    fn an_accepted_file_is_one_line() {
        let file = file(b"schema = 1");
        let (code, text) = checked(file.path());
        assert_eq!(code, 0);
        assert_eq!(
            text,
            format!(
                "{}: 0 groups, 0 containers, no problems\n",
                file.path().display()
            )
        );
    }

    #[test]
    fn warnings_do_not_refuse() {
        let file = file(
            br#"
            schema = 1
            [groups.lab]
            subnet = "10.0.0.0/24"
            host-address = "10.0.0.1"
            [groups.lab.containers.web]
            address = "10.0.0.2"
            root = { tree = "/srv/tree" }
            environment = { DB_PASSWORD = "correct-horse" }
            "#,
        );
        let (code, text) = checked(file.path());
        assert_eq!(code, 0, "{text}");
        assert!(text.starts_with("warning: "), "{text}");
        assert!(
            text.ends_with(": 1 group, 1 container, 1 warning\n"),
            "{text}"
        );
    }

    #[test]
    fn a_refused_file_is_shown_and_counted() {
        let (code, text) = checked(file(b"schema = 2").path());
        assert_eq!(code, 1);
        assert!(text.ends_with("\n1 problem\n"), "{text}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_the_reason() {
        let (code, text) = checked(Path::new("/nonexistent/containers.toml"));
        assert_eq!(code, 1);
        assert!(
            text.starts_with("error: failed to read the declaration /nonexistent/"),
            "{text}"
        );
        assert!(text.contains("\n -> No such file"), "{text}");
    }

    #[test]
    fn an_endless_file_is_not_read_to_its_end() {
        let error = load_to_check(Path::new("/dev/zero")).expect_err("it is too large");
        assert!(
            matches!(&error, LoadError::Refused(problems) if problems.to_string().contains("more than"))
        );
    }
}
