//! What `measure.py` is asked to do on a host.

use serde::Serialize;

/// A case on one host.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) turns: u32,
    /// Whether a turn that does not count comes first.
    pub(crate) warm_up: bool,
    pub(crate) contenders: Vec<Contender>,
}

/// One of those that take turns.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Contender {
    pub(crate) who: &'static str,
    /// Bash, once before the first turn.
    pub(crate) prepare: String,
    /// What a turn is.
    pub(crate) steps: Vec<Step>,
    /// Bash, when it has had its turns, or is out.
    pub(crate) finish: String,
}

/// A part of a turn.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub(crate) enum Step {
    /// Bash that no time is taken of.
    Quietly { text: String },
    /// A command, from its start until what it is for has happened.
    Time {
        work: String,
        words: Vec<String>,
        until: Until,
        /// It runs on, until a step ends it.
        stays: bool,
        /// Units whose main processes' time on a processor is told too; `1` is systemd.
        processors_of: Vec<&'static str>,
        processor_work: Option<String>,
    },
    /// A command on a terminal, from its start until a shell asks.
    Prompt { work: String, words: Vec<String> },
    /// The end of what has stayed.
    End { work: Option<String> },
    /// Bash that prints a number for each of these.
    Figures { works: Vec<String>, text: String },
}

/// What a command is for.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what", content = "place")]
pub(crate) enum Until {
    /// It has ended, with success.
    End,
    /// A line has come through [`FIFO`](crate::bench::scene::FIFO).
    Line,
    /// `READY=1` on the socket that it is given as `NOTIFY_SOCKET`.
    Ready,
    /// A connection to this address and port can be made.
    Connect(String),
}

impl Step {
    pub(crate) fn quietly(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Quietly { text }
    }

    /// A command, given as words with spaces between them.
    pub(crate) fn time(work: impl Into<String>, words: &str, until: Until) -> Self {
        let words = words.split_whitespace().map(str::to_owned).collect();
        Self::time_words(work, words, until)
    }

    /// Bash, where one command does not do.
    pub(crate) fn time_bash(work: impl Into<String>, text: &str, until: Until) -> Self {
        let words = ["bash", "-euo", "pipefail", "-c", text].map(str::to_owned);
        Self::time_words(work, words.into(), until)
    }

    pub(crate) fn time_words(work: impl Into<String>, words: Vec<String>, until: Until) -> Self {
        Self::Time {
            work: work.into(),
            words,
            until,
            stays: false,
            processors_of: Vec::new(),
            processor_work: None,
        }
    }

    pub(crate) fn prompt(work: impl Into<String>, words: &str) -> Self {
        let words = words.split_whitespace().map(str::to_owned).collect();
        let work = work.into();
        Self::Prompt { work, words }
    }

    /// Its process goes on when it is ready.
    pub(crate) fn stays(mut self) -> Self {
        if let Self::Time { stays, .. } = &mut self {
            *stays = true;
        }
        self
    }

    /// What processors spent on these meanwhile is a piece of work of its own.
    pub(crate) fn and_processors(mut self, units: &[&'static str], work: &str) -> Self {
        if let Self::Time {
            processors_of,
            processor_work,
            ..
        } = &mut self
        {
            processors_of.extend(units);
            *processor_work = Some(work.to_owned());
        }
        self
    }

    /// The pieces of work that it tells figures of.
    pub(crate) fn works(&self) -> Vec<&str> {
        match self {
            Self::Quietly { .. } => Vec::new(),
            Self::Time {
                work,
                processor_work,
                ..
            } => [Some(work), processor_work.as_ref()]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect(),
            Self::Prompt { work, .. } => vec![work],
            Self::End { work } => work.iter().map(String::as_str).collect(),
            Self::Figures { works, .. } => works.iter().map(String::as_str).collect(),
        }
    }
}
