//! Figures of one piece of work, and their units.

use serde::Serialize;

/// What figures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unit {
    Seconds,
    Bytes,
    BytesPerSecond,
    PerMinute,
}

impl Unit {
    /// Whether more of it is better.
    pub(crate) fn more_is_better(self) -> bool {
        self == Self::BytesPerSecond
    }

    /// A figure as people read it.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value >= 9.995 => format!("{value:.1} s"),
            Self::Seconds if value >= 0.9995 => format!("{value:.2} s"),
            Self::Seconds if value >= 0.1 => format!("{:.0} ms", value * 1e3),
            Self::Seconds => format!("{:.1} ms", value * 1e3),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::BytesPerSecond if value >= 1e9 => format!("{:.2} GB/s", value / 1e9),
            Self::BytesPerSecond => format!("{:.0} MB/s", value / 1e6),
            Self::PerMinute => format!("{value:.0}/min"),
        }
    }
}

/// Figures of the same thing by the same contender, in order of size.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    /// One more.
    pub(crate) fn add(&mut self, value: f64) {
        let place = self.0.partition_point(|it| *it < value);
        self.0.insert(place, value);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one in the middle; of an even number, between the two there.
    pub(crate) fn median(&self) -> Option<f64> {
        let (below, above) = (self.0.len().checked_sub(1)? / 2, self.0.len() / 2);
        Some(f64::midpoint(self.0[below], self.0[above]))
    }

    pub(crate) fn least(&self) -> Option<f64> {
        self.0.first().copied()
    }

    pub(crate) fn most(&self) -> Option<f64> {
        self.0.last().copied()
    }
}

impl Extend<f64> for Figures {
    fn extend<T: IntoIterator<Item = f64>>(&mut self, values: T) {
        for value in values {
            self.add(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[f64]) -> Figures {
        let mut figures = Figures::default();
        figures.extend(values.iter().copied());
        figures
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(figures(&[]).median(), None);
        assert_eq!(figures(&[3.0]).median(), Some(3.0));
        assert_eq!(figures(&[9.0, 1.0, 2.0]).median(), Some(2.0));
        assert_eq!(figures(&[4.0, 1.0, 9.0, 2.0]).median(), Some(3.0));
    }

    #[test]
    fn figures_are_kept_in_order() {
        let figures = figures(&[2.0, 9.0, 1.0]);
        assert_eq!(figures.least(), Some(1.0));
        assert_eq!(figures.most(), Some(9.0));
    }

    #[test]
    fn a_figure_has_as_many_digits_as_mean_something() {
        let shown = [0.00123, 0.0456, 0.789, 1.234, 12.34].map(|it| Unit::Seconds.show(it));
        assert_eq!(shown, ["1.2 ms", "45.6 ms", "789 ms", "1.23 s", "12.3 s"]);
        assert_eq!(Unit::Bytes.show(8e6), "8.0 MB");
        assert_eq!(Unit::BytesPerSecond.show(1.234e9), "1.23 GB/s");
        assert_eq!(Unit::BytesPerSecond.show(87e6), "87 MB/s");
        assert_eq!(Unit::PerMinute.show(41.2), "41/min");
    }
}
