//! `ctr status --watch`: the table, redrawn as things change.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use ctr_api::wire::HostStatus;
use futures_util::future::select_all;
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::changes::{Change, Changes};
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::render::{CpuMeter, status};
use crate::screen::Screen;
use crate::{output, target};

/// States come by signal; what they use has to be looked at.
const REFRESH: Duration = Duration::from_secs(2);
const BURST: Duration = Duration::from_millis(30);

/// Which part of the host is shown.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) group: Option<String>,
    pub(super) names: Vec<String>,
}

impl Scope {
    /// Leaves only what is asked for.
    pub(super) fn narrow(&self, mut host: HostStatus) -> Result<HostStatus, Error> {
        if let Some(name) = &self.group {
            let wanted: Vec<_> = target::containers(&host, name, &self.names)?
                .into_iter()
                .map(|it| it.name.clone())
                .collect();
            host.metrics = None;
            host.groups.retain(|group| group.name == *name);
            for group in &mut host.groups {
                group.containers.retain(|it| wanted.contains(&it.name));
            }
        }
        Ok(host)
    }
}

/// Shows the table until somebody ends it.
pub(super) async fn run(scope: Scope) -> Result<Exit, Error> {
    if !io::stdout().is_terminal() {
        return Err(
            Error::new(Exit::USAGE, "--watch needs a terminal to redraw")
                .hint("`ctr events` prints changes line by line"),
        );
    }
    // A wrong name is told before the screen changes.
    let daemon = Daemon::connect().await?;
    scope.narrow(daemon.status().await?)?;
    // Before the screen changes: from here on none of them ends us half way.
    let mut signals = Signals::listen()?;
    let screen = Screen::open()?;
    let anew = Notify::new();
    let mut drawing = pin!(draw_for_ever(&scope, daemon, &screen, &anew));
    loop {
        tokio::select! {
            ended = &mut drawing => return ended,
            arrival = signals.next() => match arrival {
                Arrival::End(exit) => return Ok(exit),
                Arrival::Suspend => screen.suspend()?,
                Arrival::Anew => screen.forget(),
            },
        }
        anew.notify_one();
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy)]
enum Arrival {
    /// To end, and how.
    End(Exit),
    /// To stop for a while (Ctrl-Z).
    Suspend,
    /// To draw anew: the terminal has another size, or somebody had it meanwhile.
    Anew,
}

/// Every signal that a person or a shell sends to what has a terminal.
struct Signals(Vec<(Signal, Arrival)>);

impl Signals {
    fn listen() -> io::Result<Self> {
        let number = |signal: Number| SignalKind::from_raw(signal.as_raw());
        let meanings = [
            (SignalKind::interrupt(), Arrival::End(Exit::OK)),
            (SignalKind::terminate(), Arrival::End(Exit::TERMINATED)),
            (SignalKind::hangup(), Arrival::End(Exit::HUNG_UP)),
            (SignalKind::quit(), Arrival::End(Exit::QUIT)),
            (number(Number::TSTP), Arrival::Suspend),
            (number(Number::CONT), Arrival::Anew),
            (SignalKind::window_change(), Arrival::Anew),
        ];
        let caught = meanings.map(|(kind, arrival)| Ok((signal(kind)?, arrival)));
        caught.into_iter().collect::<io::Result<_>>().map(Self)
    }

    /// The next one. Safe to give up and call again.
    fn next(&mut self) -> impl Future<Output = Arrival> {
        let waits = self.0.iter_mut().map(|(signal, arrival)| {
            Box::pin(async move {
                match signal.recv().await {
                    Some(()) => *arrival,
                    // Only a runtime that shuts down ends the stream; nobody is to be told then.
                    None => std::future::pending().await,
                }
            })
        });
        let all = select_all(waits);
        async { all.await.0 }
    }
}

async fn draw_for_ever(
    scope: &Scope,
    first: Daemon,
    screen: &Screen,
    anew: &Notify,
) -> Result<Exit, Error> {
    let mut meter = CpuMeter::default();
    let mut daemon = Some(first);
    loop {
        let seen = match daemon.take() {
            Some(daemon) => follow(scope, &daemon, &mut meter, screen, anew).await,
            None => match Daemon::connect().await {
                Ok(daemon) => follow(scope, &daemon, &mut meter, screen, anew).await,
                Err(error) => Err(error),
            },
        };
        match seen {
            // An upgrade takes the daemon away for a moment; the containers run on meanwhile.
            Err(error) if error.exit == Exit::UNREACHABLE => {
                screen.draw(&error.render(output::view().paint))?;
            }
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        tokio::select! {
            () = sleep(REFRESH) => {}
            () = anew.notified() => {}
        }
    }
}

/// Draws until `ctrd` leaves the bus.
async fn follow(
    scope: &Scope,
    daemon: &Daemon,
    meter: &mut CpuMeter,
    screen: &Screen,
    anew: &Notify,
) -> Result<(), Error> {
    let mut changes = Changes::of(daemon).await?;
    loop {
        let host = scope.narrow(daemon.status().await?)?;
        screen.draw(&status(&host, meter, output::view()))?;
        tokio::select! {
            change = changes.next() => {
                if change == Change::Gone {
                    return Err(Error::unreachable("it left the bus"));
                }
                sleep(BURST).await;
                while changes.at_hand().is_some() {}
            }
            () = anew.notified() => {}
            () = sleep(REFRESH) => {}
        }
    }
}
