//! What a person types to mend what is not well with a container, or to learn more: pure.

use ctr_api::wire::{ContainerStatus, State};

/// The one thing to do: what `ctrd` knows to be the remedy, else the command that says more. Nothing where
/// the container is as it should be, or on its way there.
pub(super) fn advice(container: &ContainerStatus) -> Option<String> {
    if let Some(hint) = &container.hint {
        return Some(hint.clone());
    }
    let ContainerStatus { group, name, .. } = container;
    let reason = container.reason.as_deref().filter(|it| !it.is_empty());
    match container.state {
        State::Failed if container.next_try_ms.is_some() => {
            Some(format!("`ctr {group} logs {name} -n 50` says more"))
        }
        State::Failed => Some(format!(
            "`ctr {group} logs {name} -n 50` says more, `ctr {group} start {name}` tries again"
        )),
        State::Waiting => {
            let (group, name) = container.waits_for.first()?.split_once('/')?;
            Some(format!("`ctr {group} status {name}` says what it does"))
        }
        // It would not start.
        State::Stopped if container.missing.is_some() => None,
        // Somebody stopped it, or it did so itself; one that was never started is as declared.
        State::Stopped => reason.map(|_| format!("`ctr {group} start {name}` starts it")),
        State::Unhealthy => Some(format!(
            "`ctr {group} logs {name} -n 50` says more, `ctr {group} restart {name}` starts it anew"
        )),
        State::Running | State::Healthy => {
            reason.map(|_| "`ctr plan` says what is left to do".to_owned())
        }
        State::Starting | State::Stopping => None,
    }
}

#[cfg(test)]
mod tests {
    use ctr_api::wire::State;

    use super::advice;
    use crate::sample;

    #[test]
    fn what_is_not_well_has_one_thing_to_do() {
        let say_more = "`ctr ml logs vllm -n 50` says more";
        let try_again = "`ctr ml logs vllm -n 50` says more, `ctr ml start vllm` tries again";
        let start = "`ctr ml start vllm` starts it";
        let anew = "`ctr ml logs vllm -n 50` says more, `ctr ml restart vllm` starts it anew";
        for (state, reason, next_try, advised) in [
            (State::Failed, Some("exit status 1"), true, Some(say_more)),
            (State::Failed, Some("exit status 1"), false, Some(try_again)),
            (State::Failed, None, false, Some(try_again)),
            (
                State::Waiting,
                Some("waiting for /dev/nvidia-uvm"),
                false,
                None,
            ),
            (State::Stopped, Some("stopped by hand"), false, Some(start)),
            (
                State::Stopped,
                Some("it powered itself off"),
                false,
                Some(start),
            ),
            (State::Stopped, None, false, None),
            (
                State::Running,
                Some("its switch failed"),
                false,
                Some("`ctr plan` says what is left to do"),
            ),
            (State::Running, None, false, None),
            (State::Unhealthy, Some("status 503"), false, Some(anew)),
            (State::Healthy, None, false, None),
            (State::Starting, Some("waits for its turn"), false, None),
            (State::Stopping, None, false, None),
        ] {
            let mut container = sample::in_state("ml", "vllm", state);
            container.reason = reason.map(str::to_owned);
            container.next_try_ms = next_try.then_some(sample::NOW_MS);
            assert_eq!(
                advice(&container).as_deref(),
                advised,
                "{state:?} {reason:?}"
            );
            // What ctrd knows goes first.
            container.hint = Some("make the tree".to_owned());
            assert_eq!(advice(&container).as_deref(), Some("make the tree"));
        }
        let mut lacking = sample::in_state("ml", "vllm", State::Stopped);
        lacking.reason = Some("no model".to_owned());
        lacking.missing.clone_from(&lacking.reason);
        assert_eq!(advice(&lacking), None, "it would not start");
        let mut waiting = sample::in_state("ml", "vllm", State::Waiting);
        waiting.waits_for = vec!["dev/postgres".to_owned(), "ml/ollama".to_owned()];
        let advised = "`ctr dev status postgres` says what it does";
        assert_eq!(advice(&waiting).as_deref(), Some(advised));
    }
}
