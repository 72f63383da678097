//! Which state a container is in: one total function of what is known of it, and the table of its cases.
//!
//! The page docs/explanation/states.md is made from here.

use ctr_api::wire::State;

use super::plan::Intent;
use crate::health::Verdict;
use crate::machine::Active;

/// What the task does at this moment, where that is known better than what was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doing {
    /// Nothing: what was seen counts.
    Nothing,
    /// It is about to start it.
    Start,
    /// It is about to stop it.
    Stop,
    /// It leaves a host alone that shuts down.
    Leave,
}

/// Why a container that should run and is down is not started now; the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Held {
    /// A step or a look failed, or something is in the way.
    Trouble,
    /// Its declaration says that it lacks something.
    Missing,
    /// Its run failed: it is started again after a pause, or not by itself.
    Ended,
    /// Something of ours that is on its way out has what it needs.
    Blocked,
    /// A container that it comes after is not ready.
    After,
    /// A graphics processor that it asks for is not there.
    Gpu,
    /// It waits for a place among those that start.
    Turn,
}

/// What the state of a container follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What it is meant to do.
    pub intent: Intent,
    /// What its unit does; a unit of somebody else's does nothing of ours.
    pub active: Active,
    /// What its task is about to do.
    pub doing: Doing,
    /// It is to be stopped and started again, and that has not begun.
    pub restarts: bool,
    /// What its probes say; `None` where none is declared.
    pub health: Option<Verdict>,
    /// Why it is not started now. Of a container that is not to run, only [`Held::Trouble`] matters.
    pub held: Held,
}

macro_rules! cases {
    ($($(#[doc = $doc:literal])+ $case:ident: $state:ident $when:literal,)*) => {
        /// Each way to a state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Case {
            $($(#[doc = $doc])+ $case,)*
        }

        impl Case {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$case,)*];

            /// The state that it is.
            pub const fn state(self) -> State {
                match self {
                    $(Self::$case => State::$state,)*
                }
            }

            /// When it is that, in words for people.
            pub const fn when(self) -> &'static str {
                match self {
                    $(Self::$case => $when,)*
                }
            }
        }
    };
}

cases! {
    /// Nobody wants it to run.
    Off: Stopped "it is not to run: it is declared without `autostart`, was stopped by hand, or powered itself off",
    /// The host ended it.
    HostStops: Stopped "the host is shutting down",
    /// It lacks what only a person can add.
    Missing: Waiting "it is declared that something is `missing`",
    /// What it needs belongs to something that leaves.
    Blocked: Waiting "what it needs still belongs to a container or group that is on its way out",
    /// It comes after another.
    After: Waiting "a container that it comes `after` is not ready",
    /// It asks for a graphics processor.
    Gpu: Waiting "a graphics processor that it asks for is not there, or not as it has to be",
    /// There are enough of those that start.
    Turn: Starting "as many others as may start at once are starting",
    /// It is being started.
    Start: Starting "what it needs is being made, and its unit started",
    /// Its unit is not ready.
    Activating: Starting "its guest comes up: its unit is not ready",
    /// Its unit is ready, and its probe not.
    Coming: Starting "its unit is ready, and its health probe had no success yet",
    /// It is ready, and nothing probes it.
    Running: Running "its unit is ready, and no health probe is declared",
    /// It was found, and not probed yet.
    Found: Running "it was running when `ctrd` came, or when a probe was declared, and the first result is not there",
    /// It works.
    Healthy: Healthy "its health probe succeeds",
    /// It does not.
    Unhealthy: Unhealthy "its health probe has failed as often in a row as `failures` says",
    /// It is about to be stopped.
    Stop: Stopping "it is about to be stopped",
    /// It goes down.
    Stopping: Stopping "its unit is on its way down, or is to be: it was stopped, removed or restarted",
    /// It could not be brought where it should be.
    Trouble: Failed "something that it takes failed or is in its way",
    /// It ended.
    Ended: Failed "its run failed: it ended, was not ready in time, or was stopped because it was unhealthy",
}

/// Which case it is: every combination of facts is one.
pub const fn case(facts: &Facts) -> Case {
    let run = matches!(facts.intent, Intent::Run);
    let down = matches!(facts.active, Active::Inactive | Active::Failed);
    match facts.doing {
        Doing::Start => return Case::Start,
        Doing::Stop => return Case::Stop,
        Doing::Leave if down => return Case::HostStops,
        Doing::Leave | Doing::Nothing => {}
    }
    match facts.active {
        Active::Active if run && !facts.restarts => match facts.health {
            None => Case::Running,
            Some(Verdict::Coming) => Case::Coming,
            Some(Verdict::Found) => Case::Found,
            Some(Verdict::Healthy) => Case::Healthy,
            Some(Verdict::Unhealthy) => Case::Unhealthy,
        },
        Active::Activating if run && !facts.restarts => Case::Activating,
        Active::Active | Active::Activating | Active::Deactivating => Case::Stopping,
        Active::Inactive | Active::Failed => match facts.held {
            Held::Trouble => Case::Trouble,
            _ if !run => Case::Off,
            Held::Missing => Case::Missing,
            Held::Ended => Case::Ended,
            Held::Blocked => Case::Blocked,
            Held::After => Case::After,
            Held::Gpu => Case::Gpu,
            Held::Turn => Case::Turn,
        },
    }
}

impl Facts {
    /// Every combination of facts.
    pub fn all() -> impl Iterator<Item = Self> {
        let verdicts = [
            None,
            Some(Verdict::Coming),
            Some(Verdict::Found),
            Some(Verdict::Healthy),
            Some(Verdict::Unhealthy),
        ];
        let mut all = Vec::new();
        for intent in [Intent::Run, Intent::Stop, Intent::Remove] {
            for active in [
                Active::Inactive,
                Active::Activating,
                Active::Active,
                Active::Deactivating,
                Active::Failed,
            ] {
                for doing in [Doing::Nothing, Doing::Start, Doing::Stop, Doing::Leave] {
                    for restarts in [false, true] {
                        for health in verdicts {
                            for held in [
                                Held::Trouble,
                                Held::Missing,
                                Held::Ended,
                                Held::Blocked,
                                Held::After,
                                Held::Gpu,
                                Held::Turn,
                            ] {
                                all.push(Self {
                                    intent,
                                    active,
                                    doing,
                                    restarts,
                                    health,
                                    held,
                                });
                            }
                        }
                    }
                }
            }
        }
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ctr_api::wire::State;

    use super::{Case, Doing, Facts, case};
    use crate::machine::Active;
    use crate::reconcile::plan::Intent;

    #[test]
    fn every_case_is_reached_by_some_facts() {
        let reached: BTreeSet<Case> = Facts::all().map(|facts| case(&facts)).collect();
        assert_eq!(reached, Case::ALL.iter().copied().collect());
    }

    #[test]
    fn only_a_guest_that_is_up_and_meant_to_be_is_ready() {
        for facts in Facts::all() {
            let state = case(&facts).state();
            if matches!(state, State::Running | State::Healthy | State::Unhealthy) {
                assert_eq!(facts.active, Active::Active, "{facts:?}");
                assert_eq!(facts.intent, Intent::Run, "{facts:?}");
                assert!(!facts.restarts, "{facts:?}");
            }
            if facts.intent != Intent::Run && facts.doing == Doing::Nothing {
                assert!(
                    matches!(state, State::Stopped | State::Stopping | State::Failed),
                    "{facts:?}"
                );
            }
        }
    }
}
