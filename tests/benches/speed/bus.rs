//! A connection to the bus of a booted host, held over all calls that are timed.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ctr_api::ManagerProxy;
use ctr_lab::Host;
use tokio::runtime::{Builder, Runtime};
use zbus::connection;

use crate::sample::Sample;

/// How often each call is made.
pub(crate) const CALLS: u32 = 15;

/// A client of ctrd that is there already.
pub(crate) struct Client {
    runtime: Runtime,
    manager: ManagerProxy<'static>,
    /// The host's files, as this machine sees them.
    root: String,
}

impl Client {
    /// Connects to the host's system bus by its socket.
    pub(crate) fn of(host: &Host) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let root = format!("/proc/{}/root", host.leader());
        let address = format!("unix:path={root}/run/dbus/system_bus_socket");
        let manager = runtime.block_on(async {
            let bus = connection::Builder::address(address.as_str())
                .build()
                .await?;
            ManagerProxy::builder(&bus)
                .cache_properties(zbus::proxy::CacheProperties::No)
                .build()
                .await
        });
        let manager = manager.context("failed to reach the host's bus")?;
        Ok(Self {
            runtime,
            manager,
            root,
        })
    }

    /// Puts a declaration in its place, which nobody has read yet.
    pub(crate) fn declare(&self, declaration: &str) -> Result<()> {
        let path = format!("{}/etc/ctr/containers.toml", self.root);
        fs::write(&path, declaration).with_context(|| format!("failed to write {path}"))
    }

    /// The time of one `Apply`.
    pub(crate) fn apply(&self) -> Result<Duration> {
        let begun = Instant::now();
        self.runtime.block_on(self.manager.apply())?;
        Ok(begun.elapsed())
    }

    /// The times of `Apply`, called again and again.
    pub(crate) fn applies(&self) -> Result<Sample> {
        (0..CALLS).map(|_| self.apply()).collect()
    }

    /// The times of `Plan` for the declaration in place.
    pub(crate) fn plans(&self) -> Result<Sample> {
        let plan = || {
            let begun = Instant::now();
            self.runtime.block_on(self.manager.plan("", &[]))?;
            Ok(begun.elapsed())
        };
        (0..CALLS).map(|_| plan()).collect()
    }

    /// The time that processors spent on ctrd, systemd and the bus since they were started.
    pub(crate) fn processor_time(&self, host: &Host) -> Result<Duration> {
        let pid = |unit: &str| {
            let show = format!("systemctl show --value --property=MainPID {unit}");
            host.ok(&show).trim().to_owned()
        };
        let processes = [pid("ctrd"), pid("dbus"), "1".to_owned()];
        let threads = processes
            .iter()
            .map(|pid| format!("{}/proc/{pid}/task", self.root));
        let mut sum = Duration::ZERO;
        for directory in threads {
            for thread in fs::read_dir(&directory).with_context(|| directory.clone())? {
                // proc_pid_schedstat(5): the first number is nanoseconds on a processor.
                let text = fs::read_to_string(thread?.path().join("schedstat"))?;
                let first = text.split_ascii_whitespace().next().unwrap_or_default();
                sum += Duration::from_nanos(first.parse()?);
            }
        }
        Ok(sum)
    }

    /// The times of a call that does nothing: what the bus itself takes.
    pub(crate) fn idle_calls(&self) -> Result<Sample> {
        let call = || {
            let begun = Instant::now();
            self.runtime.block_on(self.manager.version())?;
            Ok(begun.elapsed())
        };
        (0..CALLS).map(|_| call()).collect()
    }
}
