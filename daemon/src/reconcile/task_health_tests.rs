//! What a task makes of its guest's health, with the clock under control.

use std::sync::Arc;
use std::time::Duration;

use ctr_api::wire::State;

use super::convergence::wanted;
use super::host::Wanted;
use super::plan::Intent;
use super::task_tests::{Bench, bench_of};
use crate::health::Outcome;
use crate::model::{Health, Probe, RestartPolicy};

fn probed(change: impl FnOnce(&mut crate::model::Container)) -> Wanted {
    let wanted = wanted(Intent::Run);
    let mut model = (*wanted.model).clone();
    let group = model.groups.get_mut(&wanted.id.group).expect("its group");
    let container = group.containers.get_mut(&wanted.id.name).expect("it");
    container.health = Some(Health {
        probe: Probe::Tcp { port: 80 },
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(2),
        start_interval: Duration::from_secs(1),
        failures: 3,
        successes: 1,
    });
    change(container);
    Wanted::new(
        Arc::new(model),
        wanted.id.clone(),
        Intent::Run,
        wanted.credentials.clone(),
    )
}

fn answers(bench: &Bench, outcome: Outcome) {
    bench.host.world().outcome = outcome;
}

#[tokio::test(start_paused = true)]
async fn the_first_success_makes_it_ready() {
    let mut bench = bench_of(probed(|_| {}));
    answers(&bench, Outcome::failure("refused"));
    let coming = bench.until(|status| status.reason.is_some()).await;
    assert_eq!(coming.state, State::Starting);
    assert_eq!(coming.reason.as_deref(), Some("not ready yet: refused"));
    assert!(!coming.is_ready());
    assert_eq!(coming.start_usec, None);
    answers(&bench, Outcome::success("accepted"));
    let healthy = bench.until(|status| status.state == State::Healthy).await;
    assert!(healthy.is_ready());
    assert_eq!((healthy.reason, healthy.restarts), (None, 0));
    // Known because the first success was seen; nobody counts it anew.
    assert!(healthy.start_usec.is_some());
    answers(&bench, Outcome::failure("status 503"));
    let sick = bench.until(|status| status.state == State::Unhealthy).await;
    assert_eq!(sick.start_usec, healthy.start_usec);
}

#[tokio::test(start_paused = true)]
async fn an_unhealthy_guest_runs_on_unless_it_is_declared_to_be_restarted() {
    let mut bench = bench_of(probed(|_| {}));
    bench.until(|status| status.state == State::Healthy).await;
    answers(&bench, Outcome::failure("status 503"));
    let sick = bench.until(|status| status.state == State::Unhealthy).await;
    assert_eq!(sick.reason.as_deref(), Some("status 503"));
    assert!(!sick.is_ready());
    assert_eq!(sick.health.expect("it is probed").failed, 3);
    answers(&bench, Outcome::success("status 200"));
    bench.until(|status| status.state == State::Healthy).await;
    assert_eq!(bench.starts(), 1);
}

#[tokio::test(start_paused = true)]
async fn turning_unhealthy_counts_as_a_failure_where_that_is_declared() {
    let mut bench = bench_of(probed(|it| it.restart.on_unhealthy = true));
    bench.until(|status| status.state == State::Healthy).await;
    answers(&bench, Outcome::failure("status 503"));
    let failed = bench.until(|status| status.state == State::Failed).await;
    assert_eq!(failed.reason.as_deref(), Some("unhealthy: status 503"));
    assert_eq!((failed.restarts, failed.failures), (1, 1));
    assert!(failed.next_try_ms.is_some());
    answers(&bench, Outcome::success("status 200"));
    let again = bench.until(|status| status.state == State::Healthy).await;
    assert_eq!(again.last_exit.as_deref(), Some("unhealthy: status 503"));
    assert_eq!(bench.starts(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_success_in_time_has_failed() {
    let mut bench = bench_of(probed(|it| it.restart.policy = RestartPolicy::Never));
    answers(&bench, Outcome::failure("refused"));
    let failed = bench.until(|status| status.state == State::Failed).await;
    let why = "not ready within 90s: refused";
    assert_eq!(failed.reason.as_deref(), Some(why));
    assert_eq!((failed.next_try_ms, bench.starts()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn the_same_result_again_tells_nobody() {
    let mut bench = bench_of(probed(|_| {}));
    bench.until(|status| status.state == State::Healthy).await;
    bench.handle.status.mark_unchanged();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(!bench.handle.status.has_changed().expect("the task lives"));
}
