//! A container's task against a fake host, with the clock under control.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ctr_api::wire::{Action, State};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

use crate::machine::credentials::{Credentials, Refusal, Taken};
use crate::machine::{Active, Ended};
use crate::model::RestartPolicy;
use crate::os::Paths;

use super::convergence::wanted;
use super::fake_host::{FakeHost, nothing, ready};
use super::feed::Feed;
use super::fleet::Handles;
use super::host::{Conflict, Wanted};
use super::marks::Mark;
use super::order::Descent;
use super::plan::{Intent, Step};
use super::status::Status;
use super::task::{Handle, Request, Shared, spawn};

pub(super) struct Bench {
    pub(super) host: Arc<FakeHost>,
    pub(super) handle: Handle,
    starts: Arc<Semaphore>,
    directory: tempfile::TempDir,
    _fleet: watch::Sender<Arc<Handles>>,
}

fn bench(intent: Intent) -> Bench {
    bench_of(wanted(intent))
}

pub(super) fn bench_of(wanted: Wanted) -> Bench {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = Paths {
        run: directory.path().to_owned(),
        ..Paths::default()
    };
    let (sender, fleet) = watch::channel(Arc::new(BTreeMap::new()));
    let starts = Arc::new(Semaphore::new(1));
    let shared = Shared {
        paths: Arc::new(paths),
        starts: starts.clone(),
        fleet,
        feed: Feed::default(),
    };
    let host = Arc::new(FakeHost::new(nothing()));
    let handle = spawn(host.clone(), shared, wanted);
    Bench {
        host,
        handle,
        starts,
        directory,
        _fleet: sender,
    }
}

impl Bench {
    pub(super) async fn until(&mut self, what: impl FnMut(&Status) -> bool) -> Status {
        let found = timeout(Duration::from_mins(10), self.handle.status.wait_for(what)).await;
        found
            .expect("it comes to that")
            .expect("the task lives")
            .clone()
    }

    pub(super) async fn ask(&self, request: impl FnOnce(oneshot::Sender<()>) -> Request) {
        let (reply, answer) = oneshot::channel();
        self.handle
            .requests
            .send(request(reply))
            .await
            .expect("the task lives");
        answer.await.expect("it answers");
    }

    pub(super) fn starts(&self) -> usize {
        self.host
            .world()
            .done
            .iter()
            .filter(|step| **step == Step::StartUnit)
            .count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_container_says_who_stopped_it_and_starts_when_asked() {
    let mut bench = bench(Intent::Run);
    bench
        .until(|status| status.state == State::Running && status.leader == Some(42))
        .await;
    bench.ask(Request::Stop).await;
    let status = bench.until(|status| status.state == State::Stopped).await;
    assert_eq!(status.reason.as_deref(), Some("stopped by hand"));
    let mark = bench.directory.path().join("mark/lab-hello");
    assert_eq!(Mark::read(&mark).expect("read"), Some(Mark::Stopped));
    bench.ask(Request::Start).await;
    bench.until(|status| status.state == State::Running).await;
    assert_eq!(Mark::read(&mark).expect("read"), None);
}

#[tokio::test(start_paused = true)]
async fn an_answered_request_is_in_the_status_already() {
    let mut bench = bench(Intent::Stop);
    bench.host.world().ready_at_once = false;
    bench.ask(Request::Start).await;
    assert_ne!(
        bench.handle.status.borrow_and_update().state,
        State::Stopped
    );
}

#[tokio::test(start_paused = true)]
async fn a_killed_guest_comes_back_after_a_pause_and_is_counted() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    bench.host.end(Some(Ended::Signal(9)));
    let status = bench.until(|status| status.state == State::Failed).await;
    assert_eq!(status.reason.as_deref(), Some("killed by SIGKILL"));
    assert!(status.next_try_ms.is_some());
    let status = bench.until(|status| status.state == State::Running).await;
    assert_eq!(status.restarts, 1);
    assert_eq!(bench.starts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_powers_itself_off_stays_off() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    bench.host.end(None);
    let status = bench.until(|status| status.state == State::Stopped).await;
    assert_eq!(status.reason.as_deref(), Some("it powered itself off"));
    tokio::time::sleep(Duration::from_mins(60)).await;
    assert_eq!(bench.starts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_told_and_tried_again() {
    let mut bench = bench(Intent::Stop);
    bench.host.world().refuse_after = Some(2);
    bench.ask(Request::Start).await;
    let status = bench.until(|status| status.state == State::Failed).await;
    assert!(status.reason.expect("a reason").starts_with("refused to"));
    bench.until(|status| status.state == State::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_stops_and_starts_once() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    bench.ask(Request::Restart).await;
    bench.until(|status| status.state == State::Running).await;
    let done = bench.host.world().done.clone();
    let stops = done.iter().filter(|step| **step == Step::StopUnit).count();
    assert_eq!((stops, bench.starts()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_removed_container_ends_its_task_with_the_answer() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    let (reply, answer) = oneshot::channel();
    bench
        .handle
        .requests
        .send(Request::Remove(reply, Descent::default().begin()))
        .await
        .expect("the task lives");
    assert_eq!(answer.await.expect("it answers"), Ok(()));
    assert!(
        bench.handle.requests.is_closed()
            || bench
                .handle
                .requests
                .send(Request::Start(oneshot::channel().0))
                .await
                .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_power_off_that_is_seen_on_its_way_stays_off_too() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    bench
        .host
        .happen(|observed| observed.unit.active = Active::Deactivating);
    bench.until(|status| status.state == State::Stopping).await;
    bench.host.end(None);
    bench.until(|status| status.state == State::Stopped).await;
    assert_eq!(bench.starts(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_comes_waits_for_who_goes_and_is_no_failure() {
    let mut bench = bench(Intent::Stop);
    let blocked = "waits for lab-old, which still has 10.77.3.11";
    bench
        .host
        .happen(|observed| observed.blocked = Some(blocked.to_owned()));
    bench.ask(Request::Start).await;
    let status = bench.until(|status| status.state == State::Waiting).await;
    assert_eq!(status.reason.as_deref(), Some(blocked));
    assert_eq!((status.next_try_ms, status.failures), (None, 0));
    assert!(bench.host.world().done.is_empty(), "nothing is begun");
    bench.host.happen(|observed| observed.blocked = None);
    bench.until(|status| status.state == State::Running).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_again_before_it_is_gone_runs_on() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    bench
        .host
        .happen(|observed| observed.unit.active = Active::Deactivating);
    bench.until(|status| status.state == State::Stopping).await;
    let send = async |bench: &Bench, request| {
        let sent = bench.handle.requests.send(request).await;
        sent.expect("the task lives");
    };
    let (reply, gone) = oneshot::channel();
    send(&bench, Request::Remove(reply, Descent::default().begin())).await;
    let (reply, started) = oneshot::channel();
    send(&bench, Request::Start(reply)).await;
    started.await.expect_err("it is on its way out");
    let (reply, declared) = oneshot::channel();
    let model = wanted(Intent::Run).model;
    send(&bench, Request::Declare(model, reply, None)).await;
    gone.await.expect_err("it is declared again");
    bench.host.end(Some(Ended::Reboot));
    assert_eq!(declared.await.expect("it answers"), Ok(()));
    bench.until(|status| status.state == State::Running).await;
    assert_eq!(bench.starts(), 2);
}

#[tokio::test(start_paused = true)]
async fn tries_are_counted_and_begin_anew_when_one_works() {
    let mut bench = bench(Intent::Stop);
    let conflict = |reason: &str| {
        Some(Conflict {
            reason: reason.to_owned(),
            hint: None,
        })
    };
    bench
        .host
        .happen(|observed| observed.conflict = conflict("in the way"));
    bench.ask(Request::Start).await;
    let status = bench.until(|status| status.failures == 3).await;
    assert_eq!(status.state, State::Failed);
    assert!(status.next_try_ms.is_some());
    bench.ask(Request::Start).await;
    let again = bench.until(|status| status.state == State::Failed).await;
    assert_eq!(again.failures, 1, "a person begins anew");
    bench.host.happen(|observed| observed.conflict = None);
    let up = bench.until(|status| status.state == State::Running).await;
    assert_eq!((up.failures, up.next_try_ms), (0, None));
}

/// A container that has one credential, which is read like this.
fn with_credential(taken: Taken) -> Credentials {
    [("db".parse().expect("a name"), taken)]
        .into_iter()
        .collect()
}

fn refused() -> Credentials {
    with_credential(Taken::Refused(Refusal {
        reason: "/run/secrets/db does not exist".to_owned(),
        hint: Some("write it".to_owned()),
    }))
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_missing_is_looked_for_again_at_each_try() {
    let mut bench = bench(Intent::Stop);
    bench.host.world().credentials = refused();
    bench.ask(Request::Start).await;
    let status = bench.until(|status| status.state == State::Failed).await;
    assert_eq!(status.hint.as_deref(), Some("write it"));
    bench.host.world().credentials = with_credential(ready("1"));
    bench.until(|status| status.state == State::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_that_may_be_tried_again_waits_for_its_turn() {
    let mut bench = bench(Intent::Stop);
    bench.host.world().credentials = refused();
    bench.ask(Request::Start).await;
    bench.until(|status| status.state == State::Failed).await;
    let place = bench.starts.clone().acquire_owned().await.expect("a place");
    bench.host.world().credentials = with_credential(ready("1"));
    let status = bench.until(|status| status.state == State::Starting).await;
    assert_eq!(status.reason.as_deref(), Some("waits for its turn"));
    drop(place);
    bench.until(|status| status.state == State::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_changes_is_in_force_when_somebody_says_so() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    bench.host.world().credentials = with_credential(ready("1"));
    bench.ask(Request::Restart).await;
    bench.until(|status| status.state == State::Running).await;
    bench.host.world().credentials = with_credential(ready("2"));
    bench.host.happen(|observed| observed.firewall_open = false);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(bench.host.world().observed.firewall_open, "it looked");
    assert_eq!(bench.starts(), 2);
    let (reply, answer) = oneshot::channel();
    let asked = Request::Declare(wanted(Intent::Run).model, reply, None);
    let sent = bench.handle.requests.send(asked).await;
    sent.expect("the task lives");
    assert_eq!(answer.await.expect("it answers"), Ok(()));
    bench.until(|status| status.state == State::Running).await;
    assert_eq!(bench.starts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_would_fail_is_not_begun() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    bench.host.world().credentials = refused();
    bench.ask(Request::Restart).await;
    let status = bench
        .until(|status| status.state == State::Running && status.reason.is_some())
        .await;
    assert_eq!(status.hint.as_deref(), Some("write it"));
    tokio::time::sleep(Duration::from_mins(60)).await;
    assert!(!bench.host.world().done.contains(&Step::StopUnit));
    bench.host.world().credentials = Credentials::default();
    bench.ask(Request::Restart).await;
    bench
        .until(|status| status.state == State::Running && status.reason.is_none())
        .await;
    assert_eq!(bench.starts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_made_before_the_unit_carries_its_digest() {
    let mut bench = bench(Intent::Stop);
    bench.host.world().credentials = with_credential(Taken::Unmade);
    bench.ask(Request::Start).await;
    bench.until(|status| status.state == State::Running).await;
    let made = with_credential(ready("made"));
    assert_eq!(**bench.handle.credentials.borrow(), made);
    let declared = bench.host.world().observed.unit.declared.clone();
    let declared = declared.expect("a unit of ours").to_string();
    assert!(declared.contains("credentials.db=made"), "{declared}");
    assert_eq!(bench.starts(), 1);
}

/// The same container, never started again by itself.
fn never_again() -> Wanted {
    let mut wanted = wanted(Intent::Run);
    let model = Arc::make_mut(&mut wanted.model);
    let group = model.groups.get_mut(&wanted.id.group).expect("its group");
    let container = group.containers.get_mut(&wanted.id.name).expect("itself");
    container.restart.policy = RestartPolicy::Never;
    wanted
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_final_holds_up_no_declaration() {
    let wanted = never_again();
    let mut bench = bench_of(wanted.clone());
    bench.until(|status| status.state == State::Running).await;
    bench.host.end(Some(Ended::Status(1)));
    bench.until(|status| status.state == State::Failed).await;
    let (reply, plan) = oneshot::channel();
    let asked = Request::Plan(wanted.model.clone(), reply);
    bench
        .handle
        .requests
        .send(asked)
        .await
        .expect("the task lives");
    let plan = plan.await.expect("it answers");
    assert_eq!(plan.action, Action::Nothing, "{plan:?}");
    assert!(
        plan.reason
            .expect("a reason")
            .contains("not to be started again")
    );
    let (reply, answer) = oneshot::channel();
    let asked = Request::Declare(wanted.model.clone(), reply, None);
    bench
        .handle
        .requests
        .send(asked)
        .await
        .expect("the task lives");
    let answer = timeout(Duration::from_secs(1), answer).await;
    assert_eq!(answer.expect("at once").expect("it answers"), Ok(()));
    assert_eq!(bench.starts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_one_look_and_no_reason_for_another() {
    let mut bench = bench(Intent::Run);
    bench.until(|status| status.state == State::Running).await;
    let pause = || tokio::time::sleep(Duration::from_mins(1));
    pause().await;
    let before = bench.host.world().looks;
    let (reply, plan) = oneshot::channel();
    let asked = Request::Plan(wanted(Intent::Run).model, reply);
    let sent = bench.handle.requests.send(asked).await;
    sent.expect("the task lives");
    plan.await.expect("it answers");
    pause().await;
    assert_eq!(bench.host.world().looks, before + 1);
    // The control: what happens is looked at.
    bench.host.happen(|_| {});
    pause().await;
    assert_eq!(bench.host.world().looks, before + 2);
}
