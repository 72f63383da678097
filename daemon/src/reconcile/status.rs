//! What people see of a container.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use ctr_api::wire::{Action, ContainerPlan, State};

use crate::gpu::{Given, Lack};
use crate::machine::Active;
use crate::machine::root::UidBase;
use crate::model::{ContainerId, Model};
use crate::os::Paths;

use super::data::data_of;
use super::fleet::Handles;
use super::host::{Conflict, Observed, Wanted};
use super::host_error::HostError;
use super::plan::{Intent, Plan, Step, plan};
use super::prober::Found;
use super::reason::{Difference, reason};

/// What a container does now and why, as its task knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its task has looked at it, and told what it is.
    pub seen: bool,
    /// What it does.
    pub state: State,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// Of one that waits for others: for whom.
    pub waits_for: Vec<ContainerId>,
    /// Of one that waits: what ails the first of those that wait for each other, where that will not be ready by
    /// itself.
    pub cause: Option<String>,
    /// Since when it is in this state, in milliseconds since the epoch.
    pub since_ms: u64,
    /// When a failed start is tried again, in milliseconds since the epoch.
    pub next_try_ms: Option<u64>,
    /// How many tries in a row have failed.
    pub failures: u32,
    /// How often it was restarted since a person, or the boot, started it.
    pub restarts: u32,
    /// How its last run ended.
    pub last_exit: Option<String>,
    /// When that was, in milliseconds since the epoch.
    pub last_exit_ms: Option<u64>,
    /// What its probes have found in this run; `None` where it is not probed.
    pub health: Option<Found>,
    /// Since when its unit is ready, in milliseconds since the epoch; `None` while it is not.
    pub up_since_ms: Option<u64>,
    /// How long its start took until it was ready, in microseconds; `None` while it is not, and where nobody saw
    /// its probe's first success.
    pub start_usec: Option<u64>,
    /// The guest's first process, on the host.
    pub leader: Option<u32>,
    /// Its unit's cgroup, below the cgroup2 mount.
    pub control_group: String,
    /// The graphics processors that it has been given.
    pub gpus: Vec<Given>,
    /// What is not there of those that it asks for.
    pub lack: Option<Lack>,
    /// What their specifications ask for and is not done, each as a sentence; of one that is up.
    pub undone: Vec<String>,
    /// What bounds its unit, by property: `u64::MAX` for no bound. Empty where there is no unit.
    pub limits: HashMap<&'static str, u64>,
    /// Which of those limits a drop-in of an administrator sets, and which file.
    pub overridden: BTreeMap<&'static str, PathBuf>,
    /// The first of its user ids; `None` where it has none of its own, or not yet.
    pub uid_base: Option<UidBase>,
}

impl Status {
    /// A container that nothing is known of yet.
    pub fn unknown() -> Self {
        Self {
            seen: false,
            state: State::Stopped,
            reason: None,
            hint: None,
            waits_for: Vec::new(),
            cause: None,
            since_ms: now_ms(),
            next_try_ms: None,
            failures: 0,
            restarts: 0,
            last_exit: None,
            last_exit_ms: None,
            health: None,
            up_since_ms: None,
            start_usec: None,
            leader: None,
            control_group: String::new(),
            gpus: Vec::new(),
            lack: None,
            undone: Vec::new(),
            limits: HashMap::new(),
            overridden: BTreeMap::new(),
            uid_base: None,
        }
    }

    /// What a declared container does, as everybody is told of it.
    pub fn of(id: &ContainerId, handles: &Handles) -> Self {
        let status = handles.get(id).map(|handle| handle.status.borrow().clone());
        status.unwrap_or_else(Self::held_up)
    }

    /// A container that is declared and has no task yet: an older one of that machine's name is on its way out.
    fn held_up() -> Self {
        Self {
            state: State::Waiting,
            reason: Some("what was there of its name is still being taken away".to_owned()),
            ..Self::unknown()
        }
    }

    /// It is ready: what waits for it may start.
    pub fn is_ready(&self) -> bool {
        self.state.is_ready()
    }
}

/// Now, in milliseconds since the epoch.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What one container's plan looks like to a person; `before` is the declaration that it is meant
/// to follow until now, where there is one.
pub(super) fn view(
    wanted: &Wanted,
    before: Option<&Model>,
    paths: &Paths,
    observed: Result<Observed, HostError>,
) -> ContainerPlan {
    let container = wanted.container();
    let mut view = ContainerPlan {
        group: wanted.id.group.to_string(),
        name: wanted.id.name.to_string(),
        action: Action::Nothing,
        changed: Vec::new(),
        reason: None,
        hint: None,
        steps: Vec::new(),
        data: Vec::new(),
    };
    let difference = Difference::between(before, wanted);
    let planned = observed.map_err(Conflict::from).and_then(|observed| {
        let planned = plan(wanted, &observed, false)?;
        Ok((planned, observed))
    });
    let (planned, observed) = match planned {
        Ok(planned) => planned,
        Err(Conflict { reason, hint }) => {
            view.reason = Some(reason);
            view.hint = hint;
            return view;
        }
    };
    let up = matches!(observed.unit.active, Active::Active | Active::Activating);
    let lack = observed.lack(wanted);
    let named = difference.named(&planned, up);
    view.changed = named.iter().map(ToString::to_string).collect();
    view.action = action_of(&planned, wanted.intent, up);
    let waits_for_it = !up && container.missing.is_some() && wanted.intent == Intent::Run;
    if waits_for_it {
        // What a run of it left is taken away, which changes nothing of it.
        view.action = Action::Nothing;
    }
    if view.action == Action::Nothing && !named.is_empty() && planned.held.is_none() {
        view.action = Action::Live;
    }
    view.reason = reason(view.action, &planned, &named, &difference, up);
    if let Some(lack) = lack.filter(|lack| lack.waits && view.action == Action::Start) {
        view.reason = Some(format!("it waits: {}", lack.reason));
        view.hint = lack.hint;
    }
    if let Some(missing) = container.missing.as_ref().filter(|_| waits_for_it) {
        view.reason = Some(format!("it waits: {}", missing.what));
        view.hint.clone_from(&missing.hint);
    }
    if view.action == Action::Remove {
        view.data = data_of(paths, container);
    }
    if let Some(held) = planned.held {
        view.reason = Some(format!("it runs on as it is: {}", held.reason));
        view.hint = held.hint;
    }
    let steps = planned.steps.iter().chain(&planned.then);
    view.steps = steps.map(ToString::to_string).collect();
    view
}

/// What a round of planning would do, for people.
fn action_of(plan: &Plan, intent: Intent, up: bool) -> Action {
    match intent {
        Intent::Remove => Action::Remove,
        Intent::Run if plan.stops() => Action::Restart,
        Intent::Run if plan.steps.contains(&Step::SwitchSystem) => Action::Switch,
        Intent::Run if plan.steps.contains(&Step::StartUnit) => Action::Start,
        Intent::Stop if up => Action::Stop,
        // The bounds belong to every start, a moment after it, and nobody can change them later. What is held
        // changes nothing of a guest.
        Intent::Run
            if plan
                .steps
                .iter()
                .any(|it| !matches!(it, Step::SetBounds | Step::HoldSystem { .. })) =>
        {
            Action::Live
        }
        Intent::Run | Intent::Stop => Action::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ctr_api::wire::State;
    use tokio::sync::{mpsc, watch};

    use super::Status;
    use crate::machine::test_container;
    use crate::reconcile::fleet::Handles;
    use crate::reconcile::order::Descent;
    use crate::reconcile::task::Handle;

    #[test]
    fn who_is_declared_and_has_no_task_yet_waits_for_everybody_who_asks() {
        let id = test_container("web").id;
        let status = Status::of(&id, &Handles::new());
        assert_eq!(status.state, State::Waiting);
        let reason = status.reason.expect("said");
        assert!(reason.contains("still being taken away"), "{reason}");

        let running = Status {
            state: State::Running,
            ..Status::unknown()
        };
        let handle = Handle {
            requests: mpsc::channel(1).0,
            status: watch::channel(running.clone()).1,
            credentials: watch::channel(Arc::default()).1,
            descent: Descent::default(),
        };
        let handles = Handles::from([(id.clone(), handle)]);
        assert_eq!(Status::of(&id, &handles), running);
    }
}
