//! Reads a CDI specification to its end and checks what holds for every input: one oracle for the tests and the
//! fuzz target.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ctrd::gpu::Inventory;
use ctrd::gpu::cdi::{CdiError, Edits, edits, userspace};
use ctrd::model::CdiName;
use ctrd::os::Paths;
use peak_alloc::PeakAlloc;
use tempfile::TempDir;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The most that reading a specification may hold at once, in bytes.
const MEMORY_MAX: usize = 64 * 1024 * 1024;
/// The allocator counts for the whole process: one is read at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A host with specifications, and `/dev/null` as its only device.
pub(crate) struct Host {
    pub(crate) root: TempDir,
    pub(crate) paths: Paths,
}

impl Host {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("made");
        let paths = Paths {
            dev: "/dev".into(),
            ..Paths::default().with_hardware_below(root.path())
        };
        for directory in &paths.cdi {
            fs::create_dir_all(directory).expect("made");
        }
        Self { root, paths }
    }

    /// The path of a specification in `/etc/cdi`.
    pub(crate) fn spec(&self, name: &str) -> PathBuf {
        self.root.path().join("etc/cdi").join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.spec(name);
        fs::write(&path, bytes).expect("written");
        path
    }

    pub(crate) fn edits(&self) -> Result<Edits, CdiError> {
        edits(&self.paths, &Inventory::default(), &[name("x.org/gpu=a")])
    }
}

pub(crate) fn name(text: &str) -> CdiName {
    text.parse().expect("a name")
}

/// Reads it in both formats, within the bound of memory. What comes is a specification or a sentence.
///
/// # Panics
/// Where one of the things that hold for every input does not.
pub(crate) fn read(bytes: &[u8]) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for file in ["x.json", "x.yaml"] {
        let host = Host::new();
        host.write(file, bytes);
        ALLOCATED.reset_peak_usage();
        let before = ALLOCATED.current_usage();
        let result = host.edits();
        let space = userspace(&host.paths, &Inventory::default(), "nvidia.com/gpu");
        let taken = ALLOCATED.peak_usage().saturating_sub(before);
        assert!(taken < MEMORY_MAX, "{taken} bytes of memory at once");
        for error in [result.err(), space.err()].into_iter().flatten() {
            let text = error.to_string();
            assert!(text.len() < 1000, "{text}");
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}
