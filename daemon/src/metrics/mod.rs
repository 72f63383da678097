//! What Prometheus reads of ctrd, where the declaration says so.
//!
//! `collect` gathers what ctrd knows and what a few files of the kernel say of each container that runs,
//! `families` makes the text of it; `listener` is the socket; `answer` speaks HTTP there, to nobody for long. A scrape asks
//! neither systemd nor anybody else.

mod answer;
mod collect;
mod families;
mod listener;

use std::sync::Arc;
use std::time::Duration;

use crate::error_text::with_causes;
use crate::reconcile::Conflict;
use crate::reconcile::fleet::Fleet;

use listener::Listener;

/// The pause before a place that cannot be had is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// Serves metrics wherever the declaration in force says, until ctrd ends.
pub(crate) async fn serve(fleet: Arc<Fleet>) {
    let mut address = fleet.metrics();
    let mut told = None;
    loop {
        let wanted = address.borrow_and_update().clone();
        let serving = async {
            let Some(wanted) = &wanted else {
                fleet.set_metrics_trouble(None);
                return std::future::pending().await;
            };
            match Listener::open(wanted).await {
                Ok(listener) => {
                    tracing::info!("metrics are served at {wanted}");
                    told = None;
                    fleet.set_metrics_trouble(None);
                    answer::forever(listener, &fleet).await;
                }
                Err(error) => {
                    let text = with_causes(&error);
                    let hint = error.hint();
                    let trouble = Conflict {
                        reason: text.clone(),
                        hint: Some(hint.clone()),
                    };
                    fleet.set_metrics_trouble(Some((wanted.clone(), trouble)));
                    // Once for each reason, however long it lasts.
                    if told.as_ref() != Some(&text) {
                        tracing::error!("no metrics are served at {wanted}: {text}; {hint}");
                        told = Some(text);
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        tokio::select! {
            () = serving => {}
            changed = address.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
