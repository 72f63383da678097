//! Which graphics processors a container asks for.

use toml::de::DeValue;

use super::scalar::{Choice, choose, integer, text};
use crate::declaration::collect::Collector;
use crate::declaration::place::{At, Place, quote};
use crate::declaration::read::{Read, mismatch};
use crate::model::{CdiName, GpuName, GpuVendors};

impl Choice for GpuVendors {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("nvidia", Self::Nvidia),
        ("amd", Self::Amd),
        ("intel", Self::Intel),
        ("any", Self::Any),
    ];
}

impl Read for GpuVendors {
    const EXPECTED: &'static str = "a vendor of graphics processors";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        choose(value, place, problems)
    }
}

/// `"all"`, or the names of some.
#[derive(Debug)]
pub(crate) enum Devices {
    /// All of them.
    All,
    /// These.
    These(Vec<At<GpuName>>),
}

impl Read for Devices {
    const EXPECTED: &'static str = "\"all\" or a list";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        match value {
            DeValue::Array(_) => {
                let names = some(value, place, "devices = \"all\"", problems)?;
                Some(Self::These(names))
            }
            DeValue::String(text) if text == "all" => Some(Self::All),
            DeValue::String(text) => {
                problems
                    .error(place, format!("{} is not \"all\"", quote(text)))
                    .hint("write devices = \"all\", or a list: devices = [0]");
                None
            }
            _ => {
                mismatch::<Self>(value, place, problems);
                None
            }
        }
    }
}

/// The names of the Container Device Interface in a list.
#[derive(Debug)]
pub(crate) struct CdiNames(pub(crate) Vec<At<CdiName>>);

impl Read for CdiNames {
    const EXPECTED: &'static str = "a list";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        some(value, place, "cdi = [\"nvidia.com/gpu=all\"]", problems).map(Self)
    }
}

/// A list that is not empty as it is written.
fn some<T: Read>(
    value: &DeValue<'_>,
    place: &Place,
    all: &str,
    problems: &mut Collector,
) -> Option<Vec<At<T>>> {
    if matches!(value, DeValue::Array(items) if items.is_empty()) {
        problems
            .error(place, "an empty list asks for no graphics processor")
            .hint(format!("write {all}, or remove `gpu`"));
        return None;
    }
    Vec::read(value, place, problems)
}

/// More graphics processors than any host has.
const INDEX_MAX: i128 = 255;

impl Read for GpuName {
    const EXPECTED: &'static str = "a number or a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        if let Some(written) = value.as_integer() {
            let index = integer(value).filter(|index| (0..=INDEX_MAX).contains(index));
            let Some(index) = index.and_then(|index| u32::try_from(index).ok()) else {
                problems
                    .error(
                        place,
                        format!("{written} is no place among graphics processors"),
                    )
                    .hint("count from 0, as `ctr gpu` shows them");
                return None;
            };
            return Some(Self::Index(index));
        }
        let text = text::<Self>(value, place, problems)?;
        if let Ok(address) = text.parse() {
            return Some(Self::Pci(address));
        }
        if is_uuid(text) {
            return Some(Self::Uuid(text.to_owned()));
        }
        let hint = if text.parse::<u32>().is_ok() {
            format!("write it as a number: {text}")
        } else {
            "write its place (0), its UUID (\"GPU-…\") or its address (\"0000:01:00.0\"), as `ctr gpu` shows them".to_owned()
        };
        problems
            .error(
                place,
                format!("{} names no graphics processor", quote(text)),
            )
            .hint(hint);
        None
    }
}

/// `GPU-` and a UUID in lower case, as NVIDIA's driver writes it.
fn is_uuid(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("GPU-") else {
        return false;
    };
    let groups: Vec<&str> = uuid.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.bytes().all(digit))
}

impl Read for CdiName {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        let name = text.parse().ok();
        if name.is_none() {
            problems
                .error(place, format!("{} is no CDI device", quote(text)))
                .hint("write vendor, class and device: \"nvidia.com/gpu=all\"");
        }
        name
    }
}
