//! The metrics and their names, in Prometheus's text format, version 0.0.4.
//!
//! Names follow <https://prometheus.io/docs/practices/naming/>; `promtool check metrics` agrees with them.

use ctr_api::wire::State;
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, Encoder, GaugeVec, Opts, TextEncoder, core::Collector};

use super::collect::Sample;
use crate::health::Verdict;
use crate::machine;
use crate::model::Container;
use crate::reconcile::{Found, Status};

/// The media type of the text.
pub(super) const CONTENT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[allow(
    clippy::cast_precision_loss,
    reason = "the format's numbers are floating"
)]
fn float(number: u64) -> f64 {
    number as f64
}

pub(super) fn seconds(ms: u64) -> f64 {
    float(ms) / 1000.0
}

/// What a probe has found, where it has a result: one that says nothing of this run yet is none.
fn healthy(found: &Found) -> Option<f64> {
    found.last.as_ref()?;
    let is_healthy = found.verdict == Verdict::Healthy;
    Some(f64::from(u8::from(is_healthy)))
}

/// The metrics, by name.
#[derive(Debug)]
pub(super) struct Families {
    build: GaugeVec,
    loaded: GaugeVec,
    refused: GaugeVec,
    state: GaugeVec,
    since: GaugeVec,
    healthy: GaugeVec,
    restarts: CounterVec,
    started: GaugeVec,
    start: GaugeVec,
    cpu: CounterVec,
    cpus_max: GaugeVec,
    memory: GaugeVec,
    memory_max: GaugeVec,
    oom_kills: CounterVec,
    tasks: GaugeVec,
    tasks_max: GaugeVec,
    received: CounterVec,
    transmitted: CounterVec,
    gpu_memory: GaugeVec,
    gpu_utilisation: GaugeVec,
}

const NAMES: [&str; 2] = ["group", "container"];

fn gauge(name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    GaugeVec::new(Opts::new(name, help), labels).expect("the name and its labels are valid")
}

fn counter(name: &str, help: &str) -> CounterVec {
    CounterVec::new(Opts::new(name, help), &NAMES).expect("the name and its labels are valid")
}

impl Families {
    pub(super) fn new() -> Self {
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
            healthy: gauge(
                "ctr_container_healthy",
                "1 where its health probe succeeds, 0 where it fails or had no success yet; absent without a result.",
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
            start: gauge(
                "ctr_container_start_duration_seconds",
                "How long the start of this run took until it was ready, while it runs; absent where that is not known.",
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
            oom_kills: counter(
                "ctr_container_oom_kills_total",
                "How many of its processes were killed for memory since its start.",
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
            gpu_memory: gauge(
                "ctr_container_gpu_memory_bytes",
                "Its memory on a graphics processor now, where the driver tells.",
                &["group", "container", "gpu"],
            ),
            gpu_utilisation: gauge(
                "ctr_container_gpu_utilisation_ratio",
                "The share of the time that it kept a graphics processor busy, where the driver tells: of the last second, or since the last scrape.",
                &["group", "container", "gpu"],
            ),
        }
    }

    pub(super) fn host(&self, loaded: f64, refused: bool) {
        let version = env!("CARGO_PKG_VERSION");
        self.build.with_label_values(&[version]).set(1.0);
        let none: [&str; 0] = [];
        self.loaded.with_label_values(&none).set(loaded);
        self.refused
            .with_label_values(&none)
            .set(f64::from(u8::from(refused)));
    }

    pub(super) fn container(&self, container: &Container, status: &Status, sample: &Sample) {
        let (group, name) = (container.id.group.as_str(), container.id.name.as_str());
        let labels = [group, name];
        for state in State::ALL {
            let is = f64::from(u8::from(status.state == state));
            let labels = [group, name, state.as_str()];
            self.state.with_label_values(&labels).set(is);
        }
        let since = seconds(status.since_ms);
        self.since.with_label_values(&labels).set(since);
        let restarts = f64::from(status.restarts);
        self.restarts.with_label_values(&labels).inc_by(restarts);
        if let Some(ready) = status.up_since_ms {
            self.started.with_label_values(&labels).set(seconds(ready));
        }
        if let Some(healthy) = status.health.as_ref().and_then(healthy) {
            self.healthy.with_label_values(&labels).set(healthy);
        }
        if let Some(usec) = status.start_usec {
            let took = float(usec) / 1e6;
            self.start.with_label_values(&labels).set(took);
        }
        let Sample {
            usage:
                machine::Usage {
                    cpu_usec,
                    memory,
                    tasks,
                    oom_kills,
                },
            received,
            transmitted,
            gpus,
        } = sample;
        for (card, used) in gpus {
            let card = card.to_string();
            let labels = [group, name, card.as_str()];
            if let Some(bytes) = used.memory {
                let family = self.gpu_memory.with_label_values(&labels);
                family.set(float(bytes));
            }
            if let Some(share) = used.busy {
                self.gpu_utilisation.with_label_values(&labels).set(share);
            }
        }
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
            (&self.oom_kills, oom_kills.map(float)),
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
    pub(super) fn text(&self) -> String {
        let families: [&dyn Collector; 20] = [
            &self.build,
            &self.loaded,
            &self.refused,
            &self.state,
            &self.since,
            &self.healthy,
            &self.restarts,
            &self.started,
            &self.start,
            &self.cpu,
            &self.cpus_max,
            &self.memory,
            &self.memory_max,
            &self.oom_kills,
            &self.tasks,
            &self.tasks_max,
            &self.received,
            &self.transmitted,
            &self.gpu_memory,
            &self.gpu_utilisation,
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

    use super::Families;
    use crate::gpu::meter::Use;
    use crate::health::{Outcome, Verdict};
    use crate::machine::{Usage, test_container};
    use crate::metrics::collect::Sample;
    use crate::reconcile::{Found, Status};

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
        assert_eq!(
            text.matches("ctr_container_state{").count(),
            State::ALL.len()
        );
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
            since_ms: 2500,
            up_since_ms: Some(1500),
            start_usec: Some(250_000),
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
                oom_kills: Some(2),
            },
            received: Some(7),
            transmitted: Some(9),
            gpus: [(
                "0000:01:00.0".parse().expect("valid"),
                Use {
                    memory: Some(2048),
                    busy: Some(0.25),
                },
            )]
            .into(),
        };
        families.container(&test_container("hello"), &status, &sample);
        let text = families.text();
        for (name, value) in [
            ("start_time_seconds", "1.5"),
            ("start_duration_seconds", "0.25"),
            ("restarts_total", "2"),
            ("cpu_seconds_total", "2.5"),
            ("cpus_max", "1.5"),
            ("memory_bytes", "4096"),
            ("memory_max_bytes", "1073741824"),
            ("oom_kills_total", "2"),
            ("tasks", "3"),
            ("network_receive_bytes_total", "7"),
            ("network_transmit_bytes_total", "9"),
        ] {
            let line =
                format!("ctr_container_{name}{{container=\"hello\",group=\"lab\"}} {value}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
        for (name, value) in [("memory_bytes", "2048"), ("utilisation_ratio", "0.25")] {
            let labels = "container=\"hello\",gpu=\"0000:01:00.0\",group=\"lab\"";
            let line = format!("ctr_container_gpu_{name}{{{labels}}} {value}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(!text.contains("tasks_max"), "{text}");
        assert!(!text.contains("healthy{"), "nothing probes it: {text}");
    }

    #[test]
    fn health_is_said_once_there_is_a_result() {
        let outcome = |success| {
            Some(Outcome {
                success,
                words: String::new(),
            })
        };
        for (verdict, last, said) in [
            (Verdict::Coming, None, None),
            (Verdict::Coming, outcome(false), Some(0)),
            (Verdict::Found, None, None),
            (Verdict::Healthy, outcome(true), Some(1)),
            (Verdict::Healthy, outcome(false), Some(1)),
            (Verdict::Unhealthy, outcome(false), Some(0)),
        ] {
            let families = Families::new();
            let status = Status {
                health: Some(Found {
                    verdict,
                    last,
                    since_ms: 0,
                    failed: 0,
                }),
                ..Status::unknown()
            };
            families.container(&test_container("hello"), &status, &Sample::default());
            let text = families.text();
            let line = |value| {
                format!("ctr_container_healthy{{container=\"hello\",group=\"lab\"}} {value}\n")
            };
            let found = [0, 1]
                .into_iter()
                .find(|value| text.contains(&line(*value)));
            assert_eq!(found, said, "{verdict:?}: {text}");
        }
    }
}
