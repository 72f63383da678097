//! From one step to the kernel.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;

use super::Network;
use super::desired::{Attachment, Bridge, LINK_GROUP, Sysctl};
use super::namespace_files;
use super::netlink::{Socket, has_number};
use super::observed::Link;
use super::step::{Place, Step};
use super::sysctl;
use crate::os::failpoint;

/// How often a veth is made anew when the remains of the last one are in the way.
const CONNECT_ATTEMPTS: usize = 5;
/// How long the kernel gets to take those remains away, between two attempts.
const CONNECT_PAUSE: Duration = Duration::from_millis(20);

/// A step that could not be done.
#[derive(Debug, thiserror::Error)]
#[error("failed to {step}")]
pub struct ApplyError {
    /// The step, as people read it.
    pub step: String,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl ApplyError {
    /// Whether the same step may succeed later with nothing changed by hand.
    pub fn is_transient(&self) -> bool {
        let numbers = [
            Errno::EBUSY,
            Errno::EAGAIN,
            Errno::ENOBUFS,
            Errno::EINTR,
            Errno::ENODEV,
        ];
        // A group's bridge may be on its way.
        self.source.kind() == io::ErrorKind::NotFound
            || numbers
                .iter()
                .any(|number| has_number(&self.source, *number))
    }
}

fn missing(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{what} does not exist"))
}

fn not_ours(link: &Link) -> io::Error {
    let what = format!(
        "{} is {} that ctr did not make",
        link.name,
        link.description()
    );
    io::Error::new(io::ErrorKind::PermissionDenied, what)
}

/// Whether a link carries `alias`, or was left without one by us.
fn is_ours(link: &Link, alias: &str) -> bool {
    link.is_marked("bridge", alias) || link.is_marked("veth", alias)
}

impl Network {
    /// Does one step. It may be repeated, also after a crash in the middle of it.
    pub async fn apply(&self, step: &Step) -> Result<(), ApplyError> {
        self.do_step(step).await.map_err(|source| ApplyError {
            step: step.to_string(),
            source,
        })
    }

    async fn do_step(&self, step: &Step) -> io::Result<()> {
        match step {
            Step::SetSysctl { place, sysctl } => {
                self.set_sysctls(place, vec![sysctl.clone()]).await
            }
            Step::CreateBridge(bridge) => self.create_bridge(bridge).await,
            Step::SetAlias { interface, alias } => {
                let (socket, link) = self.existing(&Place::Host, interface).await?;
                if !is_ours(&link, alias) {
                    return Err(not_ours(&link));
                }
                socket.set_alias(link.index, alias).await
            }
            Step::AddAltname { interface, altname } => {
                let (socket, link) = self.existing(&Place::Host, interface).await?;
                socket.add_altname(link.index, altname).await
            }
            Step::AddAddress {
                place,
                interface,
                address,
            } => {
                let (socket, link) = self.existing(place, interface).await?;
                socket.add_address(link.index, *address).await
            }
            Step::RemoveAddress {
                place,
                interface,
                address,
            } => {
                let (socket, link) = self.existing(place, interface).await?;
                socket.remove_address(link.index, *address).await
            }
            Step::SetUp { place, interface } => {
                let (socket, link) = self.existing(place, interface).await?;
                socket.set_up(link.index).await
            }
            Step::CreateNamespace { namespace, alias } => {
                self.create_namespace(namespace, alias).await
            }
            Step::BindNamespace {
                namespace,
                alias,
                process,
            } => self.bind_namespace(namespace, alias, *process).await,
            Step::Connect(attachment) => self.connect(attachment).await,
            Step::SetPort { veth, bridge } => {
                let (socket, bridge) = self.existing(&Place::Host, bridge).await?;
                let (_, veth) = self.existing(&Place::Host, veth).await?;
                socket.set_port(veth.index, bridge.index).await
            }
            Step::SetDefaultRoute { namespace, gateway } => {
                let socket = self.socket(&Place::Namespace(namespace.clone())).await?;
                socket.set_default_route(*gateway).await
            }
            Step::DeleteLink {
                place,
                interface,
                alias,
            } => self.delete_link(place, interface, alias.as_deref()).await,
            Step::DeleteAllLinks { interfaces } => self.delete_all_links(interfaces).await,
            Step::DeleteNamespace { namespace } => {
                self.follow.leave(namespace);
                namespace_files::remove(&self.paths.netns.join(namespace))
            }
        }
    }

    fn open_namespace(&self, name: &str) -> io::Result<OwnedFd> {
        let found = namespace_files::open(&self.paths.netns.join(name))?;
        found.ok_or_else(|| missing(format_args!("the network namespace {name}")))
    }

    async fn socket(&self, place: &Place) -> io::Result<Socket> {
        match place {
            Place::Host => Ok(self.host.clone()),
            Place::Namespace(name) => {
                Socket::open_in(&self.thread, &self.open_namespace(name)?).await
            }
        }
    }

    async fn existing(&self, place: &Place, interface: &str) -> io::Result<(Socket, Link)> {
        let socket = self.socket(place).await?;
        let link = socket.link(interface).await?;
        let link = link.ok_or_else(|| missing(format_args!("the interface {interface}")))?;
        Ok((socket, link))
    }

    async fn set_sysctls(&self, place: &Place, sysctls: Vec<Sysctl>) -> io::Result<()> {
        match place {
            Place::Host => sysctls.iter().try_for_each(sysctl::write),
            Place::Namespace(name) => {
                let namespace = self.open_namespace(name)?;
                let write = move || sysctls.iter().try_for_each(sysctl::write);
                self.thread.run_in(&namespace, write).await
            }
        }
    }

    async fn create_bridge(&self, bridge: &Bridge) -> io::Result<()> {
        let name = bridge.name.as_str();
        if self.host.link(name).await?.is_none() {
            self.host.create_bridge(name, bridge.mac).await?;
        }
        let (host, link) = self.existing(&Place::Host, name).await?;
        if !link.is_marked("bridge", &bridge.alias) {
            return Err(not_ours(&link));
        }
        host.set_alias(link.index, &bridge.alias).await?;
        self.set_sysctls(&Place::Host, bridge.sysctls()).await?;
        if let Some(altname) = &bridge.altname {
            host.add_altname(link.index, altname).await?;
        }
        host.add_address(link.index, bridge.address).await?;
        host.set_up(link.index).await
    }

    /// Whether a namespace carries the mark `alias`.
    async fn carries(&self, namespace: &OwnedFd, alias: &str) -> io::Result<bool> {
        let socket = Socket::open_in(&self.thread, namespace).await?;
        let lo = socket.link("lo").await?;
        Ok(lo.is_some_and(|lo| lo.alias.as_deref() == Some(alias)))
    }

    /// The namespace of that name and mark is there. Its directory is, if it is not.
    async fn is_there(&self, path: &Path, alias: &str) -> io::Result<bool> {
        if !self.paths.netns.is_dir() {
            namespace_files::prepare(&self.paths.netns)?;
        }
        let Some(namespace) = namespace_files::open(path)? else {
            return Ok(false);
        };
        if self.carries(&namespace, alias).await? {
            return Ok(true);
        }
        let what = format!("{} is a namespace that ctr did not make", path.display());
        Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
    }

    /// Gives its name back to the namespace that a process stands in.
    async fn bind_namespace(&self, name: &str, alias: &str, process: u32) -> io::Result<()> {
        let path = self.paths.netns.join(name);
        if self.is_there(&path, alias).await? {
            return Ok(());
        }
        let namespace = File::open(format!("/proc/{process}/ns/net"))?.into();
        // The process may have ended, and its number be another's: the mark says whose it is.
        if !self.carries(&namespace, alias).await? {
            let what = format!(
                "process {process} stands in a namespace that does not carry the mark `{alias}`"
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        namespace_files::bind(&namespace, &path)
    }

    /// Makes a namespace and names it last, so that a named one is always a finished one.
    async fn create_namespace(&self, name: &str, alias: &str) -> io::Result<()> {
        let path = self.paths.netns.join(name);
        if self.is_there(&path, alias).await? {
            return Ok(());
        }
        let namespace = self.thread.create().await?;
        failpoint("namespace made");
        let socket = Socket::open_in(&self.thread, &namespace).await?;
        let lo = socket
            .link("lo")
            .await?
            .ok_or_else(|| missing("the interface lo"))?;
        socket.set_alias(lo.index, alias).await?;
        let write = || Sysctl::of_a_namespace().iter().try_for_each(sysctl::write);
        self.thread.run_in(&namespace, write).await?;
        socket.set_up(lo.index).await?;
        namespace_files::bind(&namespace, &path)
    }

    async fn connect(&self, attachment: &Attachment) -> io::Result<()> {
        let namespace = self.open_namespace(&attachment.namespace)?;
        let (host, bridge) = self
            .existing(&Place::Host, attachment.bridge.as_str())
            .await?;
        let inside = Socket::open_in(&self.thread, &namespace).await?;
        self.create_veth(attachment, bridge.index, &inside, &namespace)
            .await?;
        let (_, veth) = self
            .existing(&Place::Host, attachment.veth.as_str())
            .await?;
        host.set_alias(veth.index, &attachment.alias).await?;
        host.set_port(veth.index, bridge.index).await?;
        self.set_sysctls(&Place::Host, attachment.veth_sysctls())
            .await?;
        host.add_altname(veth.index, &attachment.altname).await?;
        let eth0 = inside.link(Attachment::INSIDE).await?;
        let eth0 = eth0.ok_or_else(|| missing("the interface eth0"))?;
        inside.add_address(eth0.index, attachment.address).await?;
        inside.set_up(eth0.index).await?;
        inside.set_default_route(attachment.gateway).await?;
        // Last, so that no packet of the guest meets a half-made link.
        host.set_up(veth.index).await
    }

    /// Makes the veth. What is left of an earlier one is deleted: a crash leaves one behind, and a
    /// namespace that is being taken down keeps its veth's name until the kernel gets to it.
    async fn create_veth(
        &self,
        attachment: &Attachment,
        bridge: u32,
        inside: &Socket,
        namespace: &OwnedFd,
    ) -> io::Result<()> {
        for _ in 0..CONNECT_ATTEMPTS {
            match self.host.create_veth(attachment, bridge, namespace).await {
                Err(error) if has_number(&error, Errno::EEXIST) => {}
                result => return result,
            }
            let veth = attachment.veth.as_str();
            self.delete_link(&Place::Host, veth, Some(&attachment.alias))
                .await?;
            if let Some(eth0) = inside.link(Attachment::INSIDE).await? {
                inside.delete_link(eth0.index).await?;
            }
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
        self.host.create_veth(attachment, bridge, namespace).await
    }

    async fn delete_link(
        &self,
        place: &Place,
        interface: &str,
        alias: Option<&str>,
    ) -> io::Result<()> {
        let socket = self.socket(place).await?;
        let Some(link) = socket.link(interface).await? else {
            return Ok(());
        };
        if alias.is_some_and(|alias| !is_ours(&link, alias)) {
            return Err(not_ours(&link));
        }
        socket.delete_link(link.index).await
    }

    /// Deletes our links in one go; one by one where the group of links holds somebody else's.
    async fn delete_all_links(&self, interfaces: &[String]) -> io::Result<()> {
        let links = self.host.links().await?;
        let is_marked = |link: &Link| {
            link.alias
                .as_deref()
                .is_none_or(|alias| alias.starts_with("ctr:"))
                && matches!(link.kind.as_deref(), Some("bridge" | "veth"))
        };
        let mut group = links.iter().filter(|link| link.group == LINK_GROUP);
        if group.all(|link| is_marked(link) && interfaces.contains(&link.name)) {
            self.host.delete_link_group().await?;
        }
        for link in self.host.links().await? {
            let listed = interfaces.contains(&link.name);
            let marked = link.alias.is_some() || link.group == LINK_GROUP;
            if listed && marked && is_marked(&link) {
                self.host.delete_link(link.index).await?;
            }
        }
        Ok(())
    }
}
