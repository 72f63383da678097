//! What a ctrd has left that ended between making something and giving it its name.

use std::fs;
use std::path::Path;

use crate::machine::root;
use crate::os::{Paths, durable};

use super::marks;

/// Takes it away. Nothing else of ctrd may run yet: it would be taken from under it.
pub(super) fn remove_unfinished(paths: &Paths) {
    let mark = format!(".{}", marks::UNFINISHED);
    remove(&paths.marks(), |name| name.ends_with(&mark));
    remove(&paths.gc_roots(), |name| {
        name.ends_with(durable::UNFINISHED)
    });
    remove(&paths.state, |name| {
        name.starts_with(root::UNFINISHED) || name.ends_with(durable::UNFINISHED)
    });
}

/// Removes the files and empty directories of these names. What cannot be removed is no harm: whoever
/// needs the name makes it anew, or says why not.
fn remove(directory: &Path, is_unfinished: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(&is_unfinished) {
            let path = entry.path();
            let removed = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
            if let Err(error) = removed {
                tracing::warn!("failed to remove {}: {error}", path.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::remove_unfinished;
    use crate::os::Paths;

    #[test]
    fn what_has_no_name_of_its_own_yet_goes_and_the_rest_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            run: directory.path().join("run"),
            state: directory.path().join("state"),
            ..Paths::default()
        };
        remove_unfinished(&paths);
        for kept in [
            paths.state.join("lab-new"),
            paths.state.join(".giving-lab-a"),
        ] {
            std::fs::create_dir_all(kept).expect("made");
        }
        std::fs::create_dir(paths.state.join(".new-lab-a")).expect("made");
        std::fs::create_dir_all(paths.marks()).expect("made");
        for name in ["lab-a", "lab-a.new"] {
            std::fs::write(paths.marks().join(name), "stopped\n").expect("written");
        }
        for name in [".new-giving-lab-a", ".digest-key:unfinished"] {
            std::fs::write(paths.state.join(name), "").expect("written");
        }
        remove_unfinished(&paths);
        let names = |path: &std::path::Path| {
            let entries = std::fs::read_dir(path).expect("listed").flatten();
            let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&paths.state), [".giving-lab-a", "lab-new"]);
        assert_eq!(names(&paths.marks()), ["lab-a"]);
    }
}
