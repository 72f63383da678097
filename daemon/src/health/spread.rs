//! When a container is probed, so that not all are at once: pure.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::model::MachineName;

/// Where in an interval a machine has its moment: always the same for one name, and spread evenly over
/// many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// Of this machine.
    pub fn of(machine: &MachineName) -> Self {
        let digest: [u8; 32] = Sha256::digest(machine.as_str().as_bytes()).into();
        let [a, b, c, d, ..] = digest;
        Self(u32::from_be_bytes([a, b, c, d]))
    }

    fn in_interval(self, interval: Duration) -> u128 {
        (interval.as_nanos() * u128::from(self.0)) >> 32
    }
}

/// How long it is to the next moment of this share, `elapsed` after the beginning that all shares count
/// from. Never zero: a moment that is now has passed.
pub fn until_next(share: Share, interval: Duration, elapsed: Duration) -> Duration {
    let length = interval.as_nanos().max(1);
    let past = (elapsed.as_nanos() + length - share.in_interval(interval)) % length;
    Duration::from_nanos(u64::try_from(length - past).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Share, until_next};

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn the_moments_of_one_machine_are_an_interval_apart() {
        let share = Share::of(&"lab-web".parse().expect("a name"));
        let mut now = Duration::from_millis(123_456);
        now += until_next(share, INTERVAL, now);
        for _ in 0..5 {
            let next = until_next(share, INTERVAL, now);
            assert_eq!(next, INTERVAL);
            now += next;
        }
        // A probe that took a while moves none of the later ones.
        let late = now + Duration::from_millis(1700);
        assert_eq!(late + until_next(share, INTERVAL, late), now + INTERVAL);
    }

    #[test]
    fn many_machines_come_one_after_another() {
        let mut tenths = [0_u32; 10];
        for number in 0..1000 {
            let machine = format!("lab-c{number}").parse().expect("a name");
            let next = until_next(Share::of(&machine), INTERVAL, Duration::ZERO);
            assert!(!next.is_zero() && next <= INTERVAL);
            let tenth = (next.as_nanos() - 1) / (INTERVAL.as_nanos() / 10);
            tenths[usize::try_from(tenth).expect("small")] += 1;
        }
        // 100 each, on average.
        assert!(
            tenths.iter().all(|count| (60..=140).contains(count)),
            "{tenths:?}"
        );
    }
}
