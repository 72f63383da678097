//! What a command writes, collected while it runs.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// The bytes read from a pipe or terminal so far.
#[derive(Debug, Clone)]
pub(crate) struct Stream(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    /// Reads `source` on a thread of its own until its last writer is gone.
    pub(crate) fn of(mut source: impl Read + Send + 'static) -> Self {
        let stream = Self(Arc::default());
        let shared = stream.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            loop {
                // A terminal whose last process is gone answers EIO instead of an end.
                let count = source.read(&mut buffer).unwrap_or(0);
                let mut state = shared.state();
                state.bytes.extend_from_slice(&buffer[..count]);
                state.ended = count == 0;
                shared.0.changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        stream
    }

    /// What was read and not taken yet.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.state().bytes).into_owned()
    }

    /// Waits for the end, but no longer than `patience`: a process that stays in the background
    /// keeps the other end open, and whoever waits for a command does not wait for that.
    pub(crate) fn settle(&self, patience: Duration) -> String {
        let deadline = Instant::now() + patience;
        let mut state = self.state();
        while !state.ended && Instant::now() < deadline {
            state = self.wait(state, deadline);
        }
        String::from_utf8_lossy(&state.bytes).into_owned()
    }

    /// Waits until this text was read, and takes everything up to its end.
    pub(crate) fn expect(&self, text: &str, timeout: Duration) -> Result<String> {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        loop {
            let found = state
                .bytes
                .windows(text.len())
                .position(|part| part == text.as_bytes());
            if let Some(start) = found {
                let taken: Vec<u8> = state.bytes.drain(..start + text.len()).collect();
                return Ok(String::from_utf8_lossy(&taken).into_owned());
            }
            if state.ended || Instant::now() >= deadline {
                let reason = if state.ended {
                    "the command ended"
                } else {
                    "time ran out"
                };
                let shown = String::from_utf8_lossy(&state.bytes).into_owned();
                bail!("{reason} before {text:?} was written; instead there was {shown:?}");
            }
            state = self.wait(state, deadline);
        }
    }

    fn wait<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        deadline: Instant,
    ) -> MutexGuard<'a, State> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.0
            .changed
            .wait_timeout(state, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
