//! Colours, or none.

use clap::builder::styling::{AnsiColor, Style};
use ctr_api::wire::State;

/// Puts colours on words, where the reader is a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    pub(crate) const fn new(on: bool) -> Self {
        Self { on }
    }

    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Self::new(false)
    }

    pub(crate) fn apply(self, style: Style, text: &str) -> String {
        if self.on && style != Style::new() && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn error(self, text: &str) -> String {
        self.apply(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn warning(self, text: &str) -> String {
        self.apply(AnsiColor::Yellow.on_default().bold(), text)
    }

    pub(crate) fn hint(self, text: &str) -> String {
        self.apply(AnsiColor::Cyan.on_default().bold(), text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.apply(Style::new().bold(), text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.apply(Style::new().dimmed(), text)
    }

    pub(crate) fn state(self, state: State) -> String {
        self.apply(state_style(state), state.as_str())
    }
}

/// The colour of a state, the same wherever it is shown.
pub(crate) const fn state_style(state: State) -> Style {
    match state {
        State::Running | State::Healthy => AnsiColor::Green.on_default(),
        State::Failed | State::Unhealthy => AnsiColor::Red.on_default().bold(),
        State::Waiting => AnsiColor::Yellow.on_default(),
        State::Starting | State::Stopping => AnsiColor::Cyan.on_default(),
        State::Stopped => Style::new().dimmed(),
    }
}
