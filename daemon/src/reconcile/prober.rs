//! A guest's probes, one after another, for as long as it runs.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::host::{Host, Probed};
use super::status::now_ms;
use crate::health::{Course, Outcome, Share, Verdict, until_next};

/// What the probes of a guest have found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What is known of it.
    pub verdict: Verdict,
    /// The last result; `None` before the first.
    pub last: Option<Outcome>,
    /// Since when that is the result, in milliseconds since the epoch.
    pub since_ms: u64,
    /// How many probes in a row have failed. Not counted on beyond what makes it unhealthy.
    pub failed: u32,
}

/// The probes of one run of a guest. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Prober {
    probed: Probed,
    adopted: bool,
    late_at: Option<Instant>,
    found: watch::Receiver<Found>,
    course: watch::Receiver<Course>,
    /// Aborted with this.
    #[expect(dead_code, reason = "held for its end")]
    task: AbortOnDrop,
}

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Prober {
    /// Of a guest that has just been started: it is tried at once.
    /// It is late from `late_at` on.
    pub(super) fn of_a_start<H: Host>(host: Arc<H>, probed: Probed, late_at: Instant) -> Self {
        Self {
            late_at: Some(late_at),
            ..Self::start(host, probed, Course::of_a_start(), None, true)
        }
    }

    /// Of a guest that an earlier `ctrd` started a moment ago. It may have been ready already.
    pub(super) fn of_an_adoption<H: Host>(host: Arc<H>, probed: Probed, late_at: Instant) -> Self {
        Self {
            adopted: true,
            ..Self::of_a_start(host, probed, late_at)
        }
    }

    /// Of a guest that has been ready for a while.
    pub(super) fn of_a_find<H: Host>(host: Arc<H>, probed: Probed) -> Self {
        Self::start(host, probed, Course::of_a_find(), None, false)
    }

    /// The same guest, probed otherwise from now on. What was found out holds.
    pub(super) fn changed_to<H: Host>(&self, host: Arc<H>, probed: Probed) -> Self {
        let (course, found) = (self.course.borrow().clone(), self.found());
        Self {
            adopted: self.adopted,
            late_at: self.late_at,
            ..Self::start(host, probed, course, Some(found), false)
        }
    }

    fn start<H: Host>(
        host: Arc<H>,
        probed: Probed,
        course: Course,
        found: Option<Found>,
        at_once: bool,
    ) -> Self {
        let found = found.unwrap_or_else(|| Found {
            verdict: course.verdict(),
            last: None,
            since_ms: now_ms(),
            failed: 0,
        });
        let (tell, found) = watch::channel(found);
        let (keep, kept) = watch::channel(course);
        let task = tokio::spawn(probe(host, probed.clone(), at_once, tell, keep));
        Self {
            probed,
            adopted: false,
            late_at: None,
            found,
            course: kept,
            task: AbortOnDrop(task.abort_handle()),
        }
    }

    /// From when on it is late, where it has had no success; `None` where it has been ready before.
    pub(super) fn late_at(&self) -> Option<Instant> {
        self.late_at
    }

    /// Its start was not seen.
    pub(super) fn is_adopted(&self) -> bool {
        self.adopted
    }

    /// What it probes.
    pub(super) fn probed(&self) -> &Probed {
        &self.probed
    }

    /// What was found until now.
    pub(super) fn found(&self) -> Found {
        self.found.borrow().clone()
    }

    /// What will be found: changed when something else is.
    pub(super) fn news(&self) -> watch::Receiver<Found> {
        self.found.clone()
    }

    /// What is found from now on is news.
    pub(super) fn mark_seen(&mut self) {
        self.found.mark_unchanged();
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What all moments are counted from.
fn beginning() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}

/// Probes for ever.
async fn probe<H: Host>(
    host: Arc<H>,
    probed: Probed,
    mut at_once: bool,
    tell: watch::Sender<Found>,
    keep: watch::Sender<Course>,
) {
    let health = &probed.health;
    let share = Share::of(&probed.machine);
    loop {
        if !at_once {
            let interval = keep.borrow().interval(health);
            let elapsed = Instant::now().saturating_duration_since(beginning());
            tokio::time::sleep(until_next(share, interval, elapsed)).await;
        }
        at_once = false;
        // In a box: between two probes there is no room for one.
        let outcome = Box::pin(host.probe(&probed)).await;
        keep.send_modify(|course| course.hear(outcome.success, health));
        let (verdict, failed) = {
            let course = keep.borrow();
            (course.verdict(), course.failed().min(health.failures))
        };
        // Where the same is found again there is nothing to tell, and nobody wakes up for it.
        tell.send_if_modified(|found| {
            let same = found.last.as_ref() == Some(&outcome);
            let news = !same || (found.verdict, found.failed) != (verdict, failed);
            (found.verdict, found.failed) = (verdict, failed);
            if !same {
                found.since_ms = now_ms();
                found.last = Some(outcome);
            }
            news
        });
    }
}
