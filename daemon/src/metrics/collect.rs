//! The text of a scrape, in Prometheus's text format, version 0.0.4.
//!
//! What it takes: for each container its status, which ctrd has; for each that is up, three files of its
//! cgroup and two of its link on the host. Names follow
//! <https://prometheus.io/docs/practices/naming/>; `promtool check metrics` agrees with them.

use std::fs;
use std::path::Path;

use ctr_api::wire::State;
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, Encoder, GaugeVec, Opts, TextEncoder, core::Collector};

use crate::machine;
use crate::model::{Container, InterfaceName};
use crate::os::Paths;
use crate::reconcile::Status;
use crate::reconcile::fleet::Fleet;

/// The media type of the text.
pub(super) const CONTENT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where the kernel counts what goes over a link (Linux's Documentation/ABI/testing/sysfs-class-net-statistics).
const LINKS: &str = "/sys/class/net";

/// Every state that a container can be in.
const STATES: [State; 6] = [
    State::Stopped,
    State::Waiting,
    State::Starting,
    State::Running,
    State::Stopping,
    State::Failed,
];

/// Everything, as it is now.
pub(super) fn collect(fleet: &Fleet) -> String {
    let in_force = fleet.in_force();
    let handles = fleet.handles().borrow().clone();
    let families = Families::new();
    let loaded = seconds(in_force.loaded_ms);
    families.host(loaded, in_force.refused.is_some());
    for container in in_force.model.containers() {
        let status = handles
            .get(&container.id)
            .map(|it| it.status.borrow().clone());
        let status = status.unwrap_or_else(Status::unknown);
        families.container(
            container,
            &status,
            &Sample::of(container, &status, fleet.paths()),
        );
    }
    families.text()
}

#[allow(
    clippy::cast_precision_loss,
    reason = "the format's numbers are floating"
)]
fn float(number: u64) -> f64 {
    number as f64
}

fn seconds(ms: u64) -> f64 {
    float(ms) / 1000.0
}

/// What the kernel says of a container now; what it does not say is absent.
#[derive(Debug, Default, PartialEq)]
struct Sample {
    usage: machine::Usage,
    /// As its guest sees it, in bytes.
    received: Option<u64>,
    transmitted: Option<u64>,
}

impl Sample {
    fn of(container: &Container, status: &Status, paths: &Paths) -> Self {
        if status.leader.is_none() {
            return Self::default();
        }
        let link = InterfaceName::veth(&container.machine);
        let counters = Path::new(LINKS).join(link.as_str()).join("statistics");
        let counter = |name: &str| {
            let text = fs::read_to_string(counters.join(name)).ok()?;
            text.trim().parse().ok()
        };
        // The link's other end is the guest's: what it sends, this end receives.
        Self {
            usage: machine::usage(&paths.cgroup, &status.control_group),
            received: counter("tx_bytes"),
            transmitted: counter("rx_bytes"),
        }
    }
}

/// The metrics, by name.
struct Families {
    build: GaugeVec,
    loaded: GaugeVec,
    refused: GaugeVec,
    state: GaugeVec,
    since: GaugeVec,
    restarts: CounterVec,
    started: GaugeVec,
    cpu: CounterVec,
    cpus_max: GaugeVec,
    memory: GaugeVec,
    memory_max: GaugeVec,
    tasks: GaugeVec,
    tasks_max: GaugeVec,
    received: CounterVec,
    transmitted: CounterVec,
}

const NAMES: [&str; 2] = ["group", "container"];

fn gauge(name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    GaugeVec::new(Opts::new(name, help), labels).expect("the name and its labels are valid")
}

fn counter(name: &str, help: &str) -> CounterVec {
    CounterVec::new(Opts::new(name, help), &NAMES).expect("the name and its labels are valid")
}

impl Families {
    fn new() -> Self {
        Self {
            build: gauge("ctr_build_info", "Always 1; which ctrd runs.", &["version"]),
            loaded: gauge(
                "ctr_declaration_loaded_timestamp_seconds",
                "When the declaration in force was read.",
                &[],
            ),
            refused: gauge(
                "ctr_declaration_refused",
                "1 where the last reading of the declaration was refused and the one before is in force.",
                &[],
            ),
            state: gauge(
                "ctr_container_state",
                "1 for the state that a declared container is in, 0 for every other.",
                &["group", "container", "state"],
            ),
            since: gauge(
                "ctr_container_state_timestamp_seconds",
                "Since when it is in its state.",
                &NAMES,
            ),
            restarts: counter(
                "ctr_container_restarts_total",
                "How often it was restarted since a person, or the boot, started it.",
            ),
            started: gauge(
                "ctr_container_start_time_seconds",
                "When its guest became ready, while it runs.",
                &NAMES,
            ),
            cpu: counter(
                "ctr_container_cpu_seconds_total",
                "Processor time since its start.",
            ),
            cpus_max: gauge(
                "ctr_container_cpus_max",
                "The most processors at once, where there is a bound.",
                &NAMES,
            ),
            memory: gauge("ctr_container_memory_bytes", "Its memory now.", &NAMES),
            memory_max: gauge(
                "ctr_container_memory_max_bytes",
                "The most memory, where there is a bound.",
                &NAMES,
            ),
            tasks: gauge(
                "ctr_container_tasks",
                "Its processes and threads now.",
                &NAMES,
            ),
            tasks_max: gauge(
                "ctr_container_tasks_max",
                "The most processes and threads, where there is a bound.",
                &NAMES,
            ),
            received: counter(
                "ctr_container_network_receive_bytes_total",
                "What its guest has received since its link was made.",
            ),
            transmitted: counter(
                "ctr_container_network_transmit_bytes_total",
                "What its guest has sent since its link was made.",
            ),
        }
    }

    fn host(&self, loaded: f64, refused: bool) {
        let version = env!("CARGO_PKG_VERSION");
        self.build.with_label_values(&[version]).set(1.0);
        let none: [&str; 0] = [];
        self.loaded.with_label_values(&none).set(loaded);
        self.refused
            .with_label_values(&none)
            .set(f64::from(u8::from(refused)));
    }

    fn container(&self, container: &Container, status: &Status, sample: &Sample) {
        let (group, name) = (container.id.group.as_str(), container.id.name.as_str());
        let labels = [group, name];
        for state in STATES {
            let is = f64::from(u8::from(status.state == state));
            let labels = [group, name, state.as_str()];
            self.state.with_label_values(&labels).set(is);
        }
        let since = seconds(status.since_ms);
        self.since.with_label_values(&labels).set(since);
        let restarts = f64::from(status.restarts);
        self.restarts.with_label_values(&labels).inc_by(restarts);
        if status.is_ready() {
            self.started.with_label_values(&labels).set(since);
        }
        let Sample {
            usage:
                machine::Usage {
                    cpu_usec,
                    memory,
                    tasks,
                },
            received,
            transmitted,
        } = sample;
        let bound = |property| {
            let now = status.limits.get(property).copied();
            now.filter(|it| *it != u64::MAX).map(float)
        };
        let gauges = [
            (&self.memory, memory.map(float)),
            (&self.tasks, tasks.map(float)),
            (&self.memory_max, bound("MemoryMax")),
            (&self.tasks_max, bound("TasksMax")),
            (
                &self.cpus_max,
                bound("CPUQuotaPerSecUSec").map(|it| it / 1e6),
            ),
        ];
        for (family, value) in gauges {
            if let Some(value) = value {
                family.with_label_values(&labels).set(value);
            }
        }
        let counters = [
            (&self.cpu, cpu_usec.map(|it| float(it) / 1e6)),
            (&self.received, received.map(float)),
            (&self.transmitted, transmitted.map(float)),
        ];
        for (family, value) in counters {
            if let Some(value) = value {
                family.with_label_values(&labels).inc_by(value);
            }
        }
    }

    /// The families that have something to say.
    fn text(&self) -> String {
        let families: [&dyn Collector; 15] = [
            &self.build,
            &self.loaded,
            &self.refused,
            &self.state,
            &self.since,
            &self.restarts,
            &self.started,
            &self.cpu,
            &self.cpus_max,
            &self.memory,
            &self.memory_max,
            &self.tasks,
            &self.tasks_max,
            &self.received,
            &self.transmitted,
        ];
        let families = families.iter().flat_map(|it| it.collect());
        let families: Vec<MetricFamily> = families
            .filter(|family| !family.get_metric().is_empty())
            .collect();
        let mut bytes = Vec::new();
        // It writes to memory, and every family has a name and a value.
        if let Err(error) = TextEncoder::new().encode(&families, &mut bytes) {
            tracing::error!("failed to write metrics: {error}");
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use ctr_api::wire::State;

    use super::{Families, STATES, Sample};
    use crate::machine::{Usage, test_container};
    use crate::reconcile::Status;

    /// Does not compile where a state is added that nobody counts.
    fn place(state: State) -> usize {
        match state {
            State::Stopped => 0,
            State::Waiting => 1,
            State::Starting => 2,
            State::Running => 3,
            State::Stopping => 4,
            State::Failed => 5,
        }
    }

    #[test]
    fn every_state_is_counted() {
        let places: Vec<usize> = STATES.into_iter().map(place).collect();
        assert_eq!(places, (0..STATES.len()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let families = Families::new();
        families.host(1.0, false);
        let container = test_container("hello");
        let status = Status {
            state: State::Waiting,
            since_ms: 1500,
            ..Status::unknown()
        };
        families.container(&container, &status, &Sample::default());
        let text = families.text();
        let line = "ctr_container_state{container=\"hello\",group=\"lab\",state=\"waiting\"} 1\n";
        assert!(text.contains(line), "{text}");
        assert_eq!(text.matches("ctr_container_state{").count(), STATES.len());
        assert!(
            !text.contains("memory") && !text.contains("network"),
            "{text}"
        );
        assert!(!text.contains("start_time"), "it does not run: {text}");
    }

    #[test]
    fn what_is_known_is_in_base_units() {
        let families = Families::new();
        let mut status = Status {
            state: State::Running,
            since_ms: 1500,
            restarts: 2,
            ..Status::unknown()
        };
        status.limits = [
            ("MemoryMax", 1 << 30),
            ("CPUQuotaPerSecUSec", 1_500_000),
            ("TasksMax", u64::MAX),
        ]
        .into();
        let sample = Sample {
            usage: Usage {
                cpu_usec: Some(2_500_000),
                memory: Some(4096),
                tasks: Some(3),
            },
            received: Some(7),
            transmitted: Some(9),
        };
        families.container(&test_container("hello"), &status, &sample);
        let text = families.text();
        for (name, value) in [
            ("start_time_seconds", "1.5"),
            ("restarts_total", "2"),
            ("cpu_seconds_total", "2.5"),
            ("cpus_max", "1.5"),
            ("memory_bytes", "4096"),
            ("memory_max_bytes", "1073741824"),
            ("tasks", "3"),
            ("network_receive_bytes_total", "7"),
            ("network_transmit_bytes_total", "9"),
        ] {
            let line =
                format!("ctr_container_{name}{{container=\"hello\",group=\"lab\"}} {value}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(!text.contains("tasks_max"), "{text}");
    }
}
