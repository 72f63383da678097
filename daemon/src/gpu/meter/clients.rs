//! From what DRM drivers say of open files to what a container uses. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::fdinfo::{Busy, Client};
use super::{GuestUse, Use};
use crate::model::{ContainerId, PciAddress};

/// What was read longer ago says nothing of now.
const OLDEST: Duration = Duration::from_secs(60);

/// The clients of one container, each once, however many descriptors lead to it.
#[derive(Debug, Default)]
pub(super) struct Clients {
    of: BTreeMap<(PciAddress, u64), Client>,
}

impl Clients {
    /// Counts one, unless it is counted.
    pub(super) fn add(&mut self, client: Client) {
        self.of.entry((client.card, client.id)).or_insert(client);
    }
}

/// What was found at the last look, for a share of the time since.
#[derive(Debug, Default)]
pub(super) struct Before {
    looks: BTreeMap<ContainerId, (Instant, Clients)>,
}

impl Before {
    /// What the clients of a container use; they are what is compared with at the next look.
    pub(super) fn used(&mut self, id: &ContainerId, now: Instant, clients: Clients) -> GuestUse {
        let before = self.looks.get(id).and_then(|(at, before)| {
            let elapsed = now.checked_duration_since(*at)?;
            (!elapsed.is_zero() && elapsed <= OLDEST).then_some((elapsed, before))
        });
        let mut cards: BTreeMap<PciAddress, Use> = BTreeMap::new();
        let mut engines: BTreeMap<PciAddress, BTreeMap<&str, f64>> = BTreeMap::new();
        for (key, client) in &clients.of {
            let card = cards.entry(client.card).or_default();
            card.memory = match (card.memory, client.memory) {
                (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
                (sum, more) => sum.or(more),
            };
            let Some((elapsed, before)) = before else {
                continue;
            };
            let engines = engines.entry(client.card).or_default();
            // What a client did before it was first seen is not known to be of this time.
            let before = before.of.get(key);
            for (name, busy) in &client.engines {
                let before = before.and_then(|it| it.engines.get(name));
                let share = before.map_or(0.0, |before| share(*before, *busy, elapsed));
                *engines.entry(name).or_default() += share;
            }
        }
        for (card, engines) in engines {
            let busiest = engines.into_values().reduce(f64::max);
            if let (Some(used), Some(busiest)) = (cards.get_mut(&card), busiest) {
                used.busy = Some(busiest.min(1.0));
            }
        }
        self.looks.insert(id.clone(), (now, clients));
        GuestUse {
            cards,
            at_least: false,
        }
    }

    /// Forgets whoever is not asked about any more.
    pub(super) fn keep_only(&mut self, asked: impl Fn(&ContainerId) -> bool) {
        self.looks.retain(|id, _| asked(id));
    }
}

/// The share of the time between two looks that an engine worked, of all engines of its kind.
#[expect(clippy::cast_precision_loss, reason = "it is a share")]
fn share(before: Busy, now: Busy, elapsed: Duration) -> f64 {
    match (before, now) {
        (Busy::Time { ns: before, .. }, Busy::Time { ns, engines }) => {
            let worked = Duration::from_nanos(ns.saturating_sub(before));
            worked.as_secs_f64() / elapsed.as_secs_f64() / engines as f64
        }
        (
            Busy::Cycles {
                busy: busy_before,
                all: all_before,
                ..
            },
            Busy::Cycles { busy, all, engines },
        ) => match all.saturating_sub(all_before) {
            0 => 0.0,
            passed => busy.saturating_sub(busy_before) as f64 / passed as f64 / engines as f64,
        },
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Before, Clients};
    use crate::gpu::meter::fdinfo::{Busy, Client};
    use crate::model::{ContainerId, PciAddress};

    fn card() -> PciAddress {
        "0000:03:00.0".parse().expect("valid")
    }

    fn id() -> ContainerId {
        ContainerId {
            group: "ml".parse().expect("valid"),
            name: "web".parse().expect("valid"),
        }
    }

    fn clients(of: &[(u64, u64, u64)]) -> Clients {
        let mut clients = Clients::default();
        for (id, memory, ms) in of {
            let ns = ms * 1_000_000;
            clients.add(Client {
                card: card(),
                id: *id,
                memory: Some(*memory),
                engines: [("gfx".to_owned(), Busy::Time { ns, engines: 1 })].into(),
            });
        }
        clients
    }

    #[test]
    fn a_client_counts_once_and_clients_add_up() {
        let mut before = Before::default();
        let twice = clients(&[(1, 100, 0), (1, 100, 0), (2, 11, 0)]);
        let used = before.used(&id(), Instant::now(), twice);
        let card = used.cards[&card()];
        assert_eq!(card.memory, Some(111));
        assert_eq!(card.busy, None, "nothing to compare with");
    }

    #[test]
    fn work_is_a_share_of_the_time_between_two_looks() {
        let mut before = Before::default();
        let start = Instant::now();
        let later = |ms| start + Duration::from_millis(ms);
        before.used(&id(), start, clients(&[(1, 0, 5_000)]));
        let busy = |before: &mut Before, ms, of: &[(u64, u64, u64)]| {
            let used = before.used(&id(), later(ms), clients(of));
            used.cards[&card()].busy.map(|it| (it * 100.0).round())
        };
        let half = busy(&mut before, 1000, &[(1, 0, 5_500)]);
        assert_eq!(half, Some(50.0));
        let with_new = busy(&mut before, 2000, &[(1, 0, 5_750), (2, 0, 90_000)]);
        assert_eq!(
            with_new,
            Some(25.0),
            "a new one is not known to have worked now"
        );
        let both = busy(&mut before, 3000, &[(1, 0, 6_500), (2, 0, 90_700)]);
        assert_eq!(both, Some(100.0), "never more than all of it");
        let back = busy(&mut before, 4000, &[(1, 0, 0), (2, 0, 90_700)]);
        assert_eq!(back, Some(0.0));
        let long_after = busy(&mut before, 100_000, &[(1, 0, 100)]);
        assert_eq!(long_after, None);
    }

    #[test]
    fn cycles_are_a_share_of_those_that_passed() {
        let mut before = Before::default();
        let start = Instant::now();
        let of = |busy, all| {
            let mut clients = Clients::default();
            clients.add(Client {
                card: card(),
                id: 1,
                memory: None,
                engines: [(
                    "rcs".to_owned(),
                    Busy::Cycles {
                        busy,
                        all,
                        engines: 2,
                    },
                )]
                .into(),
            });
            clients
        };
        before.used(&id(), start, of(10, 1000));
        let used = before.used(&id(), start + Duration::from_secs(1), of(60, 1100));
        assert_eq!(used.cards[&card()].busy, Some(0.25));
        assert_eq!(used.cards[&card()].memory, None);
    }
}
