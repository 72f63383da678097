//! What the host says about what a specification names.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::unistd::Group;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, FileKind, ReadCache, ReadRef, elf};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, major, minor, openat, openat2};
use rustix::io::Errno;

use crate::gpu::{Inventory, Node};
use crate::os::Paths;

/// What the host is asked.
pub(super) trait Host {
    /// What stands at a path below `/dev`.
    fn node(&self, path: &Path) -> Found;
    /// The name of a group.
    fn group(&self, number: u32) -> Option<String>;
    /// The name that programs know a library by, `libcuda.so.1`; `None` where it is no library or has
    /// none.
    fn soname(&self, path: &Path) -> Option<String>;
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A character device.
    Character(Character),
    /// Nothing.
    Absent,
    /// Something else, as it is called in a sentence.
    Other(&'static str),
    /// Nobody knows.
    Unreadable(String),
}

/// A character device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Character {
    pub(super) major: u32,
    pub(super) minor: u32,
    pub(super) mode: u32,
    pub(super) group: Option<String>,
}

/// The host that ctrd runs on.
#[derive(Debug)]
pub(super) struct RealHost<'a> {
    dev: &'a Path,
    known: BTreeMap<&'a Path, &'a Node>,
}

impl<'a> RealHost<'a> {
    /// A node that the inventory has counts more than one in `/dev`: its number comes from the driver,
    /// and it can be made in a guest whether or not `/dev` has it.
    pub(super) fn new(paths: &'a Paths, inventory: &'a Inventory) -> Self {
        let nodes = inventory.gpus.iter().flat_map(|gpu| &gpu.nodes);
        Self {
            dev: &paths.dev,
            known: nodes.map(|node| (node.path.as_path(), node)).collect(),
        }
    }
}

impl Host for RealHost<'_> {
    fn node(&self, path: &Path) -> Found {
        if let Some(node) = self.known.get(path) {
            return Found::Character(Character {
                major: node.major,
                minor: node.minor,
                mode: node.mode,
                group: node.group.clone(),
            });
        }
        let Ok(below) = path.strip_prefix("/dev") else {
            return Found::Absent;
        };
        match look(self.dev, below) {
            Ok(found) => found,
            Err(Errno::NOENT | Errno::NOTDIR) => Found::Absent,
            Err(errno) => Found::Unreadable(io::Error::from(errno).to_string()),
        }
    }

    fn group(&self, number: u32) -> Option<String> {
        group(number)
    }

    fn soname(&self, path: &Path) -> Option<String> {
        // Never waits, and never for a device.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)
            .ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        soname(&ReadCache::new(file))
    }
}

/// Looks at what `below` leads to without leaving `dev`, and without opening it.
fn look(dev: &Path, below: &Path) -> Result<Found, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let dev = openat(CWD, dev, flags | OFlags::DIRECTORY, Mode::empty())?;
    let file = openat2(&dev, below, flags, Mode::empty(), ResolveFlags::BENEATH)?;
    let stat = fstat(&file)?;
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => Found::Character(Character {
            major: major(stat.st_rdev),
            minor: minor(stat.st_rdev),
            mode: stat.st_mode & 0o777,
            group: group(stat.st_gid),
        }),
        FileType::BlockDevice => Found::Other("a block device"),
        FileType::Directory => Found::Other("a directory"),
        FileType::RegularFile => Found::Other("a file"),
        FileType::Fifo => Found::Other("a FIFO"),
        FileType::Socket => Found::Other("a socket"),
        FileType::Symlink | FileType::Unknown => Found::Other("something else"),
    })
}

fn group(number: u32) -> Option<String> {
    if number == 0 {
        return None;
    }
    Group::from_gid(number.into())
        .ok()
        .flatten()
        .map(|it| it.name)
}

/// The `DT_SONAME` of a shared object (elf(5)), in as few pages of it as there are to read.
fn soname<'data>(library: impl ReadRef<'data>) -> Option<String> {
    match FileKind::parse(library).ok()? {
        FileKind::Elf64 => soname_in::<elf::FileHeader64<Endianness>, _>(library),
        FileKind::Elf32 => soname_in::<elf::FileHeader32<Endianness>, _>(library),
        _ => None,
    }
}

fn soname_in<'data, Elf: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    library: R,
) -> Option<String> {
    /// As long as a name in a directory can be (`NAME_MAX`, limits.h).
    const LONGEST: u64 = 255;
    let header = Elf::parse(library).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, library).ok()?;
    let dynamic = segments
        .iter()
        .find_map(|segment| segment.dynamic(endian, library).ok().flatten())?;
    let value = |tag| {
        let entry = dynamic.iter().find(|entry| entry.tag(endian) == tag)?;
        Some(entry.d_val(endian).into())
    };
    let address = value(elf::DT_STRTAB)?.checked_add(value(elf::DT_SONAME)?)?;
    // Where that address is in the file.
    let place = segments.iter().find_map(|segment| {
        let start: u64 = segment.p_vaddr(endian).into();
        let into = address.checked_sub(start)?;
        let within =
            segment.p_type(endian) == elf::PT_LOAD && into < segment.p_filesz(endian).into();
        let offset: u64 = segment.p_offset(endian).into();
        within.then(|| offset.checked_add(into)).flatten()
    })?;
    let end = place.checked_add(LONGEST + 1)?.min(library.len().ok()?);
    let name = library.read_bytes_at_until(place..end, 0).ok()?;
    let name = std::str::from_utf8(name).ok()?;
    let plain = !name.is_empty()
        && !matches!(name, "." | "..")
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    plain.then(|| name.to_owned())
}

/// The nodes, groups and libraries of a case.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct FakeHost {
    pub(super) nodes: BTreeMap<std::path::PathBuf, Found>,
    pub(super) groups: BTreeMap<u32, String>,
    pub(super) sonames: BTreeMap<std::path::PathBuf, String>,
}

#[cfg(test)]
impl Host for FakeHost {
    fn node(&self, path: &Path) -> Found {
        self.nodes.get(path).cloned().unwrap_or(Found::Absent)
    }

    fn group(&self, number: u32) -> Option<String> {
        self.groups.get(&number).cloned()
    }

    fn soname(&self, path: &Path) -> Option<String> {
        self.sonames.get(path).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{Host, RealHost, soname};
    use crate::gpu::Inventory;
    use crate::os::Paths;

    /// The C library that this program is linked to.
    fn libc() -> PathBuf {
        let maps = fs::read_to_string("/proc/self/maps").expect("readable");
        let mut paths = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5));
        let libc = paths.find(|path| path.contains("/libc.so") || path.contains("/libc-"));
        libc.expect("linked").into()
    }

    #[test]
    fn a_library_is_known_by_the_name_in_it() {
        let paths = Paths::default();
        let inventory = Inventory::default();
        let host = RealHost::new(&paths, &inventory);
        assert_eq!(host.soname(&libc()).as_deref(), Some("libc.so.6"));
        for other in [
            "/etc/passwd",
            "/dev/zero",
            "/",
            "/none-such",
            "/proc/self/exe",
        ] {
            assert_eq!(host.soname(other.as_ref()), None, "{other}");
        }
    }

    #[test]
    fn a_library_that_was_cut_or_changed_is_read_to_the_end() {
        let whole = fs::read(libc()).expect("readable");
        let header = whole.get(..4096).expect("it is longer");
        for end in (0..whole.len()).step_by(40_009) {
            soname(whole.get(..end).expect("within"));
        }
        // Every byte of the headers as the largest and the smallest that it can be.
        for place in 0..1024 {
            for value in [0, 0xff] {
                let mut changed = header.to_vec();
                if let Some(byte) = changed.get_mut(place) {
                    *byte = value;
                }
                soname(changed.as_slice());
            }
        }
    }
}
