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
    lines: Option<MultiProgress>,
    bars: HashMap<String, ProgressBar>,
    /// Whose wait was told of, where there is no terminal.
    told: HashSet<String>,
    began: Instant,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        let lines = terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Self {
            lines,
            bars: HashMap::new(),
            told: HashSet::new(),
            began: Instant::now(),
        }
    }

    /// Shows a container from now on.
    pub(crate) fn add(&mut self, it: &Pending) {
        let Some(lines) = &self.lines else { return };
        let bar = lines.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix}  {wide_msg} {elapsed:>5}"));
        bar.set_prefix(key(it));
        bar.enable_steady_tick(TICK);
        self.bars.insert(key(it), bar);
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
        self.end(it, "✓", &text);
    }

    pub(crate) fn failed(&mut self, it: &Pending, word: &str) {
        self.end(it, "✗", word);
    }

    /// Takes the lines away.
    pub(crate) fn clear(&mut self) {
        for bar in self.bars.values() {
            bar.disable_steady_tick();
        }
        if let Some(lines) = &self.lines {
            let _ = lines.clear();
        }
    }

    fn end(&mut self, it: &Pending, mark: &str, text: &str) {
        if let Some(bar) = self.bars.get(&key(it)) {
            bar.set_style(style(&format!("{mark} {{prefix}}  {{wide_msg}}")));
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
