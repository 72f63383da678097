//! What a person sees while we wait: a line per container on a terminal, else almost nothing.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use ctr_api::wire::{ContainerStatus, State};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Pending;
use crate::output;

const TICK: Duration = Duration::from_millis(100);

/// The lines on stderr.
#[derive(Debug)]
pub(crate) struct Progress {
    /// On a terminal only.
    lines: Option<MultiProgress>,
    /// How wide a name's place is.
    width: usize,
    bars: HashMap<String, ProgressBar>,
    /// Whose wait was told of, and for what, where there is no terminal.
    told: HashMap<String, String>,
    began: Instant,
}

impl Progress {
    /// Shows `pending` from now on.
    pub(crate) fn of(pending: &[Pending]) -> Self {
        let mut progress = Self::open();
        progress.width = pending.iter().map(|it| key(it).len()).max().unwrap_or(0);
        for it in pending {
            progress.line(&key(it));
        }
        progress
    }

    /// Shows what is moved, from then on.
    pub(super) fn open() -> Self {
        let target = ProgressDrawTarget::stderr();
        let terminal = io::stderr().is_terminal();
        Self {
            lines: terminal.then(|| MultiProgress::with_draw_target(target)),
            ..Self::silent()
        }
    }

    /// Shows nothing on a terminal either.
    pub(crate) fn silent() -> Self {
        Self {
            lines: None,
            width: 0,
            bars: HashMap::new(),
            told: HashMap::new(),
            began: Instant::now(),
        }
    }

    pub(super) fn moved(&mut self, it: &Pending, now: &ContainerStatus) {
        if self.lines.is_some() {
            self.show(&key(it), now);
        } else if now.state == State::Waiting {
            // Somebody who reads a log should know what a silent command waits for.
            let reason = now.reason.clone().unwrap_or_default();
            let before = self.told.insert(key(it), reason.clone());
            if before.as_ref() != Some(&reason) {
                let note = format!("{} is waiting: {reason}", key(it));
                output::note(&note, now.hint.as_deref());
            }
        }
    }

    /// What a container does now.
    pub(super) fn show(&mut self, name: &str, now: &ContainerStatus) {
        let reason = now.reason.as_deref().unwrap_or_default();
        if let Some(bar) = self.line(name) {
            bar.set_message(format!("{:<8}  {reason}", now.state.as_str()));
        }
    }

    pub(super) fn reached(&mut self, it: &Pending, now: &ContainerStatus) {
        self.arrived(&key(it), now);
    }

    /// It is where it should be, if it has a line.
    pub(super) fn arrived(&mut self, name: &str, now: &ContainerStatus) {
        let seconds = self.began.elapsed().as_secs_f64();
        let text = format!("{} in {seconds:.1} s", now.state.as_str());
        self.end(name, ("✓", "green"), &text);
    }

    pub(crate) fn failed(&mut self, it: &Pending, word: &str) {
        self.missed(&key(it), word);
    }

    /// It is not where it should be, if it has a line.
    pub(super) fn missed(&mut self, name: &str, word: &str) {
        self.end(name, ("✗", "red"), word);
    }

    /// Nothing happened to it after all.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(bar) = self.bars.remove(name) {
            bar.finish_and_clear();
        }
    }

    /// Leaves the lines as they are. A line that is still drawn to would overwrite what is said
    /// below it.
    pub(crate) fn close(&mut self) {
        for (_, bar) in self.bars.drain() {
            bar.disable_steady_tick();
            if !bar.is_finished() {
                bar.abandon();
            }
        }
    }

    /// Takes the lines away.
    pub(super) fn clear(&mut self) {
        for (_, bar) in self.bars.drain() {
            bar.finish_and_clear();
        }
        if let Some(lines) = &self.lines {
            // A terminal that is gone shows nothing any more.
            let _ = lines.clear();
        }
    }

    /// The line of a container, made if there is none.
    fn line(&mut self, name: &str) -> Option<&ProgressBar> {
        let lines = self.lines.as_ref()?;
        let width = self.width;
        let mut begins = false;
        let bar = self.bars.entry(name.to_owned()).or_insert_with(|| {
            begins = true;
            let bar = lines.add(ProgressBar::new_spinner());
            bar.set_prefix(format!("{name:<width$}"));
            bar
        });
        // One that had arrived may be on its way again.
        if bar.is_finished() {
            begins = true;
            bar.reset();
        }
        if begins {
            bar.set_style(style("{spinner} {prefix}  {wide_msg} {elapsed:>5}"));
            bar.enable_steady_tick(TICK);
        }
        Some(bar)
    }

    fn end(&mut self, name: &str, (mark, colour): (&str, &str), text: &str) {
        if let Some(bar) = self.bars.get(name) {
            let template = format!("{{spinner:.{colour}}} {{prefix}}  {{wide_msg}}");
            // The last of the ticks is what a finished spinner shows.
            bar.set_style(style(&template).tick_strings(&[mark, mark]));
            bar.finish_with_message(text.to_owned());
        }
    }
}

fn key(it: &Pending) -> String {
    format!("{}/{}", it.group, it.name)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
