//! "Some of these files changed", by inotify(7).

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

/// Files that are replaced come in several events; they are told as one.
const QUIET: Duration = Duration::from_millis(200);

/// What tokio needs to wait for it.
struct Events(Inotify);

impl AsRawFd for Events {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Calls `changed` whenever one of the files was written, replaced or removed. Watches the
/// directories they stand in, those that exist; returns only with an error.
pub async fn watch_files(files: &[PathBuf], mut changed: impl FnMut()) -> io::Result<()> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let flags = AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE;
    for directory in files.iter().filter_map(|file| file.parent()).filter(|it| it.is_dir()) {
        inotify.add_watch(directory, flags)?;
    }
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
    let events = AsyncFd::register(Events(inotify))?;
    loop {
        let mut ready = events.readable().await?;
        let read = ready.try_io(|inner| inner.get_ref().0.read_events().map_err(io::Error::from));
        let Ok(read) = read else { continue };
        let ours = read?.iter().any(|event| {
            event.name.as_deref().is_some_and(|name| names.contains(&Path::new(name).as_os_str()))
        });
        if ours {
            tokio::time::sleep(QUIET).await;
            changed();
        }
    }
}
