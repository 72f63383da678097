//! What a check has to know besides the inventory.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::{Lacking, Undone};
use crate::gpu::userspace::version_in;
use crate::gpu::{Inventory, cdi};
use crate::os::Paths;

/// What a check has to know besides the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// NVIDIA's libraries in /run/opengl-driver, where they are.
    pub opengl_driver: Option<Libraries>,
    /// The CDI specification of `nvidia.com/gpu`.
    pub specification: Specification,
    /// The loaded NVIDIA driver keeps the memory of its cards over sleep; `None` where it does not say.
    pub keeps_memory_over_sleep: Option<bool>,
    /// Containers that have not got all that they ask for.
    pub lacking: Vec<Lacking>,
    /// What running containers are not given of what their specifications say.
    pub undone: Vec<Undone>,
}

/// The driver's libraries in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Libraries {
    /// Their version, where their names have it: `550.78`.
    pub version: Option<String>,
}

/// What is there of a CDI specification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Specification {
    /// None.
    #[default]
    Absent,
    /// One.
    Has {
        /// What it has.
        libraries: Libraries,
        /// What it asks for and is not done, each as a sentence.
        undone: Vec<String>,
    },
    /// One that cannot be followed.
    Refused {
        /// Which file, and what is wrong with it.
        reason: String,
        /// What a person can do about it.
        hint: String,
    },
}

/// The library that every CUDA program loads.
const CUDA: &str = "libcuda.so.1";
const KIND: &str = "nvidia.com/gpu";
/// The parameters of the loaded driver are some hundred bytes.
const TEXT_MAX: u64 = 64 * 1024;

impl Facts {
    /// Looks at the host, of whose containers it says nothing. What cannot be read is not known.
    pub fn of_host(paths: &Paths, inventory: &Inventory) -> Self {
        let library = paths.opengl_driver.join("lib").join(CUDA);
        let parameters = text(&paths.proc.join("driver/nvidia/params"));
        Self {
            opengl_driver: fs::canonicalize(library)
                .ok()
                .map(|it| libraries(std::iter::once(it.as_path()))),
            specification: specification(paths, inventory),
            keeps_memory_over_sleep: parameters.as_deref().and_then(keeps_memory),
            lacking: Vec::new(),
            undone: Vec::new(),
        }
    }
}

/// What the files in these places are of, by the name of one that says it.
fn libraries<'a>(mut files: impl Iterator<Item = &'a Path>) -> Libraries {
    let version = files.find_map(|file| version_in(file.file_name()?.to_str()?));
    Libraries { version }
}

/// What is there of NVIDIA's specification, for a host with its cards.
fn specification(paths: &Paths, inventory: &Inventory) -> Specification {
    match cdi::userspace(paths, inventory, KIND) {
        Ok(None) => Specification::Absent,
        Ok(Some(edits)) => Specification::Has {
            libraries: libraries(edits.mounts.iter().map(|mount| mount.host.as_path())),
            undone: edits.unapplied,
        },
        Err(error) => Specification::Refused {
            reason: error.to_string(),
            hint: error.hint(),
        },
    }
}

/// `PreserveVideoMemoryAllocations: 1`, a line of the driver's parameters.
fn keeps_memory(parameters: &str) -> Option<bool> {
    let lines = parameters.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(name, _)| *name == "PreserveVideoMemoryAllocations");
    Some(values.next()?.1.trim() != "0")
}

fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(TEXT_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Facts, Specification};
    use crate::gpu::Inventory;
    use crate::os::Paths;

    #[test]
    fn a_host_tells_the_version_of_its_libraries_and_what_its_driver_keeps() {
        let host = tempfile::tempdir().expect("a directory");
        let paths = Paths::default().with_hardware_below(host.path());
        let of_host = || Facts::of_host(&paths, &Inventory::default());
        assert_eq!(of_host(), Facts::default());
        let store = host.path().join("nix/store/abc-nvidia-x11-550.78/lib");
        let lib = host.path().join("run/opengl-driver/lib");
        let driver = host.path().join("proc/driver/nvidia");
        for directory in [&store, &lib, &driver] {
            fs::create_dir_all(directory).expect("made");
        }
        fs::write(store.join("libcuda.so.550.78"), "").expect("written");
        symlink(store.join("libcuda.so.550.78"), lib.join("libcuda.so.1")).expect("linked");
        let parameters = "ResmanDebugLevel: 4294967295\nPreserveVideoMemoryAllocations: 0\n";
        fs::write(driver.join("params"), parameters).expect("written");
        let facts = of_host();
        let version = facts.opengl_driver.and_then(|it| it.version);
        assert_eq!(version.as_deref(), Some("550.78"));
        assert_eq!(facts.keeps_memory_over_sleep, Some(false));
    }
    #[test]
    fn a_specification_tells_the_version_of_its_libraries_or_what_is_wrong_with_it() {
        let host = tempfile::tempdir().expect("a directory");
        let paths = Paths::default().with_hardware_below(host.path());
        let directory = host.path().join("etc/cdi");
        fs::create_dir_all(&directory).expect("made");
        let said = |guest: &str| {
            let library = "/usr/lib/x86_64-linux-gnu/libcuda.so.550.78";
            let text = format!(
                "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: all\n  containerEdits:\n    \
                 env: [A=b]\ncontainerEdits:\n  mounts:\n  - hostPath: {library}\n    \
                 containerPath: {guest}\n"
            );
            fs::write(directory.join("nvidia.yaml"), text).expect("written");
            Facts::of_host(&paths, &Inventory::default()).specification
        };
        match said("/usr/lib/libcuda.so.550.78") {
            Specification::Has { libraries, .. } => {
                assert_eq!(libraries.version.as_deref(), Some("550.78"));
            }
            other => panic!("{other:?}"),
        }
        match said("/") {
            Specification::Refused { reason, .. } => {
                assert!(reason.contains("nvidia.yaml"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}
