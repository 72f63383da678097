//! The signals of units, as "look again".

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use zbus::{Connection, MatchRule, MessageStream};

use crate::machine::{unit_name, unit_path};
use crate::model::MachineName;

/// Whose signals are listened to.
#[derive(Debug)]
pub(super) struct UnitSignals {
    connection: Connection,
    watched: Mutex<HashMap<MachineName, Watched>>,
}

impl UnitSignals {
    /// Listens over a connection to the system bus.
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            watched: Mutex::new(HashMap::new()),
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<MachineName, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is notified when a machine's unit changes; listened to from the first call on.
    pub(super) fn of(&self, machine: &MachineName) -> Arc<Notify> {
        let mut watched = self.watched();
        if let Some(watched) = watched.get(machine) {
            return watched.notify.clone();
        }
        let notify = Arc::new(Notify::new());
        let forwarder = tokio::spawn(forward(
            self.connection.clone(),
            unit_path(&unit_name(machine)),
            notify.clone(),
        ));
        let entry = Watched {
            notify: notify.clone(),
            forwarder: forwarder.abort_handle(),
        };
        watched.insert(machine.clone(), entry);
        notify
    }

    /// Something that is in no unit changed for all of them.
    pub(super) fn notify_all(&self) {
        for watched in self.watched().values() {
            watched.notify.notify_one();
        }
    }

    /// A machine that is declared no more.
    pub(super) fn forget(&self, machine: &MachineName) {
        self.watched().remove(machine);
    }
}

#[derive(Debug)]
struct Watched {
    notify: Arc<Notify>,
    forwarder: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

/// Turns a unit's signals into notifications; ends with the connection.
async fn forward(connection: Connection, path: String, notify: Arc<Notify>) {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender("org.freedesktop.systemd1")
        .interface("org.freedesktop.DBus.Properties")
        .member("PropertiesChanged")
        .path(path.as_str())
        .build();
    let listening = match rule {
        // A copy, because the builder makes room for 64 arguments in each of its two lists: 4 KiB for a unit.
        // And in a box, which is gone when the rule is set.
        Ok(rule) => {
            let queued = NonZero::new(16);
            let rule = rule.to_owned();
            Box::pin(MessageStream::for_match_rule(rule, &connection, queued)).await
        }
        Err(error) => Err(error),
    };
    let stream = match listening {
        Ok(stream) => stream,
        Err(error) => {
            tracing::error!("failed to listen to {path}: {error}");
            return;
        }
    };
    let mut stream = std::pin::pin!(stream);
    // What happened while the rule was on its way to the bus.
    notify.notify_one();
    while stream.next().await.is_some() {
        notify.notify_one();
    }
}
