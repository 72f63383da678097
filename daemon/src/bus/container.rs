//! `org.kernelcore.Containers1.Container`: one object per declared container.

use std::sync::Arc;

use ctr_api::wire::SessionRequest;
use ctr_api::{Dict, Error, from_dict};
use tokio::sync::oneshot;
use zbus::message::Header;
use zbus::{OwnedFd, interface};

use crate::error_text::with_causes;
use crate::machine::unit_name;
use crate::model::ContainerId;
use crate::reconcile::fleet::Fleet;
use crate::reconcile::{Handle, Request, Status};
use crate::session::{self, LeaderError, SessionError};

use super::convert::{Told, container_status, of_container};
use super::credentials::{credentials_of, secret_of};
use super::logs::Logs;
use super::manager::dict;

/// A container's object.
#[derive(Debug)]
pub(super) struct Container {
    fleet: Arc<Fleet>,
    id: ContainerId,
    handle: Handle,
    logs: Arc<Logs>,
}

impl Container {
    pub(super) fn new(fleet: Arc<Fleet>, id: ContainerId, handle: Handle, logs: Arc<Logs>) -> Self {
        Self {
            fleet,
            id,
            handle,
            logs,
        }
    }

    fn now(&self) -> Status {
        self.handle.status.borrow().clone()
    }

    async fn ask(&self, request: impl FnOnce(oneshot::Sender<()>) -> Request) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let gone = || Error::NoSuchContainer(format!("{} is being removed", self.id));
        self.handle
            .requests
            .send(request(reply))
            .await
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }

    fn declared<T>(&self, of: impl FnOnce(&crate::model::Container) -> T) -> zbus::fdo::Result<T> {
        let model = self.fleet.in_force().model;
        let container = model.container(&self.id).ok_or_else(|| {
            zbus::fdo::Error::UnknownObject(format!("{} is declared no more", self.id))
        })?;
        Ok(of(container))
    }
}

/// The error and its causes in one line, and what to do about it in the next.
fn refusal(error: &SessionError) -> Error {
    let text = match error.hint() {
        Some(hint) => format!("{}\nhint: {hint}", with_causes(error)),
        None => with_causes(error),
    };
    match error {
        SessionError::Request(_) => Error::BadRequest(text),
        SessionError::TooMany { .. } => Error::LimitsExceeded(text),
        SessionError::Leader(LeaderError::Gone(_)) => Error::NotRunning(text),
        _ => Error::Failed(text),
    }
}

#[interface(name = "org.kernelcore.Containers1.Container")]
impl Container {
    async fn status(&self) -> Result<Dict, Error> {
        let paths = self.fleet.paths();
        let container = self
            .declared(Clone::clone)
            .map_err(|error| Error::NoSuchContainer(error.to_string()))?;
        let credentials = credentials_of(&self.fleet, &container, &self.handle).await;
        let obstacles = of_container(&self.fleet.surroundings(), &container);
        let told = Told {
            credentials,
            obstacles,
            gpu_use: &*self.fleet.gpu_use().await,
        };
        let status = container_status(paths, &container, &self.now(), told);
        dict(&status)
    }

    async fn start(&self) -> Result<(), Error> {
        self.ask(Request::Start).await
    }

    async fn stop(&self) -> Result<(), Error> {
        self.ask(Request::Stop).await
    }

    async fn restart(&self) -> Result<(), Error> {
        self.ask(Request::Restart).await
    }

    async fn open_session(
        &self,
        request: Dict,
        control: OwnedFd,
        stdio: Vec<OwnedFd>,
    ) -> Result<(), Error> {
        let request: SessionRequest =
            from_dict(&request).map_err(|error| Error::BadRequest(error.to_string()))?;
        let status = self.now();
        let Some(leader) = status.leader else {
            return Err(Error::NotRunning(format!(
                "{} does not run, it is {}",
                self.id,
                status.state.as_str()
            )));
        };
        let stdio = stdio.into_iter().map(Into::into).collect();
        let guest = session::Guest {
            leader,
            cgroup_root: self.fleet.paths().cgroup.clone(),
            unit_cgroup: status.control_group,
        };
        let control = control.into();
        // It blocks for some milliseconds, which other callers should not wait for.
        tokio::task::spawn_blocking(move || session::open(&guest, request, control, stdio))
            .await
            .map_err(|error| Error::Failed(error.to_string()))?
            .map_err(|error| refusal(&error))
    }

    async fn open_journal(
        &self,
        options: Dict,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(OwnedFd, OwnedFd), Error> {
        self.logs
            .open(&header, std::slice::from_ref(&self.id), &options)
            .await
    }

    fn secret(&self, id: &str) -> Result<Vec<u8>, Error> {
        let secret = secret_of(&self.id, id, &self.handle.credentials.borrow())?;
        tracing::info!(container = %self.id, "{}: its secret {id} was asked for", self.id);
        Ok(secret)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn group(&self) -> String {
        self.id.group.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.id.name.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn machine(&self) -> zbus::fdo::Result<String> {
        self.declared(|container| container.machine.to_string())
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn address(&self) -> zbus::fdo::Result<String> {
        self.declared(|container| container.address.to_string())
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn unit(&self) -> zbus::fdo::Result<String> {
        self.declared(|container| unit_name(&container.machine))
    }

    #[zbus(property)]
    fn state(&self) -> &'static str {
        self.now().state.as_str()
    }

    #[zbus(property)]
    fn reason(&self) -> String {
        self.now().reason.unwrap_or_default()
    }

    #[zbus(property)]
    fn since(&self) -> u64 {
        self.now().since_ms
    }

    #[zbus(property)]
    fn leader(&self) -> u32 {
        self.now().leader.unwrap_or_default()
    }

    #[zbus(property)]
    fn restarts(&self) -> u32 {
        self.now().restarts
    }
}
