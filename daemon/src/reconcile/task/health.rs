//! What a task does about the health of its guest: it probes while that runs, and ends it where it is declared
//! to.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Task;
use crate::health::Verdict;
use crate::machine::{Active, Ended, Unit};
use crate::model::RestartPolicy;
use crate::reconcile::host::{Host, Observed, Probed};
use crate::reconcile::plan::Intent;
use crate::reconcile::prober::{Found, Prober};
use crate::reconcile::status::now_ms;

/// A guest that is to be ended for its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condemned {
    /// What that end counts as.
    pub(super) ended: Ended,
    /// Why, as the status will say of its last run.
    pub(super) why: String,
}

/// Returns when something else was found; never where nothing is probed.
pub(super) async fn health_changed(health: &mut Option<watch::Receiver<Found>>) {
    if let Some(health) = health
        && health.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

impl<H: Host> Task<H> {
    /// Sees to it that the guest is probed as it is declared, and to what follows from what was found.
    /// `before` is what its unit did before this look; `None` at the first.
    pub(super) fn tend(&mut self, before: Option<Active>, observed: &Observed) {
        self.late_at = None;
        let Some(guest) = self.probed(observed) else {
            self.prober = None;
            if !self.stopping {
                self.condemned = None;
            }
            return;
        };
        let limit = self.wanted.container().start_timeout;
        let late_at =
            Instant::now() + late_in(&observed.unit, limit, Duration::from_millis(now_ms()));
        let is_late = late_at <= Instant::now();
        let host = self.host.clone();
        let prober = match self.prober.take() {
            Some(prober) if *prober.probed() == guest => prober,
            Some(prober) if prober.probed().leader == guest.leader => {
                prober.changed_to(host, guest)
            }
            None if before == Some(Active::Active) => Prober::of_a_find(host, guest),
            // It may have been ready for long, and has time to show it.
            None if before.is_none() && is_late => Prober::of_a_find(host, guest),
            None if before.is_none() => Prober::of_an_adoption(host, guest, late_at),
            _ => Prober::of_a_start(host, guest, late_at),
        };
        let coming = prober.found().verdict == Verdict::Coming;
        let late_at = prober.late_at().filter(|_| coming);
        self.prober = Some(prober);
        if late_at.is_some_and(|late_at| late_at <= Instant::now()) {
            self.late();
        } else {
            self.late_at = late_at;
        }
        self.judge();
        self.forced |= self.condemned.is_some() && self.wanted.intent == Intent::Run;
    }

    /// The guest that is to be probed, where there is one.
    fn probed(&self, observed: &Observed) -> Option<Probed> {
        let container = self.wanted.container();
        let health = container.health.as_ref()?;
        let registered = observed
            .registered
            .as_ref()
            .filter(|_| !observed.stale_registration && !observed.unit.is_foreign())?;
        (observed.unit.active == Active::Active).then(|| Probed {
            machine: container.machine.clone(),
            address: container.address,
            health: health.clone(),
            leader: registered.leader,
            control_group: observed.unit.control_group.clone(),
        })
    }

    /// Takes news of its health into account; `true` where there is something to do for them.
    pub(super) fn feel(&mut self) -> bool {
        if let Some(prober) = &mut self.prober {
            prober.mark_seen();
        }
        let was_late = self.late_at.is_some();
        if self.found().is_none_or(|it| it.verdict != Verdict::Coming) {
            self.late_at = None;
        }
        self.judge();
        self.publish(None);
        // Whoever waits for it to be late waits no more.
        self.condemned.is_some() || (was_late && self.late_at.is_none())
    }

    /// What its probes have found.
    pub(super) fn found(&self) -> Option<Found> {
        self.prober.as_ref().map(Prober::found)
    }

    /// An unhealthy guest has failed, where it is declared so.
    fn judge(&mut self) {
        let restart = &self.wanted.container().restart;
        let decides = restart.on_unhealthy && restart.policy != RestartPolicy::Never;
        let unhealthy = self.found().filter(|it| it.verdict == Verdict::Unhealthy);
        let Some(found) = unhealthy.filter(|_| decides) else {
            return;
        };
        self.condemn(Ended::Unhealthy, "unhealthy", &found);
    }

    /// Its start has taken too long. What was up when `ctrd` came is not ended for that: nobody knows
    /// whether it had been ready before.
    fn late(&mut self) {
        let Some(prober) = &self.prober else {
            return;
        };
        let found = prober.found();
        if prober.is_adopted() {
            let guest = prober.probed().clone();
            self.prober = Some(Prober::of_a_find(self.host.clone(), guest));
            return;
        }
        let limit = self.wanted.container().start_timeout;
        let what = format!("not ready within {}s", limit.as_secs());
        self.condemn(Ended::StartTimeout, &what, &found);
    }

    fn condemn(&mut self, ended: Ended, what: &str, found: &Found) {
        if self.condemned.is_none() {
            let words = found.last.as_ref();
            let why = words.map_or_else(
                || what.to_owned(),
                |outcome| format!("{what}: {}", outcome.words),
            );
            self.condemned = Some(Condemned { ended, why });
        }
    }
}

/// How long it is until a guest has had its time to start: counted from when that began, so that it does not
/// begin anew with another `ctrd`. Where that is not known, it is now. `now` is since the epoch.
fn late_in(unit: &Unit, start_timeout: Duration, now: Duration) -> Duration {
    let started = Duration::from_micros(unit.started_usec);
    if started.is_zero() {
        return start_timeout;
    }
    (started + start_timeout).saturating_sub(now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::late_in;
    use crate::machine::Unit;

    #[test]
    fn the_time_to_start_begins_with_the_start_whoever_looks() {
        let seconds = Duration::from_secs;
        let limit = seconds(90);
        let now = seconds(1_000_000);
        for (started, left) in [
            (0, limit),
            (1_000_000, limit),
            (999_970, seconds(60)),
            (999_910, Duration::ZERO),
            (999_000, Duration::ZERO),
        ] {
            let unit = Unit {
                started_usec: started * 1_000_000,
                ..Unit::absent()
            };
            assert_eq!(late_in(&unit, limit, now), left, "{started}");
        }
    }
}
