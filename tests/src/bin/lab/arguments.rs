//! The lab's command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Boot a throwaway systemd host in namespaces, with this build's ctrd and ctr
///
/// The host boots in about a second, reaches nothing outside this machine, and is gone when the
/// command ends. It needs root; missing Debian packages are installed and named.
#[derive(Debug, Parser)]
#[command(name = "lab", bin_name = "cargo lab")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start the ten kernelcore containers, prove that they answer, and leave a shell there
    Demo(Demo),
    /// Run a script as root on a host and exit with its status
    Run(Script),
    /// Open a shell on a host
    Shell(On),
    /// Run a script as root on a host with a kernel of its own: a virtual machine, where limits hold
    Vm(Script),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after the proof instead of leaving a shell
    #[arg(long)]
    pub(crate) no_shell: bool,
}

/// What the host runs.
#[derive(Debug, Args)]
pub(crate) struct On {
    /// The declaration that ctrd runs [default: docs/examples/kernelcore.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) declaration: Option<PathBuf>,
    /// A recorded machine whose devices and drivers ctrd finds instead of the host's own
    #[arg(long, value_name = "FILE")]
    pub(crate) hardware: Option<PathBuf>,
    /// A host without ctrd and ctr
    #[arg(long, conflicts_with_all = ["declaration", "hardware"])]
    pub(crate) bare: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Script {
    /// The bash script to run
    #[arg(value_name = "SCRIPT")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) on: On,
    /// Words the script gets
    #[arg(last = true)]
    pub(crate) arguments: Vec<OsString>,
}
