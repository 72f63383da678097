//! What has to be done for one container: pure.

use std::fmt;

use crate::gpu::Lack;
use crate::machine::{Active, unit_name};
use crate::model::change::{Change, Class};
use crate::model::{Missing, Program, Root, UserMode};
use crate::network;

use super::host::{Conflict, Observed, Wanted};

/// What a container is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Run.
    Run,
    /// Be stopped, and stay declared.
    Stop,
    /// Be gone, except for its data.
    Remove,
}

/// One effect on the host. It may be repeated after a crash at any point.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Make the group's bridge what it should be.
    EnsureGroup,
    /// Make the state directory, with a user range of its own.
    ClaimState,
    /// Give what ctr keeps of the container to whom it is declared to run as.
    GiveState(UserMode),
    /// A change to the container's namespace or link.
    Network(network::Step),
    /// Mount the root and write what must stand in it.
    PrepareRoot,
    /// Make the secrets that the container has and that were not made yet.
    MakeSecrets,
    /// Write the credentials where the guest reads them.
    GiveCredentials,
    /// Take them away.
    WithdrawCredentials,
    /// Rewrite the files given to the guest that are not as they should be.
    WriteFiles,
    /// Put the container's elements into the firewall.
    OpenFirewall,
    /// Take them out.
    CloseFirewall,
    /// Take a machine whose process is gone off machined's list.
    UnregisterMachine,
    /// Forget the unit's last failure.
    ResetFailed,
    /// Queue the unit's start.
    StartUnit,
    /// Queue the unit's stop.
    StopUnit,
    /// End a guest that is not ready yet: a stop that it cannot hear would wait for nothing.
    KillUnit,
    /// Make the declared system the one that the guest boots, whatever happens next.
    PointProfile,
    /// Switch the running guest to the declared system, from inside.
    SwitchSystem,
    /// Set the limits of the running unit.
    SetLimits,
    /// Give the running guest the device nodes that it should have, and take others away.
    SetDevices,
    /// Bound what the running guest's users may hold of the kernel.
    SetBounds,
    /// Hold the declared system against Nix's garbage collector, and those that a guest which `runs` may use.
    HoldSystem {
        /// A guest is there.
        runs: bool,
    },
    /// Let them go.
    LetSystemsGo,
    /// Unmount the root.
    ReleaseRoot,
    /// Remove the files given to the guest.
    RemoveFiles,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnsureGroup => f.write_str("make the group's bridge ready"),
            Self::ClaimState => f.write_str("make the state directory"),
            Self::GiveState(UserMode::Own) => f.write_str("give its state to users of its own"),
            Self::GiveState(UserMode::Host) => f.write_str("give its state to the host's users"),
            Self::Network(step) => step.fmt(f),
            Self::PrepareRoot => f.write_str("make the root ready"),
            Self::MakeSecrets => f.write_str("make its secrets"),
            Self::GiveCredentials => f.write_str("give the guest its credentials"),
            Self::WithdrawCredentials => f.write_str("take the guest's credentials away"),
            Self::WriteFiles => f.write_str("write the guest's files"),
            Self::OpenFirewall => f.write_str("open the firewall"),
            Self::CloseFirewall => f.write_str("close the firewall"),
            Self::UnregisterMachine => f.write_str("take the dead machine off machined's list"),
            Self::ResetFailed => f.write_str("reset the failed unit"),
            Self::StartUnit => f.write_str("start the unit"),
            Self::StopUnit => f.write_str("stop the unit"),
            Self::KillUnit => f.write_str("kill the unit, which is not ready yet"),
            Self::PointProfile => f.write_str("make the new system the one that it boots"),
            Self::SwitchSystem => f.write_str("switch the running guest to the new system"),
            Self::SetLimits => f.write_str("set the limits"),
            Self::SetDevices => f.write_str("set the guest's devices"),
            Self::SetBounds => f.write_str("set the bounds of the guest's users"),
            Self::HoldSystem { .. } => f.write_str("keep its system from the garbage collector"),
            Self::LetSystemsGo => f.write_str("leave its systems to the garbage collector"),
            Self::ReleaseRoot => f.write_str("unmount the root"),
            Self::RemoveFiles => f.write_str("remove the guest's files"),
        }
    }
}

/// The steps to take now, in order, and why a running guest is stopped, if it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The steps. What depends on their result is planned when they are done.
    pub steps: Vec<Step>,
    /// The keys that a running guest cannot follow by itself: it is restarted for them, or switches,
    /// or is held.
    pub changed: Vec<Change>,
    /// What a person should know will be done once the guest is down.
    pub then: Vec<Step>,
    /// Why a running guest is left as it is, although something about it cannot be as declared: a
    /// start would fail, so it is not stopped.
    pub held: Option<Conflict>,
}

impl Plan {
    /// It stops a guest.
    pub fn stops(&self) -> bool {
        self.steps
            .iter()
            .any(|it| matches!(it, Step::StopUnit | Step::KillUnit))
    }

    /// The same without its switch, for this reason.
    #[must_use]
    pub fn without_switch(mut self, why: Conflict) -> Self {
        self.steps
            .retain(|it| !matches!(it, Step::PointProfile | Step::SwitchSystem));
        self.held = Some(why);
        self
    }
}

/// Plans one round.
///
/// `forced` restarts a running guest for no other reason than that somebody asked.
///
/// A conflict is something of somebody else's in the way of what would have to be done.
pub fn plan(wanted: &Wanted, observed: &Observed, forced: bool) -> Result<Plan, Conflict> {
    let mut plan = match wanted.intent {
        Intent::Run if observed.unit.is_foreign() => Err(foreign(wanted)),
        Intent::Run => run(wanted, observed, forced),
        Intent::Stop => Ok(Plan {
            steps: stop(observed),
            ..Plan::default()
        }),
        Intent::Remove => Ok(Plan {
            steps: removal(wanted, observed),
            ..Plan::default()
        }),
    }?;
    plan.steps.splice(0..0, hold_system(wanted, observed));
    Ok(plan)
}

/// What comes before everything else, whatever else is waited for: nothing that boots next, or runs, is collected
/// meanwhile.
pub(super) fn hold_system(wanted: &Wanted, observed: &Observed) -> Option<Step> {
    if wanted.intent == Intent::Remove {
        return None;
    }
    let system = match &wanted.container().root {
        Root::Nixos(system) => Some(system.as_path()),
        Root::Tree(_) | Root::Directory(_) => None,
    };
    let down = matches!(observed.unit.active, Active::Failed | Active::Inactive);
    let runs = !down && !observed.unit.is_foreign();
    let held = &observed.gc_roots;
    (*held != held.for_system(system, runs)).then_some(Step::HoldSystem { runs })
}

fn foreign(wanted: &Wanted) -> Conflict {
    let unit = unit_name(&wanted.container().machine);
    Conflict {
        reason: format!("a unit {unit} exists and ctrd did not make it"),
        hint: Some(format!(
            "see `systemctl cat {unit}`, and remove or rename it"
        )),
    }
}

fn run(wanted: &Wanted, observed: &Observed, forced: bool) -> Result<Plan, Conflict> {
    let running = observed.running_as();
    let changed = running.map_or_else(Vec::new, |it| it.changed(&wanted.declared()));
    let switches = !forced && can_switch(wanted, &changed);
    let restarts = forced || (!changed.is_empty() && !switches);
    // A guest is not stopped for what could not start again: it runs on as it is.
    let refused = wanted.credentials.refusal().map(Conflict::from);
    let in_the_way = || {
        missing(wanted)
            .or_else(|| observed.conflict.clone())
            .or_else(|| lacks(wanted, observed))
    };
    let held = refused.or_else(|| in_the_way().filter(|_| restarts || switches));
    let free = held.is_none();
    Ok(match observed.unit.active {
        Active::Active if restarts && free => restart(wanted, observed, Step::StopUnit, changed),
        // Nothing in it works yet that could be disturbed.
        Active::Activating if (restarts || switches) && free => {
            restart(wanted, observed, Step::KillUnit, changed)
        }
        Active::Active => {
            let mut steps = live(wanted, observed, !free)?;
            if switches && free {
                steps.extend([Step::PointProfile, Step::SwitchSystem]);
            }
            Plan {
                steps,
                changed,
                held,
                ..Plan::default()
            }
        }
        Active::Activating => Plan {
            steps: bounds(observed).collect(),
            changed,
            held,
            ..Plan::default()
        },
        Active::Deactivating => Plan::default(),
        // Nothing is kept ready for a start that only a person can make possible.
        Active::Failed | Active::Inactive if wanted.container().missing.is_some() => Plan {
            steps: stop(observed),
            ..Plan::default()
        },
        Active::Failed | Active::Inactive => {
            if let Some(conflict) = observed.conflict.clone().or(held) {
                return Err(conflict);
            }
            Plan {
                steps: start(wanted, observed)?,
                ..Plan::default()
            }
        }
    })
}

/// What its declaration says that it lacks.
fn missing(wanted: &Wanted) -> Option<Conflict> {
    let Missing { what, hint } = wanted.container().missing.clone()?;
    Some(Conflict { reason: what, hint })
}

/// What a start would wait for.
fn lacks(wanted: &Wanted, observed: &Observed) -> Option<Conflict> {
    let Lack { reason, hint, .. } = observed.lack(wanted).filter(|lack| lack.waits)?;
    Some(Conflict { reason, hint })
}

/// Whether a running guest can follow a change of these keys from inside: it is a NixOS system that
/// was booted, and nothing else of it changes.
fn can_switch(wanted: &Wanted, changed: &[Change]) -> bool {
    let container = wanted.container();
    let boots = matches!(container.program, Program::Boot { .. });
    let is_nixos = matches!(container.root, Root::Nixos(_));
    let only_that = changed.iter().all(|it| it.class() == Class::Switch);
    boots && is_nixos && only_that && !changed.is_empty()
}

fn restart(wanted: &Wanted, observed: &Observed, end: Step, changed: Vec<Change>) -> Plan {
    Plan {
        steps: vec![end],
        changed,
        then: give_state(wanted, observed).into_iter().collect(),
        held: None,
    }
}

/// What ctr keeps of the container belongs to other users than declared.
fn give_state(wanted: &Wanted, observed: &Observed) -> Option<Step> {
    let users = wanted.container().users;
    let state = observed.state?;
    (!state.fits(users)).then_some(Step::GiveState(users))
}

/// From nothing to a queued start. The state directory comes first: who the guest's users are is
/// known only when it is there.
fn start(wanted: &Wanted, observed: &Observed) -> Result<Vec<Step>, Conflict> {
    let mut steps = Vec::new();
    if !observed.group_ready {
        steps.push(Step::EnsureGroup);
    }
    if observed.state.is_none() {
        steps.push(Step::ClaimState);
    }
    steps.extend(network_steps(wanted, observed)?);
    if !observed.firewall_open {
        steps.push(Step::OpenFirewall);
    }
    if observed.stale_registration {
        steps.push(Step::UnregisterMachine);
    }
    if observed.unit.active == Active::Failed {
        steps.push(Step::ResetFailed);
    }
    let give_state = give_state(wanted, observed);
    // What an ephemeral guest wrote goes with its end, also where it is started again at once; and
    // nothing changes its owner under a mounted root.
    if observed.root_mounted && (wanted.container().ephemeral || give_state.is_some()) {
        steps.push(Step::ReleaseRoot);
    }
    steps.extend(give_state);
    if wanted.credentials.any_unmade() {
        steps.push(Step::MakeSecrets);
    }
    steps.push(Step::PrepareRoot);
    // Afresh for each start, when the root can say who the guest's users are.
    if !wanted.credentials.is_empty() {
        steps.push(Step::GiveCredentials);
    } else if observed.credentials_any {
        steps.push(Step::WithdrawCredentials);
    }
    if !observed.files_current {
        steps.push(Step::WriteFiles);
    }
    steps.push(Step::StartUnit);
    Ok(steps)
}

/// What a running guest follows without noticing.
fn live(wanted: &Wanted, observed: &Observed, held: bool) -> Result<Vec<Step>, Conflict> {
    let mut steps = Vec::new();
    if !observed.group_ready && observed.blocked.is_none() {
        steps.push(Step::EnsureGroup);
    }
    let process = observed.unit.main_pid;
    let network = network::plan_running_container(&wanted.network(), &observed.network, process)?;
    steps.extend(network.into_iter().map(Step::Network));
    if !observed.firewall_open {
        steps.push(Step::OpenFirewall);
    }
    // A guest that is held back from other users keeps the files of those that it runs as.
    let users = wanted.container().users;
    let of_others = held && observed.state.is_some_and(|state| !state.fits(users));
    if !observed.files_current && !of_others {
        steps.push(Step::WriteFiles);
    }
    if !observed.limits_current {
        steps.push(Step::SetLimits);
    }
    if !observed.devices_current {
        steps.push(Step::SetDevices);
    }
    steps.extend(bounds(observed));
    Ok(steps)
}

/// From the guest's first moment: it is known by its first process, which has to be there.
fn bounds(observed: &Observed) -> impl Iterator<Item = Step> + use<> {
    (!observed.bounds_current)
        .then_some(Step::SetBounds)
        .into_iter()
}

fn network_steps(
    wanted: &Wanted,
    observed: &Observed,
) -> Result<impl Iterator<Item = Step>, Conflict> {
    let steps = network::plan_container(&wanted.network(), &observed.network)?;
    Ok(steps.into_iter().map(Step::Network))
}

fn stop(observed: &Observed) -> Vec<Step> {
    match observed.unit.active {
        // Somebody else's is left as it is.
        _ if observed.unit.is_foreign() => Vec::new(),
        Active::Active => vec![Step::StopUnit],
        Active::Activating => vec![Step::KillUnit],
        Active::Deactivating => Vec::new(),
        Active::Failed | Active::Inactive => {
            let mut steps = Vec::new();
            if observed.unit.active == Active::Failed {
                steps.push(Step::ResetFailed);
            }
            if observed.stale_registration {
                steps.push(Step::UnregisterMachine);
            }
            if observed.firewall_any {
                steps.push(Step::CloseFirewall);
            }
            if observed.credentials_any {
                steps.push(Step::WithdrawCredentials);
            }
            if observed.root_mounted {
                steps.push(Step::ReleaseRoot);
            }
            steps
        }
    }
}

/// Everything of a container goes, except its data.
pub fn removal(wanted: &Wanted, observed: &Observed) -> Vec<Step> {
    let mut steps = stop(observed);
    let down = matches!(observed.unit.active, Active::Failed | Active::Inactive);
    if down || observed.unit.is_foreign() {
        let network = network::plan_container_removal(&wanted.network(), &observed.network);
        steps.extend(network.into_iter().map(Step::Network));
        if observed.files_any {
            steps.push(Step::RemoveFiles);
        }
        if observed.gc_roots.any() {
            steps.push(Step::LetSystemsGo);
        }
    }
    steps
}
