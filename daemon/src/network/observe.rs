//! From the kernel to what is observed. An observation that fails is an error, never "absent".

use std::io;
use std::os::fd::OwnedFd;

use super::Network;
use super::desired::{Attachment, Bridge, Sysctl, alias};
use super::namespace_files;
use super::netlink::Socket;
use super::observed::{
    Inside, Interfaces, Marked, MarkedNamespace, ObservedContainer, ObservedGroup,
    ObservedNamespace,
};
use super::sysctl;

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

impl Network {
    /// The host's interfaces, addresses and routes.
    pub async fn interfaces(&self) -> Result<Interfaces, ObserveError> {
        self.host
            .interfaces()
            .await
            .map_err(reading("the host's interfaces"))
    }

    /// What there is of a group's bridge, and what could stand in its way.
    pub async fn observe_group(&self, bridge: &Bridge) -> Result<ObservedGroup, ObserveError> {
        let host = self.interfaces().await?;
        let wanted: Vec<_> = bridge
            .sysctls()
            .into_iter()
            .chain([Sysctl::forwarding()])
            .collect();
        let sysctls = sysctl::read(wanted.iter().map(|sysctl| sysctl.key.as_str()))
            .map_err(reading("the switches under /proc/sys/net"))?;
        Ok(ObservedGroup {
            host,
            sysctls,
            ..ObservedGroup::default()
        })
    }

    /// What there is of a container's attachment.
    pub async fn observe_container(
        &self,
        attachment: &Attachment,
    ) -> Result<ObservedContainer, ObserveError> {
        let link = async |name: &str| {
            self.host
                .link(name)
                .await
                .map_err(reading(format!("the interface {name}")))
        };
        Ok(ObservedContainer {
            veth: link(attachment.veth.as_str()).await?,
            altname: link(&attachment.altname).await?,
            bridge: link(attachment.bridge.as_str()).await?,
            namespace: self.observe_namespace(attachment).await?,
        })
    }

    async fn observe_namespace(
        &self,
        attachment: &Attachment,
    ) -> Result<ObservedNamespace, ObserveError> {
        let what = || format!("the network namespace {}", attachment.namespace);
        let path = self.paths.netns.join(&attachment.namespace);
        let Some(namespace) = namespace_files::open(&path).map_err(reading(what()))? else {
            return Ok(ObservedNamespace::Absent);
        };
        let inside = self
            .observe_inside(&namespace)
            .await
            .map_err(reading(what()))?;
        let mark = inside.interfaces.link("lo").and_then(|lo| lo.alias.clone());
        if mark.as_deref() == Some(&attachment.alias) {
            Ok(ObservedNamespace::Ours(inside))
        } else {
            Ok(ObservedNamespace::Foreign { alias: mark })
        }
    }

    async fn observe_inside(&self, namespace: &OwnedFd) -> io::Result<Inside> {
        let socket = Socket::open_in(&self.thread, namespace).await?;
        let interfaces = socket.interfaces().await?;
        let wanted = Sysctl::of_a_namespace();
        let sysctls = self
            .thread
            .run_in(namespace, move || {
                sysctl::read(wanted.iter().map(|s| s.key.as_str()))
            })
            .await?;
        Ok(Inside {
            interfaces,
            sysctls,
        })
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
            let opened = namespace_files::open(&directory.join(&name)).map_err(reading(what()))?;
            let Some(namespace) = opened else { continue };
            let lo = async {
                Socket::open_in(&self.thread, &namespace)
                    .await?
                    .link("lo")
                    .await
            };
            let lo = lo.await.map_err(reading(what()))?;
            let machine = name.strip_prefix("ctr-").unwrap_or(&name).to_owned();
            if lo.and_then(|lo| lo.alias) == Some(alias(&machine)) {
                namespaces.push(MarkedNamespace { name, machine });
            }
        }
        Ok(namespaces)
    }
}
