//! How much of a processor a container takes.

use std::collections::HashMap;

use ctr_api::wire::ContainerStatus;

/// Percentages of one processor: between two looks where there were two, else since the start.
#[derive(Debug, Default)]
pub(crate) struct CpuMeter {
    /// By unit: processor time in microseconds, when that was, and what it came to.
    last: HashMap<String, Reading>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    cpu_usec: u64,
    at_ms: u64,
    percent: f64,
}

/// A run that is shorter has no average worth the name.
const SHORTEST_RUN_MS: u64 = 10_000;
/// Looks that are closer together than this say more about the clock than about the container.
const SHORTEST_INTERVAL_MS: u64 = 500;

impl CpuMeter {
    /// The percentage to show now, if the kernel tells.
    pub(crate) fn percent(&mut self, container: &ContainerStatus, now_ms: u64) -> Option<f64> {
        let cpu_usec = container.usage.as_ref()?.cpu_usec?;
        let before = self.last.get(&container.unit).copied();
        // Less than before means that the container was restarted in between.
        let before = before.filter(|it| it.cpu_usec <= cpu_usec && it.at_ms <= now_ms);
        let percent = match before {
            Some(it) if now_ms - it.at_ms < SHORTEST_INTERVAL_MS => return Some(it.percent),
            Some(it) => ratio(cpu_usec - it.cpu_usec, now_ms - it.at_ms)?,
            None if container.state.is_up() => {
                // The unit's time counts from before it was ready: in the first seconds that would
                // be the average of its start.
                let up = now_ms.checked_sub(container.up_since_ms?)?;
                if up < SHORTEST_RUN_MS {
                    return None;
                }
                ratio(cpu_usec, up)?
            }
            None => return None,
        };
        self.last.insert(
            container.unit.clone(),
            Reading {
                cpu_usec,
                at_ms: now_ms,
                percent,
            },
        );
        Some(percent)
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a percentage needs three digits, not nineteen"
)]
fn ratio(cpu_usec: u64, elapsed_ms: u64) -> Option<f64> {
    (elapsed_ms > 0).then(|| cpu_usec as f64 / elapsed_ms as f64 / 10.0)
}

#[cfg(test)]
mod tests {
    use super::CpuMeter;
    use crate::sample;

    #[test]
    fn the_first_look_is_the_average_since_the_start() {
        let mut meter = CpuMeter::default();
        let container = sample::running("ml", "ollama");
        let percent = meter
            .percent(&container, sample::NOW_MS)
            .expect("usage is known");
        assert!((percent - 3.0).abs() < 0.01, "{percent}");
    }

    #[test]
    fn the_next_look_is_what_happened_in_between() {
        let mut meter = CpuMeter::default();
        let mut container = sample::running("ml", "ollama");
        meter.percent(&container, sample::NOW_MS);
        if let Some(usage) = &mut container.usage {
            usage.cpu_usec = usage.cpu_usec.map(|it| it + 1_000_000);
        }
        let percent = meter
            .percent(&container, sample::NOW_MS + 2000)
            .expect("usage is known");
        assert!((percent - 50.0).abs() < 0.01, "{percent}");
    }

    #[test]
    fn a_restart_in_between_starts_again() {
        let mut meter = CpuMeter::default();
        let mut container = sample::running("ml", "ollama");
        meter.percent(&container, sample::NOW_MS);
        container.up_since_ms = Some(sample::NOW_MS + 1000);
        if let Some(usage) = &mut container.usage {
            usage.cpu_usec = Some(2_000_000);
        }
        let soon = meter.percent(&container, sample::NOW_MS + 2000);
        assert_eq!(soon, None, "a run of a second has no average");
        let percent = meter
            .percent(&container, sample::NOW_MS + 21_000)
            .expect("usage is known");
        assert!((percent - 10.0).abs() < 0.01, "{percent}");
    }
}
