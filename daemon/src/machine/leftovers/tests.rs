use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use super::{delete_leftover, leftovers};
use crate::machine::root::machine_id;
use crate::model::MachineName;
use crate::os::Paths;

const BASE: u32 = 524_288;

fn paths(directory: &tempfile::TempDir) -> Paths {
    assert!(nix::unistd::geteuid().is_root(), "run this test as root");
    Paths {
        state: directory.path().join("state"),
        journal: directory.path().join("journal"),
        ..Paths::default()
    }
}

fn machine(name: &str) -> MachineName {
    name.parse().expect("valid")
}

fn make(path: &Path, owner: u32) {
    fs::create_dir_all(path.join("upper")).expect("made");
    fs::write(path.join("upper/data"), "x".repeat(10_000)).expect("written");
    chown(path, Some(owner), Some(owner)).expect("given");
}

fn names(paths: &Paths) -> Vec<String> {
    let found = leftovers(paths, |machine| machine.as_str() == "ml-kept").expect("listed");
    found.iter().map(|it| it.machine.to_string()).collect()
}

#[test]
fn what_is_ours_and_not_kept_is_found_and_deleted_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = paths(&directory);
    let state = |name: &str| paths.machine_state(&machine(name));
    make(&state("ml-kept"), BASE);
    make(&state("ml-old"), BASE + 65_536);
    make(&state("ml-host"), 0);
    fs::create_dir_all(paths.machine_secrets(&machine("ml-old"))).expect("made");
    fs::write(paths.machine_secrets(&machine("ml-old")).join("token"), "x").expect("written");
    let journal = paths.journal.join(machine_id(&machine("ml-old")));
    fs::create_dir_all(&journal).expect("made");
    fs::write(journal.join("system.journal"), "x").expect("written");
    // Somebody's, by its owner; somebody's, by what it holds; no machine's.
    make(&state("ml-alice"), 1000);
    make(&state("ml-shape"), 0);
    fs::write(state("ml-shape").join("thesis"), "").expect("written");
    fs::create_dir(paths.state.join("lost+found")).expect("made");
    symlink("/etc", state("ml-link")).expect("a link");
    // What a ctrd that was killed leaves.
    make(&paths.state.join(".prune-ml-half"), BASE);
    fs::create_dir(paths.state.join(".new-ml-unborn")).expect("made");
    fs::write(paths.state.join(".giving-ml-given"), "").expect("written");

    assert_eq!(
        names(&paths),
        ["ml-given", "ml-half", "ml-host", "ml-old", "ml-unborn"]
    );
    let found = leftovers(&paths, |_| false).expect("listed");
    let old = found.iter().find(|it| it.machine.as_str() == "ml-old");
    let old = old.expect("listed");
    assert_eq!(old.paths.len(), 3, "{old:#?}");
    assert!(old.size >= 10_000 && old.last_used_ms.is_some(), "{old:#?}");

    for name in names(&paths) {
        let deleted = delete_leftover(&paths, &machine(&name)).expect("deleted");
        assert!(!deleted.is_empty());
        assert!(
            delete_leftover(&paths, &machine(&name))
                .expect("again")
                .is_empty()
        );
    }
    assert!(names(&paths).is_empty());
    assert!(!journal.exists() && !paths.machine_secrets(&machine("ml-old")).exists());
    for kept in ["ml-kept", "ml-alice", "ml-shape", "lost+found"] {
        assert!(paths.state.join(kept).exists(), "{kept}");
    }
    assert!(Path::new("/etc/passwd").exists());
    let dots = fs::read_dir(&paths.state).expect("listed").flatten();
    let dots: Vec<_> = dots
        .map(|it| it.file_name())
        .filter(|it| it.as_encoded_bytes().starts_with(b".") && it != ".secrets")
        .collect();
    assert!(dots.is_empty(), "{dots:?}");
}
