//! The daemon: everything put together.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use zbus::Connection;

use crate::firewall::{Firewall, nft_version};
use crate::gpu;
use crate::machine::Systemd;
use crate::network::{Changes, Network};
use crate::os::{Paths, failpoint, memory, watch_files};
use crate::reconcile::fleet::Fleet;
use crate::reconcile::{RealHost, follow_host};

/// The oldest systemd whose nspawn and transient units do what is needed (decision 0001).
const SYSTEMD_MINIMUM: u32 = 254;

/// Runs until a signal or the bus ends it. Guests are not touched on the way out.
pub async fn run(paths: Paths) -> anyhow::Result<()> {
    let paths = Arc::new(paths);
    let connection = Connection::system()
        .await
        .context("failed to reach the system bus")?;
    let systemd = Systemd::new(&connection).await?;
    check_systemd(&systemd.version().await?)?;
    nft_version(&paths).await?;
    let firewall = Firewall::new(&paths);
    let network = Network::start(&paths)?;
    failpoint("network opened");
    let host = Arc::new(RealHost::new(
        paths.clone(),
        connection.clone(),
        systemd,
        network,
        firewall,
    ));
    let fleet = Arc::new(Fleet::new(host.clone(), paths.clone()));
    // Everything declared has its task before anybody can ask for it; it comes up from here.
    let begun = fleet.begin().await;
    failpoint("begun");
    if let Err(error) = &begun {
        tracing::error!("the declaration is refused and nothing is changed:\n{error}");
    }
    let questions = Connection::system()
        .await
        .context("failed to reach the system bus a second time")?;
    crate::bus::serve(&connection, &questions, fleet.clone())
        .await
        .context("failed to serve org.kernelcore.Containers1 on the system bus")?;
    failpoint("bus served");
    // The bus answers: that is ready. Whether guests are is in their own status.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    failpoint("ready said");
    tokio::spawn(memory::give_back());
    tokio::spawn(follow_tables(host.clone()));
    tokio::spawn(follow_bridges(host.clone()));
    tokio::spawn(follow_shutdown(connection.clone(), host.clone()));
    let looking = host.clone();
    tokio::spawn(async move { looking.follow_others().await });
    tokio::spawn(follow_gpus(paths.clone(), host.clone()));
    tokio::spawn(follow_resolver(paths, host));
    tokio::spawn(crate::metrics::serve(fleet.clone()));
    tokio::spawn(fleet.clone().keep_trying());
    // Without a declaration nothing is known to be undeclared: what runs is left alone.
    if begun.is_ok() {
        tokio::spawn(async move { fleet.tidy().await });
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // systemd starts ctrd again, and that finds everything as it is.
        () = closed(&connection) => bail!("the system bus is gone"),
        () = closed(&questions) => bail!("the system bus is gone"),
    }
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    Ok(())
}

/// Returns when the bus has closed the connection.
async fn closed(connection: &Connection) {
    use futures_util::StreamExt;
    let mut messages = std::pin::pin!(zbus::MessageStream::from(connection));
    while messages.next().await.is_some() {}
}

/// Changes of the firewall come in bursts; they are looked at as one.
const QUIET: Duration = Duration::from_millis(100);

/// Whoever flushes the host's tables flushes ours: they are mended when the kernel says so.
async fn follow_tables(host: Arc<RealHost>) {
    let result = async {
        let mut changes = Changes::of_tables()?;
        loop {
            changes.next().await?;
            tokio::time::sleep(QUIET).await;
            host.mend_firewall().await;
            host.look_at_others();
        }
    };
    let ended: std::io::Result<()> = result.await;
    if let Err(error) = ended {
        tracing::warn!("changes of the firewall by others will not be noticed: {error}");
    }
}

/// A host that shuts down is left to it; systemd that was away is listened to again.
async fn follow_shutdown(connection: Connection, host: Arc<RealHost>) {
    if let Err(error) = follow_host(connection, host).await {
        tracing::error!("what logind and systemd say of the host will not be heard: {error}");
    }
}

/// A bridge belongs to no container alone: it is mended also where no guest runs.
async fn follow_bridges(host: Arc<RealHost>) {
    loop {
        host.bridges_changed().await;
        host.mend_bridges().await;
    }
}

/// The host's name servers change with its network: every guest's resolv.conf follows.
async fn follow_resolver(paths: Arc<Paths>, host: Arc<RealHost>) {
    let result = watch_files(&paths.resolv_conf, || host.look_again()).await;
    if let Err(error) = result {
        tracing::warn!("changes of the host's name servers will not be noticed: {error}");
    }
}

/// Cards, drivers and nodes come and go: whoever asks for some follows.
async fn follow_gpus(paths: Arc<Paths>, host: Arc<RealHost>) {
    let result = gpu::follow(&paths, || {
        host.follows_gpus(true);
        host.gpus_changed();
        let host = host.clone();
        tokio::spawn(async move { host.load_gpu_modules().await });
    });
    let result = result.await;
    host.follows_gpus(false);
    if let Err(error) = result {
        tracing::warn!("changes of graphics processors will not be noticed: {error}");
    }
}

fn check_systemd(version: &str) -> anyhow::Result<()> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse::<u32>() {
        Ok(number) if number < SYSTEMD_MINIMUM => bail!(
            "systemd {version} is too old: ctrd needs {SYSTEMD_MINIMUM} or newer \
             (for unit-level network namespaces with a guest's own users)"
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_systemd;

    #[test]
    fn an_old_systemd_is_refused_with_what_is_needed() {
        assert!(check_systemd("257.13-1~deb13u1").is_ok());
        let error = check_systemd("252.39-1").expect_err("too old");
        assert!(error.to_string().contains("needs 254"));
    }
}
