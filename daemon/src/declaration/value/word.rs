//! Words with a purpose.

use toml::de::DeValue;

use super::scalar::text;
use crate::declaration::collect::Collector;
use crate::declaration::place::{Place, quote};
use crate::declaration::read::Read;

/// Defines a text that is read only where a rule holds.
macro_rules! word {
    ($(#[doc = $doc:literal])+ $name:ident: $rule:expr) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub(crate) struct $name(pub(crate) String);

        impl Read for $name {
            const EXPECTED: &'static str = "a string";

            fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
                let text = text::<Self>(value, place, problems)?;
                let rule: fn(&str) -> Result<(), Wrong> = $rule;
                match rule(text) {
                    Ok(()) => Some(Self(text.to_owned())),
                    Err((message, hint)) => {
                        problems.error(place, message).hint(hint);
                        None
                    }
                }
            }
        }
    };
}

/// What is wrong, and what to write instead.
type Wrong = (String, &'static str);

word!(
    /// A description: one line, since tables and the journal show it as one.
    Line: line
);

word!(
    /// What people are told of a container: one line, as a description, and never empty.
    Remark: remark
);

word!(
    /// A word of a command line.
    Word: no_nul
);

word!(
    /// The value of an environment variable: systemd takes no line break in one.
    VariableValue: variable_value
);

word!(
    /// A unit that a guest pulls in, `caddy.service`.
    UnitName: unit_name
);

word!(
    /// The scheme of an address for people, `http`.
    Scheme: scheme
);

word!(
    /// A user of a guest, by name or number.
    UserName: user_name
);

word!(
    /// A user of the host, by name or number.
    HostUserName: host_user_name
);

fn line(text: &str) -> Result<(), Wrong> {
    if text.chars().any(char::is_control) {
        let message = "a description is one line, without control characters".to_owned();
        return Err((message, "put longer explanations into a comment: # …"));
    }
    Ok(())
}

fn remark(text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        let message = "this is told to people, and is empty".to_owned();
        return Err((
            message,
            "say it in a few words: \"no model\", or leave the key out",
        ));
    }
    if text.chars().any(char::is_control) {
        let message = "this is told to people in one line, without control characters".to_owned();
        return Err((message, "say it in a few words: \"no model\""));
    }
    Ok(())
}

fn no_nul(text: &str) -> Result<(), Wrong> {
    if text.contains('\0') {
        let message = "a word of a command cannot hold a NUL".to_owned();
        return Err((message, "write it without"));
    }
    Ok(())
}

fn variable_value(text: &str) -> Result<(), Wrong> {
    if text.contains(['\0', '\n']) {
        let message = "the value of a variable cannot hold a NUL or a line break".to_owned();
        return Err((message, "put the text into `files` and name its path here"));
    }
    Ok(())
}

/// The units that can be pulled in by a boot; the others are made by systemd itself.
const UNIT_SUFFIXES: [&str; 6] = [
    ".service", ".socket", ".timer", ".target", ".path", ".mount",
];

fn unit_name(text: &str) -> Result<(), Wrong> {
    let Some(stem) = UNIT_SUFFIXES
        .iter()
        .find_map(|suffix| text.strip_suffix(suffix))
    else {
        let message = format!("{} is not the name of a unit", quote(text));
        let hint = "end it in .service, .socket, .timer, .target, .path or .mount";
        return Err((message, hint));
    };
    // unit_name_is_valid() in systemd's src/basic/unit-name.c.
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if stem.is_empty() || stem.starts_with('@') || text.len() > 255 || !stem.chars().all(allowed) {
        let message = format!("{} is not the name of a unit", quote(text));
        return Err((
            message,
            "use letters, digits and : - _ . \\ @ before its ending",
        ));
    }
    if stem.ends_with('@') {
        let message = format!("{} is a template, not a unit", quote(text));
        return Err((message, "name an instance of it: \"name@instance.service\""));
    }
    Ok(())
}

fn scheme(text: &str) -> Result<(), Wrong> {
    // RFC 3986, 3.1, in small letters.
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
    if starts_well && text.chars().all(allowed) && text.len() <= 32 {
        return Ok(());
    }
    let message = format!("{} is not the scheme of an address", quote(text));
    Err((
        message,
        "write only what stands before ://, such as \"http\"",
    ))
}

fn host_user_name(text: &str) -> Result<(), Wrong> {
    user_name(text).map_err(|(message, _)| {
        let hint = "write a user of the host by name or number: \"alice\"";
        (message, hint)
    })
}

fn user_name(text: &str) -> Result<(), Wrong> {
    // What systemd takes in User= (valid_user_group_name(), src/basic/user-util.c), less what only
    // its relaxed mode takes; or a number that is not (uid_t) -1.
    let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if number {
        if text.parse::<u32>().is_ok_and(|id| id != u32::MAX) {
            return Ok(());
        }
        return Err((
            format!("{} is not the number of a user", quote(text)),
            "use a smaller number",
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts_well && text.len() <= 31 && text.chars().all(allowed) {
        return Ok(());
    }
    let message = format!("{} is not the name of a user", quote(text));
    Err((
        message,
        "write a user of the guest by name or number: \"postgres\"",
    ))
}
