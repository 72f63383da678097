//! What a task waits for when there is nothing to do.

use tokio::sync::mpsc;

use super::health::health_changed;
use super::{Request, Task};
use crate::machine::Active;
use crate::reconcile::host::Host;
use crate::reconcile::plan::Intent;
use crate::reconcile::prober::Prober;

impl<H: Host> Task<H> {
    /// Waits for anything that may change what is to be done; `false` ends the task.
    pub(super) async fn wait(&mut self, inbox: &mut mpsc::Receiver<Request>) -> bool {
        let due = self.next_try;
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let wants_place = self.wanted.intent == Intent::Run
            && self.permit.is_none()
            && self.missing().is_none()
            && self.waiting.is_none()
            && self.blocked.is_none()
            && !self.lacks()
            && due.is_none()
            && !self.given_up
            && self
                .last
                .as_ref()
                .is_some_and(|last| matches!(last.active, Active::Inactive | Active::Failed));
        let starts = self.shared.starts.clone();
        let place = async {
            if wants_place {
                starts.acquire_owned().await.ok()
            } else {
                std::future::pending().await
            }
        };
        let late_at = self.late_at;
        let late = async {
            match late_at {
                Some(late_at) => tokio::time::sleep_until(late_at).await,
                None => std::future::pending().await,
            }
        };
        let mut health = self.prober.as_ref().map(Prober::news);
        let others_changed = self.others_changed();
        tokio::pin!(timer, place, late, others_changed);
        loop {
            tokio::select! {
                request = inbox.recv() => match request {
                    Some(request) => {
                        let is_question = matches!(request, Request::Plan(..));
                        Box::pin(self.hear(request)).await;
                        // It changes nothing: there is nothing to look at again for it.
                        if is_question {
                            continue;
                        }
                    }
                    None => return false,
                },
                () = self.host.changed(&self.wanted) => {}
                () = &mut timer => self.next_try = None,
                () = health_changed(&mut health) => {
                    if !self.feel() {
                        continue;
                    }
                }
                () = &mut late => {}
                permit = &mut place => self.permit = permit,
                () = &mut others_changed => {}
            }
            return true;
        }
    }
}
