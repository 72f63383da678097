//! What no container's task tries again: groups whose network could not be made, a firewall that could not
//! be written, and tasks that had to wait for something to be gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::Fleet;
use crate::model::{Restart, RestartPolicy};
use crate::reconcile::status::now_ms;
use crate::reconcile::supervise::Backoff;

/// The pauses between two tries of a group's network.
const PAUSES: Restart = Restart {
    policy: RestartPolicy::Always,
    delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(60),
    window: Duration::from_secs(60),
    on_unhealthy: false,
};

impl Fleet {
    /// Tries again, as long as there is something to try. While there is nothing it waits, and looks at
    /// nothing.
    pub async fn keep_trying(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        let mut due = None;
        loop {
            self.reap_all();
            self.catch_up().await;
            let firewall_failed = || self.host.firewall_failed.load(Ordering::Relaxed);
            if self.troubled().is_empty() && !firewall_failed() {
                backoff.reset();
                due = None;
                self.change(|now| now.next_try_ms = None);
                self.stirred.notified().await;
                continue;
            }
            let model = self.in_force().model;
            let at = *due.get_or_insert_with(|| Instant::now() + backoff.next(&PAUSES));
            let left = at.saturating_duration_since(Instant::now());
            let at_ms = now_ms() + u64::try_from(left.as_millis()).unwrap_or(u64::MAX / 2);
            self.change(|now| now.next_try_ms = Some(at_ms));
            tokio::select! {
                () = tokio::time::sleep_until(at) => {
                    due = None;
                    let _turn = self.turn.lock().await;
                    self.host.ensure_groups(&self.in_force().model).await;
                    if firewall_failed() {
                        self.host.mend_firewall().await;
                    }
                }
                () = self.stirred.notified() => {
                    // Another declaration has been tried just now, for the first time.
                    if !Arc::ptr_eq(&model, &self.in_force().model) {
                        backoff.reset();
                        due = None;
                    }
                }
            }
        }
    }
}
