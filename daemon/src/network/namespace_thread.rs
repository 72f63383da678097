//! The one thread that stands in other network namespaces.
//!
//! `setns(2)` and `unshare(2)` move a thread, not a process: on a thread of the runtime they would
//! move whatever task runs on it next. A child process would do as well, but a fork of a daemon with
//! threads may only call what is safe in a signal handler.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};
use tokio::sync::oneshot;

/// The stack of the thread, in bytes: its jobs make a few system calls.
const STACK: usize = 128 * 1024;
/// The namespace of the thread that opens it; `/proc/self` would be the process's first thread's.
const OWN: &str = "/proc/thread-self/ns/net";

/// The namespace that the calling thread stands in.
pub(super) fn own() -> io::Result<OwnedFd> {
    Ok(File::open(OWN)?.into())
}

type Job = Box<dyn FnOnce() + Send>;

/// A handle of the thread. It ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct NamespaceThread {
    jobs: mpsc::Sender<Job>,
}

impl NamespaceThread {
    /// Starts the thread, in the namespace of the caller.
    pub fn start() -> io::Result<Self> {
        let home = File::open(OWN)?;
        let (jobs, receiver) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("network-ns".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                for job in receiver {
                    job();
                    // Every job starts at home; a thread that cannot go home takes no further one.
                    if let Err(error) = setns(&home, CloneFlags::CLONE_NEWNET) {
                        tracing::error!(%error, "failed to leave a network namespace");
                        return;
                    }
                }
            })?;
        Ok(Self { jobs })
    }

    /// Makes a network namespace that lives as long as the descriptor, or what is mounted from it.
    pub async fn create(&self) -> io::Result<OwnedFd> {
        self.run(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            own()
        })
        .await
    }

    /// Runs `work` in a namespace. It blocks the thread: a few system calls at most.
    pub async fn run_in<T: Send + 'static>(
        &self,
        namespace: &OwnedFd,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let namespace = namespace.try_clone()?;
        self.run(move || {
            setns(&namespace, CloneFlags::CLONE_NEWNET)?;
            work()
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let gone = || io::Error::other("the thread for network namespaces has ended");
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody waits any more when the task that asked was cancelled.
            let _ = reply.send(work());
        });
        self.jobs.send(job).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
