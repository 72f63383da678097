//! Steps of what takes long: a spinner on a terminal, plain lines anywhere else.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

/// One step on its way.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Step {
    /// Begins a step.
    pub(crate) fn begin(what: &str) -> Self {
        let step = Self {
            bar: io::stderr().is_terminal().then(ProgressBar::new_spinner),
            started: Instant::now(),
        };
        if let Some(bar) = &step.bar {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        step.say(what);
        step
    }

    /// Says what it does now.
    pub(crate) fn say(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => eprintln!("     {what}"),
        }
    }

    /// Says something that changes while one waits; without a terminal, nothing.
    pub(crate) fn wait_for(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
    }

    /// Keeps a line above the step's own.
    pub(crate) fn keep(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("     {line}")),
            None => eprintln!("     {line}"),
        }
    }

    /// Prints a line of the result.
    pub(crate) fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    /// Ends it with what came of it.
    pub(crate) fn end(&self, result: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!(
            "  ok {result} ({:.1} s)",
            self.started.elapsed().as_secs_f64()
        );
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
