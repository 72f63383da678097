//! Which properties of a container's object differ: pure.

use std::collections::HashMap;

use zbus::Variant;

use crate::reconcile::Status;

/// The changed properties by name, with their new values.
pub fn diff(old: &Status, new: &Status) -> HashMap<&'static str, Variant<'static>> {
    let mut changed = HashMap::new();
    if old.state != new.state {
        changed.insert("State", Variant::from(new.state.as_str()));
    }
    if old.reason != new.reason {
        changed.insert(
            "Reason",
            Variant::from(new.reason.clone().unwrap_or_default()),
        );
    }
    if old.since_ms != new.since_ms {
        changed.insert("Since", Variant::from(new.since_ms));
    }
    if old.leader != new.leader {
        changed.insert("Leader", Variant::from(new.leader.unwrap_or_default()));
    }
    if old.restarts != new.restarts {
        changed.insert("Restarts", Variant::from(new.restarts));
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::diff;
    use crate::reconcile::Status;
    use ctr_api::wire::State;
    use zbus::Variant;

    #[test]
    fn the_same_status_is_no_signal() {
        let status = Status::unknown();
        assert!(diff(&status, &status).is_empty());
    }

    #[test]
    fn only_what_differs_is_sent() {
        let old = Status::unknown();
        let new = Status {
            state: State::Running,
            leader: Some(42),
            ..old.clone()
        };
        let changed = diff(&old, &new);
        assert_eq!(changed.len(), 2);
        assert_eq!(changed.get("State"), Some(&Variant::from("running")));
        assert_eq!(changed.get("Leader"), Some(&Variant::from(42_u32)));
    }
}
