//! Word of the names of namespaces: somebody deleted one.
//!
//! Whoever takes a name away unmounts the file and removes it (`ip netns del`); the second is what
//! inotify(7) tells. A file that was only unmounted is noticed at the next look.

use std::io;
use std::path::Path;
use std::sync::Weak;

use futures_util::StreamExt;
use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask, Watches};

use super::follow::Follow;

/// The prefix of the names of ours.
const PREFIX: &str = "ctr-";

/// Tells the machines whose namespace loses its name; returns only with an error, or when nobody
/// follows any more.
pub(super) async fn follow_names(directory: &Path, follow: Weak<Follow>) -> io::Result<()> {
    let inotify = Inotify::init()?;
    let mut watches = inotify.watches();
    let mut names = watch_names(&mut watches, directory)?;
    // The directory itself may be taken away, and made again by somebody's `ip netns add`.
    let (parent, own) = (directory.parent(), directory.file_name());
    let above = match parent {
        Some(parent) => Some(watches.add(parent, WatchMask::CREATE | WatchMask::ONLYDIR)?),
        None => None,
    };
    let mut stream = inotify.into_event_stream(vec![0; 4096])?;
    while let Some(event) = stream.next().await {
        let Event { wd, mask, name, .. } = event?;
        let Some(follow) = follow.upgrade() else {
            return Ok(());
        };
        if mask.contains(EventMask::Q_OVERFLOW) {
            follow.tell_all();
        } else if Some(&wd) == above.as_ref() {
            if name.as_deref() == own {
                names = watch_names(&mut watches, directory)?;
                follow.tell_all();
            }
        } else if Some(&wd) == names.as_ref() {
            match name.as_ref().and_then(|name| name.to_str()) {
                Some(name) => {
                    if let Some(machine) = name.strip_prefix(PREFIX) {
                        follow.tell_machine(machine);
                    }
                }
                // The directory went.
                None => follow.tell_all(),
            }
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Watches the directory, if it is there.
fn watch_names(watches: &mut Watches, directory: &Path) -> io::Result<Option<WatchDescriptor>> {
    let events = WatchMask::DELETE | WatchMask::MOVED_FROM | WatchMask::DELETE_SELF;
    match watches.add(directory, events | WatchMask::ONLYDIR) {
        Ok(watch) => Ok(Some(watch)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
