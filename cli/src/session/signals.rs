//! Signals that reach `ctr` while a session runs.

use std::io;

use futures_util::future::select_all;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What to do about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is for the command; its number.
    PassOn(i32),
    /// The terminal changed its size.
    NewSize,
    /// `ctr` is to stop for a while.
    Suspend,
    /// The person's terminal is gone, or they want `ctr` gone; the signal's number.
    HangUp(i32),
}

/// Every signal that means something here.
#[derive(Debug)]
pub(crate) struct Signals(Vec<(Signal, Arrival)>);

impl Signals {
    /// Catches them from now on.
    ///
    /// With a terminal, its keys are bytes for the guest; what still arrives as a signal is meant
    /// for `ctr` itself. Without one, `ctr` stands for the command.
    pub(crate) fn listen(terminal: bool) -> io::Result<Self> {
        let ends = [
            SignalKind::hangup(),
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::terminate(),
        ];
        let own = [SignalKind::user_defined1(), SignalKind::user_defined2()];
        let mut meanings = numbers(own, Arrival::PassOn);
        if terminal {
            meanings.extend(numbers(ends, Arrival::HangUp));
            meanings.push((SignalKind::window_change(), Arrival::NewSize));
            let suspend = rustix::process::Signal::TSTP.as_raw();
            meanings.push((SignalKind::from_raw(suspend), Arrival::Suspend));
        } else {
            meanings.extend(numbers(ends, Arrival::PassOn));
        }
        let caught = meanings
            .into_iter()
            .map(|(kind, arrival)| Ok((signal(kind)?, arrival)));
        caught.collect::<io::Result<_>>().map(Self)
    }

    /// The next one. Safe to give up and call again.
    pub(super) async fn next(&mut self) -> Arrival {
        let waits = self.0.iter_mut().map(|(signal, arrival)| {
            Box::pin(async move {
                match signal.recv().await {
                    Some(()) => *arrival,
                    // Only a runtime that shuts down ends the stream; nobody is to be told then.
                    None => std::future::pending().await,
                }
            })
        });
        select_all(waits).await.0
    }

    /// The next one that ends a program which has nobody to pass it on to; its number.
    pub(crate) async fn end(&mut self) -> i32 {
        loop {
            if let Arrival::PassOn(number) | Arrival::HangUp(number) = self.next().await {
                return number;
            }
        }
    }
}

fn numbers<const N: usize>(
    kinds: [SignalKind; N],
    meaning: fn(i32) -> Arrival,
) -> Vec<(SignalKind, Arrival)> {
    kinds
        .map(|kind| (kind, meaning(kind.as_raw_value())))
        .to_vec()
}
