//! What happens when a container ends by itself, or a step fails: pure.

use std::time::Duration;

use crate::machine::Ended;
use crate::model::{Restart, RestartPolicy};

/// What to do about an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after the pause.
    Restart(Duration),
    /// It stays down, failed.
    StayFailed,
    /// It stays down; that was a clean end.
    StayOff,
}

/// Growing pauses: the first is `delay`, each is twice the one before, none is over `max_delay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure.
    pub fn next(&mut self, restart: &Restart) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1).min(31);
        restart.delay.saturating_mul(factor).min(restart.max_delay)
    }

    /// How many failures there were in a row; counted up to 31.
    pub const fn failures(self) -> u32 {
        self.failures
    }

    /// A good while, or a person, ended the run of failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// A run that was ready for so long has ended: the `window` of its restart, or more, ends the row of
    /// failures. One that was never ready proves nothing, however long it took.
    pub fn ran(&mut self, restart: &Restart, ready: Duration, ended: Option<&Ended>) {
        if ready >= restart.window && ended != Some(&Ended::StartTimeout) {
            self.reset();
        }
    }
}

/// Decides about an end: `ended` is `None` for a clean one.
pub fn verdict(restart: &Restart, ended: Option<&Ended>, backoff: &mut Backoff) -> Verdict {
    match (restart.policy, ended) {
        // A guest that reboots means to come back at once; that is no failure.
        (RestartPolicy::OnFailure | RestartPolicy::Always, Some(Ended::Reboot)) => {
            Verdict::Restart(Duration::ZERO)
        }
        (RestartPolicy::Never, Some(_)) => Verdict::StayFailed,
        (RestartPolicy::Never | RestartPolicy::OnFailure, None) => Verdict::StayOff,
        (RestartPolicy::Always, None)
        | (RestartPolicy::OnFailure | RestartPolicy::Always, Some(_)) => {
            Verdict::Restart(backoff.next(restart))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Verdict, verdict};
    use crate::machine::Ended;
    use crate::model::{Restart, RestartPolicy};
    use std::time::Duration;

    fn restart(policy: RestartPolicy) -> Restart {
        Restart {
            policy,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(5),
            window: Duration::from_secs(60),
            on_unhealthy: false,
        }
    }

    #[test]
    fn the_pause_grows_to_its_bound() {
        let mut backoff = Backoff::default();
        let restart = restart(RestartPolicy::OnFailure);
        let pauses: Vec<u64> = (0..5).map(|_| backoff.next(&restart).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
        for _ in 0..100 {
            assert_eq!(backoff.next(&restart).as_secs(), 5);
        }
        backoff.reset();
        assert_eq!(backoff.next(&restart).as_secs(), 1);
    }

    #[test]
    fn a_run_of_its_window_ends_a_row_of_failures() {
        let restart = restart(RestartPolicy::OnFailure);
        let after = |ready: u64, ended: Ended| {
            let mut backoff = Backoff::default();
            for _ in 0..3 {
                backoff.next(&restart);
            }
            backoff.ran(&restart, Duration::from_secs(ready), Some(&ended));
            backoff.failures()
        };
        assert_eq!(after(59, Ended::Status(1)), 3);
        assert_eq!(after(60, Ended::Status(1)), 0);
        assert_eq!(after(60, Ended::Unhealthy), 0);
        assert_eq!(after(900, Ended::StartTimeout), 3);
    }

    #[test]
    fn a_clean_power_off_stays_off_unless_always() {
        let mut backoff = Backoff::default();
        assert_eq!(
            verdict(&restart(RestartPolicy::OnFailure), None, &mut backoff),
            Verdict::StayOff
        );
        assert_eq!(
            verdict(&restart(RestartPolicy::Always), None, &mut backoff),
            Verdict::Restart(Duration::from_secs(1))
        );
    }

    #[test]
    fn a_reboot_comes_back_at_once() {
        let mut backoff = Backoff::default();
        let reboot = Some(&Ended::Reboot);
        assert_eq!(
            verdict(&restart(RestartPolicy::OnFailure), reboot, &mut backoff),
            Verdict::Restart(Duration::ZERO)
        );
        assert_eq!(
            verdict(&restart(RestartPolicy::Never), reboot, &mut backoff),
            Verdict::StayFailed
        );
    }
}
