//! The program that `ctrd` starts for each session: this same program, by another name.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::stdio::dup2_stdin;

use super::handover;
use super::monitor::{self, open_directory};
use super::syscalls::{Side, SingleThreaded, Strays, fork_into, strays};

/// The name that the helper is started by.
pub(super) const NAME: &str = "ctrd-session";

/// Whether this process was started as a session's helper. Ask before anything else is done.
pub fn started_as_helper() -> bool {
    std::env::args_os().next().is_some_and(|name| name == NAME)
}

/// The whole life of a helper: takes over, leaves a process that watches the session in the
/// container's own cgroup, and ends.
///
/// Must be the first thing that the program does: it forks, so it may have no other thread, and it
/// closes every descriptor above the standard three.
pub fn helper_main() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where a handover came from, a reason goes to.
            if let Ok(to) = io::stdin().as_fd().try_clone_to_owned() {
                let _ = UnixStream::from(to).write_all(error.to_string().as_bytes());
            }
            ExitCode::FAILURE
        }
    }
}

fn begin() -> io::Result<()> {
    strays(Strays::Close)?;
    let threads = SingleThreaded::check()?;
    let daemon = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let handover = handover::receive(&daemon)?;
    let cgroup = open_directory(&handover.spec.supervisor_cgroup())?;
    match fork_into(threads, cgroup.as_fd())? {
        Side::Parent(_) => Ok(()),
        Side::Child => {
            // `ctrd` waits for the end of this line, and the session must not hold it.
            drop((daemon, cgroup));
            let nothing = OwnedFd::from(File::open("/dev/null")?);
            dup2_stdin(&nothing)?;
            drop(nothing);
            monitor::run(threads, handover);
            Ok(())
        }
    }
}
