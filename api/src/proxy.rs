//! What a client calls.

use zbus::{Fd, OwnedFd, proxy};

use crate::{Dict, Error};

/// The manager: everything that concerns more than one container.
///
/// Calls that not everybody may make carry the flag that lets polkit ask somebody for a password. To call
/// without it, use the proxy inside.
#[proxy(
    interface = "org.kernelcore.Containers1.Manager",
    default_service = "org.kernelcore.Containers1",
    default_path = "/org/kernelcore/Containers1"
)]
pub trait Manager {
    /// The whole state: a [`crate::wire::HostStatus`].
    fn status(&self) -> Result<Dict, Error>;

    /// What `bytes` (a declaration; empty for the file in place) would do: a
    /// [`crate::wire::PlanView`]. `name` is what messages call it.
    fn plan(&self, name: &str, bytes: &[u8]) -> Result<Dict, Error>;

    /// Reads the declaration in place again and makes it so: a [`crate::wire::ApplyReport`].
    /// Returns when the steps are applied, not when the guests are ready.
    #[zbus(allow_interactive_auth)]
    fn apply(&self) -> Result<Dict, Error>;

    /// Stops everything and takes away bridges, tables and namespaces: a
    /// [`crate::wire::DownReport`].
    #[zbus(allow_interactive_auth)]
    fn down(&self) -> Result<Dict, Error>;

    /// What is left of machines that nothing declares: [`crate::wire::Leftovers`].
    #[zbus(allow_interactive_auth)]
    fn leftovers(&self) -> Result<Dict, Error>;

    /// Deletes what is left of these machines: a [`crate::wire::PruneReport`].
    #[zbus(allow_interactive_auth)]
    fn prune(&self, machines: &[&str]) -> Result<Dict, Error>;

    /// Starts, stops or restarts these containers, `(group, name)`, 1 to 256 of them, together:
    /// `options` are a [`crate::wire::ContainersRequest`], the answer a
    /// [`crate::wire::RequestReport`].
    ///
    /// Of several that stop, one that is declared `after` another stops before that one. It returns
    /// when the requests are taken, as [`ContainerProxy::stop`] does.
    #[zbus(allow_interactive_auth)]
    fn request(&self, containers: &[(&str, &str)], options: &Dict) -> Result<Dict, Error>;

    /// The host's graphics processors: each a [`crate::wire::Gpu`].
    fn list_gpus(&self) -> Result<Vec<Dict>, Error>;

    /// What is as it should be with them and what is not: each a [`crate::wire::GpuFinding`].
    fn check_gpus(&self) -> Result<Vec<Dict>, Error>;

    /// Opens the stream of what happens to containers: the reading end of a pipe with one
    /// [`crate::events::Event`] in JSON a line, beginning with the whole state. It ends when that is
    /// closed, or with `ctrd`.
    fn open_events(&self) -> Result<OwnedFd, Error>;

    /// Opens what these containers, `(group, name)`, say, in the order of time: the reading ends of
    /// the lines and of what went wrong. `options` are a [`crate::journal::JournalRequest`].
    ///
    /// It ends when both ends are closed, by whichever side.
    #[zbus(allow_interactive_auth)]
    fn open_journal(
        &self,
        containers: &[(&str, &str)],
        options: &Dict,
    ) -> Result<(OwnedFd, OwnedFd), Error>;

    /// The daemon's version.
    #[zbus(property)]
    fn version(&self) -> zbus::Result<String>;
}

/// One container.
///
/// `start`, `stop` and `restart` return when the request is taken and `State` says so, not when it
/// is done: follow `State` until it settles.
#[proxy(
    interface = "org.kernelcore.Containers1.Container",
    default_service = "org.kernelcore.Containers1"
)]
pub trait Container {
    /// The container in full: a [`crate::wire::ContainerStatus`].
    fn status(&self) -> Result<Dict, Error>;
    /// Starts it, and forgets that it was stopped by hand.
    #[zbus(allow_interactive_auth)]
    fn start(&self) -> Result<(), Error>;
    /// Stops it; it stays stopped until started or the host reboots.
    #[zbus(allow_interactive_auth)]
    fn stop(&self) -> Result<(), Error>;
    /// Stops and starts it.
    #[zbus(allow_interactive_auth)]
    fn restart(&self) -> Result<(), Error>;

    /// Runs a command in the guest: `request` is a [`crate::wire::SessionRequest`].
    ///
    /// `control` is one end of a `SOCK_SEQPACKET` pair; `stdio` holds the three standard streams of
    /// the command (pipes), and is empty where the request wants a terminal, whose master side then
    /// arrives on `control`. See [`crate::wire`] and `docs/reference/dbus.md` for the messages.
    #[zbus(allow_interactive_auth)]
    fn open_session(
        &self,
        request: &Dict,
        control: Fd<'_>,
        stdio: Vec<Fd<'_>>,
    ) -> Result<(), Error>;

    /// Opens what it says, as [`ManagerProxy::open_journal`] does for several.
    #[zbus(allow_interactive_auth)]
    fn open_journal(&self, options: &Dict) -> Result<(OwnedFd, OwnedFd), Error>;

    /// The content of one of its credentials, as the guest was given it.
    #[zbus(allow_interactive_auth)]
    fn secret(&self, id: &str) -> Result<Vec<u8>, Error>;

    /// The group it is in.
    #[zbus(property)]
    fn group(&self) -> zbus::Result<String>;
    /// Its name within the group.
    #[zbus(property)]
    fn name(&self) -> zbus::Result<String>;
    /// The machine name.
    #[zbus(property)]
    fn machine(&self) -> zbus::Result<String>;
    /// Its address.
    #[zbus(property)]
    fn address(&self) -> zbus::Result<String>;
    /// Its systemd unit on the host.
    #[zbus(property)]
    fn unit(&self) -> zbus::Result<String>;
    /// What it does now: a [`crate::wire::State`] in words.
    #[zbus(property)]
    fn state(&self) -> zbus::Result<String>;
    /// Why, or empty.
    #[zbus(property)]
    fn reason(&self) -> zbus::Result<String>;
    /// Since when, in milliseconds since the epoch.
    #[zbus(property)]
    fn since(&self) -> zbus::Result<u64>;
    /// The guest's first process on the host, or 0.
    #[zbus(property)]
    fn leader(&self) -> zbus::Result<u32>;
    /// How often it was restarted.
    #[zbus(property)]
    fn restarts(&self) -> zbus::Result<u32>;
}
