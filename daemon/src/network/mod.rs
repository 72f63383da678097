//! Bridges, namespaces, veths, addresses and routes.
//!
//! A group is a bridge that holds the host's address in its subnet. A container is a network
//! namespace under `/run/netns`, made before its guest and kept after it, and a veth: the host's end
//! in the group's bridge, `eth0` in the namespace. Ownership is written on the objects: every link
//! of ours carries the alias `ctr:<group>` or `ctr:<machine>`, and a namespace of ours carries it on
//! its `lo`. What carries no such mark is never touched.
//!
//! ```text
//! model --desired--> Bridge, Attachment          (pure)
//! kernel --observe--> ObservedGroup, ObservedContainer, Marked
//! plan_group, plan_container, plan_removals ...  (pure) --> Vec<Step> --apply--> kernel
//! ```
//!
//! [`Network`] is shared by all tasks. It owns one netlink connection (a task of the runtime) and
//! one thread, the only one that ever stands in another network namespace.

mod announce;
mod apply;
mod changes;
mod conflict;
mod desired;
#[cfg(test)]
pub(crate) mod fake_kernel;
mod follow;
mod inside;
mod kept_links;
mod kept_namespace;
mod listening;
mod message;
mod names;
mod namespace_files;
mod namespace_names;
mod namespace_thread;
mod netlink;
mod observe;
mod observed;
mod plan;
mod removal;
mod route_events;
mod socket;
mod socket_diag;
mod step;
mod surroundings;
mod sysctl;

use std::io;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::model::MachineName;
use crate::os::{Paths, netns_name};
use follow::Follow;

pub use apply::ApplyError;
pub use changes::Changes;
pub use conflict::Conflict;
pub use desired::{Attachment, Bridge, LINK_GROUP, MacAddress, Sysctl, alias};
pub use inside::Attached;
pub use listening::{Listener, find_listener, listening, parse_listeners};
pub use names::{hosts, read_upstreams, resolv_conf, same_names, upstreams};
pub use namespace_thread::NamespaceThread;
pub use observe::ObserveError;
pub use observed::{
    Inside, Interfaces, Link, Marked, MarkedNamespace, ObservedContainer, ObservedGroup,
    ObservedNamespace, Route, Sysctls,
};
pub use plan::{plan_container, plan_group, plan_running_container};
pub use removal::{Removal, Removals, plan_container_removal, plan_removals};
pub use step::{Place, Step};
pub use surroundings::{DefaultRoute, default_route, frames_are_filtered, legacy_tables};

/// The network of the host, observed and changed through one connection.
///
/// Every method takes `&self` and may run in several tasks at once; two tasks must not apply steps
/// of the same group or container at the same time.
#[derive(Debug, Clone)]
pub struct Network {
    paths: Arc<Paths>,
    host: netlink::Socket,
    thread: NamespaceThread,
    follow: Arc<follow::Follow>,
}

/// Why the network could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No netlink socket.
    #[error("failed to open a netlink socket")]
    Socket(#[source] io::Error),
    /// No thread for the namespaces.
    #[error("failed to start the thread that enters network namespaces")]
    Thread(#[source] io::Error),
    /// The directory of the named namespaces could not be made ready.
    #[error("failed to prepare {directory}")]
    Directory {
        /// Which directory.
        directory: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Network {
    /// Opens the netlink connection, starts the namespace thread and makes the directory of the
    /// named namespaces ready. Call it in a tokio runtime.
    pub fn start(paths: &Paths) -> Result<Self, StartError> {
        let ready = namespace_files::prepare(&paths.netns)
            .and_then(|()| namespace_files::remove_unfinished(&paths.netns));
        ready.map_err(|source| StartError::Directory {
            directory: paths.netns.display().to_string(),
            source,
        })?;
        let host = netlink::Socket::open().map_err(StartError::Socket)?;
        let thread = NamespaceThread::start().map_err(StartError::Thread)?;
        let follow = Follow::start(&paths.netns).map_err(StartError::Socket)?;
        Ok(Self {
            paths: Arc::new(paths.clone()),
            host,
            thread,
            follow,
        })
    }

    /// What is notified when something of a machine's network may have changed, on the host or in its
    /// namespace: "look again", no more. One's own changes are heard as well. It is heard from
    /// the first [`Network::observe_container`] on.
    pub fn changed(&self, machine: &MachineName) -> Arc<Notify> {
        self.follow.changed(machine)
    }

    /// Returns when something of a bridge may have changed that was observed once.
    pub async fn bridges_changed(&self) {
        self.follow.bridges().notified().await;
    }

    /// A machine that is declared no more: nothing of it is kept, and its namespace is let go.
    pub fn forget(&self, machine: &MachineName) {
        self.follow.forget(machine, &netns_name(machine));
    }
}
