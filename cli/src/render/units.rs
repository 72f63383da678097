//! Times and sizes, short enough for a column.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A length of time in its two largest units: `45s`, `2h13m`, `3d4h`.
pub(crate) fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days}d{hours}h")
    } else if hours > 0 {
        format!("{hours}h{minutes:02}m")
    } else if minutes > 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

/// A length of time that was measured: `0.7s`, `12.3s`, and from a minute on as [`span`] has it.
pub(crate) fn duration(milliseconds: u64) -> String {
    if milliseconds >= 60_000 {
        return span(milliseconds);
    }
    format!("{}.{}s", milliseconds / 1000, milliseconds / 100 % 10)
}

/// A size as `310M` or `1.2G`: powers of 1024, a decimal only from G on.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, char); 4] = [
        (1 << 40, 'T'),
        (1 << 30, 'G'),
        (1 << 20, 'M'),
        (1 << 10, 'K'),
    ];
    // A little less than a whole unit is written in the larger one: 1023.7M would be five wide.
    for (unit, letter) in UNITS {
        if bytes.saturating_add(unit / 2048) < unit {
            continue;
        }
        let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
        return if unit >= 1 << 30 && tenths < 1000 {
            format!("{}.{}{letter}", tenths / 10, tenths % 10)
        } else {
            format!("{}{letter}", (tenths + 5) / 10)
        };
    }
    format!("{bytes}B")
}

/// The local time of day, `21:04:07`.
pub(crate) fn clock_time(ms: u64) -> String {
    local(ms, "%H:%M:%S")
}

/// The local date and time, `2026-11-20 21:04:07`.
pub(crate) fn date_and_time(ms: u64) -> String {
    local(ms, "%Y-%m-%d %H:%M:%S")
}

fn local(ms: u64, format: &str) -> String {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(
        || "?".to_owned(),
        |time| {
            time.to_zoned(TimeZone::system())
                .strftime(format)
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{duration, size, span};

    #[test]
    fn what_was_measured_has_tenths_below_a_minute() {
        let shown: Vec<_> = [40, 740, 12_345, 59_999, 61_000].map(duration).into();
        assert_eq!(shown, ["0.0s", "0.7s", "12.3s", "59.9s", "1m01s"]);
    }

    #[test]
    fn a_time_has_two_units_at_most() {
        let shown: Vec<_> = [0, 999, 45_000, 61_000, 8_010_000, 273_600_000, 864_000_000]
            .into_iter()
            .map(span)
            .collect();
        assert_eq!(
            shown,
            ["0s", "0s", "45s", "1m01s", "2h13m", "3d4h", "10d0h"]
        );
    }

    #[test]
    fn a_size_stays_within_five_characters() {
        let shown: Vec<_> = [
            0,
            1023,
            1 << 10,
            310 << 20,
            (1 << 30) - 1,
            (1 << 30) + (200 << 20),
            8 << 30,
            200 << 30,
            3 << 40,
        ]
        .into_iter()
        .map(size)
        .collect();
        assert_eq!(
            shown,
            [
                "0B", "1023B", "1K", "310M", "1.0G", "1.2G", "8.0G", "200G", "3.0T"
            ]
        );
    }
}
