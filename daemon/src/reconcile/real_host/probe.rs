//! A guest's health, tried once: over a socket in its network, or by a command in it.

use std::io;
use std::os::fd::OwnedFd;

use ctr_api::wire::SessionRequest;
use tokio::net::TcpSocket;

use crate::error_text::with_causes;
use crate::health::{Outcome, Request, try_http, try_tcp};
use crate::model::Probe;
use crate::reconcile::host::Probed;
use crate::session::{self, CommandEnd, CommandError, Guest};

use super::RealHost;

impl RealHost {
    pub(super) async fn try_health(&self, probed: &Probed) -> Outcome {
        let timeout = probed.health.timeout;
        match &probed.health.probe {
            Probe::Tcp { port } => match self.socket_in(probed).await {
                Ok(socket) => try_tcp(socket, probed.address, *port, timeout).await,
                Err(error) => no_socket(&error),
            },
            Probe::Http {
                port,
                path,
                statuses,
                host,
            } => {
                let request = Request {
                    address: probed.address,
                    port: *port,
                    path,
                    host: host.as_deref(),
                    statuses,
                };
                match self.socket_in(probed).await {
                    Ok(socket) => try_http(socket, &request, timeout).await,
                    Err(error) => no_socket(&error),
                }
            }
            Probe::Command { command, user } => {
                let request = SessionRequest {
                    command: command.clone(),
                    user: user.clone(),
                    ..SessionRequest::default()
                };
                self.try_command(probed, request).await
            }
        }
    }

    async fn socket_in(&self, probed: &Probed) -> io::Result<TcpSocket> {
        let socket: OwnedFd = self.network.tcp_socket_in(&probed.machine).await?;
        Ok(TcpSocket::from_std_stream(socket.into()))
    }

    async fn try_command(&self, probed: &Probed, request: SessionRequest) -> Outcome {
        let guest = Guest {
            leader: probed.leader,
            cgroup_root: self.paths.cgroup.clone(),
            unit_cgroup: probed.control_group.clone(),
        };
        let limit = probed.health.timeout;
        let tried = tokio::task::spawn_blocking(move || {
            let mut last = String::new();
            let ended = session::run_enclosed(&guest, request, limit, |line| {
                line.clone_into(&mut last);
            });
            match ended {
                Ok(CommandEnd::Status(status)) => Outcome::exited(status, &last),
                Ok(CommandEnd::Signal(signal)) => Outcome::killed(signal, &last),
                Err(CommandError::TooLong(limit)) => Outcome::not_done(limit, &last),
                Err(error) => Outcome::failure(&with_causes(&error)),
            }
        });
        let interrupted = || Outcome::failure("the probe was interrupted");
        tried.await.unwrap_or_else(|_| interrupted())
    }
}

fn no_socket(error: &io::Error) -> Outcome {
    Outcome::failure(&format!(
        "there is no connection into the container: {error}"
    ))
}
