//! A real terminal of a host, driven by a test: type, wait for an answer, change the size.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::fcntl::OFlag;
use rustix::pty::{ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::cgroup::Cgroup;
use crate::command::{code, wait};
use crate::stream::Stream;

/// A command on a terminal of its host. What it wrote and was not yet expected waits in order.
#[derive(Debug)]
pub struct Terminal {
    master: File,
    child: Child,
    cgroup: Cgroup,
    screen: Stream,
}

impl Terminal {
    /// Both ends of a new terminal among those of the host with this PID 1, so that it has a name there.
    pub(crate) fn open(leader: u32) -> Result<(File, File)> {
        let pts = Path::new("/proc")
            .join(leader.to_string())
            .join("root/dev/pts");
        let open = |path: &Path| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(OFlag::O_NOCTTY.bits())
                .open(path)
                .with_context(|| format!("failed to open {}", path.display()))
        };
        let master = open(&pts.join("ptmx"))?;
        unlockpt(&master).context("failed to unlock a terminal")?;
        let name = ptsname(&master, Vec::new()).context("failed to name a terminal")?;
        let number = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()))
            .file_name()
            .context("a terminal without a number")?
            .to_owned();
        let slave = open(&pts.join(number))?;
        set_size(&master, 80, 24)?;
        Ok((master, slave))
    }

    pub(crate) fn new(master: File, child: Child, cgroup: Cgroup) -> Result<Self> {
        let screen = Stream::of(master.try_clone()?);
        Ok(Self {
            master,
            child,
            cgroup,
            screen,
        })
    }

    /// Types this; `\r` is the enter key.
    pub fn send(&mut self, keys: &str) -> Result<()> {
        self.master
            .write_all(keys.as_bytes())
            .context("failed to type")
    }

    /// Waits until this text was written, takes everything up to its end, and returns it.
    pub fn expect(&mut self, text: &str, timeout: Duration) -> Result<String> {
        self.screen.expect(text, timeout)
    }

    /// Everything written since the last expectation.
    pub fn rest(&self) -> String {
        self.screen.text()
    }

    /// Changes the size, which the kernel tells the programs on it.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        set_size(&self.master, columns, rows)
    }

    /// Waits for the command's end and returns its exit status.
    pub fn wait(&mut self, timeout: Duration) -> Result<i32> {
        match wait(&mut self.child, timeout)? {
            Some(status) => Ok(code(status)),
            None => bail!(
                "the command still runs; its terminal shows {:?}",
                self.rest()
            ),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The host may be gone already, and its cgroup and processes with it.
        let _ = self.cgroup.kill();
        let _ = self.child.wait();
        self.cgroup.remove_if_empty();
    }
}

pub(crate) fn set_size(terminal: &File, columns: u16, rows: u16) -> Result<()> {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).context("failed to set a terminal's size")
}
