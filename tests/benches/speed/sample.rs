//! Times, and what is said of them.

use std::fmt;
use std::time::Duration;

/// Times of the same thing.
#[derive(Debug, Clone)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    /// The one in the middle.
    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    fn at(&self, percent: usize) -> Duration {
        let place = (self.0.len().saturating_sub(1)) * percent / 100;
        self.0.get(place).copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Sample {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, middle, most] = [0, 50, 100].map(|percent| milliseconds(self.at(percent)));
        write!(
            f,
            "{middle:>9} ms   ({least} to {most}, {} times)",
            self.0.len()
        )
    }
}

/// A time as people read it, in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

/// How many times as long.
pub(crate) fn ratio(time: Duration, than: Duration) -> f64 {
    time.as_secs_f64() / than.as_secs_f64().max(1e-9)
}
