//! Who is told of which change, and what was read before it.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ipnet::Ipv4Net;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::desired::{Attachment, Bridge};
use super::kept_links::{KeptLinks, Touched};
use super::kept_namespace::{Followed, KeptNamespace};
use super::namespace_files::Identity;
use super::namespace_names::follow_names;
use super::observed::Link;
use super::route_events::RouteEvents;
use super::sysctl::Switches;
use crate::model::MachineName;

/// Everything that is listened to and kept.
///
/// No lock in it is held over an `await`.
#[derive(Debug)]
pub(super) struct Follow {
    events: Arc<RouteEvents>,
    links: Mutex<KeptLinks>,
    machines: Mutex<Machines>,
    namespaces: Mutex<HashMap<String, Followed>>,
    /// The open switches of the host and of a bridge, by the bridge's number.
    switches: Mutex<HashMap<u32, Arc<Switches>>>,
    /// Notified when some bridge may have changed.
    bridges: Notify,
    followers: Mutex<Vec<AbortHandle>>,
}

/// Who asks for which interface of the host.
#[derive(Debug, Default)]
struct Machines {
    all: HashMap<MachineName, Machine>,
    by_interface: HashMap<String, BTreeSet<MachineName>>,
    bridges: BTreeSet<String>,
}

#[derive(Debug)]
struct Machine {
    interfaces: [String; 3],
    changed: Arc<Notify>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Follow {
    /// Listens to the host, whose named namespaces are in `directory`. Call it in a tokio runtime.
    pub(super) fn start(directory: &Path) -> io::Result<Arc<Self>> {
        let events = Arc::new(RouteEvents::of_the_host()?);
        let follow = Arc::new(Self {
            events: events.clone(),
            links: Mutex::default(),
            machines: Mutex::default(),
            namespaces: Mutex::default(),
            switches: Mutex::default(),
            bridges: Notify::new(),
            followers: Mutex::default(),
        });
        let listening: Weak<Self> = Arc::downgrade(&follow);
        let task = tokio::spawn(async move {
            // Only while somebody has a use for it.
            let heard = || {
                listening.upgrade().is_some_and(|follow| {
                    follow.hear();
                    true
                })
            };
            events.follow(heard).await;
        });
        let names: Weak<Self> = Arc::downgrade(&follow);
        let directory = directory.to_owned();
        let of_names = tokio::spawn(async move {
            if let Err(error) = follow_names(&directory, names).await {
                let directory = directory.display();
                tracing::warn!(
                    "namespaces that others delete in {directory} will not be noticed: {error}"
                );
            }
        });
        lock(&follow.followers).extend([task.abort_handle(), of_names.abort_handle()]);
        Ok(follow)
    }

    /// Takes everything into account that the kernel has said about the host, and tells whom it
    /// concerns.
    pub(super) fn hear(&self) {
        let mut links = lock(&self.links);
        self.events.drain(|heard| match links.hear(heard) {
            Touched::Nobody => {}
            Touched::Names(names) => self.tell(&names),
            Touched::All => self.tell_all(),
        });
    }

    fn tell(&self, names: &[String]) {
        let machines = lock(&self.machines);
        for name in names {
            if machines.bridges.contains(name) {
                self.bridges.notify_one();
            }
            for machine in machines.by_interface.get(name).into_iter().flatten() {
                if let Some(machine) = machines.all.get(machine) {
                    machine.changed.notify_one();
                }
            }
        }
    }

    /// Everybody looks again.
    pub(super) fn tell_all(&self) {
        self.bridges.notify_one();
        for machine in lock(&self.machines).all.values() {
            machine.changed.notify_one();
        }
    }

    /// What is at the name of a namespace changed.
    pub(super) fn tell_machine(&self, machine: &str) {
        let machines = lock(&self.machines);
        if let Some((_, machine)) = machines
            .all
            .iter()
            .find(|(name, _)| name.as_str() == machine)
        {
            machine.changed.notify_one();
        }
    }

    /// What is notified when something of a machine's network may have changed.
    pub(super) fn changed(&self, machine: &MachineName) -> Arc<Notify> {
        let mut machines = lock(&self.machines);
        if let Some(known) = machines.all.get(machine) {
            return known.changed.clone();
        }
        let changed = Arc::new(Notify::new());
        let entry = Machine {
            interfaces: Default::default(),
            changed: changed.clone(),
        };
        machines.all.insert(machine.clone(), entry);
        changed
    }

    /// From now on its machine is told of changes to an attachment.
    pub(super) fn follow(&self, attachment: &Attachment) -> Arc<Notify> {
        let changed = self.changed(&attachment.machine);
        let interfaces = [
            attachment.veth.to_string(),
            attachment.altname.clone(),
            attachment.bridge.to_string(),
        ];
        let mut machines = lock(&self.machines);
        let Machines {
            all, by_interface, ..
        } = &mut *machines;
        if let Some(machine) = all.get_mut(&attachment.machine)
            && machine.interfaces != interfaces
        {
            unfollow(by_interface, &machine.interfaces, &attachment.machine);
            for interface in &interfaces {
                let followers = by_interface.entry(interface.clone()).or_default();
                followers.insert(attachment.machine.clone());
            }
            machine.interfaces = interfaces;
        }
        changed
    }

    /// From now on changes to a bridge are told.
    pub(super) fn follow_bridge(&self, bridge: &Bridge) {
        let mut machines = lock(&self.machines);
        if !machines.bridges.contains(bridge.name.as_str()) {
            machines.bridges.insert(bridge.name.to_string());
        }
    }

    /// Notified when some bridge that was asked for may have changed.
    pub(super) fn bridges(&self) -> &Notify {
        &self.bridges
    }

    /// Nobody asks for a machine any more.
    pub(super) fn forget(&self, machine: &MachineName, namespace: &str) {
        let mut machines = lock(&self.machines);
        if let Some(gone) = machines.all.remove(machine) {
            unfollow(&mut machines.by_interface, &gone.interfaces, machine);
        }
        drop(machines);
        self.leave(namespace);
    }

    /// A kept interface of the host, or how much was heard until now.
    pub(super) fn link(&self, name: &str) -> Result<Link, u64> {
        let links = lock(&self.links);
        links.link(name).cloned().ok_or(links.heard())
    }

    /// Keeps what was read of an interface since [`Follow::link`] said how much was heard.
    pub(super) fn keep_link(&self, name: &str, link: &Link, since: u64) {
        self.hear();
        lock(&self.links).keep_link(name, link, since);
    }

    /// The kept addresses of an interface, or how much was heard until now.
    pub(super) fn addresses(&self, index: u32) -> Result<Vec<Ipv4Net>, u64> {
        let links = lock(&self.links);
        let kept = links.addresses(index).map(<[Ipv4Net]>::to_vec);
        kept.ok_or(links.heard())
    }

    /// Keeps what was read of an interface's addresses, like [`Follow::keep_link`].
    pub(super) fn keep_addresses(&self, index: u32, addresses: &[Ipv4Net], since: u64) {
        self.hear();
        lock(&self.links).keep_addresses(index, addresses, since);
    }

    /// The open switches of a bridge with the number `index`.
    pub(super) fn switches(&self, index: u32) -> Option<Arc<Switches>> {
        lock(&self.switches).get(&index).cloned()
    }

    /// Keeps the open switches of a bridge, and of none that is gone.
    pub(super) fn keep_switches(&self, index: u32, switches: Arc<Switches>) {
        let mut kept = lock(&self.switches);
        kept.retain(|_, switches| switches.are_there());
        kept.insert(index, switches);
    }

    /// The namespace of that name, if it is listened to and is still this one.
    pub(super) fn namespace(
        &self,
        name: &str,
        now: Option<Identity>,
    ) -> Option<Arc<KeptNamespace>> {
        let mut namespaces = lock(&self.namespaces);
        let kept = namespaces.get(name)?.kept();
        if Some(kept.identity()) == now {
            return Some(kept);
        }
        namespaces.remove(name);
        None
    }

    /// The namespace of that name as it was last observed.
    pub(super) fn kept(&self, name: &str) -> Option<Arc<KeptNamespace>> {
        Some(lock(&self.namespaces).get(name)?.kept())
    }

    /// Listens to a namespace.
    pub(super) fn keep_namespace(&self, name: &str, kept: Arc<KeptNamespace>) {
        lock(&self.namespaces).insert(name.to_owned(), Followed::new(kept));
    }

    /// Listens to a namespace no more, which would otherwise live on.
    pub(super) fn leave(&self, namespace: &str) {
        lock(&self.namespaces).remove(namespace);
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        for follower in lock(&self.followers).drain(..) {
            follower.abort();
        }
    }
}

fn unfollow(
    by_interface: &mut HashMap<String, BTreeSet<MachineName>>,
    interfaces: &[String],
    machine: &MachineName,
) {
    for interface in interfaces {
        if let Some(followers) = by_interface.get_mut(interface) {
            followers.remove(machine);
            if followers.is_empty() {
                by_interface.remove(interface);
            }
        }
    }
}
