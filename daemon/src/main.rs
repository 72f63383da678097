//! The daemon's command line.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ctrd::os::Paths;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Keeps declared containers running as systemd-nspawn machines.
#[derive(Debug, Parser)]
#[command(name = "ctrd", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon; systemd does this with ctrd.service
    Run {
        /// The declaration
        #[arg(long, value_name = "FILE", default_value = "/etc/ctr/containers.toml")]
        declaration: PathBuf,
        /// Read of devices and drivers what is below this directory, for tests on a host without GPUs
        #[arg(long, value_name = "DIRECTORY", hide = true)]
        hardware: Option<PathBuf>,
    },
    /// Say everything that is wrong with a declaration
    ///
    /// Looks at the file alone, never at the host, so that it can run where the declaration is
    /// written: exit status 0 for a good file, 1 for a bad one.
    Check {
        /// The declaration
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    if ctrd::session::started_as_helper() {
        return ctrd::session::helper_main();
    }
    if ctrd::gpu::meter::started_as_nvml_process() {
        return ctrd::gpu::meter::nvml_process_main();
    }
    match Arguments::parse().command {
        Command::Run {
            declaration,
            hardware,
        } => run(declaration, hardware.as_deref()),
        Command::Check { file } => {
            let colour = std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            ctrd::declaration::check(&file, &mut std::io::stderr(), colour)
                .map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}

fn run(declaration: PathBuf, hardware: Option<&Path>) -> ExitCode {
    ctrd::os::memory::one_heap();
    log();
    let mut paths = Paths {
        declaration,
        ..Paths::default()
    };
    if let Some(directory) = hardware {
        paths = paths.with_hardware_below(directory);
    }
    for (program, place) in [
        ("systemd-nspawn", &mut paths.nspawn),
        ("nft", &mut paths.nft),
    ] {
        let Some(found) = Paths::program(program) else {
            return give_up(&format!(
                "{program} is not installed: ctrd needs systemd-container and nftables"
            ));
        };
        *place = found;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return give_up(&format!("failed to start: {error}")),
    };
    match runtime.block_on(ctrd::run(paths)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => give_up(&format!("{error:#}")),
    }
}

/// The last thing that ctrd says.
///
/// On standard error, which systemd connects to the journal with the unit's name: journald looks up
/// the sender of a message of the native protocol, and finds no unit when the sender has ended by
/// then (systemd-journald.service(8)), so that `journalctl -u ctrd` would lack just this line.
fn give_up(why: &str) -> ExitCode {
    let priority = if started_by_systemd() { "<3>" } else { "" };
    eprintln!("{priority}{why}");
    ExitCode::FAILURE
}

fn started_by_systemd() -> bool {
    std::env::var_os("JOURNAL_STREAM").is_some()
}

/// To the journal where systemd started us, else to standard error.
fn log() {
    let registry =
        tracing_subscriber::registry().with(tracing_subscriber::filter::LevelFilter::INFO);
    match tracing_journald::layer() {
        Ok(journal) if started_by_systemd() => {
            registry
                // The fields have the names that docs/reference/journal.md promises.
                .with(
                    journal
                        .with_syslog_identifier("ctrd".to_owned())
                        .with_field_prefix(None),
                )
                .init();
        }
        _ => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_writer(std::io::stderr)
                    .without_time(),
            )
            .init(),
    }
}
