//! When a container is where it should be.

use ctr_api::wire::{ContainerStatus, HostStatus, State};

/// Where a container should get to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// It was started.
    Started,
    /// It was restarted, and may still be on its way down.
    Restarted,
    /// It was stopped.
    Stopped,
    /// Nothing was asked for; it should become ready.
    Ready,
    /// Nothing was asked for; it should end.
    Ended,
}

/// Whether a state is the goal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    OnItsWay,
    Reached,
    /// It will not get there, in words that follow the container's name.
    Missed(String),
}

impl Goal {
    /// Judges one look. What is learnt from it may change the goal: a container that was seen to
    /// start after a restart has its way down behind it.
    pub(super) fn judge(&mut self, now: &ContainerStatus) -> Verdict {
        let verdict = self.verdict(now);
        if *self == Self::Restarted && now.state == State::Starting {
            *self = Self::Started;
        }
        verdict
    }

    fn verdict(self, now: &ContainerStatus) -> Verdict {
        let given_up = now.next_try_ms.is_none();
        match (self, now.state) {
            // It never went down: what it would need to start again is not there.
            (Self::Restarted, State::Running | State::Healthy) if now.reason.is_some() => {
                missed("was not stopped, because it could not start again")
            }
            (Self::Started | Self::Restarted | Self::Ready, State::Running | State::Healthy)
            | (Self::Stopped | Self::Ended, State::Stopped) => Verdict::Reached,
            (Self::Started | Self::Restarted, State::Failed) => missed("failed"),
            // It was running, or was ready and is not any more.
            (Self::Started, State::Unhealthy) => missed("is unhealthy"),
            (Self::Started, State::Stopped) => missed("stopped before it was ready"),
            (Self::Stopped, State::Failed) => missed("failed to stop cleanly"),
            (Self::Ready, State::Failed) if given_up => missed("failed"),
            (Self::Ended, State::Failed) if given_up => Verdict::Reached,
            _ => Verdict::OnItsWay,
        }
    }
}

/// Whether who was asked to start cannot, as the whole host is seen now: it is declared that something is missing, or
/// it waits for a graphics processor that is not there, or for one that has failed or is stopped, or that waits
/// itself for such a one. It will start once that is ready, which somebody has to see to first.
pub(super) fn is_stuck(now: &ContainerStatus, host: &HostStatus) -> bool {
    // Nobody waits for itself; the bound is for a host that says so all the same.
    fn waits(now: &ContainerStatus, host: &HostStatus, most: usize) -> bool {
        if now.missing.is_some() {
            return true;
        }
        // What is optional may be lacking as well, while it waits for somebody else.
        if now.lacks.is_some() && now.lacks == now.reason {
            return true;
        }
        let others = now.waits_for.iter().map(|name| {
            let mut all = host.groups.iter().flat_map(|group| &group.containers);
            all.find(|it| name.split_once('/') == Some((it.group.as_str(), it.name.as_str())))
        });
        let mut others = others.flatten();
        others.any(|other| match other.state {
            State::Failed | State::Stopped | State::Unhealthy => true,
            State::Waiting => most > 0 && waits(other, host, most - 1),
            State::Starting | State::Stopping | State::Running | State::Healthy => false,
        })
    }
    let all = host.groups.iter().map(|group| group.containers.len()).sum();
    now.state == State::Waiting && waits(now, host, all)
}

fn missed(why: &str) -> Verdict {
    Verdict::Missed(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Goal, Verdict, is_stuck, missed};
    use crate::sample;
    use ctr_api::wire::{ContainerStatus, State};

    fn judge(mut goal: Goal, states: &[State]) -> Verdict {
        let mut verdict = Verdict::OnItsWay;
        for state in states {
            verdict = goal.judge(&sample::in_state("ml", "ollama", *state));
        }
        verdict
    }

    #[test]
    fn a_restart_goes_through_stopped() {
        assert_eq!(
            judge(Goal::Restarted, &[State::Stopping, State::Stopped]),
            Verdict::OnItsWay
        );
        assert_eq!(
            judge(
                Goal::Restarted,
                &[State::Stopped, State::Starting, State::Running]
            ),
            Verdict::Reached
        );
    }

    #[test]
    fn a_restart_that_ends_after_starting_is_no_success() {
        assert_eq!(
            judge(Goal::Restarted, &[State::Starting, State::Stopped]),
            missed("stopped before it was ready")
        );
    }

    #[test]
    fn a_restart_that_would_end_in_a_failure_is_not_begun() {
        let mut held = sample::in_state("ml", "ollama", State::Running);
        held.reason = Some("the credential token cannot be given".to_owned());
        let why = "was not stopped, because it could not start again";
        assert_eq!(Goal::Restarted.judge(&held), missed(why));
        assert_eq!(Goal::Started.judge(&held), Verdict::Reached);
    }

    #[test]
    fn waiting_for_a_device_is_no_failure() {
        assert_eq!(judge(Goal::Started, &[State::Waiting]), Verdict::OnItsWay);
    }

    #[test]
    fn who_waits_for_a_graphics_processor_is_stuck_and_who_lacks_an_optional_one_is_not() {
        let lacking = |reason: &str| ContainerStatus {
            reason: Some(reason.to_owned()),
            lacks: Some("gpu (nvidia-uvm)".to_owned()),
            ..sample::in_state("ml", "web", State::Waiting)
        };
        let stuck = |now: ContainerStatus| is_stuck(&now, &sample::host_of(vec![now.clone()]));
        assert!(stuck(lacking("gpu (nvidia-uvm)")));
        assert!(!stuck(lacking("ml/db is not ready")));
    }

    #[test]
    fn who_lacks_what_a_person_has_to_declare_is_stuck_and_so_is_who_waits_for_it() {
        let vllm = ContainerStatus {
            reason: Some("no model".to_owned()),
            missing: Some("no model".to_owned()),
            ..sample::in_state("ml", "vllm", State::Waiting)
        };
        let web = ContainerStatus {
            waits_for: vec!["ml/vllm".to_owned()],
            ..sample::in_state("ml", "web", State::Waiting)
        };
        let host = sample::host_of(vec![vllm.clone(), web.clone()]);
        assert!(is_stuck(&vllm, &host));
        assert!(is_stuck(&web, &host));
    }

    #[test]
    fn who_waits_for_what_is_not_coming_is_stuck() {
        let waiting = |name: &str, other: &str| ContainerStatus {
            waits_for: vec![format!("ml/{other}")],
            ..sample::in_state("ml", name, State::Waiting)
        };
        for (state, stuck) in [
            (State::Failed, true),
            (State::Stopped, true),
            (State::Unhealthy, true),
            (State::Waiting, false),
            (State::Starting, false),
            (State::Stopping, false),
            (State::Running, false),
            (State::Healthy, false),
        ] {
            let (web, proxy) = (waiting("web", "db"), waiting("proxy", "web"));
            let db = sample::in_state("ml", "db", state);
            let host = sample::host_of(vec![db, web.clone(), proxy.clone()]);
            assert_eq!(is_stuck(&web, &host), stuck, "{state:?}");
            assert_eq!(is_stuck(&proxy, &host), stuck, "over web, {state:?}");
        }
        let (one, other) = (waiting("one", "other"), waiting("other", "one"));
        let host = sample::host_of(vec![one.clone(), other]);
        assert!(!is_stuck(&one, &host), "no circle is walked for ever");
    }

    #[test]
    fn who_only_waits_gives_a_failed_container_its_next_try() {
        let mut failed = sample::in_state("ml", "ollama", State::Failed);
        failed.next_try_ms = Some(sample::NOW_MS + 1000);
        let mut goal = Goal::Ready;
        assert_eq!(goal.judge(&failed), Verdict::OnItsWay);
        failed.next_try_ms = None;
        assert_eq!(goal.judge(&failed), missed("failed"));
    }
}
