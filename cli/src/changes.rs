//! What happens while we look.
//!
//! One match rule covers the manager and every container below it. A task of its own empties the
//! stream: the reader of the connection waits for a full one, and with it every answer would wait.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use ctr_api::wire::State;
use ctr_api::{BUS_NAME, CONTAINER_INTERFACE, MANAGER_PATH};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::fdo::NameOwnerChanged;
use zbus::{MatchRule, Message, MessageStream, OwnedVariant};

use crate::connect::Daemon;
use crate::error::Error;

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A container's properties, with its state where the signal says it.
    Container { path: String, edge: Option<Edge> },
    /// The set of containers, or something else that only a new look can tell.
    Other,
    /// `ctrd` left the bus.
    Gone,
}

/// A state that was passed through, perhaps for a moment only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) state: State,
    pub(crate) since_ms: Option<u64>,
    pub(crate) reason: Option<String>,
}

/// Changes from the moment of subscription on, none missed.
#[derive(Debug)]
pub(crate) struct Changes {
    receiver: mpsc::UnboundedReceiver<Change>,
}

impl Changes {
    /// Subscribes. When this returns the bus sends every later change.
    pub(crate) async fn of(daemon: &Daemon) -> Result<Self, Error> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(BUS_NAME)
            .path_namespace(MANAGER_PATH)
            .build()?;
        let queue = NonZeroUsize::new(1024);
        let connection = daemon.connection();
        let signals = MessageStream::for_match_rule(rule, connection, queue).await?;
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .add_arg(BUS_NAME)
            .build()?;
        let owners = MessageStream::for_match_rule(rule, connection, None).await?;

        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let owners = owners.filter_map(|message| async { left(message.ok()?) });
            let signals = signals.map(|message| message.map_or(Change::Gone, |it| change(&it)));
            let mut all = futures_util::stream::select(signals.boxed(), owners.boxed());
            while let Some(change) = all.next().await {
                if sender.send(change).is_err() {
                    break;
                }
            }
        });
        Ok(Self { receiver })
    }

    /// The next change; [`Change::Gone`] also where the bus itself is gone.
    pub(crate) async fn next(&mut self) -> Change {
        self.receiver.recv().await.unwrap_or(Change::Gone)
    }

    /// A change that is here already.
    pub(crate) fn at_hand(&mut self) -> Option<Change> {
        self.receiver.try_recv().ok()
    }
}

fn left(message: Message) -> Option<Change> {
    let signal = NameOwnerChanged::from_message(message)?;
    let args = signal.args().ok()?;
    args.new_owner().is_none().then_some(Change::Gone)
}

/// What `PropertiesChanged` carries: the interface, what changed, and what was only invalidated.
type Body = (String, HashMap<String, OwnedVariant>, Vec<String>);

fn change(message: &Message) -> Change {
    let header = message.header();
    let is_properties = header
        .member()
        .is_some_and(|it| it.as_str() == "PropertiesChanged");
    let (true, Some(path)) = (is_properties, header.path()) else {
        return Change::Other;
    };
    let body = message.body();
    match body.deserialize::<Body>() {
        Ok((interface, changed, _)) if interface == CONTAINER_INTERFACE => Change::Container {
            path: path.as_str().to_owned(),
            edge: edge(&changed),
        },
        _ => Change::Other,
    }
}

fn edge(changed: &HashMap<String, OwnedVariant>) -> Option<Edge> {
    let text = |key| changed.get(key).and_then(|it| <&str>::try_from(it).ok());
    let state = serde_json::from_value(text("State")?.into()).ok()?;
    let since_ms = changed.get("Since").and_then(|it| u64::try_from(it).ok());
    let reason = text("Reason")
        .filter(|it| !it.is_empty())
        .map(str::to_owned);
    Some(Edge {
        state,
        since_ms,
        reason,
    })
}
