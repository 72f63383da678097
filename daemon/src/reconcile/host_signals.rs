//! What systemd and logind tell of the host as a whole.

use std::num::NonZero;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::select;
use zbus::match_rule::Builder;
use zbus::message::Type;
use zbus::{Connection, MatchRule, MessageStream};

use super::real_host::RealHost;

const BUS: &str = "org.freedesktop.DBus";
const SYSTEMD: &str = "org.freedesktop.systemd1";
const LOGIND: &str = "org.freedesktop.login1";

/// Follows the host: its shutdown, and systemd itself. Ends with the connection.
///
/// * logind says `PrepareForShutdown` before it begins, while inhibitors still delay it, and once more
///   where it is called off (org.freedesktop.login1(5)). A host may have no logind, and root may go
///   around it: what counts is then what systemd's own queue of jobs says, which is asked whenever
///   there is something to do.
/// * It says `PrepareForSleep`, false when the host has woken up: drivers have been through more than their
///   events tell.
/// * A shutdown that is cancelled in that queue is a job of `shutdown.target` that is removed.
/// * systemd reads the files of units again (`daemon-reload`): an administrator's drop-in may set other
///   limits now. It says `Reloading`, false when it has done so.
/// * systemd loses the bus for a moment when it executes itself anew (`systemctl daemon-reexec`).
pub async fn follow_host(connection: Connection, host: Arc<RealHost>) -> zbus::Result<()> {
    let bus = &connection;
    let prepare = signal(
        LOGIND,
        "org.freedesktop.login1.Manager",
        "PrepareForShutdown",
    );
    let mut prepares = listen(bus, prepare).await?;
    let sleep = signal(LOGIND, "org.freedesktop.login1.Manager", "PrepareForSleep");
    let mut sleeps = listen(bus, sleep).await?;
    let removed = signal(SYSTEMD, "org.freedesktop.systemd1.Manager", "JobRemoved");
    let mut removed = listen(bus, removed.arg(2, "shutdown.target")).await?;
    let reloading = signal(SYSTEMD, "org.freedesktop.systemd1.Manager", "Reloading");
    let mut reloads = listen(bus, reloading).await?;
    let owner = |name| signal(BUS, BUS, "NameOwnerChanged").arg(0, name);
    let mut owners = select(
        listen(bus, owner(SYSTEMD)).await?,
        listen(bus, owner(LOGIND)).await?,
    );
    loop {
        tokio::select! {
            Some(Ok(message)) = prepares.next() => {
                let Ok(begins) = message.body().deserialize::<bool>() else { continue };
                host.prepare_for_shutdown(begins);
                if !begins {
                    host.look_at_everything().await;
                }
            }
            Some(Ok(message)) = sleeps.next() => {
                // Decision 0024: nothing before a sleep, and a look at what woke up.
                if message.body().deserialize::<bool>() == Ok(false) {
                    host.gpus_changed();
                }
            }
            Some(Ok(_)) = removed.next() => {
                host.look_at_everything().await;
            }
            Some(Ok(message)) = reloads.next() => {
                if message.body().deserialize::<bool>() == Ok(false) {
                    host.look_again();
                }
            }
            Some(Ok(message)) = owners.next() => {
                let body = message.body();
                let Ok((name, _, new)) = body.deserialize::<(&str, &str, &str)>() else { continue };
                if name == LOGIND {
                    // Another one knows nothing of what the last was about to do.
                    host.prepare_for_shutdown(false);
                } else if name == SYSTEMD && !new.is_empty() {
                    if let Err(error) = host.systemd.subscribe().await {
                        tracing::error!("{error}");
                    }
                    host.look_at_everything().await;
                }
            }
            else => return Ok(()),
        }
    }
}

fn signal(sender: &'static str, interface: &'static str, member: &'static str) -> Builder<'static> {
    MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(sender)
        .interface(interface)
        .member(member)
}

async fn listen(bus: &Connection, rule: Builder<'static>) -> zbus::Result<MessageStream> {
    MessageStream::for_match_rule(rule.build()?, bus, NonZero::new(16)).await
}
