//! What a task makes of graphics processors that are not there, with the clock under control.

use std::sync::Arc;

use ctr_api::wire::State;

use super::convergence::wanted;
use super::fake_host::{asks_for_nvidia, lacking_uvm};
use super::host::Wanted;
use super::plan::{Intent, Step};
use super::task_tests::{Bench, bench_of};
use crate::gpu::{Offer, Refusal};

/// A container that asks for NVIDIA's graphics processors, of which this is there.
fn bench(optional: bool, offer: Offer) -> Bench {
    let wanted = wanted(Intent::Run);
    let mut model = (*wanted.model).clone();
    let group = model.groups.get_mut(&wanted.id.group).expect("its group");
    let container = group.containers.get_mut(&wanted.id.name).expect("it");
    container.gpu = Some(asks_for_nvidia(optional));
    let credentials = wanted.credentials.clone();
    let bench = bench_of(Wanted::new(
        Arc::new(model),
        wanted.id.clone(),
        Intent::Run,
        credentials,
    ));
    is_there(&bench, offer);
    bench
}

fn is_there(bench: &Bench, offer: Offer) {
    let offer = Some(Arc::new(offer));
    bench.host.happen(|observed| observed.offer = offer);
}

#[tokio::test(start_paused = true)]
async fn it_waits_and_starts_by_itself() {
    let mut bench = bench(false, lacking_uvm());
    let status = bench.until(|status| status.state == State::Waiting).await;
    assert_eq!(status.reason.as_deref(), Some("gpu (nvidia-uvm)"));
    assert!(
        status
            .hint
            .is_some_and(|hint| hint.contains("ctr gpu check"))
    );
    assert_eq!((status.next_try_ms, status.failures), (None, 0));
    assert!(bench.host.world().done.is_empty(), "nothing is begun");
    is_there(&bench, Offer::default());
    let status = bench.until(|status| status.state == State::Running).await;
    assert_eq!((status.reason, status.lack), (None, None));
}

#[tokio::test(start_paused = true)]
async fn what_is_optional_is_said_and_not_waited_for() {
    let mut bench = bench(true, lacking_uvm());
    let status = bench.until(|status| status.state == State::Running).await;
    assert_eq!(status.reason.as_deref(), Some("without gpu (nvidia-uvm)"));
    bench.host.happen(|observed| {
        observed.offer = Some(Arc::default());
        observed.devices_current = false;
    });
    bench.until(|status| status.reason.is_none()).await;
    assert!(bench.host.world().done.contains(&Step::SetDevices));
    assert_eq!(bench.starts(), 1, "while it runs");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_waited_for_though_it_is_optional() {
    let refused = Offer {
        refused: Some(Refusal {
            reason: "the libraries are of version 1, and the loaded module is 2".to_owned(),
            hint: Some("reboot".to_owned()),
        }),
        ..Offer::default()
    };
    let mut waits = bench(true, refused.clone());
    let status = waits.until(|status| status.state == State::Waiting).await;
    assert_eq!(status.hint.as_deref(), Some("reboot"));
    let mut runs = bench(true, Offer::default());
    runs.until(|status| status.state == State::Running).await;
    is_there(&runs, refused);
    let status = runs.until(|status| status.reason.is_some()).await;
    assert_eq!(status.state, State::Running);
    let reason = status.reason.expect("said");
    assert!(
        reason.starts_with("it would not start again: gpu: the libraries"),
        "{reason}"
    );
}
