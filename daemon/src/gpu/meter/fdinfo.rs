//! What a DRM driver says of one open file. Pure.
//!
//! The keys and their units are the kernel's (Documentation/gpu/drm-usage-stats.rst). No process can write into
//! it: the one text of its own choice, `drm-client-name`, may hold no line end.

use std::collections::BTreeMap;

use crate::model::PciAddress;

/// One client of a DRM device: a process opened it once; copies of the descriptor are the same client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    /// The card.
    pub(super) card: PciAddress,
    /// Its number, unique among the clients of that card.
    pub(super) id: u64,
    /// The memory that it holds, in bytes: the card's own, or the host's where the card has none.
    pub(super) memory: Option<u64>,
    /// What it has kept busy so far, by the engine's name.
    pub(super) engines: BTreeMap<String, Busy>,
}

/// How long an engine has worked for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    /// In nanoseconds, and how many such engines there are.
    Time { ns: u64, engines: u64 },
    /// In cycles of its clock, of all that there were so far.
    Cycles { busy: u64, all: u64, engines: u64 },
}

/// Reads a file of /proc/PID/fdinfo; nothing where it is not a DRM client's on a PCI bus.
pub(super) fn client(text: &str) -> Option<Client> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let fields: BTreeMap<&str, &str> = lines
        .filter(|(key, _)| key.starts_with("drm-"))
        .map(|(key, value)| (key, value.trim()))
        .collect();
    Some(Client {
        card: fields.get("drm-pdev")?.parse().ok()?,
        id: fields.get("drm-client-id")?.parse().ok()?,
        memory: memory(&fields),
        engines: engines(&fields),
    })
}

/// Regions of the card's own memory: amdgpu's `vram`, xe's `vram0`, i915's `local0`.
const OWN: [&str; 2] = ["vram", "local"];
/// What a card without any takes of the host's.
const HOSTS: [&str; 2] = ["system", "gtt"];
/// What says how much, the best first: what is in memory now; amdgpu's older word for that; what was asked for.
const KINDS: [&str; 3] = ["drm-resident-", "drm-memory-", "drm-total-"];

fn memory(fields: &BTreeMap<&str, &str>) -> Option<u64> {
    let of = |regions: [&str; 2]| {
        KINDS.iter().find_map(|kind| {
            let sizes: Vec<u64> = fields
                .iter()
                .filter_map(|(key, value)| {
                    let region = key.strip_prefix(kind)?;
                    let name = region.trim_end_matches(|c: char| c.is_ascii_digit());
                    regions.contains(&name).then(|| bytes(value)).flatten()
                })
                .collect();
            (!sizes.is_empty())
                .then(|| sizes.iter().fold(0, |sum: u64, it| sum.saturating_add(*it)))
        })
    };
    of(OWN).or_else(|| of(HOSTS))
}

/// `<uint> [KiB|MiB]`, in bytes where no unit stands.
fn bytes(value: &str) -> Option<u64> {
    let (number, unit) = value.split_once(' ').unwrap_or((value, ""));
    let unit = match unit.trim() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

fn engines(fields: &BTreeMap<&str, &str>) -> BTreeMap<String, Busy> {
    let number = |key: &str| -> Option<u64> { fields.get(key)?.parse().ok() };
    let count = |name: &str| {
        let count = number(&format!("drm-engine-capacity-{name}"));
        count.filter(|it| *it > 0).unwrap_or(1)
    };
    let mut engines = BTreeMap::new();
    for (key, value) in fields {
        if let Some(name) = key.strip_prefix("drm-engine-") {
            let ns = value.strip_suffix(" ns").and_then(|it| it.parse().ok());
            if let Some(ns) = ns.filter(|_| !name.starts_with("capacity-")) {
                let engines_of_it = count(name);
                let busy = Busy::Time {
                    ns,
                    engines: engines_of_it,
                };
                engines.insert(name.to_owned(), busy);
            }
        } else if let Some(name) = key.strip_prefix("drm-cycles-") {
            let all = number(&format!("drm-total-cycles-{name}"));
            if let (Ok(busy), Some(all)) = (value.parse(), all) {
                let engines_of_it = count(name);
                let busy = Busy::Cycles {
                    busy,
                    all,
                    engines: engines_of_it,
                };
                engines.insert(name.to_owned(), busy);
            }
        }
    }
    engines
}

#[cfg(test)]
mod tests {
    use super::{Busy, client};

    const AMD: &str = "pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t445\ndrm-driver:\tamdgpu\n\
        drm-client-id:\t1128\ndrm-pdev:\t0000:03:00.0\npasid:\t32775\ndrm-memory-vram:\t2048 KiB\n\
        drm-memory-gtt: \t512 KiB\ndrm-memory-cpu: \t0 KiB\namd-memory-visible-vram:\t2048 KiB\n\
        drm-engine-gfx:\t9000000 ns\ndrm-engine-compute:\t250 ns\ndrm-engine-capacity-compute:\t2\n";

    #[test]
    fn an_amd_client_holds_the_cards_memory() {
        let client = client(AMD).expect("a client");
        assert_eq!(client.card.to_string(), "0000:03:00.0");
        assert_eq!((client.id, client.memory), (1128, Some(2 << 20)));
        let time = |ns, engines| Some(Busy::Time { ns, engines });
        assert_eq!(client.engines.get("gfx").copied(), time(9_000_000, 1));
        assert_eq!(client.engines.get("compute").copied(), time(250, 2));
        assert_eq!(client.engines.len(), 2, "a capacity is no engine");
    }

    #[test]
    fn what_is_in_memory_counts_before_what_was_asked_for() {
        let text = AMD.to_owned() + "drm-resident-vram:\t1 MiB\ndrm-total-vram:\t9 MiB\n";
        assert_eq!(client(&text).expect("a client").memory, Some(1 << 20));
    }

    #[test]
    fn intels_new_driver_counts_cycles_and_an_integrated_card_takes_the_hosts_memory() {
        let text = "drm-driver:\txe\ndrm-client-id:\t7\ndrm-pdev:\t0000:00:02.0\n\
            drm-total-system:\t8 MiB\ndrm-resident-system:\t4096\ndrm-resident-gtt:\t1 KiB\n\
            drm-cycles-rcs:\t28257900\ndrm-total-cycles-rcs:\t7655183225\n";
        let client = client(text).expect("a client");
        assert_eq!(client.memory, Some(4096 + 1024));
        let cycles = Busy::Cycles {
            busy: 28_257_900,
            all: 7_655_183_225,
            engines: 1,
        };
        assert_eq!(client.engines.get("rcs").copied(), Some(cycles));
    }

    #[test]
    fn other_files_and_nonsense_are_no_clients() {
        for text in [
            "",
            "pos:\t0\nflags:\t02\n",
            "drm-driver:\tvgem\ndrm-client-id:\t3\n",
            "drm-client-id:\t-1\ndrm-pdev:\t0000:00:02.0\n",
            "drm-client-id:\t1\ndrm-pdev:\tnowhere\n",
        ] {
            assert_eq!(client(text), None, "{text}");
        }
        let odd = "drm-client-id:\t1\ndrm-pdev:\t0000:00:02.0\ndrm-memory-vram:\t99 GiB\n\
            drm-engine-gfx:\tmuch ns\ndrm-cycles-rcs:\t1\n";
        let client = client(odd).expect("a client all the same");
        assert!(client.memory.is_none() && client.engines.is_empty());
    }
}
