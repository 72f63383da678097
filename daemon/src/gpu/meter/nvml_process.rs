//! The process that asks NVIDIA's management library (NVML): this same program, by another name.
//!
//! The library is closed, is loaded at run time, and talks to the kernel module of its own vendor. In a process
//! of its own it can crash, hang or grow, and `ctrd` loses an answer (decision 0023). That process is nobody's,
//! has no capability and no way to one, reads one question, writes one answer and ends.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use nvml_wrapper::bitmasks::InitFlags;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::set_no_new_privs;
use serde::{Deserialize, Serialize};

/// The name that it is started by.
pub(super) const NAME: &str = "ctrd-nvml";
/// The user and group that own nothing (systemd's `nobody`, sysusers.d(5)).
const NOBODY: u32 = 65534;
/// The most processor time, in seconds.
const LONGEST: u64 = 5;
/// How much of the driver's buffer of samples is looked at.
const WINDOW_USEC: u128 = 1_000_000;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    /// The library, in the order of preference; a name without a slash is looked up by the loader, ld.so(8).
    pub(super) libraries: Vec<PathBuf>,
    /// The node whose group may talk to the driver.
    pub(super) control: PathBuf,
    /// The cards, by their addresses.
    pub(super) cards: Vec<String>,
}

/// What is answered.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// There is no such library that loads, or none that finds its driver.
    Absent(String),
    /// What each card said; one that says nothing is left out.
    Cards(Vec<CardAnswer>),
}

/// What NVML says of a card.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CardAnswer {
    /// Its address, as it was asked for.
    pub(super) card: String,
    /// Its memory in bytes.
    pub(super) memory_total: Option<u64>,
    /// How much of it is taken.
    pub(super) memory_used: Option<u64>,
    /// The share of the last moment that it was busy, in percent.
    pub(super) percent: Option<u32>,
    /// Its processes, by their ids on the host.
    pub(super) processes: BTreeMap<u32, ProcessAnswer>,
}

/// What NVML says of a process on a card.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct ProcessAnswer {
    /// Its memory there, in bytes.
    pub(super) memory: Option<u64>,
    /// How busy it kept the card in the last second, in percent.
    pub(super) percent: Option<u32>,
}

/// Whether this process was started to ask NVML. Ask before anything else is done.
pub fn started_as_nvml_process() -> bool {
    std::env::args_os().next().is_some_and(|name| name == NAME)
}

/// The whole life of that process: a question on stdin, an answer on stdout.
pub fn nvml_process_main() -> ExitCode {
    let answered = question().and_then(|question| {
        let answer = match renounce(&question) {
            Ok(()) => ask(&question),
            Err(error) => Answer::Absent(format!("failed to become nobody: {error}")),
        };
        let bytes = serde_json::to_vec(&answer)?;
        io::stdout().write_all(&bytes)
    });
    // Whoever asked learns of a failure by the lack of an answer.
    if answered.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn question() -> io::Result<Question> {
    let mut text = Vec::new();
    io::stdin().take(64 * 1024).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Gives away every right but to open the driver's nodes. Without a way back, the driver's own setuid program
/// (`nvidia-modprobe`) does nothing either: asking loads no module and makes no node.
fn renounce(question: &Question) -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    setrlimit(Resource::RLIMIT_CPU, LONGEST, LONGEST)?;
    set_no_new_privs(true)?;
    let nobody = Gid::from_raw(NOBODY);
    let group = std::fs::metadata(&question.control).map_or(NOBODY, |it| it.gid());
    // Root's group opens more than the driver's nodes.
    let group = if group == 0 { NOBODY } else { group };
    setgroups(&[Gid::from_raw(group)])?;
    setresgid(nobody, nobody, nobody)?;
    let nobody = Uid::from_raw(NOBODY);
    setresuid(nobody, nobody, nobody)?;
    // After the change of the user, which forgets it (prctl(2)).
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

fn ask(question: &Question) -> Answer {
    let nvml = match load(&question.libraries) {
        Ok(nvml) => nvml,
        Err(why) => return Answer::Absent(why),
    };
    let cards = question.cards.iter();
    Answer::Cards(cards.filter_map(|card| ask_card(&nvml, card)).collect())
}

/// Without attaching to every card there is: one that nobody asks about may sleep.
fn load(libraries: &[PathBuf]) -> Result<Nvml, String> {
    let mut why = Vec::new();
    for library in libraries {
        let loaded = Nvml::builder()
            .lib_path(OsStr::new(library))
            .flags(InitFlags::NO_ATTACH)
            .init();
        match loaded {
            Ok(nvml) => return Ok(nvml),
            // The loader names the library itself (dlerror(3)).
            Err(NvmlError::LibloadingError(error)) => why.push(error.to_string()),
            Err(error) => why.push(format!("{}: {error}", library.display())),
        }
    }
    Err(why.join("; "))
}

fn ask_card(nvml: &Nvml, card: &str) -> Option<CardAnswer> {
    let device = nvml.device_by_pci_bus_id(card).ok()?;
    let memory = device.memory_info().ok();
    let percent = device.utilization_rates().ok().map(|it| it.gpu);
    Some(CardAnswer {
        card: card.to_owned(),
        memory_total: memory.as_ref().map(|it| it.total),
        memory_used: memory.as_ref().map(|it| it.used),
        percent,
        processes: processes(&device),
    })
}

fn processes(device: &Device<'_>) -> BTreeMap<u32, ProcessAnswer> {
    let mut processes: BTreeMap<u32, ProcessAnswer> = BTreeMap::new();
    let lists = [
        device.running_compute_processes(),
        device.running_graphics_processes(),
    ];
    // A process that computes and draws is in both lists, with the same figure.
    for process in lists.into_iter().flatten().flatten() {
        let entry = processes.entry(process.pid).or_default();
        if let UsedGpuMemory::Used(bytes) = process.used_gpu_memory {
            entry.memory = entry.memory.max(Some(bytes));
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = now.map_or(0, |now| now.as_micros().saturating_sub(WINDOW_USEC));
    let samples = device.process_utilization_stats(u64::try_from(since).unwrap_or_default());
    let samples = match samples {
        // Nobody worked.
        Err(NvmlError::NotFound) => Vec::new(),
        Err(_) => return processes,
        Ok(samples) => samples,
    };
    for process in processes.values_mut() {
        process.percent = Some(0);
    }
    let mut newest: BTreeMap<u32, u64> = BTreeMap::new();
    for sample in samples {
        let Some(process) = processes.get_mut(&sample.pid) else {
            continue;
        };
        let at = newest.entry(sample.pid).or_default();
        if sample.timestamp >= *at {
            *at = sample.timestamp;
            process.percent = Some(sample.sm_util);
        }
    }
    processes
}

#[cfg(test)]
mod tests {
    use super::{Answer, Question, ask};

    #[test]
    fn a_library_that_is_not_there_is_an_answer() {
        let answer = ask(&Question {
            libraries: vec!["/nowhere/libnvidia-ml.so.1".into()],
            control: "/nowhere/nvidiactl".into(),
            cards: Vec::new(),
        });
        let Answer::Absent(why) = answer else {
            panic!("{answer:?}")
        };
        assert!(why.starts_with("/nowhere/libnvidia-ml.so.1: "), "{why}");
    }
}
