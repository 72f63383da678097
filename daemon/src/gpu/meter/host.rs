//! The meter of a real host.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::clients::{Before, Clients};
use super::nvml::NvmlReader;
use super::processes::{Budget, Process, processes};
use super::totals::{has_nvml, sleeps, totals};
use super::{Guest, GuestUse, Meter, Reading, fdinfo};
use crate::model::PciAddress;
use crate::os::Paths;

/// Whoever asks again so soon gets the same answer, and so does everybody who asks at once.
const FRESH: Duration = Duration::from_millis(500);
/// Longer than this nobody waits for a driver. What it says later is there for whoever asks next.
const PATIENCE: Duration = Duration::from_millis(500);
/// How old an answer may be for those who would have to wait.
const STALE: Duration = Duration::from_secs(5);
/// Where processes are: a host's own, also where its hardware is another's.
const PROC: &str = "/proc";

/// Reads what the kernel and the drivers say, when it is asked and not more than twice a second.
#[derive(Debug)]
pub struct HostMeter {
    state: Arc<Mutex<State>>,
    last: Arc<std::sync::Mutex<Option<Look>>>,
    paths: Arc<Paths>,
}

/// What was found before.
#[derive(Debug, Default)]
struct State {
    before: Before,
    nvml: NvmlReader,
}

/// An answer, and to what.
#[derive(Debug)]
struct Look {
    at: Instant,
    asked: Asked,
    reading: Arc<Reading>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    cards: Vec<PciAddress>,
    guests: Vec<Guest>,
}

impl HostMeter {
    /// Of this host.
    pub fn new(paths: Arc<Paths>) -> Self {
        Self {
            state: Arc::default(),
            last: Arc::default(),
            paths,
        }
    }
}

#[async_trait]
impl Meter for HostMeter {
    async fn read(&self, cards: &[PciAddress], guests: &[Guest]) -> Arc<Reading> {
        if cards.is_empty() {
            return Arc::default();
        }
        let asked = Asked {
            cards: cards.to_vec(),
            guests: guests.to_vec(),
        };
        let (state, last, paths) = (self.state.clone(), self.last.clone(), self.paths.clone());
        let asking = asked.clone();
        // It goes on when nobody waits for it any more: no two of them read at once.
        let reading = tokio::spawn(async move {
            let mut state = state.lock_owned().await;
            if let Some(reading) = known(&last, &asking, FRESH) {
                return reading;
            }
            let looked = tokio::task::spawn_blocking(move || {
                let reading = Arc::new(state.look(&paths, Path::new(PROC), &asking));
                let look = Look {
                    at: Instant::now(),
                    asked: asking,
                    reading: reading.clone(),
                };
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(look);
                reading
            });
            looked.await.unwrap_or_default()
        });
        match tokio::time::timeout(PATIENCE, reading).await {
            Ok(Ok(reading)) => reading,
            _ => known(&self.last, &asked, STALE).unwrap_or_default(),
        }
    }
}

fn known(
    last: &std::sync::Mutex<Option<Look>>,
    asked: &Asked,
    age: Duration,
) -> Option<Arc<Reading>> {
    let last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let look = last.as_ref()?;
    let same = look.asked == *asked && look.at.elapsed() <= age;
    same.then(|| look.reading.clone())
}

impl State {
    fn look(&mut self, paths: &Paths, proc: &Path, asked: &Asked) -> Reading {
        let Asked { cards, guests } = asked;
        let awake = cards.iter().copied();
        let awake: Vec<PciAddress> = awake.filter(|card| !sleeps(&paths.sys, *card)).collect();
        let (of_nvml, others): (Vec<_>, Vec<_>) = awake
            .into_iter()
            .partition(|card| has_nvml(&paths.sys, *card));
        let mut reading = Reading::default();
        for card in &others {
            if let Some(totals) = totals(&paths.sys, *card) {
                reading.cards.insert(*card, totals);
            }
        }
        self.before
            .keep_only(|id| guests.iter().any(|it| it.id == *id));
        for guest in guests {
            // What NVML counts, DRM nodes of the same card may tell too.
            let used = if others.is_empty() {
                GuestUse::default()
            } else {
                self.clients_of(paths, proc, guest, &others)
            };
            reading.guests.insert(guest.id.clone(), used);
        }
        self.nvml.read(paths, &of_nvml, guests, proc, &mut reading);
        reading
    }

    fn clients_of(
        &mut self,
        paths: &Paths,
        proc: &Path,
        guest: &Guest,
        cards: &[PciAddress],
    ) -> GuestUse {
        let mut budget = Budget::of_one_container();
        let mut clients = Clients::default();
        for id in processes(&paths.cgroup, &guest.control_group, &mut budget) {
            let Some(process) = Process::open(proc, id) else {
                continue;
            };
            process.open_files(&mut budget, |text| {
                if let Some(client) = fdinfo::client(text).filter(|it| cards.contains(&it.card)) {
                    clients.add(client);
                }
            });
        }
        let mut used = self.before.used(&guest.id, Instant::now(), clients);
        used.at_least = budget.exceeded;
        used
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use super::{Asked, HostMeter, State};
    use crate::gpu::meter::{Guest, Meter as _};
    use crate::model::{ContainerId, PciAddress};
    use crate::os::Paths;

    const AMD: &str = "0000:03:00.0";

    fn guest() -> Guest {
        Guest {
            id: ContainerId {
                group: "ml".parse().expect("valid"),
                name: "web".parse().expect("valid"),
            },
            control_group: "/machine.slice/ctr-ml-web.service".to_owned(),
        }
    }

    /// A host with one card that `driver` drives, and a guest whose one process has it open twice.
    fn host(driver: &str) -> (tempfile::TempDir, Paths) {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        };
        let device = format!("sys/bus/pci/devices/{AMD}");
        write(&format!("{device}/mem_info_vram_used"), "4096\n");
        let link = root.path().join(&device).join("driver");
        symlink(format!("../../drivers/{driver}"), link).expect("linked");
        write(
            "cgroup/machine.slice/ctr-ml-web.service/payload/cgroup.procs",
            "42\n",
        );
        let client = format!("drm-client-id:\t5\ndrm-pdev:\t{AMD}\ndrm-memory-vram:\t1 MiB\n");
        write("processes/42/fdinfo/3", &client);
        write("processes/42/fdinfo/4", &client);
        write("processes/42/fdinfo/5", &client.replace("03:00", "04:00"));
        write(
            "processes/42/cgroup",
            "0::/machine.slice/ctr-ml-web.service/payload\n",
        );
        let paths = Paths {
            cgroup: root.path().join("cgroup"),
            ..Paths::default().with_hardware_below(root.path())
        };
        (root, paths)
    }

    fn asked() -> (PciAddress, Asked) {
        let card = AMD.parse().expect("valid");
        let asked = Asked {
            cards: vec![card],
            guests: vec![guest()],
        };
        (card, asked)
    }

    #[test]
    fn what_a_guests_processes_hold_of_the_cards_that_were_asked_for_is_its() {
        let (root, paths) = host("amdgpu");
        let (card, asked) = asked();
        let proc = root.path().join("processes");
        let reading = State::default().look(&paths, &proc, &asked);
        let used = &reading.guests[&guest().id];
        assert_eq!(used.cards[&card].memory, Some(1 << 20), "once");
        assert_eq!(used.cards.len(), 1, "nobody asked for the other card");
        assert_eq!(reading.cards[&card].memory_used, Some(4096));
    }

    #[test]
    fn a_card_that_sleeps_is_not_asked() {
        let (root, paths) = host("amdgpu");
        let (_, asked) = asked();
        let power = root.path().join(format!("sys/bus/pci/devices/{AMD}/power"));
        fs::create_dir(&power).expect("made");
        fs::write(power.join("runtime_status"), "suspended\n").expect("written");
        let reading = State::default().look(&paths, &root.path().join("processes"), &asked);
        assert!(reading.cards.is_empty());
        assert!(reading.guests[&guest().id].cards.is_empty());
    }

    #[tokio::test]
    async fn without_a_card_nobody_is_looked_at() {
        let (root, paths) = host("amdgpu");
        drop(root);
        let meter = HostMeter::new(Arc::new(paths));
        let reading = meter.read(&[], &[guest()]).await;
        assert!(reading.guests.is_empty() && reading.cards.is_empty());
    }
}
