//! Bytes to a model.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};
use toml_parser::Source;

use super::build::build;
use super::collect::Collector;
use super::file::Document;
use super::place::{KeyPath, Place};
use super::problem::Problems;
use super::read::Read;
use super::validate::validate;
use crate::model::Model;

/// The largest declaration, in bytes. A thousand containers take about a third of it; beyond it
/// somebody named the wrong file.
pub const SIZE_MAX: usize = 1024 * 1024;

/// The most words and signs of a declaration: keys, values, brackets, and the spaces between them.
/// A container with all that containers usually have takes a hundred and thirty.
///
/// What a declaration takes while it is read grows with these and not with its bytes: most with
/// small tables, which cost the parser more than a kilobyte each. With this bound none takes more
/// than 64 MB, however it is written.
pub const TOKENS_MAX: usize = 150_000;

/// The longest declaration in which all that is not TOML is looked for at once, in bytes: each byte
/// can be a problem, and the parser keeps a few hundred bytes for each.
const ALL_SYNTAX_MAX: usize = 64 * 1024;

/// A declaration that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it declares.
    pub model: Arc<Model>,
    /// What somebody should know about it.
    pub warnings: Problems,
    /// SHA-256 of the bytes: whether a file still says the same.
    pub digest: [u8; 32],
    /// The bytes, as text.
    pub text: String,
}

/// Reads the declaration `bytes`; `name` is what problems call it.
///
/// All problems are found at once. Nothing of the host is looked at.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Parsed, Problems> {
    let mut problems = Collector::default();
    if bytes.len() > SIZE_MAX {
        let message =
            format!("the declaration has more than {SIZE_MAX} bytes, the most that is read");
        problems
            .error(&whole_file(), message)
            .hint("check that this is the right file");
        return Err(problems.finish(name, ""));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(not_utf8(name, bytes, error.valid_up_to())),
    };
    match read(text, &mut problems) {
        Some(model) if !problems.refused() => Ok(Parsed {
            model: Arc::new(model),
            warnings: problems.finish(name, text),
            digest: Sha256::digest(bytes).into(),
            text: text.to_owned(),
        }),
        _ => Err(problems.finish(name, text)),
    }
}

fn read(text: &str, problems: &mut Collector) -> Option<Model> {
    if Source::new(text).lex().nth(TOKENS_MAX).is_some() {
        let message = format!(
            "the declaration has more than {TOKENS_MAX} words and signs, the most that are read"
        );
        problems
            .error(&whole_file(), message)
            .hint("check that this is the right file");
        return None;
    }
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(first) => {
            syntax(text, first, problems);
            return None;
        }
    };
    let value = DeValue::Table(document.into_inner());
    if !schema_is_known(&value, problems) {
        return None;
    }
    let document = Document::read(&value, &whole_file(), problems)?;
    // Where not all of it was kept, what is missing in it says nothing.
    if problems.keeps() {
        validate(&document, problems);
    }
    if problems.refused() {
        None
    } else {
        build(document)
    }
}

fn whole_file() -> Place {
    Place {
        path: KeyPath::default(),
        span: 0..0,
        key: None,
    }
}

fn not_utf8(name: &str, bytes: &[u8], offset: usize) -> Problems {
    let mut problems = Collector::default();
    let valid = bytes.get(..offset).unwrap_or_default();
    let text = String::from_utf8_lossy(valid);
    let place = Place {
        span: offset..offset,
        ..whole_file()
    };
    problems
        .error(
            &place,
            format!("the declaration is not UTF-8 text: byte {offset} is not"),
        )
        .hint("save the file as UTF-8");
    problems.finish(name, &text)
}

/// Records what is not TOML: one problem a line, because one slip makes the parser stumble
/// several times over the same line. Of a long text only the first.
fn syntax(text: &str, first: toml::de::Error, problems: &mut Collector) {
    let errors = if text.len() > ALL_SYNTAX_MAX {
        vec![first]
    } else {
        DeTable::parse_recoverable(text).1
    };
    let mut found: Vec<_> = errors
        .iter()
        .map(|error| (error.span().unwrap_or(0..0), error.message()))
        .collect();
    found.sort_by_key(|(span, _)| span.start);
    let mut line_end = None;
    for (span, message) in found {
        if line_end.is_some_and(|end| span.start <= end) {
            continue;
        }
        let rest = text.as_bytes().get(span.start..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len());
        line_end = Some(span.start + length);
        let place = Place {
            span,
            ..whole_file()
        };
        problems.error(&place, format!("this is not TOML: {message}"));
    }
}

/// Another schema's keys mean something else: problems with them would be noise.
fn schema_is_known(document: &DeValue<'_>, problems: &mut Collector) -> bool {
    let Some(schema) = document.as_table().and_then(|table| table.get("schema")) else {
        // Its absence is recorded with the other missing keys.
        return true;
    };
    let Some(number) = schema.get_ref().as_integer() else {
        return true;
    };
    if number.as_str() == "1" {
        return true;
    }
    let place = Place {
        path: whole_file().path.key("schema"),
        span: schema.span(),
        key: None,
    };
    problems
        .error(
            &place,
            format!("this version of ctrd does not know schema {number}"),
        )
        .hint("write schema = 1");
    false
}
