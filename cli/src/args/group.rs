//! The verbs of a group.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::duration;

/// What can be done with the containers of a group.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum GroupVerb {
    /// Show the group, or one container in detail
    Status(Status),
    /// Show the whole group
    StatusAll(Look),
    /// Start containers and wait until they are ready
    Start(Settle),
    /// Stop containers; they stay stopped until started, or until the host reboots
    Stop(Settle),
    /// Stop containers and start them again
    Restart(Settle),
    /// Start every container of the group
    StartAll(SettleAll),
    /// Stop every container of the group
    StopAll(SettleAll),
    /// Restart every container of the group
    RestartAll(SettleAll),
    /// Open a login shell in a container
    Enter(Enter),
    /// Run a command in a container
    Exec(Exec),
    /// Run an action that is declared for a container
    Run(Run),
    /// Show the journal of containers and of what runs in them
    Logs(Logs),
    /// Wait until containers are ready, or stopped
    Wait(Wait),
    /// Print the address to open in a browser
    Url(Url),
    /// Open a container's address in the browser
    Open(Url),
    /// Print a secret of a container, or list which it has
    Secret(Secret),
}

/// Which containers to show, and how.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Containers; all of the group if none is named
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) look: Look,
}

/// How to show a state.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Look {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Redraw when something changes
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) watch: bool,
}

/// Which containers to bring to a state.
#[derive(Debug, Args)]
pub(crate) struct Settle {
    /// Containers, by name or alias
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) options: SettleAll,
}

/// How to bring containers to a state.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct SettleAll {
    /// Return as soon as the request is taken
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Give up waiting after this long, `90s` or `2min`; the request stands
    #[arg(long, value_name = "TIME", value_parser = duration::parse, conflicts_with = "no_wait")]
    pub(crate) timeout: Option<Duration>,
}

/// Whose shell to open.
#[derive(Debug, Args)]
pub(crate) struct Enter {
    /// The container, by name or alias
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The user of the guest
    #[arg(long, short, value_name = "USER")]
    pub(crate) user: Option<String>,
}

/// What to run where.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The user of the guest
    #[arg(long, short, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// Give the command a terminal
    #[arg(long, short)]
    pub(crate) terminal: bool,
    /// The container, by name or alias
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) command: Vec<String>,
}

/// Which action to run where.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The container, by name or alias
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The action, and words to append to its command
    // One argument, so that everything after the action is the action's: `run pg psql -h x`.
    #[arg(
        value_name = "ACTION",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) action: Vec<String>,
}

/// Which part of the journal to show.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Containers; all of the group if none is named
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Go on showing new lines
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Show only the last lines
    #[arg(long, short = 'n', value_name = "N")]
    pub(crate) lines: Option<u64>,
    /// Show only lines since then, as `journalctl --since` takes it: `today`, `-1h`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// How lines look, as `journalctl --output` takes it: `short`, `cat`, `json`
    #[arg(long, short, value_name = "FORMAT")]
    pub(crate) output: Option<String>,
}

/// What to wait for.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// Containers; all of the group if none is named
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// What to wait for
    #[arg(long = "for", value_name = "STATE", value_enum, default_value_t = Condition::Ready)]
    pub(crate) condition: Condition,
    /// Give up after this long, `60s` or `2min`
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,
}

/// What `wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Condition {
    /// It runs, and its probe succeeds where it has one
    #[value(alias = "running")]
    Ready,
    /// It does not run
    Stopped,
    /// Its probe succeeds
    Healthy,
}

/// Which secret of whom.
#[derive(Debug, Args)]
pub(crate) struct Secret {
    /// The container, by name or alias
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The credential; without it they are listed
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose address.
#[derive(Debug, Args)]
pub(crate) struct Url {
    /// The container, by name or alias
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Its port, where it has more than one
    #[arg(value_name = "PORT")]
    pub(crate) port: Option<u16>,
}
