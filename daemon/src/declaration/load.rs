//! Reads the file.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use super::parse::{Parsed, SIZE_MAX, parse};
use super::problem::{Problems, counted};
use super::render::Colour;

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
    /// It was read, and it is refused. Too large and not UTF-8 are among its problems.
    #[error(transparent)]
    Refused(#[from] Problems),
}

/// Reads the declaration in the file `path`.
pub fn load(path: &Path) -> Result<Parsed, LoadError> {
    let bytes = read(path).map_err(|source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(parse(&path.display().to_string(), &bytes)?)
}

/// At most one byte more than is accepted, so that a wrong file cannot fill the memory.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(SIZE_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
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
    match load(path) {
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
        Err(LoadError::Unreadable { path, source }) => {
            let path = path.display();
            writeln!(
                out,
                "error: failed to read the declaration {path}\n -> {source}"
            )?;
            Ok(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LoadError, check, load};

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
            health = { tcp = 80 }
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
        let error = load(Path::new("/dev/zero")).expect_err("it is too large");
        assert!(
            matches!(&error, LoadError::Refused(problems) if problems.to_string().contains("more than"))
        );
    }
}
