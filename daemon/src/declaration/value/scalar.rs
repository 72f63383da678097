//! Truth, numbers and choices.

use toml::de::DeValue;

use crate::declaration::collect::Collector;
use crate::declaration::place::{Place, quote};
use crate::declaration::read::{Read, mismatch};
use crate::declaration::suggest::closest;
use crate::model::{Capability, Protocol, RestartPolicy, UserMode};

impl Read for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let truth = value.as_bool();
        if truth.is_none() {
            mismatch::<Self>(value, place, problems);
        }
        truth
    }
}

/// A text as it is: file contents.
impl Read for String {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        text::<Self>(value, place, problems).map(str::to_owned)
    }
}

/// The text of a string; anything else is recorded as a mismatch of `T`.
pub(super) fn text<'a, T: Read>(
    value: &'a DeValue<'_>,
    place: &Place,
    problems: &mut Collector,
) -> Option<&'a str> {
    let text = value.as_str();
    if text.is_none() {
        mismatch::<T>(value, place, problems);
    }
    text
}

/// The whole number of a value, in whatever base; `None` where it is none or has no 128 bits.
pub(super) fn integer(value: &DeValue<'_>) -> Option<i128> {
    let integer = value.as_integer()?;
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A whole number that is not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u64);

impl Read for Number {
    const EXPECTED: &'static str = "a whole number";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let Some(written) = value.as_integer() else {
            mismatch::<Self>(value, place, problems);
            return None;
        };
        let number = integer(value).and_then(|number| u64::try_from(number).ok());
        if number.is_none() {
            problems
                .error(place, format!("{written} is out of range"))
                .hint("write a whole number from 0 to 18446744073709551615");
        }
        number.map(Self)
    }
}

/// The permissions of a file, `"0644"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl Read for Mode {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        // A number would be read as decimal by a person who thinks it octal, or the other way.
        let text = text::<Self>(value, place, problems)?;
        let octal =
            (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let Some(mode) = octal.then(|| u32::from_str_radix(text, 8).ok()).flatten() else {
            problems
                .error(place, format!("{} is not a mode", quote(text)))
                .hint("write three or four octal digits: \"0644\"");
            return None;
        };
        if mode > 0o777 {
            problems
                .error(
                    place,
                    format!("mode {text} has a setuid, setgid or sticky bit"),
                )
                .hint(format!("write \"0{:03o}\"", mode & 0o777));
            return None;
        }
        Some(Self(mode))
    }
}

/// One of a few words.
pub(super) trait Choice: Sized + 'static {
    const CHOICES: &'static [(&'static str, Self)];
}

pub(super) fn choose<T: Read + Choice + Copy>(
    value: &DeValue<'_>,
    place: &Place,
    problems: &mut Collector,
) -> Option<T> {
    let text = text::<T>(value, place, problems)?;
    let chosen = T::CHOICES.iter().find(|(word, _)| *word == text);
    if chosen.is_none() {
        let words = T::CHOICES.iter().map(|(word, _)| *word);
        let hint = if let Some(meant) = closest(text, words.clone()) {
            format!("did you mean \"{meant}\"?")
        } else {
            let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
            format!("write {}", words.join(" or "))
        };
        problems
            .error(place, format!("{} is not {}", quote(text), T::EXPECTED))
            .hint(hint);
    }
    chosen.map(|&(_, chosen)| chosen)
}

impl Choice for Protocol {
    const CHOICES: &'static [(&'static str, Self)] = &[("tcp", Self::Tcp), ("udp", Self::Udp)];
}

impl Read for Protocol {
    const EXPECTED: &'static str = "a protocol";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        choose(value, place, problems)
    }
}

impl Read for Capability {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        let capability = Self::named(text);
        if capability.is_none() {
            let names = Self::ALL.iter().map(|it| it.as_str());
            let hint = closest(text, names).map_or_else(
                || "write one as capabilities(7) does: \"CAP_NET_RAW\"".to_owned(),
                |meant| format!("did you mean \"{meant}\"?"),
            );
            problems
                .error(place, format!("{} is not a capability", quote(text)))
                .hint(hint);
        }
        capability
    }
}

/// When a container is started again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy(pub(crate) RestartPolicy);

impl Choice for Policy {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("never", Self(RestartPolicy::Never)),
        ("on-failure", Self(RestartPolicy::OnFailure)),
        ("always", Self(RestartPolicy::Always)),
    ];
}

impl Read for Policy {
    const EXPECTED: &'static str = "a restart policy";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        choose(value, place, problems)
    }
}

/// Whose users a container runs as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Users(pub(crate) UserMode);

impl Choice for Users {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("own", Self(UserMode::Own)), ("host", Self(UserMode::Host))];
}

impl Read for Users {
    const EXPECTED: &'static str = "a choice of users";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        choose(value, place, problems)
    }
}
