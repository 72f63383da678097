//! Asks NVIDIA's library, in a process of its own, and says whose the answers are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::nvml_process::{Answer, CardAnswer, NAME, Question};
use super::processes::{Process, is_within};
use super::{Card, Guest, Reading, Use};
use crate::model::{ContainerId, PciAddress};
use crate::os::Paths;

/// How long an answer may take; the driver may be waking a card.
const LONGEST: Duration = Duration::from_secs(2);
/// The longest answer: some ten thousand processes.
const ANSWER_MAX: u64 = 1024 * 1024;
const LIBRARY: &str = "libnvidia-ml.so.1";
/// Where the loader looks a library up, which an installed driver changes (ld.so(8)).
const LOADERS_CACHE: &str = "/etc/ld.so.cache";

/// A library that crashed, or said nothing in time, may have had its reason at that moment.
const RETRY: Duration = Duration::from_secs(60);

/// Asks, unless it is known that nobody answers.
#[derive(Debug, Default)]
pub(super) struct NvmlReader {
    silent: Option<Silence>,
}

/// Nobody answered.
#[derive(Debug)]
struct Silence {
    /// What there was to ask.
    at: Circumstances,
    /// When it is worth another try all the same.
    until: Option<Instant>,
    /// Why.
    why: String,
}

/// What has to change before it is worth another try.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Circumstances {
    /// The version of the loaded driver.
    driver: Option<String>,
    /// Inode and time of change of the library, and of the loader's cache.
    files: Vec<Option<(u64, i64, i64)>>,
}

impl NvmlReader {
    /// Adds to `reading` what NVML says of these cards, which are awake, and of the processes of `guests` there.
    /// Blocks, for two seconds at most.
    pub(super) fn read(
        &mut self,
        paths: &Paths,
        cards: &[PciAddress],
        guests: &[Guest],
        proc: &Path,
        reading: &mut Reading,
    ) {
        if cards.is_empty() {
            return;
        }
        let now = circumstances(paths);
        if self.silent.as_ref().is_some_and(|it| it.holds(&now)) {
            return;
        }
        let question = Question {
            libraries: vec![library_of_nixos(paths), LIBRARY.into()],
            control: paths.dev.join("nvidiactl"),
            cards: cards.iter().map(ToString::to_string).collect(),
        };
        match asked(&question) {
            Ok(Answer::Cards(answers)) => {
                self.silent = None;
                let owner = |pid| owner_of(proc, pid, guests);
                distribute(answers, guests, owner, reading);
            }
            Ok(Answer::Absent(why)) => self.fall_silent(now, None, why),
            Err(error) => {
                let until = Instant::now() + RETRY;
                self.fall_silent(now, Some(until), error.to_string());
            }
        }
    }

    fn fall_silent(&mut self, at: Circumstances, until: Option<Instant>, why: String) {
        // Once for each reason, however often it is tried.
        if self.silent.as_ref().is_none_or(|before| before.why != why) {
            tracing::warn!("what containers use of NVIDIA's cards is not known: {why}");
        }
        self.silent = Some(Silence { at, until, why });
    }
}

impl Silence {
    fn holds(&self, now: &Circumstances) -> bool {
        self.at == *now && self.until.is_none_or(|until| Instant::now() < until)
    }
}

fn library_of_nixos(paths: &Paths) -> PathBuf {
    paths.opengl_driver.join("lib").join(LIBRARY)
}

fn circumstances(paths: &Paths) -> Circumstances {
    let driver = fs::read_to_string(paths.sys.join("module/nvidia/version"));
    let stamp = |path: PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
    };
    let files = [library_of_nixos(paths), LOADERS_CACHE.into()];
    Circumstances {
        driver: driver.ok(),
        files: files.into_iter().map(stamp).collect(),
    }
}

/// Starts the process and waits for its answer.
fn asked(question: &Question) -> io::Result<Answer> {
    let mut process = Command::new("/proc/self/exe")
        .arg0(NAME)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let answer = converse(&mut process, question);
    // It has ended, or is worth nothing.
    let _ = process.kill();
    let ended = process.wait()?;
    let bytes = answer?;
    if bytes.is_empty() {
        return Err(io::Error::other(format!("NVML ended with {ended}")));
    }
    Ok(serde_json::from_slice(&bytes)?)
}

fn converse(process: &mut Child, question: &Question) -> io::Result<Vec<u8>> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut to = process.stdin.take().ok_or_else(gone)?;
    // Shorter than a pipe is long (pipe(7)): nobody waits here.
    to.write_all(&serde_json::to_vec(question)?)?;
    drop(to);
    let mut from = process.stdout.take().ok_or_else(gone)?;
    let until = Instant::now() + LONGEST;
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        match poll(&mut [PollFd::new(&from, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => {
                let why = format!("no answer from NVML in {} s", LONGEST.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match from.read(&mut part)? {
            0 => return Ok(bytes),
            length => bytes.extend(part.iter().take(length)),
        }
        if bytes.len() as u64 > ANSWER_MAX {
            return Err(io::Error::other("an endless answer from NVML"));
        }
    }
}

/// Whose process it is, by its control group.
fn owner_of(proc: &Path, pid: u32, guests: &[Guest]) -> Option<ContainerId> {
    let group = Process::open(proc, pid)?.control_group()?;
    let guest = guests
        .iter()
        .find(|guest| is_within(&group, &guest.control_group))?;
    Some(guest.id.clone())
}

/// Adds up what each container's processes use. Of a container that uses nothing of a card, that is known.
fn distribute(
    answers: Vec<CardAnswer>,
    guests: &[Guest],
    owner: impl Fn(u32) -> Option<ContainerId>,
    reading: &mut Reading,
) {
    let mut owners: BTreeMap<u32, Option<ContainerId>> = BTreeMap::new();
    for answer in answers {
        let Ok(address) = answer.card.parse::<PciAddress>() else {
            continue;
        };
        let share = |percent: u32| f64::from(percent.min(100)) / 100.0;
        let card = Card {
            memory_total: answer.memory_total,
            memory_used: answer.memory_used,
            busy: answer.percent.map(share),
        };
        reading.cards.insert(address, card);
        for (pid, process) in answer.processes {
            let owner = owners.entry(pid).or_insert_with(|| owner(pid));
            let Some(id) = owner
                .as_ref()
                .filter(|id| guests.iter().any(|it| it.id == **id))
            else {
                continue;
            };
            let guest = reading.guests.entry(id.clone()).or_default();
            let used: &mut Use = guest.cards.entry(address).or_default();
            if let Some(bytes) = process.memory {
                used.memory = Some(used.memory.unwrap_or(0).saturating_add(bytes));
            }
            if let Some(percent) = process.percent {
                let busy = used.busy.unwrap_or(0.0) + share(percent);
                used.busy = Some(busy.min(1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CardAnswer, distribute};
    use crate::gpu::meter::nvml_process::ProcessAnswer;
    use crate::gpu::meter::{Guest, Reading};
    use crate::model::ContainerId;

    fn id(name: &str) -> ContainerId {
        ContainerId {
            group: "ml".parse().expect("valid"),
            name: name.parse().expect("valid"),
        }
    }

    #[test]
    fn a_process_counts_for_the_container_that_it_is_in() {
        let process = |memory, percent| ProcessAnswer { memory, percent };
        let answer = CardAnswer {
            card: "0000:01:00.0".to_owned(),
            memory_total: Some(6 << 30),
            memory_used: Some(4 << 30),
            percent: Some(90),
            processes: [
                (10, process(Some(100), Some(30))),
                (11, process(Some(11), Some(80))),
                (12, process(None, Some(7))),
                (99, process(Some(1 << 30), Some(50))),
            ]
            .into(),
        };
        let guests: Vec<Guest> = ["a", "b"]
            .map(|name| Guest {
                id: id(name),
                control_group: format!("/machine.slice/ctr-ml-{name}.service"),
            })
            .into();
        let owner = |pid| match pid {
            10 | 11 => Some(id("a")),
            12 => Some(id("b")),
            _ => None,
        };
        let mut reading = Reading::default();
        distribute(vec![answer], &guests, owner, &mut reading);
        let card = "0000:01:00.0".parse().expect("valid");
        assert_eq!(reading.cards[&card].memory_used, Some(4 << 30));
        let a = reading.guests[&id("a")].cards[&card];
        assert_eq!((a.memory, a.busy), (Some(111), Some(1.0)));
        let b = reading.guests[&id("b")].cards[&card];
        assert_eq!((b.memory, b.busy), (None, Some(0.07)));
        assert_eq!(reading.guests.len(), 2, "nobody else's is told");
    }
}
