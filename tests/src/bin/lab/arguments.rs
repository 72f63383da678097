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
    Vm(VmScript),
    /// Measure how long things take, beside what people use instead
    ///
    /// Each case boots a host of its own with ctrd and ctr built for release, and has ctr and its peers take turns at the same
    /// work. Figures of one run are compared with each other; nothing is asserted.
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure [default: everything]
    #[arg(value_name = "CASE")]
    pub(crate) cases: Vec<String>,
    /// How many turns each takes that count [default: the case's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) turns: Option<u32>,
    /// Write everything that was measured to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Print one table in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
    /// Print the cases
    #[arg(long)]
    pub(crate) list: bool,
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
    /// A host with what `cargo lab bench` compares with: podman and iperf3 besides systemd-nspawn
    #[arg(long)]
    pub(crate) peers: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VmScript {
    /// A machine with a graphics processor
    #[arg(long)]
    pub(crate) gpu: bool,
    #[command(flatten)]
    pub(crate) script: Script,
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
