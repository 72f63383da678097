//! What a client and a running session say to each other, on the control socket of
//! [`crate::ContainerProxy::open_session`].
//!
//! The socket is one end of a `SOCK_SEQPACKET` pair, so one datagram is one message: a JSON object
//! of at most [`MAX_MESSAGE`] bytes. `ctrd` is not on this line: it hands the socket to the process
//! that watches the session and lets go of it, so a session outlives a restart of `ctrd`.
//!
//! ```text
//!  session -> client   {"event":"terminal"}              with one descriptor: the terminal's master side
//!                      {"event":"started"}               the command runs
//!                      {"event":"exited","status":3}     the last message of a session, or
//!                      {"event":"killed","signal":15}    the same for a signal, or
//!                      {"event":"failed","status":127,"message":"…","hint":"…"}
//!  client -> session   {"request":"signal","number":2}   to the process group of the command
//! ```
//!
//! A client that closes its end hangs up: the command is sent `SIGHUP` (with a terminal) or
//! `SIGTERM` (without), and `SIGKILL` some seconds later. A socket that closes without a last
//! message says that the container itself is gone. The terminal's size is no message: who holds the
//! master side sets it (`TIOCSWINSZ`), and the kernel tells the programs.

use serde::{Deserialize, Serialize};

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 4096;

/// Exit status of a session that failed before its command ran, for reasons of ours.
pub const STATUS_FAILED: u8 = 125;
/// Exit status where the command is there and cannot be executed, as shells have it.
pub const STATUS_NOT_EXECUTABLE: u8 = 126;
/// Exit status where there is no such command, as shells have it.
pub const STATUS_NOT_FOUND: u8 = 127;

/// Room for a message's text: the rest of a datagram holds its keys and its hint.
const MAX_TEXT: usize = 1024;

/// What a session tells its client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The terminal is made; its master side is in this datagram.
    Terminal,
    /// The command runs.
    Started,
    /// The command ended by itself.
    Exited {
        /// Its exit status.
        status: u8,
    },
    /// A signal ended the command.
    Killed {
        /// The number of the signal.
        signal: u8,
    },
    /// There is no session.
    Failed {
        /// What the client exits with: one of the `STATUS_…` of this module.
        status: u8,
        /// What went wrong.
        message: String,
        /// What a person can do about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

impl Event {
    /// A failure whose text is cut to what fits a datagram.
    pub fn failed(status: u8, message: &str, hint: Option<&str>) -> Self {
        let (message, hint) = (cut(message), hint.map(cut));
        Self::Failed {
            status,
            message,
            hint,
        }
    }

    /// What a client exits with after this event; nothing where the session goes on.
    pub fn exit_status(&self) -> Option<u8> {
        match self {
            Self::Terminal | Self::Started => None,
            Self::Exited { status } | Self::Failed { status, .. } => Some(*status),
            Self::Killed { signal } => Some(signal.saturating_add(128)),
        }
    }
}

/// What a client tells its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// Send a signal to the process group of the command.
    Signal {
        /// The number of the signal.
        number: i32,
    },
}

/// The bytes of a message.
pub fn encode<T: Serialize>(message: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(message)
}

/// The message in these bytes.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    serde_json::from_slice(bytes)
}

/// JSON may write one byte as six (`\u0000`), so the limit counts what is written.
fn cut(text: &str) -> String {
    let mut written = 0;
    let fitting = text.chars().take_while(|character| {
        written += if character.is_control() || matches!(character, '"' | '\\') {
            6
        } else {
            character.len_utf8()
        };
        written <= MAX_TEXT
    });
    fitting.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_documented() {
        let written = |event: &Event| String::from_utf8(encode(event).unwrap()).unwrap();
        assert_eq!(written(&Event::Terminal), r#"{"event":"terminal"}"#);
        assert_eq!(
            written(&Event::Exited { status: 3 }),
            r#"{"event":"exited","status":3}"#
        );
        assert_eq!(
            written(&Event::Killed { signal: 15 }),
            r#"{"event":"killed","signal":15}"#
        );
        assert_eq!(
            written(&Event::failed(127, "no psql", None)),
            r#"{"event":"failed","status":127,"message":"no psql"}"#
        );
        let request: Request = decode(br#"{"request":"signal","number":2}"#).unwrap();
        assert_eq!(request, Request::Signal { number: 2 });
    }

    #[test]
    fn a_later_key_breaks_no_reader() {
        let event: Event = decode(br#"{"event":"exited","status":0,"core":true}"#).unwrap();
        assert_eq!(event, Event::Exited { status: 0 });
    }

    #[test]
    fn every_last_message_has_an_exit_status() {
        assert_eq!(Event::Started.exit_status(), None);
        assert_eq!(Event::Exited { status: 7 }.exit_status(), Some(7));
        assert_eq!(Event::Killed { signal: 9 }.exit_status(), Some(137));
        assert_eq!(
            Event::failed(STATUS_NOT_FOUND, "", None).exit_status(),
            Some(127)
        );
    }

    #[test]
    fn the_longest_failure_fits_a_datagram() {
        for text in ["\u{0}", "\u{fe0f}", "\"", "a"] {
            let long = text.repeat(100_000);
            let bytes = encode(&Event::failed(125, &long, Some(&long))).unwrap();
            assert!(bytes.len() <= MAX_MESSAGE, "{} bytes", bytes.len());
        }
    }
}
