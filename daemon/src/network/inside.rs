//! What a machine's namespace holds, whatever is declared of it.

use super::desired::alias;
use super::observe::ObserveError;
use super::observed::{Inside, Interfaces};
use super::{Attachment, Network, namespace_files, netlink};
use crate::model::MachineName;
use crate::os::netns_name;

/// How a guest is in its group's network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attached {
    /// Its own addresses.
    pub addresses: Vec<std::net::Ipv4Addr>,
    /// Its way out.
    pub gateway: Option<std::net::Ipv4Addr>,
}

impl Inside {
    /// How a guest in this namespace is in its group's network.
    pub fn attached(&self) -> Attached {
        attached(&self.interfaces)
    }
}

fn attached(interfaces: &Interfaces) -> Attached {
    let Some(eth0) = interfaces.link(Attachment::INSIDE) else {
        return Attached::default();
    };
    let addresses = interfaces.addresses_of(eth0.index);
    let mut out = interfaces
        .routes
        .iter()
        .filter(|route| route.destination.prefix_len() == 0);
    Attached {
        addresses: addresses.map(|it| it.addr()).collect(),
        gateway: out.find_map(|route| route.gateway),
    }
}

impl Network {
    /// How a machine is in its group's network; `None` where it has no namespace of ours.
    pub async fn attached(&self, machine: &MachineName) -> Result<Option<Attached>, ObserveError> {
        let name = netns_name(machine);
        let error = |source| ObserveError {
            what: format!("the network namespace {name}"),
            source,
        };
        let path = self.paths.netns.join(&name);
        let Some(namespace) = namespace_files::open(&path).map_err(error)? else {
            return Ok(None);
        };
        let interfaces = async {
            let socket = netlink::Socket::open_in(&self.thread, &namespace).await?;
            socket.interfaces().await
        };
        let interfaces = interfaces.await.map_err(error)?;
        let mark = interfaces.link("lo").and_then(|lo| lo.alias.as_deref());
        Ok((mark == Some(&alias(machine))).then(|| attached(&interfaces)))
    }
}
