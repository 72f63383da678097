//! "Some of these files changed", by inotify(7).

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use inotify::{Inotify, WatchMask};

/// Files that are replaced come in several events; they are told as one.
const QUIET: Duration = Duration::from_millis(200);

/// Calls `changed` whenever one of the files was written, replaced or removed. Watches the
/// directories they stand in, those that exist; returns only with an error.
pub async fn watch_files(files: &[PathBuf], mut changed: impl FnMut()) -> io::Result<()> {
    let inotify = Inotify::init()?;
    let events =
        WatchMask::CLOSE_WRITE | WatchMask::MOVED_TO | WatchMask::CREATE | WatchMask::DELETE;
    for directory in files
        .iter()
        .filter_map(|file| file.parent())
        .filter(|it| it.is_dir())
    {
        inotify.watches().add(directory, events)?;
    }
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name()).collect();
    let mut stream = inotify.into_event_stream(vec![0; 4096])?;
    while let Some(event) = stream.next().await {
        if event?
            .name
            .is_some_and(|name| names.contains(&name.as_os_str()))
        {
            tokio::time::sleep(QUIET).await;
            changed();
        }
    }
    Err(io::Error::from(io::ErrorKind::UnexpectedEof))
}
