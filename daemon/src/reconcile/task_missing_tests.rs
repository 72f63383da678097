//! What a task makes of a container that is declared incomplete, with the clock under control.

use std::sync::Arc;

use ctr_api::wire::{Action, State};
use tokio::sync::oneshot;

use super::convergence::wanted;
use super::host::Wanted;
use super::plan::{Intent, Step};
use super::task::Request;
use super::task_tests::{Bench, bench_of};
use crate::machine::Ended;
use crate::model::{Container, Missing, Model};

/// The model of the container that lacks something, or of the same one that does not.
fn model(missing: bool, change: impl FnOnce(&mut Container)) -> Arc<Model> {
    let wanted = wanted(Intent::Run);
    let mut model = (*wanted.model).clone();
    let group = model.groups.get_mut(&wanted.id.group).expect("its group");
    let container = group.containers.get_mut(&wanted.id.name).expect("it");
    container.missing = missing.then(|| Missing {
        what: "no model".to_owned(),
        hint: Some("set one".to_owned()),
    });
    change(container);
    Arc::new(model)
}

fn bench(missing: bool, intent: Intent) -> Bench {
    let wanted = wanted(intent);
    let model = model(missing, |_| {});
    bench_of(Wanted::new(model, wanted.id, intent, Arc::default()))
}

async fn declare(bench: &Bench, model: Arc<Model>) -> Result<(), String> {
    let (reply, answer) = oneshot::channel();
    let request = Request::Declare(model, reply, None);
    let sent = bench.handle.requests.send(request).await;
    sent.expect("the task lives");
    let answer = answer.await.expect("it answers");
    answer.map_err(|conflict| conflict.reason)
}

#[tokio::test(start_paused = true)]
async fn it_waits_with_the_declared_words_and_starts_when_they_are_gone() {
    let mut bench = bench(true, Intent::Run);
    let status = bench.until(|status| status.state == State::Waiting).await;
    assert_eq!(status.reason.as_deref(), Some("no model"));
    assert_eq!(status.hint.as_deref(), Some("set one"));
    assert_eq!((status.next_try_ms, status.failures), (None, 0));
    assert!(bench.host.world().done.is_empty(), "nothing is begun");
    declare(&bench, model(false, |_| {})).await.expect("taken");
    let status = bench.until(|status| status.state == State::Running).await;
    assert_eq!((status.reason, status.hint), (None, None));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_off_says_it_before_anybody_starts_it() {
    let mut bench = bench(true, Intent::Stop);
    let status = bench.until(|status| status.reason.is_some()).await;
    assert_eq!(status.state, State::Stopped);
    assert_eq!(status.reason.as_deref(), Some("no model"));
    bench.ask(Request::Start).await;
    let status = bench.until(|status| status.state == State::Waiting).await;
    assert_eq!(status.reason.as_deref(), Some("no model"));
    bench.ask(Request::Stop).await;
    let status = bench.until(|status| status.state == State::Stopped).await;
    assert_eq!(status.reason.as_deref(), Some("stopped by hand; no model"));
    assert_eq!(status.hint.as_deref(), Some("set one"));
}

#[tokio::test(start_paused = true)]
async fn one_that_runs_runs_on_and_waits_after_its_end() {
    let mut bench = bench(false, Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    declare(&bench, model(true, |_| {})).await.expect("taken");
    let status = bench.until(|status| status.reason.is_some()).await;
    let reason = "it would not start again: no model";
    assert_eq!(status.state, State::Running);
    assert_eq!(status.reason.as_deref(), Some(reason));

    // Neither another declaration nor a person stops it.
    let other = model(true, |it| {
        it.address = "10.77.3.77".parse().expect("an address");
    });
    assert_eq!(declare(&bench, other).await, Err("no model".to_owned()));
    bench.ask(Request::Restart).await;
    let held = |status: &super::Status| status.reason.as_deref() == Some("no model");
    let status = bench.until(held).await;
    assert_eq!(status.state, State::Running);
    assert_eq!(status.next_try_ms, None, "nobody looks again for it");
    assert_eq!(bench.starts(), 1);
    assert!(!bench.host.world().done.contains(&Step::StopUnit));

    bench.host.end(Some(Ended::Status(1)));
    let status = bench.until(|status| status.state == State::Waiting).await;
    assert_eq!(status.reason.as_deref(), Some("no model"));
    assert_eq!((status.restarts, status.next_try_ms), (0, None));
    assert_eq!(status.last_exit.as_deref(), Some("exit status 1"));
    assert!(!bench.host.world().observed.root_mounted, "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_that_it_waits() {
    let bench = bench(true, Intent::Run);
    let (reply, answer) = oneshot::channel();
    let request = Request::Plan(model(true, |_| {}), reply);
    let sent = bench.handle.requests.send(request).await;
    sent.expect("the task lives");
    let view = answer.await.expect("it answers");
    assert_eq!(view.action, Action::Nothing);
    assert_eq!(view.reason.as_deref(), Some("it waits: no model"));
    assert_eq!(view.hint.as_deref(), Some("set one"));
    assert!(view.steps.is_empty());
}
