//! What a person sees while we wait: a line per container on a terminal, else almost nothing.

use std::collections::{HashMap, HashSet};
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
    bars: HashMap<String, ProgressBar>,
    /// Whose wait was told of, where there is no terminal.
    told: HashSet<String>,
    began: Instant,
}

impl Progress {
    /// Shows `pending` from now on.
    pub(crate) fn of(pending: &[Pending]) -> Self {
        let mut progress = Self::silent();
        if !io::stderr().is_terminal() {
            return progress;
        }
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let width = pending.iter().map(|it| key(it).len()).max().unwrap_or(0);
        for it in pending {
            let bar = lines.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {prefix}  {wide_msg} {elapsed:>5}"));
            bar.set_prefix(format!("{:<width$}", key(it)));
            bar.enable_steady_tick(TICK);
            progress.bars.insert(key(it), bar);
        }
        progress
    }

    /// Shows nothing on a terminal either.
    pub(crate) fn silent() -> Self {
        Self {
            bars: HashMap::new(),
            told: HashSet::new(),
            began: Instant::now(),
        }
    }

    pub(super) fn moved(&mut self, it: &Pending, now: &ContainerStatus) {
        let reason = now.reason.clone().unwrap_or_default();
        if let Some(bar) = self.bars.get(&key(it)) {
            bar.set_message(format!("{:<8}  {reason}", now.state.as_str()));
        } else if now.state == State::Waiting && self.told.insert(key(it)) {
            // Somebody who reads a log should know what a silent command waits for.
            output::note(&format!("{} waits: {reason}", key(it)), None);
        }
    }

    pub(super) fn reached(&mut self, it: &Pending, now: &ContainerStatus) {
        let text = format!(
            "{} in {:.1} s",
            now.state.as_str(),
            self.began.elapsed().as_secs_f64()
        );
        self.end(it, ("✓", "green"), &text);
    }

    pub(crate) fn failed(&mut self, it: &Pending, word: &str) {
        self.end(it, ("✗", "red"), word);
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

    fn end(&mut self, it: &Pending, (mark, colour): (&str, &str), text: &str) {
        if let Some(bar) = self.bars.get(&key(it)) {
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
