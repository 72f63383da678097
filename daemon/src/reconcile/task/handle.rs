//! How others reach a container's task, and what all tasks share.

use std::sync::Arc;

use ctr_api::wire::ContainerPlan;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::machine::credentials::Credentials;
use crate::model::Model;
use crate::os::Paths;
use crate::reconcile::feed::Feed;
use crate::reconcile::fleet::Handles;
use crate::reconcile::host::Conflict;
use crate::reconcile::order::{Descending, Descent};
use crate::reconcile::status::Status;

/// What others ask of a container's task.
#[derive(Debug)]
pub enum Request {
    /// Start it; answered when its status says so.
    Start(oneshot::Sender<()>),
    /// Stop it; answered when its status says so.
    Stop(oneshot::Sender<()>),
    /// Stop and start it; answered when its status says so.
    Restart(oneshot::Sender<()>),
    /// A new declaration; answered when the steps it takes are applied.
    Declare(
        Arc<Model>,
        oneshot::Sender<Result<(), Conflict>>,
        Option<Descending>,
    ),
    /// What a declaration would do.
    Plan(Arc<Model>, oneshot::Sender<ContainerPlan>),
    /// Take it away; the task ends with the answer. One that never comes means that it was declared
    /// again meanwhile.
    Remove(oneshot::Sender<Result<(), Conflict>>, Descending),
}

/// How others reach a container's task.
#[derive(Debug, Clone)]
pub struct Handle {
    /// Its requests.
    pub requests: mpsc::Sender<Request>,
    /// Its status, always the present one.
    pub status: watch::Receiver<Status>,
    /// Its credentials that are in force.
    pub credentials: watch::Receiver<Arc<Credentials>>,
    /// Whether it is on its way down. Whoever asks several to stop begins with this for all of them.
    pub descent: Descent,
}

/// What all tasks share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Every place on the host.
    pub paths: Arc<Paths>,
    /// How many guests are on their way to ready at once.
    pub starts: Arc<Semaphore>,
    /// The handles of all containers, for those that wait for another.
    pub fleet: watch::Receiver<Arc<Handles>>,
    /// Where what happens to them is told.
    pub feed: Feed,
}
