//! Signals that reach `ctr` while a session runs.

use std::io;

use futures_util::future::select_all;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What to do about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is for the command.
    PassOn(i32),
    /// The terminal changed its size.
    NewSize,
    /// `ctr` is to stop for a while.
    Suspend,
    /// The person's terminal is gone, or they want `ctr` gone; the number is the signal's.
    HangUp(u8),
}

/// Every signal that means something here.
#[derive(Debug)]
pub(super) struct Signals(Vec<(Signal, Arrival)>);

impl Signals {
    /// Catches them from now on.
    ///
    /// With a terminal, its keys are bytes for the guest; what still arrives as a signal is meant
    /// for `ctr` itself. Without one, `ctr` stands for the command.
    pub(super) fn listen(terminal: bool) -> io::Result<Self> {
        let of = |kinds: &[SignalKind], arrival: fn(SignalKind) -> Arrival| {
            kinds
                .iter()
                .map(|kind| Ok((signal(*kind)?, arrival(*kind))))
                .collect::<io::Result<Vec<_>>>()
        };
        let (hang_up, interrupt) = (SignalKind::hangup(), SignalKind::interrupt());
        let (quit, terminate) = (SignalKind::quit(), SignalKind::terminate());
        let own = [SignalKind::user_defined1(), SignalKind::user_defined2()];
        let ends = [hang_up, interrupt, quit, terminate];
        let mut all = of(&own, |kind| Arrival::PassOn(kind.as_raw_value()))?;
        if terminal {
            let number = |kind: SignalKind| u8::try_from(kind.as_raw_value()).unwrap_or(0);
            debug_assert_eq!(number(terminate), 15);
            all.extend(of(&ends, |kind| {
                Arrival::HangUp(u8::try_from(kind.as_raw_value()).unwrap_or_default())
            })?);
            all.extend(of(&[SignalKind::window_change()], |_| Arrival::NewSize)?);
            let stop = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
            all.extend(of(&[stop], |_| Arrival::Suspend)?);
        } else {
            all.extend(of(&ends, |kind| Arrival::PassOn(kind.as_raw_value()))?);
        }
        Ok(Self(all))
    }

    /// The next one. Safe to give up and call again.
    pub(super) async fn next(&mut self) -> Arrival {
        let waits = self.0.iter_mut().map(|(signal, arrival)| {
            Box::pin(async move {
                // Only a runtime that shuts down ends the stream, and there is nobody to tell then.
                match signal.recv().await {
                    Some(()) => *arrival,
                    None => std::future::pending().await,
                }
            })
        });
        select_all(waits).await.0
    }
}
