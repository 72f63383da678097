//! A guest's namespace as it was read, for as long as the kernel says nothing to the contrary.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::desired::{Attachment, Sysctl};
use super::namespace_files::{self, Identity};
use super::namespace_thread::{NamespaceThread, own};
use super::netlink::Socket;
use super::observed::{Inside, Interfaces};
use super::route_events::{Heard, RouteEvents, open_in_a_namespace};
use super::sysctl::Switches;

/// A namespace that is listened to. It lives at least as long as this does.
#[derive(Debug)]
pub(super) struct KeptNamespace {
    identity: Identity,
    namespace: OwnedFd,
    events: RouteEvents,
    /// The kernel tells nothing of a changed switch: they are read each time, from open files.
    switches: Switches,
    state: Mutex<State>,
    /// Notified when something changed.
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    interfaces: Option<Interfaces>,
    heard: u64,
}

impl KeptNamespace {
    /// Listens to a namespace.
    pub(super) async fn open(
        thread: &NamespaceThread,
        namespace: &OwnedFd,
        changed: Arc<Notify>,
    ) -> io::Result<Self> {
        let opened = thread.run_in(namespace, || {
            let keys = Sysctl::of_a_namespace();
            let switches = Switches::open(keys.iter().map(|sysctl| sysctl.key.as_str()))?;
            // The file at its name is closed again: its mount would be busy for whoever unmounts it.
            Ok((open_in_a_namespace()?, switches, own()?))
        });
        let (socket, switches, namespace) = opened.await?;
        Ok(Self {
            identity: Identity::of(&namespace)?,
            namespace,
            events: RouteEvents::new(socket)?,
            switches,
            state: Mutex::default(),
            changed,
        })
    }

    /// Which namespace it is.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// The namespace itself.
    pub(super) fn namespace(&self) -> &OwnedFd {
        &self.namespace
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything into account that the kernel has said.
    fn hear(&self) {
        let mut state = self.state();
        let mut news = false;
        self.events.drain(|heard| news |= is_news(&state, &heard));
        if news {
            state.interfaces = None;
            state.heard += 1;
            self.changed.notify_one();
        }
    }

    /// What is in it now.
    pub(super) async fn read(&self, thread: &NamespaceThread) -> io::Result<Inside> {
        self.hear();
        let (kept, since) = {
            let state = self.state();
            (state.interfaces.clone(), state.heard)
        };
        let interfaces = match kept {
            Some(interfaces) => interfaces,
            None => self.read_interfaces(thread, since).await?,
        };
        Ok(Inside {
            interfaces,
            sysctls: self.switches.read()?,
        })
    }

    /// Interfaces first, then addresses and routes: the list of interfaces waits for the lock under
    /// which changes are made, so that whatever was heard of until now has had all its consequences
    /// (an address that goes takes its routes along, and nothing is said of those).
    async fn read_interfaces(
        &self,
        thread: &NamespaceThread,
        since: u64,
    ) -> io::Result<Interfaces> {
        let socket = Socket::open_in(thread, &self.namespace).await?;
        let interfaces = socket.interfaces().await?;
        self.hear();
        let mut state = self.state();
        // As with the host's, what is switched off changes without a word.
        let on = |name| interfaces.link(name).is_some_and(|link| link.up);
        if state.heard == since && on("lo") && on(Attachment::INSIDE) {
            state.interfaces = Some(interfaces.clone());
        }
        Ok(interfaces)
    }
}

/// Whether a message says anything that is not known.
fn is_news(state: &State, heard: &Heard) -> bool {
    match (heard, &state.interfaces) {
        (Heard::Link(link), Some(kept)) => kept.by_index(link.index) != Some(link),
        _ => true,
    }
}

/// A namespace that is listened to until this is dropped.
#[derive(Debug)]
pub(super) struct Followed {
    kept: Arc<KeptNamespace>,
    follower: AbortHandle,
}

impl Followed {
    /// Notifies whoever wants to know, from now on.
    pub(super) fn new(kept: Arc<KeptNamespace>) -> Self {
        let listening = kept.clone();
        let follower = tokio::spawn(async move {
            let heard = || {
                listening.hear();
                true
            };
            listening.events.follow(heard).await;
        });
        Self {
            kept,
            follower: follower.abort_handle(),
        }
    }

    /// The namespace.
    pub(super) fn kept(&self) -> Arc<KeptNamespace> {
        self.kept.clone()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Opens the namespace at `path`; `None` where there is none.
pub(super) async fn open_at(
    path: &std::path::Path,
    thread: &NamespaceThread,
    changed: Arc<Notify>,
) -> io::Result<Option<KeptNamespace>> {
    match namespace_files::open(path)? {
        Some(namespace) => KeptNamespace::open(thread, &namespace, changed)
            .await
            .map(Some),
        None => Ok(None),
    }
}
