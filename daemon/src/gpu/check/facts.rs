//! What a check has to know besides the inventory.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::Lacking;
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
    /// One, and what it has.
    Has(Libraries),
    /// One that cannot be followed.
    Refused {
        /// Which file, and what is wrong with it.
        reason: String,
        /// What a person can do about it.
        hint: String,
    },
}

/// The library that every CUDA program loads.
const CUDA: &str = "libcuda.so.";
/// The parameters of the loaded driver are some hundred bytes.
const TEXT_MAX: u64 = 64 * 1024;

impl Facts {
    /// Looks at the host. What cannot be read is not known.
    pub fn of_host(paths: &Paths, lacking: Vec<Lacking>) -> Self {
        let library = paths.opengl_driver.join("lib").join(CUDA.to_owned() + "1");
        let parameters = text(&paths.proc.join("driver/nvidia/params"));
        Self {
            opengl_driver: fs::canonicalize(library).ok().map(|it| Libraries {
                version: version(&it),
            }),
            specification: Specification::Absent,
            keeps_memory_over_sleep: parameters.as_deref().and_then(keeps_memory),
            lacking,
        }
    }
}

/// The version in the name of the library that `libcuda.so.1` leads to: `550.78`.
fn version(library: &Path) -> Option<String> {
    let version = library.file_name()?.to_str()?.strip_prefix(CUDA)?;
    version.contains('.').then(|| version.to_owned())
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

    use super::Facts;
    use crate::os::Paths;

    #[test]
    fn a_host_tells_the_version_of_its_libraries_and_what_its_driver_keeps() {
        let host = tempfile::tempdir().expect("a directory");
        let paths = Paths::default().with_hardware_below(host.path());
        assert_eq!(Facts::of_host(&paths, Vec::new()), Facts::default());
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
        let facts = Facts::of_host(&paths, Vec::new());
        let version = facts.opengl_driver.and_then(|it| it.version);
        assert_eq!(version.as_deref(), Some("550.78"));
        assert_eq!(facts.keeps_memory_over_sleep, Some(false));
    }
}
