//! The processes of a control group, and how much of them is looked at.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, openat};

/// How many control groups, processes and open files of one container are looked at. A guest makes as many of
/// each as its limits let it.
const GROUPS: usize = 1024;
const PROCESSES: usize = 4096;
const FILES: usize = 16_384;
/// How long that may take.
const LONGEST: Duration = Duration::from_millis(200);
/// The longest file of /proc that is read.
const TEXT_MAX: u64 = 16 * 1024;

/// What is left to be looked at of one container.
#[derive(Debug)]
pub(super) struct Budget {
    groups: usize,
    processes: usize,
    files: usize,
    until: Instant,
    /// There was more than that.
    pub(super) exceeded: bool,
}

impl Budget {
    pub(super) fn of_one_container() -> Self {
        Self {
            groups: GROUPS,
            processes: PROCESSES,
            files: FILES,
            until: Instant::now() + LONGEST,
            exceeded: false,
        }
    }

    fn take(&mut self, of: fn(&mut Self) -> &mut usize) -> bool {
        let late = Instant::now() >= self.until;
        let left = of(self);
        if late || *left == 0 {
            self.exceeded = true;
            return false;
        }
        *left -= 1;
        true
    }

    /// One more open file.
    pub(super) fn take_file(&mut self) -> bool {
        self.take(|it| &mut it.files)
    }
}

/// The ids of the processes in `control_group` below the cgroup2 mount `cgroup`, and in all groups below that one
/// (cgroups(7), `cgroup.procs`).
pub(super) fn processes(cgroup: &Path, control_group: &str, budget: &mut Budget) -> Vec<u32> {
    let top = cgroup.join(control_group.trim_start_matches('/'));
    let mut groups: Vec<PathBuf> = vec![top];
    let mut ids = Vec::new();
    while let Some(group) = groups.pop() {
        if !budget.take(|it| &mut it.groups) {
            break;
        }
        // One that has threads alone has no list of processes; they are those of a group above it.
        let list = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for id in list.lines().filter_map(|line| line.parse().ok()) {
            if !budget.take(|it| &mut it.processes) {
                break;
            }
            ids.push(id);
        }
        let entries = fs::read_dir(&group).into_iter().flatten().flatten();
        let directories = entries.filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
        // No more than can be looked at.
        groups.extend(directories.take(GROUPS).map(|it| it.path()));
    }
    ids
}

/// A process, held: what is read through it is of this one, also when another has its number by then.
#[derive(Debug)]
pub(super) struct Process(OwnedFd);

impl Process {
    /// Opens its directory in `proc`; nothing where it has ended.
    pub(super) fn open(proc: &Path, id: u32) -> Option<Self> {
        let directory = File::open(proc).ok()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(directory, id.to_string(), flags, Mode::empty())
            .ok()
            .map(Self)
    }

    /// Its control group below the cgroup2 mount: the line of hierarchy 0 (cgroups(7), "/proc/pid/cgroup").
    pub(super) fn control_group(&self) -> Option<String> {
        let text = self.text("cgroup")?;
        let line = text.lines().find_map(|line| line.strip_prefix("0::"))?;
        Some(line.to_owned())
    }

    /// What the kernel says of each of its open files. Nothing is opened by that, and no file system of a guest
    /// is asked.
    pub(super) fn open_files(&self, budget: &mut Budget, mut each: impl FnMut(&str)) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(directory) = openat(&self.0, "fdinfo", flags, Mode::empty()) else {
            return;
        };
        let Ok(names) = rustix::fs::Dir::read_from(&directory) else {
            return;
        };
        for name in names.flatten() {
            let Ok(name) = name.file_name().to_str() else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            if !budget.take_file() {
                return;
            }
            if let Some(text) = text_at(directory.as_fd(), name) {
                each(&text);
            }
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        text_at(self.0.as_fd(), name)
    }
}

fn text_at(directory: std::os::fd::BorrowedFd<'_>, name: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::empty()).ok()?;
    let mut text = String::new();
    File::from(file)
        .take(TEXT_MAX)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}

/// Whether `group` is `top` or below it.
pub(super) fn is_within(group: &str, top: &str) -> bool {
    let rest = group.strip_prefix(top.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Budget, Process, is_within, processes};

    #[test]
    fn processes_of_groups_below_count() {
        let root = tempfile::tempdir().expect("a directory");
        let unit = root.path().join("machine.slice/ctr-x.service");
        for (group, ids) in [
            ("", ""),
            ("supervisor", "10\n"),
            ("payload/system.slice/a", "11\n12\n"),
        ] {
            fs::create_dir_all(unit.join(group)).expect("made");
            fs::write(unit.join(group).join("cgroup.procs"), ids).expect("written");
        }
        let mut budget = Budget::of_one_container();
        let group = "/machine.slice/ctr-x.service";
        let mut found = processes(root.path(), group, &mut budget);
        found.sort_unstable();
        assert_eq!(found, [10, 11, 12]);
        assert!(!budget.exceeded);
        let mut small = Budget {
            processes: 2,
            ..Budget::of_one_container()
        };
        assert_eq!(processes(root.path(), group, &mut small).len(), 2);
        assert!(small.exceeded);
        let none = processes(root.path(), "/gone", &mut Budget::of_one_container());
        assert!(none.is_empty());
    }

    #[test]
    fn open_files_are_counted_and_bounded() {
        let own = Process::open(Path::new("/proc"), std::process::id()).expect("this one");
        let mut budget = Budget::of_one_container();
        let mut files = 0;
        own.open_files(&mut budget, |text| {
            assert!(text.contains("flags:"), "{text}");
            files += 1;
        });
        assert!(files >= 3 && !budget.exceeded, "{files}");
        let mut small = Budget {
            files: 2,
            ..Budget::of_one_container()
        };
        let mut seen = 0;
        own.open_files(&mut small, |_| seen += 1);
        assert!(seen == 2 && small.exceeded);
        assert!(own.control_group().is_some_and(|it| it.starts_with('/')));
        assert!(Process::open(Path::new("/proc"), u32::MAX).is_none());
    }

    #[test]
    fn a_group_is_not_within_one_whose_name_begins_like_it() {
        assert!(is_within("/m/ctr-a.service", "/m/ctr-a.service"));
        assert!(is_within("/m/ctr-a.service/payload", "/m/ctr-a.service"));
        assert!(!is_within("/m/ctr-a.service2", "/m/ctr-a.service"));
        assert!(!is_within("/", "/m/ctr-a.service"));
    }
}
