//! Sizes, times and shares of processors.

use std::time::Duration;

use toml::de::DeValue;

use super::scalar::{integer, text};
use crate::declaration::collect::Collector;
use crate::declaration::place::{Place, quote};
use crate::declaration::read::{Read, mismatch};

/// Bytes: `"8G"`, or a plain whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

impl Read for Size {
    const EXPECTED: &'static str = "a size";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let (size, shown) = match value {
            DeValue::Integer(written) => (
                integer(value).and_then(|bytes| u64::try_from(bytes).ok()),
                written.to_string(),
            ),
            DeValue::String(text) => (size(text), quote(text)),
            _ => {
                mismatch::<Self>(value, place, problems);
                return None;
            }
        };
        // The kernel counts memory in signed 64 bit; a number beyond is a slip, not a size.
        let size = size.filter(|&bytes| i64::try_from(bytes).is_ok());
        if size.is_none() {
            problems
                .error(place, format!("{shown} is not a size"))
                .hint("write a whole number and K, M, G or T (1K is 1024 bytes): \"8G\"");
        }
        size.map(Self)
    }
}

fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match text.strip_prefix(digits)? {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return None,
    };
    whole(digits)?.checked_mul(unit)
}

/// Digits and nothing else; `str::parse` would take a sign.
fn whole(digits: &str) -> Option<u64> {
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}

/// A span of time: `"90s"`, `"1min 30s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Duration);

/// The longest time: beyond a year somebody meant "never".
const TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Read for Time {
    const EXPECTED: &'static str = "a time, in quotes and with its unit";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        let Some(time) = time(text) else {
            problems
                .error(place, format!("{} is not a time", quote(text)))
                .hint("write whole numbers with ms, s, min, h or d: \"90s\", \"1min 30s\"");
            return None;
        };
        if time > TIME_MAX {
            problems
                .error(place, format!("{} is longer than a year", quote(text)))
                .hint("write at most \"365d\"");
            return None;
        }
        Some(Self(time))
    }
}

fn time(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (digits, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_where(after, |c| !c.is_ascii_alphabetic());
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "min" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            _ => return None,
        };
        let part = Duration::from_millis(whole(digits)?.checked_mul(milliseconds)?);
        total = total.checked_add(part)?;
        rest = after.trim_start();
    }
    Some(total)
}

fn split_where(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

/// A time as it would be written in a declaration.
pub(crate) fn written(time: Duration) -> String {
    let mut rest = time.as_millis();
    let mut parts = Vec::new();
    for (unit, milliseconds) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("min", 60_000),
        ("s", 1000),
        ("ms", 1),
    ] {
        if rest >= milliseconds {
            parts.push(format!("{}{unit}", rest / milliseconds));
            rest %= milliseconds;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// Processors, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cpus(pub(crate) u64);

/// The least share: the kernel's cpu controller gives out no less than 1 ms of its period of
/// 100 ms (`min_cfs_quota_period` in kernel/sched/core.c).
const MILLI_CPUS_MIN: f64 = 10.0;
/// The most: `NR_CPUS` of the largest kernels.
const MILLI_CPUS_MAX: f64 = 8192.0 * 1000.0;

impl Read for Cpus {
    const EXPECTED: &'static str = "a number of processors";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let written = match value {
            DeValue::Integer(integer) => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => {
                mismatch::<Self>(value, place, problems);
                return None;
            }
        };
        let thousandths = match value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "what is exact lies far within 52 bits"
            )]
            DeValue::Integer(_) => integer(value).map(|cpus| cpus as f64),
            _ => written.parse::<f64>().ok(),
        }
        .map(|cpus| (cpus * 1000.0).round())
        .filter(|thousandths| (MILLI_CPUS_MIN..=MILLI_CPUS_MAX).contains(thousandths));
        if thousandths.is_none() {
            problems
                .error(
                    place,
                    format!("{} is not a number of processors", quote(written)),
                )
                .hint("write at least 0.01 and at most 8192: 1.5 is one and a half");
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was just checked"
        )]
        thousandths.map(|thousandths| Self(thousandths as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{size, time, written};

    #[test]
    fn sizes_are_binary() {
        assert_eq!(size("8G"), Some(8 << 30));
        assert_eq!(size("512M"), Some(512 << 20));
        assert_eq!(size("1T"), Some(1 << 40));
        assert_eq!(size("4096"), Some(4096));
        for wrong in [
            "",
            "G",
            "8GB",
            "8 G",
            "-8G",
            "+8G",
            "1.5G",
            "8g",
            "99999999999999999999T",
        ] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_need_units() {
        let seconds = Duration::from_secs;
        assert_eq!(time("90s"), Some(seconds(90)));
        assert_eq!(time("15min"), Some(seconds(900)));
        assert_eq!(time("2h"), Some(seconds(7200)));
        assert_eq!(time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(time("1min 30s"), Some(seconds(90)));
        assert_eq!(time("1min30s"), Some(seconds(90)));
        for wrong in [
            "",
            " ",
            "90",
            "s",
            "5m",
            "1.5s",
            "-1s",
            "1min 30",
            "1 s",
            "99999999999999999d",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for text in ["90s", "15min", "1d 1h 1min 1s 1ms"] {
            let first = time(text).expect("it is a time");
            assert_eq!(time(&written(first)), Some(first));
        }
    }
}
