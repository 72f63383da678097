//! What a row of results says of a container: pure.

use std::time::Duration;

use crate::model::Health;

/// What is known of a container's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It has just been started: there was no success yet.
    Coming,
    /// It was running when `ctrd` came, or before it was declared to be probed, and has been ready: nothing
    /// is known yet.
    Found,
    /// It works.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// The way of one run of a container through the results of its probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    verdict: Verdict,
    failed: u32,
    succeeded: u32,
}

impl Course {
    /// Of a container that becomes ready with its first success.
    pub const fn of_a_start() -> Self {
        Self::at(Verdict::Coming)
    }

    /// Of a container that has been ready before.
    pub const fn of_a_find() -> Self {
        Self::at(Verdict::Found)
    }

    const fn at(verdict: Verdict) -> Self {
        Self {
            verdict,
            failed: 0,
            succeeded: 0,
        }
    }

    /// What is known until now.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// How many probes in a row have failed.
    pub const fn failed(&self) -> u32 {
        self.failed
    }

    /// Takes one more result into account.
    pub fn hear(&mut self, success: bool, health: &Health) {
        if success {
            self.failed = 0;
            self.succeeded = self.succeeded.saturating_add(1);
        } else {
            self.succeeded = 0;
            self.failed = self.failed.saturating_add(1);
        }
        self.verdict = match self.verdict {
            Verdict::Coming | Verdict::Found if success => Verdict::Healthy,
            // How long it may take is for its time to start to say.
            Verdict::Coming => Verdict::Coming,
            Verdict::Healthy | Verdict::Found if self.failed >= health.failures => {
                Verdict::Unhealthy
            }
            Verdict::Unhealthy if self.succeeded >= health.successes => Verdict::Healthy,
            unchanged => unchanged,
        };
    }

    /// From the beginning of one probe to that of the next: quick until something is known.
    pub fn interval(&self, health: &Health) -> Duration {
        match self.verdict {
            Verdict::Coming | Verdict::Found => health.start_interval,
            Verdict::Healthy | Verdict::Unhealthy => health.interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Course, Verdict};
    use crate::model::{Health, Probe};

    fn health() -> Health {
        Health {
            probe: Probe::Tcp { port: 80 },
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            start_interval: Duration::from_secs(1),
            failures: 3,
            successes: 2,
        }
    }

    /// The verdicts after each result: `+` is a success, `-` a failure.
    fn verdicts(mut course: Course, results: &str) -> Vec<Verdict> {
        let hear = |result| {
            course.hear(result == '+', &health());
            course.verdict()
        };
        results.chars().map(hear).collect()
    }

    #[test]
    fn the_first_success_makes_ready_and_no_failure_before_it_counts() {
        use Verdict::{Coming, Healthy, Unhealthy};
        let seen = verdicts(Course::of_a_start(), "-----+--+---");
        let mut expected = vec![Coming; 5];
        expected.extend([Healthy; 6]);
        expected.push(Unhealthy);
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_was_found_running_is_judged_by_its_thresholds() {
        use Verdict::{Found, Healthy, Unhealthy};
        let seen = verdicts(Course::of_a_find(), "--+");
        assert_eq!(seen, [Found, Found, Healthy]);
        let seen = verdicts(Course::of_a_find(), "---+-++");
        let expected = [
            Found, Found, Unhealthy, Unhealthy, Unhealthy, Unhealthy, Healthy,
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn it_is_probed_quickly_until_something_is_known() {
        let mut course = Course::of_a_start();
        assert_eq!(course.interval(&health()), Duration::from_secs(1));
        course.hear(true, &health());
        assert_eq!(course.interval(&health()), Duration::from_secs(10));
        for _ in 0..40 {
            course.hear(false, &health());
        }
        assert_eq!(
            (course.verdict(), course.failed()),
            (Verdict::Unhealthy, 40)
        );
        assert_eq!(course.interval(&health()), Duration::from_secs(10));
    }
}
