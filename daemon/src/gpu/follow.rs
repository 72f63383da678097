//! "Something about graphics processors changed": told by the kernel, never looked for.

use std::io;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use inotify::{EventStream, Inotify};
use netlink_sys::protocols::NETLINK_KOBJECT_UEVENT;
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use nix::errno::Errno;

use super::uevent::is_about_gpus;
use super::watched::Watched;
use crate::os::Paths;

/// The kernel's own messages; udev's copies of them are in another (`lib/kobject_uevent.c`).
const KERNELS: u32 = 1;
/// More than any message, in bytes: the kernel builds them in two kilobytes (`UEVENT_BUFFER_SIZE`).
const MESSAGE: usize = 8 * 1024;
/// Nodes come in bursts, and each is made in several steps. The first event is told at once, those
/// of this time after it together.
const TOGETHER: Duration = Duration::from_millis(50);

/// Calls `changed` when nodes, drivers, cards, specifications of the Container Device Interface or
/// the driver's libraries of a NixOS host may have changed; a first time when it has begun to listen,
/// since nobody heard what was before. Returns only with an error.
///
/// It knows of nodes and files by inotify(7), and of cards and modules by the kernel's events, which
/// come to every network namespace of the host's own users: with other hardware in [`Paths`] the real
/// ones are still told.
pub async fn follow(paths: &Paths, mut changed: impl FnMut()) -> io::Result<()> {
    let mut heard = Changes::listen(paths)?;
    changed();
    loop {
        heard.next().await?;
        changed();
        loop {
            tokio::time::sleep(TOGETHER).await;
            let mut more = false;
            while let Some(next) = heard.next().now_or_never() {
                next?;
                more = true;
            }
            if !more {
                break;
            }
            changed();
        }
    }
}

struct Changes {
    watched: Watched,
    files: EventStream<Vec<u8>>,
    kernel: TokioSocket,
    message: Vec<u8>,
}

impl Changes {
    fn listen(paths: &Paths) -> io::Result<Self> {
        let mut kernel = TokioSocket::new(NETLINK_KOBJECT_UEVENT)?;
        kernel.socket_mut().bind(&SocketAddr::new(0, KERNELS))?;
        let inotify = Inotify::init()?;
        let mut watched = Watched::new(paths, inotify.watches());
        watched.arm()?;
        Ok(Self {
            watched,
            files: inotify.into_event_stream(vec![0; 4096])?,
            kernel,
            message: Vec::with_capacity(MESSAGE),
        })
    }

    /// Waits for the next change. May be dropped and called again without losing one.
    async fn next(&mut self) -> io::Result<()> {
        loop {
            self.message.clear();
            tokio::select! {
                event = self.files.next() => {
                    let event = event.ok_or(io::ErrorKind::UnexpectedEof)??;
                    let name = event.name.as_deref();
                    let event = inotify::Event { name, wd: event.wd, mask: event.mask, cookie: event.cookie };
                    if self.watched.concerns(&event) {
                        // Before it is told: what comes into a new directory later is heard.
                        self.watched.arm()?;
                        return Ok(());
                    }
                }
                result = self.kernel.recv(&mut self.message) => match result {
                    Ok(()) if is_about_gpus(&self.message) => return Ok(()),
                    Ok(()) => {}
                    // There was more to say than the socket holds.
                    Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => return Ok(()),
                    Err(error) => return Err(error),
                },
            }
        }
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
