//! No CDI specification makes the reading panic, hang, or take memory out of proportion.

mod cdi_reading;

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use ctrd::gpu::cdi::{CdiError, FILES_MAX, SIZE_MAX, edits};
use ctrd::gpu::{Gpu, Inventory, Node, Vendor};
use proptest::prelude::*;

use cdi_reading::{Host, name, read};

/// Why nothing is given, and whose fault that is.
fn refusal(host: &Host) -> (PathBuf, String) {
    match host.edits() {
        Err(CdiError::Refused { file, reason, hint }) => {
            assert!(!hint.is_empty());
            (file, reason)
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// Gives the device `x.org/gpu=a`, the null device under another name.
const GOOD: &str = r#"{"cdiVersion": "0.6.0", "kind": "x.org/gpu", "devices": [{"name": "a",
    "containerEdits": {"deviceNodes": [{"path": "/dev/x", "hostPath": "/dev/null"}]}}]}"#;

fn cases() -> Vec<Vec<u8>> {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cdi_cases");
    let mut all = Vec::new();
    for folder in fs::read_dir(folders).expect("the folders are there") {
        for file in fs::read_dir(folder.expect("readable").path()).expect("a folder") {
            let path = file.expect("readable").path();
            if path
                .extension()
                .is_some_and(|it| it == "json" || it == "yaml")
            {
                all.push(fs::read(path).expect("readable"));
            }
        }
    }
    all.sort();
    all
}

/// Pieces that mean something in JSON, in YAML or in a specification.
const PIECES: [&str; 28] = [
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "- ",
    "\n",
    "\n  ",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "|",
    "---\n",
    "\0",
    "\u{202e}",
    "-1",
    "1e999",
    "null",
    "kind: x.org/gpu",
    "\"devices\":",
    "../..",
    "/dev/null",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_to_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn arbitrary_pieces_are_read_to_the_end(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..60),
    ) {
        read(pieces.concat().as_bytes());
    }

    #[test]
    fn changed_specifications_are_read_to_the_end(
        mut bytes in proptest::sample::select(cases()),
        changes in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..12, proptest::sample::select(PIECES.to_vec())),
            1..6,
        ),
    ) {
        for (place, removed, piece) in changes {
            let start = place.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            bytes.splice(start..end, piece.bytes());
        }
        read(&bytes);
    }
}

#[test]
fn what_was_not_written_to_its_end_is_read_to_its_end() {
    for bytes in cases() {
        // A few of the small ones, many of what a tool writes.
        let count = if bytes.len() > 2000 { 100 } else { 5 };
        for end in (0..bytes.len()).step_by(1 + bytes.len() / count) {
            read(&bytes[..end]);
        }
    }
}

/// As large as is accepted.
fn filled(start: &str, piece: &str, end: &str) -> Vec<u8> {
    let room = SIZE_MAX - start.len() - end.len();
    format!("{start}{}{end}", piece.repeat(room / piece.len())).into_bytes()
}

#[test]
fn a_large_file_takes_no_memory_out_of_proportion() {
    let json = r#"{"cdiVersion":"0.6.0","kind":"x.org/gpu","#;
    for (start, piece, end) in [
        ("", "[", ""),
        ("", "{\"a\":", ""),
        ("\"x\":", "[", ""),
        ("\"x\":[", "[],", "[]]}"),
        ("\"devices\":[", "{\"name\":\"\"},", "{}]}"),
        (
            "\"containerEdits\":{\"deviceNodes\":[",
            "{\"path\":\"\"},",
            "]}}",
        ),
        ("\"containerEdits\":{\"env\":[", "\"\",", "\"\"]}}"),
        ("\"x\":{", "\"k\":1,", "\"k\":1}}"),
        ("\"x\":\"", "\\u0000", "\"}"),
    ] {
        let (start, end) = (format!("{json}{start}"), end);
        read(&filled(&start, piece, end));
    }
    for (start, piece, end) in [
        ("", "- ", ""),
        ("", "? ", ""),
        ("", "&a ", ""),
        ("a: &a x\nb: [", "*a,", "]"),
        ("", "a: *a\n", ""),
        ("", "---\n", ""),
        ("", "#\n", ""),
        ("x: |\n", "  a\n", ""),
        ("x: {", "a, ", "}"),
        ("devices:\n", "- {name: a}\n", ""),
    ] {
        read(&filled(start, piece, end));
    }
}

#[test]
fn a_file_over_the_bound_is_refused_unread() {
    let host = Host::new();
    let path = host.write("x.json", &vec![b' '; SIZE_MAX + 1]);
    let (file, reason) = refusal(&host);
    assert_eq!(file, path);
    assert!(reason.contains("more than 1048576 bytes"), "{reason}");
    let room = SIZE_MAX - GOOD.len();
    host.write("x.json", format!("{GOOD}{}", " ".repeat(room)).as_bytes());
    host.edits().expect("it is within the bound");
}

#[test]
fn a_list_over_the_bound_is_refused() {
    let host = Host::new();
    let with = |count: usize| {
        let more = "\"X=1\",".repeat(count - 1);
        let env = format!(r#"{{"containerEdits": {{"env": [{more}"X=1"]}},"#);
        host.write("x.json", GOOD.replacen('{', &env, 1).as_bytes());
    };
    with(4096);
    host.edits().expect("it is within the bound");
    with(4097);
    let (_, reason) = refusal(&host);
    assert!(reason.contains("more than 4096 entries"), "{reason}");
}

#[test]
fn too_many_files_are_refused() {
    let host = Host::new();
    for number in 0..FILES_MAX {
        host.write(&format!("{number}.yaml"), b"");
    }
    host.write("another.txt", b"");
    fs::write(host.spec("0.yaml"), GOOD).expect("JSON is YAML");
    host.edits().expect("it is within the bound");
    host.write("x.json", GOOD.as_bytes());
    let (_, reason) = {
        fs::remove_file(host.spec("0.yaml")).expect("there");
        host.write("y.json", b"");
        refusal(&host)
    };
    assert!(reason.contains("more than 256"), "{reason}");
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let host = Host::new();
    let fifo = host.spec("x.json");
    let c_path = CString::new(fifo.to_str().expect("text")).expect("no NUL");
    nix::unistd::mkfifo(c_path.as_c_str(), nix::sys::stat::Mode::S_IRUSR).expect("made");
    let (file, reason) = refusal(&host);
    assert_eq!(file, fifo);
    assert!(reason.contains("not a regular file"), "{reason}");
    fs::remove_file(&fifo).expect("there");
    fs::create_dir(&fifo).expect("made");
    assert!(refusal(&host).1.contains("not a regular file"));
    fs::remove_dir(&fifo).expect("there");
    symlink("nowhere", &fifo).expect("made");
    assert!(refusal(&host).1.contains("cannot be read"));
    // A link to a file of root's is one, as on a host whose files all are in a store.
    host.write("store", GOOD.as_bytes());
    fs::remove_file(&fifo).expect("there");
    symlink("store", &fifo).expect("made");
    host.edits().expect("it leads to a specification");
}

#[test]
fn what_others_can_write_is_refused() {
    let host = Host::new();
    let path = host.write("x.json", GOOD.as_bytes());
    host.edits().expect("only root can write to it");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("set");
    assert!(refusal(&host).1.contains("everybody can write"));
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
    chown(&path, Some(1000), None).expect("tests run as root");
    assert!(refusal(&host).1.contains("belongs to user 1000"));
    chown(&path, Some(0), None).expect("tests run as root");
    let directory = path.parent().expect("it has one");
    fs::set_permissions(directory, Permissions::from_mode(0o777)).expect("set");
    assert!(refusal(&host).1.contains("everybody can write"));
}

#[test]
fn the_numbers_of_a_node_are_the_hosts() {
    let host = Host::new();
    host.write("x.json", GOOD.as_bytes());
    let node = host.edits().expect("given").nodes.remove(0);
    assert_eq!((node.path, node.major, node.minor), ("/dev/x".into(), 1, 3));
}

#[test]
fn a_node_that_the_driver_has_needs_none_in_dev() {
    let host = Host::new();
    let nowhere = GOOD.replace("/dev/null", "/dev/none-such");
    host.write("x.json", nowhere.as_bytes());
    let error = host.edits().expect_err("it is not there");
    assert_eq!(error.waits_for().as_deref(), Some("none-such"));
    let node = Node {
        path: "/dev/none-such".into(),
        major: 508,
        minor: 1,
        mode: 0o660,
        group: Some("render".to_owned()),
    };
    let gpu = Gpu {
        vendor: Vendor::Nvidia,
        pci: None,
        uuid: None,
        name: "a processor".to_owned(),
        driver: None,
        memory: None,
        nodes: vec![node.clone()],
        missing: Vec::new(),
    };
    let inventory = Inventory { gpus: vec![gpu] };
    let given = edits(&host.paths, &inventory, &[name("x.org/gpu=a")]).expect("known");
    let wanted = Node {
        path: "/dev/x".into(),
        ..node
    };
    assert_eq!(given.nodes, [wanted]);
}

#[test]
fn a_link_of_dev_leads_nowhere_else() {
    let mut host = Host::new();
    host.paths.dev = host.root.path().join("dev");
    let dev = host.paths.dev.clone();
    fs::create_dir_all(dev.join("dri")).expect("made");
    host.write(
        "x.json",
        GOOD.replace("/dev/null", "/dev/dri/link").as_bytes(),
    );
    for target in ["/dev/null", "../../dev/null", "../../../../../../dev/null"] {
        let link = dev.join("dri/link");
        symlink(target, &link).expect("made");
        let (_, reason) = refusal(&host);
        assert!(reason.contains("cannot be looked at"), "{target}: {reason}");
        fs::remove_file(link).expect("there");
    }
    fs::write(dev.join("file"), "").expect("made");
    symlink("../file", dev.join("dri/link")).expect("made");
    let (_, reason) = refusal(&host);
    assert!(reason.contains("is a file"), "{reason}");
}
