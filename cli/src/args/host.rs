//! The commands of the whole host.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::group::{Look, SettleAll};

/// What concerns every group.
#[derive(Debug, Subcommand)]
pub(crate) enum HostVerb {
    /// Show every group
    Status(Look),
    /// Start every container
    StartAll(SettleAll),
    /// Stop every container
    StopAll(SettleAll),
    /// Restart every container
    RestartAll(SettleAll),
    /// Show what the declaration would change, and why
    Plan {
        /// A declaration to try, `-` for stdin; the one in place if absent
        file: Option<PathBuf>,
        /// End with status 6 if anything would change
        #[arg(long)]
        exit_code: bool,
        /// Show every step, and containers that stay as they are
        #[arg(long, short)]
        verbose: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Read the declaration again and make it so
    Apply {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Say whether a file is a valid declaration, without asking the daemon
    Check {
        /// The declaration
        file: PathBuf,
    },
    /// Show the host's graphics processors, or what is wrong with them
    #[command(args_conflicts_with_subcommands = true)]
    Gpu {
        /// What to do; `list` if absent
        #[command(subcommand)]
        verb: Option<GpuVerb>,
        #[command(flatten)]
        format: Format,
    },
    /// Print every change of state as it happens
    Events {
        /// Print one JSON document a line
        #[arg(long)]
        json: bool,
    },
    /// Stop everything and take away bridges, firewall and namespaces; data stays
    Down {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List the data of containers that are declared no more, and delete it when asked
    Prune {
        /// Machines whose data is deleted, as `ctr prune` names them
        #[arg(value_name = "MACHINE")]
        machines: Vec<String>,
        /// Delete what is left of all of them
        #[arg(long, conflicts_with = "machines")]
        all: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Print shell aliases: `ml-ollama-enter`, `dev-pg-psql`, `ml-start-all`
    Aliases {
        /// The shell to write them for; yours if absent
        #[arg(long, value_enum)]
        shell: Option<Shell>,
    },
    /// Print the script that completes commands, groups and names
    Completions {
        /// The shell to write it for
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the manual pages into a directory
    #[command(hide = true)]
    Man {
        /// The directory
        directory: PathBuf,
    },
    /// Print the versions of ctr and of the running ctrd
    Version,
}

/// What concerns graphics processors.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum GpuVerb {
    /// List them: driver, memory, device nodes, and which containers have them
    List(Format),
    /// Say what is missing and how to mend it; ends with 1 if something is
    Check(Format),
}

/// For people, or for programs.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// A shell that we write for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Bourne-again shell
    Bash,
    /// Z shell
    Zsh,
    /// Friendly interactive shell
    Fish,
}

impl Shell {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}
