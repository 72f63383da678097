use super::{HostPathError, make_host_directory, open_as_far, open_host};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};

#[test]
fn a_link_of_root_leads_anywhere_and_one_of_somebody_else_nowhere() {
    assert!(nix::unistd::geteuid().is_root(), "run this test as root");
    let place = tempfile::tempdir().expect("a directory");
    let at = |name: &str| place.path().join(name);
    std::fs::create_dir_all(at("home/alice/data")).expect("made");
    symlink("../home/alice/../alice", at("home/roots")).expect("a link");
    let opened = open_host(&at("home/roots/data")).expect("root's link is followed");
    assert_eq!(opened.path, at("home/alice/data"));

    symlink("/etc", at("home/alice/etc")).expect("a link");
    assert_eq!(
        open_host(&at("home/alice/etc/passwd"))
            .expect("root's")
            .path,
        std::path::Path::new("/etc/passwd")
    );
    lchown(at("home/alice/etc"), Some(1000), Some(1000)).expect("given");
    for path in ["home/alice/etc", "home/alice/etc/passwd"] {
        let error = open_host(&at(path)).expect_err("alice's link is not followed");
        assert!(
            matches!(&error, HostPathError::LinkOfAnother { link, .. } if *link == at("home/alice/etc")),
            "{error}"
        );
    }
}

#[test]
fn a_circle_of_links_has_an_end() {
    let place = tempfile::tempdir().expect("a directory");
    symlink("b", place.path().join("a")).expect("a link");
    symlink("a", place.path().join("b")).expect("a link");
    assert!(matches!(
        open_host(&place.path().join("a")),
        Err(HostPathError::TooManyLinks { .. })
    ));
}

#[test]
fn a_directory_is_made_with_its_owner_and_what_is_above_it_with_the_owner_above_that() {
    assert!(nix::unistd::geteuid().is_root(), "run this test as root");
    let place = tempfile::tempdir().expect("a directory");
    let home = place.path().join("alice");
    std::fs::create_dir(&home).expect("made");
    lchown(&home, Some(1000), Some(1001)).expect("given");
    // A crash has left the beginning of it.
    std::fs::create_dir(home.join(".ctr-new-share")).expect("left behind");
    make_host_directory(&home.join("share/www"), 33, 34).expect("made");
    let owner = |path: &str| {
        let it = std::fs::metadata(home.join(path)).expect("there");
        (it.uid(), it.gid())
    };
    assert_eq!(
        (owner("share"), owner("share/www")),
        ((1000, 1001), (33, 34))
    );
    make_host_directory(&home.join("share/www"), 1, 1).expect("there");
    assert_eq!(
        owner("share/www"),
        (33, 34),
        "what is there keeps its owner"
    );
}

#[test]
fn one_directory_is_made_however_many_ask_for_it() {
    assert!(nix::unistd::geteuid().is_root(), "run this test as root");
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("a/b/c");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || make_host_directory(&path, 33, 33).map(drop))
        })
        .collect();
    for thread in threads {
        thread.join().expect("ended").expect("made, or there");
    }
    assert_eq!(std::fs::metadata(&path).expect("there").uid(), 33);
}

#[test]
fn nothing_of_somebody_elses_is_given_away_for_a_new_directory() {
    assert!(nix::unistd::geteuid().is_root(), "run this test as root");
    let place = tempfile::tempdir().expect("a directory");
    let fresh = place.path().join(".ctr-new-share");
    std::fs::create_dir(&fresh).expect("made");
    std::fs::write(fresh.join("file"), "root's").expect("written");
    let error = make_host_directory(&place.path().join("share"), 1000, 1000);
    assert!(
        matches!(error, Err(HostPathError::NotOurs { .. })),
        "{error:?}"
    );
    assert_eq!(std::fs::metadata(&fresh).expect("there").uid(), 0);
}

#[test]
fn one_closed_directory_on_the_way_closes_all_below() {
    let place = tempfile::tempdir_in("/").expect("a directory");
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    let root = place.path().join("closed/root");
    std::fs::create_dir_all(&root).expect("made");
    mode(place.path(), 0o755);
    assert!(open_host(&root).expect("there").open_to_all);
    mode(&place.path().join("closed"), 0o750);
    assert!(!open_host(&root).expect("there").open_to_all);
    let (last, whole) = open_as_far(&root.join("a/b")).expect("as far as it goes");
    assert!(last.path == root && !whole);
}
