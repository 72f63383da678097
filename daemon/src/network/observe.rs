//! From the kernel to what is observed. An observation that fails is an error, never "absent".

use std::io;
use std::sync::Arc;

use ipnet::Ipv4Net;
use tokio::sync::Notify;

use super::Network;
use super::desired::{Attachment, Bridge, Sysctl, alias};
use super::kept_namespace::open_at;
use super::namespace_files::{self, Identity};
use super::netlink::Socket;
use super::observed::{
    Interfaces, Link, Marked, MarkedNamespace, ObservedContainer, ObservedGroup, ObservedNamespace,
    Sysctls,
};
use super::sysctl::{self, Switches};

/// The network could not be read; nothing may be concluded from it.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {what}")]
pub struct ObserveError {
    /// What of it.
    pub what: String,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Names what could not be read.
fn reading(what: impl Into<String>) -> impl FnOnce(io::Error) -> ObserveError {
    let what = what.into();
    move |source| ObserveError { what, source }
}

const SWITCHES: &str = "the switches under /proc/sys/net";

/// The switches that a group needs: its bridge's, and forwarding.
fn of_a_bridge(bridge: &Bridge) -> Vec<Sysctl> {
    let mut wanted = bridge.sysctls();
    wanted.push(Sysctl::forwarding());
    wanted
}

impl Network {
    /// The host's interfaces, addresses and routes.
    pub async fn interfaces(&self) -> Result<Interfaces, ObserveError> {
        self.host
            .interfaces()
            .await
            .map_err(reading("the host's interfaces"))
    }

    /// What there is of a group's bridge, and what could stand in its way: of a bridge that has its
    /// address, nothing but itself and who has its name.
    pub async fn observe_group(&self, bridge: &Bridge) -> Result<ObservedGroup, ObserveError> {
        self.follow.follow_bridge(bridge);
        self.follow.hear();
        let name = bridge.name.as_str();
        let Some(link) = self.host_link(name).await? else {
            return self.observe_absent_group(bridge).await;
        };
        let addresses = self.host_addresses(&link).await?;
        if !addresses.contains(&bridge.address) {
            return self.observe_absent_group(bridge).await;
        }
        let mut links = Vec::new();
        if let Some(altname) = &bridge.altname
            && let Some(holder) = self.host_link(altname).await?
            && holder.index != link.index
        {
            links.push(holder);
        }
        let sysctls = self.bridge_switches(bridge, link.index);
        let addresses = addresses.into_iter().map(|address| (link.index, address));
        let addresses = addresses.collect();
        links.push(link);
        Ok(ObservedGroup {
            host: Interfaces {
                links,
                addresses,
                routes: Vec::new(),
            },
            sysctls: sysctls.map_err(reading(SWITCHES))?,
            ..ObservedGroup::default()
        })
    }

    /// A bridge that has to be made may be in the way of any other network of the host.
    async fn observe_absent_group(&self, bridge: &Bridge) -> Result<ObservedGroup, ObserveError> {
        let host = self.interfaces().await?;
        let wanted = of_a_bridge(bridge);
        let sysctls = sysctl::read(wanted.iter().map(|sysctl| sysctl.key.as_str()));
        Ok(ObservedGroup {
            host,
            sysctls: sysctls.map_err(reading(SWITCHES))?,
            ..ObservedGroup::default()
        })
    }

    fn bridge_switches(&self, bridge: &Bridge, index: u32) -> io::Result<Sysctls> {
        if let Some(switches) = self.follow.switches(index) {
            let read = switches.read()?;
            // None is read of an interface that was renamed: its switches have other files now.
            if read.values().all(Option::is_some) {
                return Ok(read);
            }
        }
        let wanted = of_a_bridge(bridge);
        let opened = Switches::open(wanted.iter().map(|sysctl| sysctl.key.as_str()))?;
        let read = opened.read();
        self.follow.keep_switches(index, Arc::new(opened));
        read
    }

    /// What there is of a container's attachment. Its [`Network::changed`] tells of what comes after.
    pub async fn observe_container(
        &self,
        attachment: &Attachment,
    ) -> Result<ObservedContainer, ObserveError> {
        let changed = self.follow.follow(attachment);
        self.follow.hear();
        Ok(ObservedContainer {
            veth: self.host_link(attachment.veth.as_str()).await?,
            altname: self.host_link(&attachment.altname).await?,
            bridge: self.host_link(attachment.bridge.as_str()).await?,
            namespace: self.observe_namespace(attachment, changed).await?,
        })
    }

    /// The host's interface known by `name`, from memory where that is exact.
    async fn host_link(&self, name: &str) -> Result<Option<Link>, ObserveError> {
        let since = match self.follow.link(name) {
            Ok(link) => return Ok(Some(link)),
            Err(since) => since,
        };
        let link = self.host.link(name).await;
        let link = link.map_err(reading(format!("the interface {name}")))?;
        if let Some(link) = &link {
            self.follow.keep_link(name, link, since);
        }
        Ok(link)
    }

    async fn host_addresses(&self, link: &Link) -> Result<Vec<Ipv4Net>, ObserveError> {
        let since = match self.follow.addresses(link.index) {
            Ok(addresses) => return Ok(addresses),
            Err(since) => since,
        };
        let all = self.host.addresses().await;
        let all = all.map_err(reading(format!("the addresses of {}", link.name)))?;
        let own = all.into_iter().filter(|(index, _)| *index == link.index);
        let own: Vec<_> = own.map(|(_, address)| address).collect();
        self.follow.keep_addresses(link.index, &own, since);
        Ok(own)
    }

    async fn observe_namespace(
        &self,
        attachment: &Attachment,
        changed: Arc<Notify>,
    ) -> Result<ObservedNamespace, ObserveError> {
        let name = &attachment.namespace;
        let what = || format!("the network namespace {name}");
        let path = self.paths.netns.join(name);
        let identity = Identity::at(&path).map_err(reading(what()))?;
        let (kept, is_new) = match self.follow.namespace(name, identity) {
            Some(kept) => (kept, false),
            None => match open_at(&path, &self.thread, changed).await {
                Ok(Some(opened)) => (Arc::new(opened), true),
                Ok(None) => return Ok(ObservedNamespace::Absent),
                Err(source) => return Err(reading(what())(source)),
            },
        };
        let inside = kept.read(&self.thread).await.map_err(reading(what()))?;
        let mark = inside.interfaces.link("lo").and_then(|lo| lo.alias.clone());
        if mark.as_deref() != Some(&attachment.alias) {
            // Somebody else's is not held open.
            self.follow.leave(name);
            return Ok(ObservedNamespace::Foreign { alias: mark });
        }
        if is_new {
            self.follow.keep_namespace(name, kept);
        }
        Ok(ObservedNamespace::Ours(inside))
    }

    /// Everything that carries our mark: bridges and veths of the host, and namespaces.
    pub async fn observe_marked(&self) -> Result<Marked, ObserveError> {
        let links = self
            .host
            .links()
            .await
            .map_err(reading("the host's interfaces"))?;
        let is_marked = |kind: Option<&str>, mark: Option<&str>, group: u32| {
            matches!(kind, Some("bridge" | "veth"))
                && mark.map_or(group == super::LINK_GROUP, |mark| mark.starts_with("ctr:"))
        };
        let links = links
            .into_iter()
            .filter(|link| is_marked(link.kind.as_deref(), link.alias.as_deref(), link.group))
            .collect();
        Ok(Marked {
            links,
            namespaces: self.marked_namespaces().await?,
        })
    }

    async fn marked_namespaces(&self) -> Result<Vec<MarkedNamespace>, ObserveError> {
        let directory = &self.paths.netns;
        let names = namespace_files::list(directory)
            .map_err(reading(format!("the directory {}", directory.display())))?;
        let mut namespaces = Vec::new();
        for name in names {
            let what = || format!("the network namespace {name}");
            let path = directory.join(&name);
            let identity = Identity::at(&path).map_err(reading(what()))?;
            let lo = if let Some(kept) = self.follow.namespace(&name, identity) {
                let inside = kept.read(&self.thread).await.map_err(reading(what()))?;
                inside.interfaces.link("lo").cloned()
            } else {
                let opened = namespace_files::open(&path).map_err(reading(what()))?;
                let Some(namespace) = opened else { continue };
                let lo = async {
                    Socket::open_in(&self.thread, &namespace)
                        .await?
                        .link("lo")
                        .await
                };
                lo.await.map_err(reading(what()))?
            };
            let machine = name.strip_prefix("ctr-").unwrap_or(&name).to_owned();
            if lo.and_then(|lo| lo.alias) == Some(alias(&machine)) {
                namespaces.push(MarkedNamespace { name, machine });
            }
        }
        Ok(namespaces)
    }
}
