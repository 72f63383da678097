//! The links, made and taken away. Everything here can be repeated after it was cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};

use super::view::Views;
use super::view_error::ViewError;
use crate::os::failpoint;

/// What a link is called until it leads where it should: no machine id.
const UNFINISHED: &str = ".unfinished";

/// Makes these views as they should be, and leaves others alone.
///
/// A link whose journal is not there would be complained about by whoever reads: it is made when the
/// journal is.
pub fn put_views(views: &Views) -> Result<(), ViewError> {
    for (view, links) in views {
        let before = entries(view)?;
        if before.is_empty() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(view)
                .map_err(ViewError::new("make", view))?;
            failpoint("view made");
        }
        for (name, target) in links {
            let link = view.join(name);
            let there = target
                .try_exists()
                .map_err(ViewError::new("look at", target))?;
            if there {
                put_link(view, &link, target)?;
            } else if before.contains(&link) {
                remove_link(&link)?;
            }
        }
    }
    Ok(())
}

/// Takes away what is below `root` and not in these views. Answers with what the links led to that went
/// with the whole of their view.
pub fn prune_views(root: &Path, views: &Views) -> Result<BTreeSet<PathBuf>, ViewError> {
    let mut led_to = BTreeSet::new();
    for kind in entries(root)? {
        for view in entries(&kind)? {
            let wanted = views.get(&view);
            for link in entries(&view)? {
                if has(wanted, &link) {
                    continue;
                }
                if wanted.is_none() {
                    led_to.extend(fs::read_link(&link));
                }
                remove_link(&link)?;
                failpoint("link to a journal removed");
            }
            if wanted.is_none() {
                fs::remove_dir(&view).map_err(ViewError::new("remove", &view))?;
                failpoint("view removed");
            }
        }
    }
    Ok(led_to)
}

/// Takes everything below `root` away, and itself.
pub fn remove_views(root: &Path) -> Result<(), ViewError> {
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(ViewError::new("remove", root)(error))
        }
        _ => Ok(()),
    }
}

fn has(links: Option<&BTreeMap<String, PathBuf>>, link: &Path) -> bool {
    let name = link.file_name().and_then(OsStr::to_str);
    links
        .zip(name)
        .is_some_and(|(links, name)| links.contains_key(name))
}

/// A reader finds the old link or the new one, never none.
fn put_link(view: &Path, link: &Path, target: &Path) -> Result<(), ViewError> {
    if fs::read_link(link).is_ok_and(|it| it == target) {
        return Ok(());
    }
    let unfinished = view.join(UNFINISHED);
    remove_link(&unfinished)?;
    symlink(target, &unfinished).map_err(ViewError::new("make", &unfinished))?;
    failpoint("link to a journal made");
    fs::rename(&unfinished, link).map_err(ViewError::new("make", link))?;
    failpoint("link to a journal named");
    Ok(())
}

fn remove_link(link: &Path) -> Result<(), ViewError> {
    match fs::remove_file(link) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(ViewError::new("remove", link)(error))
        }
        _ => Ok(()),
    }
}

/// What is in a directory; nothing where there is none.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, ViewError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(directory)?.map(|it| Ok(it?.path())).collect()
    };
    match list() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(ViewError::new("list", directory)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::{UNFINISHED, prune_views, put_views, remove_views};
    use crate::journal::view::Views;

    /// What stands below, links with what they lead to.
    fn shown(root: &Path) -> Vec<String> {
        let mut shown = Vec::new();
        let mut left = vec![root.to_owned()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                let name = path.strip_prefix(root).expect("below").display();
                if let Ok(target) = fs::read_link(&path) {
                    shown.push(format!("{name} -> {}", target.display()));
                } else {
                    shown.push(name.to_string());
                    left.push(path);
                }
            }
        }
        shown.sort();
        shown
    }

    fn views(view: PathBuf, links: &[(&str, &Path)]) -> Views {
        let links = links.iter();
        let links = links.map(|(name, target)| ((*name).to_owned(), target.to_path_buf()));
        Views::from([(view, links.collect())])
    }

    #[test]
    fn a_link_stands_while_what_it_leads_to_does() {
        let directory = tempfile::tempdir().expect("a directory");
        let (root, journal) = (directory.path().join("v"), directory.path().join("j"));
        let wanted = views(root.join("machine/a"), &[("4d", &journal)]);
        put_views(&wanted).expect("put");
        assert_eq!(shown(&root), ["machine", "machine/a"]);
        fs::create_dir(&journal).expect("a journal");
        let with = format!("machine/a/4d -> {}", journal.display());
        for _ in 0..2 {
            put_views(&wanted).expect("put");
            assert_eq!(shown(&root), ["machine", "machine/a", &with]);
        }
        fs::remove_dir(&journal).expect("no journal");
        put_views(&wanted).expect("put");
        assert_eq!(shown(&root), ["machine", "machine/a"]);
    }

    #[test]
    fn what_was_cut_off_or_meddled_with_is_mended() {
        let directory = tempfile::tempdir().expect("a directory");
        let (root, journal) = (directory.path().join("v"), directory.path().join("j"));
        fs::create_dir(&journal).expect("a journal");
        let view = root.join("machine/a");
        fs::create_dir_all(&view).expect("a view");
        for name in ["4d", "4e", UNFINISHED] {
            symlink("/elsewhere", view.join(name)).expect("a link");
        }
        fs::create_dir_all(root.join("group/gone")).expect("a view");
        symlink(&journal, root.join("group/gone/4d")).expect("a link");
        let wanted = views(view, &[("4d", &journal)]);
        put_views(&wanted).expect("put");
        let led_to = prune_views(&root, &wanted).expect("pruned");
        assert!(led_to.iter().eq([&journal]), "{led_to:?}");
        let with = format!("machine/a/4d -> {}", journal.display());
        assert_eq!(shown(&root), ["group", "machine", "machine/a", &with]);
        assert!(journal.exists(), "a link was followed");
        for _ in 0..2 {
            remove_views(&root).expect("removed");
            assert!(!root.exists() && journal.exists());
        }
    }
}
