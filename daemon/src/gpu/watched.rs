//! The directories whose changes say that graphics processors may have changed.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use inotify::{Event, EventMask, WatchDescriptor, WatchMask, Watches};

use crate::os::Paths;

/// Which names in a directory matter.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    /// All.
    All,
    /// Those that drivers make in /dev.
    Devices,
    /// Specifications of the Container Device Interface: `.json` and `.yaml`.
    Specifications,
    /// This one.
    One(OsString),
}

impl Names {
    fn has(&self, name: &OsStr) -> bool {
        match self {
            Self::All => true,
            Self::Devices => {
                name == "dri" || name == "kfd" || name.as_bytes().starts_with(b"nvidia")
            }
            Self::Specifications => {
                let end = Path::new(name).extension();
                end.is_some_and(|end| end == "json" || end == "yaml")
            }
            Self::One(own) => name == own,
        }
    }

    fn events(&self) -> WatchMask {
        let come_and_go = WatchMask::CREATE | WatchMask::DELETE | WatchMask::MOVE;
        come_and_go
            | match self {
                // Whoever made a node says afterwards who may open it.
                Self::All | Self::Devices => WatchMask::ATTRIB,
                // One that others could have written is mended by changing its owner or mode, or its directory's.
                Self::Specifications => WatchMask::CLOSE_WRITE | WatchMask::ATTRIB,
                Self::One(_) => WatchMask::empty(),
            }
    }
}

/// What is watched at this time. Directories that are not there are waited for in the one above.
pub(super) struct Watched {
    watches: Watches,
    wanted: Vec<(PathBuf, Names)>,
    now: HashMap<WatchDescriptor, Vec<Names>>,
}

impl Watched {
    pub(super) fn new(paths: &Paths, watches: Watches) -> Self {
        let mut wanted = vec![
            (paths.dev.clone(), Names::Devices),
            (paths.dev.join("dri"), Names::All),
            (paths.dev.join("nvidia-caps"), Names::All),
        ];
        let specifications = paths.cdi.iter().cloned();
        wanted.extend(specifications.map(|it| (it, Names::Specifications)));
        if let (Some(parent), Some(name)) = (
            paths.opengl_driver.parent(),
            paths.opengl_driver.file_name(),
        ) {
            wanted.push((parent.to_owned(), Names::One(name.to_owned())));
        }
        Self {
            watches,
            wanted,
            now: HashMap::new(),
        }
    }

    /// Watches what there is now to watch. May be called again, and has to be after each change.
    pub(super) fn arm(&mut self) -> io::Result<()> {
        let mut now: HashMap<WatchDescriptor, Vec<Names>> = HashMap::new();
        for (directory, names) in &self.wanted {
            let (mut directory, mut names) = (directory.as_path(), names.clone());
            loop {
                if let Some(watch) = add(&mut self.watches, directory, &names)? {
                    now.entry(watch).or_default().push(names);
                    break;
                }
                let (Some(above), Some(name)) = (directory.parent(), directory.file_name()) else {
                    break;
                };
                (directory, names) = (above, Names::One(name.to_owned()));
            }
        }
        for (watch, _) in self.now.drain() {
            if !now.contains_key(&watch) {
                // The kernel forgets by itself what is gone.
                let _ = self.watches.remove(watch);
            }
        }
        self.now = now;
        Ok(())
    }

    /// Whether an event says that something changed.
    pub(super) fn concerns(&self, event: &Event<&OsStr>) -> bool {
        if event.mask.contains(EventMask::Q_OVERFLOW) {
            return true;
        }
        let Some(names) = self.now.get(&event.wd) else {
            return false;
        };
        let gone = EventMask::DELETE_SELF | EventMask::MOVE_SELF | EventMask::IGNORED;
        match event.name {
            Some(name) => names.iter().any(|names| names.has(name)),
            None => event.mask.intersects(gone | EventMask::ATTRIB),
        }
    }
}

/// Watches a directory, if it is there.
fn add(
    watches: &mut Watches,
    directory: &Path,
    names: &Names,
) -> io::Result<Option<WatchDescriptor>> {
    // One directory may be watched for several ends.
    let events = names.events()
        | WatchMask::DELETE_SELF
        | WatchMask::MOVE_SELF
        | WatchMask::ONLYDIR
        | WatchMask::MASK_ADD;
    match watches.add(directory, events) {
        Ok(watch) => Ok(Some(watch)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
