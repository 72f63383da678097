//! The person's side of a session: their terminal or their pipes, and the exit status.
//!
//! ```text
//!  stdin ──copy──> terminal's master, or a pipe ──┐
//!  stdout <─copy── terminal's master, or a pipe ──┤ the command in the guest
//!  stderr <─copy── a pipe ────────────────────────┘
//!  signals ──────> control socket <────────────── how it ended
//! ```
//!
//! `ctrd` only introduces the two sides to each other; see `docs/reference/sessions.md`.

mod control;
mod copy;
mod error;
mod person;
mod raw_mode;
mod signals;
mod streams;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, OwnedFd};

use ctr_api::session::Event;
use ctr_api::wire::SessionRequest;
use ctr_api::{ContainerProxy, to_dict};
use zbus::Fd;

use control::Control;
pub(crate) use error::SessionError;
use person::Person;
use signals::Arrival;
pub(crate) use signals::Signals;
use streams::{Near, Streams};

use crate::authorise::Asker;

/// Runs a session in this container, on this process's standard streams, and returns what `ctr`
/// exits with: the command's status, or 128 + n where signal n ended it.
///
/// The size of the terminal and what the guest has to know about it are filled in here.
pub(crate) async fn run(
    asker: &Asker,
    container: &ContainerProxy<'_>,
    request: SessionRequest,
) -> Result<u8, SessionError> {
    let person = Person::here().map_err(SessionError::Setup)?;
    let open = async |request: SessionRequest, control: OwnedFd, stdio: Vec<OwnedFd>| {
        let request = to_dict(&request).map_err(SessionError::Request)?;
        let streams: Vec<_> = stdio
            .iter()
            .map(|stream| Fd::from(stream.as_fd()))
            .collect();
        let sent = (request, Fd::from(control.as_fd()), streams);
        let opened = asker.call(container.inner(), "OpenSession", &sent);
        Ok(opened.await?)
    };
    run_with(person, request, open).await
}

/// The same for anybody, with any way to open it: `open` is given the request, the session's end
/// of the control socket and its standard streams, and must not keep them.
async fn run_with(
    person: Person,
    mut request: SessionRequest,
    open: impl AsyncFnOnce(SessionRequest, OwnedFd, Vec<OwnedFd>) -> Result<(), SessionError>,
) -> Result<u8, SessionError> {
    person.describe_terminal(&mut request);
    // Before there is anything to send them to: none is lost, and none ends `ctr` half way.
    let mut signals = Signals::listen(request.terminal).map_err(SessionError::Setup)?;
    let (mut control, theirs) = Control::new().map_err(SessionError::Setup)?;
    let (near, far) = Near::new(request.terminal).map_err(SessionError::Setup)?;
    tokio::select! {
        opened = open(request, theirs, far) => opened?,
        // polkit may be asking somebody for a password, for as long as they like.
        number = signals.end() => return Ok(killed_by(number)),
    }
    let mut streams = Streams::new(person, near);
    let status = loop {
        tokio::select! {
            event = control.hear() => match event? {
                (Event::Terminal, Some(master)) => streams.take_terminal(master),
                (Event::Started, _) => streams.start().map_err(SessionError::Setup)?,
                (Event::Failed { status, message, hint }, _) => {
                    return Err(SessionError::Refused { status, message, hint });
                }
                (event, _) => if let Some(status) = event.exit_status() { break status },
            },
            arrival = signals.next() => match arrival {
                Arrival::PassOn(number) => control.signal(number),
                Arrival::NewSize => streams.resize(),
                Arrival::Suspend => streams.suspend().map_err(SessionError::Setup)?,
                // With a terminal `ctr` is the terminal: its end is what the guest is to see.
                Arrival::HangUp(number) => return Ok(killed_by(number)),
            },
        }
    };
    streams.drain().await;
    Ok(status)
}

/// What a shell says of a program that this signal ended.
fn killed_by(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}
