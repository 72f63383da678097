//! Sockets in a container's network.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::Network;
use crate::model::MachineName;
use crate::os::netns_name;

impl Network {
    /// A TCP socket in a machine's namespace, not blocking. It stays there, wherever it is used
    /// (`network_namespaces(7)`: a socket belongs to the namespace that it was made in).
    ///
    /// Fails with `NotFound` where the machine has not been observed, or has no namespace.
    pub async fn tcp_socket_in(&self, machine: &MachineName) -> io::Result<OwnedFd> {
        let kept = self.follow.kept(&netns_name(machine));
        let kept = kept.ok_or(io::ErrorKind::NotFound)?;
        self.thread
            .run_in(kept.namespace(), || {
                let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
                let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None);
                Ok(socket?)
            })
            .await
    }
}
