//! The stream of what happens to containers: what travels, and how a reader folds it to the present state.
//!
//! A stream is lines of JSON, one [`Event`] each. It begins with the whole state: [`Event::Whole`] with the
//! number of containers, then [`Event::Is`] for each. From there on every change is one line. A reader
//! that was too slow for what `ctrd` keeps for it gets the whole state again, and is told so; what it
//! missed is never passed over in silence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::State;

/// One line of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The whole state follows: what was told before holds no more.
    Whole {
        /// Why.
        why: Why,
        /// How many lines with [`Event::Is`] follow.
        containers: usize,
    },
    /// A container of the whole state.
    Is(ContainerEvent),
    /// A container is not as it was, or is there for the first time.
    Changed(ContainerEvent),
    /// A container is declared no more, and gone.
    Removed {
        /// The group it was in.
        group: String,
        /// The name it had there.
        name: String,
    },
}

/// Why the whole state is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The stream begins.
    Begun,
    /// The reader was too slow: changes were left out.
    Missed,
    /// `ctrd` was away; said by who reads the streams of both.
    Restarted,
}

/// What is told of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerEvent {
    /// The group it is in.
    pub group: String,
    /// Its name within the group.
    pub name: String,
    /// The machine name, as in `machinectl`.
    pub machine: String,
    /// What it does now.
    pub state: State,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Since when it is in this state, in milliseconds since the epoch.
    pub since_ms: u64,
    /// How often it was restarted since it was last started by hand or at boot.
    pub restarts: u32,
    /// How its last run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
}

/// The present state, by group and name, as a stream tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folded {
    containers: BTreeMap<(String, String), ContainerEvent>,
    /// How many lines of the whole state are still to come.
    to_come: usize,
}

impl Folded {
    /// Takes one line in.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Whole { containers, .. } => {
                self.containers.clear();
                self.to_come = containers;
            }
            Event::Is(container) => {
                self.to_come = self.to_come.saturating_sub(1);
                self.put(container);
            }
            Event::Changed(container) => self.put(container),
            Event::Removed { group, name } => {
                self.containers.remove(&(group, name));
            }
        }
    }

    fn put(&mut self, container: ContainerEvent) {
        let key = (container.group.clone(), container.name.clone());
        self.containers.insert(key, container);
    }

    /// Nothing of the whole state is still to come.
    pub const fn is_whole(&self) -> bool {
        self.to_come == 0
    }

    /// The containers, in the order of their names.
    pub fn containers(&self) -> impl Iterator<Item = &ContainerEvent> {
        self.containers.values()
    }

    /// One container, as it was told last.
    pub fn get(&self, group: &str, name: &str) -> Option<&ContainerEvent> {
        self.containers.get(&(group.to_owned(), name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{ContainerEvent, Event, Folded, Why};
    use crate::wire::State;

    #[test]
    fn a_line_is_a_flat_document() {
        let event = Event::Changed(ContainerEvent {
            group: "ml".to_owned(),
            name: "ollama".to_owned(),
            machine: "ml-ollama".to_owned(),
            state: State::Failed,
            reason: Some("exit status 1".to_owned()),
            hint: None,
            since_ms: 5,
            restarts: 2,
            last_exit: None,
        });
        let line = r#"{"event":"changed","group":"ml","name":"ollama","machine":"ml-ollama","state":"failed","reason":"exit status 1","since_ms":5,"restarts":2}"#;
        assert_eq!(serde_json::to_string(&event).expect("text"), line);
        let read: Event = serde_json::from_str(line).expect("an event");
        let mut folded = Folded::default();
        folded.take(read);
        assert_eq!(
            folded.get("ml", "ollama").map(|it| it.state),
            Some(State::Failed)
        );
        folded.take(Event::Whole {
            why: Why::Missed,
            containers: 1,
        });
        assert!(!folded.is_whole() && folded.get("ml", "ollama").is_none());
    }
}
