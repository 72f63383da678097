//! What one container uses and may use, in words: a line each.

use ctr_api::wire::{ContainerStatus, Limits, OverriddenLimit};

use super::CpuMeter;
use super::status::percent;
use super::units::size;

/// `3% of one, on average since the start; at most 4 processors, weight 50`
pub(super) fn processor(
    container: &ContainerStatus,
    meter: &mut CpuMeter,
    now_ms: u64,
) -> Vec<String> {
    let used = meter.percent(container, now_ms).map(percent);
    let used = used.map(|it| format!("{it} of one, on average since the start"));
    let Limits {
        milli_cpus,
        cpu_weight,
        ..
    } = &container.limits;
    let most = milli_cpus.map(|milli| match milli {
        1000 => "at most 1 processor".to_owned(),
        milli => format!("at most {} processors", thousandths(milli)),
    });
    let weight = cpu_weight.map(|it| format!("weight {it}"));
    line(used, [most, weight])
}

/// `1.2G; at most 8.0G, slowed down above 6.0G`, and what was killed above that.
pub(super) fn memory(container: &ContainerStatus) -> Vec<String> {
    let used = container.usage.as_ref().and_then(|it| it.memory).map(size);
    let Limits {
        memory_max,
        memory_high,
        ..
    } = &container.limits;
    let most = memory_max.map(|it| format!("at most {}", size(it)));
    let high = memory_high.map(|it| format!("slowed down above {}", size(it)));
    let mut lines = line(used, [most, high]);
    let killed = container.usage.as_ref().and_then(|it| it.oom_kills);
    lines.extend(match killed {
        None | Some(0) => None,
        Some(1) => Some("1 process was killed for memory since the start".to_owned()),
        Some(many) => Some(format!(
            "{many} processes were killed for memory since the start"
        )),
    });
    lines
}

/// `42; at most 4096`
pub(super) fn tasks(container: &ContainerStatus) -> Vec<String> {
    let used = container.usage.as_ref().and_then(|it| it.tasks);
    let most = container.limits.tasks_max.map(|it| format!("at most {it}"));
    line(used.map(|it| it.to_string()), [most, None])
}

/// `memory-max by /etc/systemd/system/ctr-ml-ollama.service.d/override.conf`
pub(super) fn overridden(container: &ContainerStatus) -> Vec<String> {
    let all = container.limits.overridden.iter();
    all.map(|OverriddenLimit { key, path }| format!("{key} by {path}"))
        .collect()
}

/// What is used, then what bounds it; nothing where neither is known.
fn line(used: Option<String>, bounds: [Option<String>; 2]) -> Vec<String> {
    let unbounded = bounds.iter().all(Option::is_none);
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    match used {
        Some(used) if unbounded => vec![format!("{used}; no bound")],
        Some(used) => vec![format!("{used}; {}", bounds.join(", "))],
        None if unbounded => Vec::new(),
        None => vec![bounds.join(", ")],
    }
}

/// `1.5`, `0.1`, `4`
fn thousandths(milli: u64) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use ctr_api::wire::{Limits, OverriddenLimit, Usage};

    use super::{memory, overridden, processor, tasks};
    use crate::render::CpuMeter;
    use crate::sample;

    #[test]
    fn what_is_used_and_what_bounds_it_is_one_line() {
        let mut container = sample::running("ml", "ollama");
        container.limits = Limits {
            memory_max: Some(8 << 30),
            memory_high: Some(6 << 30),
            milli_cpus: Some(1500),
            cpu_weight: Some(50),
            tasks_max: Some(4096),
            overridden: vec![OverriddenLimit {
                key: "tasks-max".to_owned(),
                path: "/etc/systemd/system/ctr-ml-ollama.service.d/override.conf".to_owned(),
            }],
        };
        let mut meter = CpuMeter::default();
        assert_eq!(
            processor(&container, &mut meter, sample::NOW_MS),
            ["3% of one, on average since the start; at most 1.5 processors, weight 50"]
        );
        assert_eq!(
            memory(&container),
            ["1.2G; at most 8.0G, slowed down above 6.0G"]
        );
        if let Some(usage) = &mut container.usage {
            usage.oom_kills = Some(2);
        }
        assert_eq!(
            memory(&container)[1..],
            ["2 processes were killed for memory since the start"]
        );
        assert_eq!(tasks(&container), ["42; at most 4096"]);
        assert_eq!(
            overridden(&container),
            ["tasks-max by /etc/systemd/system/ctr-ml-ollama.service.d/override.conf"]
        );
        container.usage = None;
        assert_eq!(tasks(&container), ["at most 4096"]);
        container.limits = Limits::default();
        assert!(tasks(&container).is_empty() && overridden(&container).is_empty());
        container.usage = Some(Usage {
            cpu_usec: None,
            memory: None,
            tasks: Some(3),
            oom_kills: None,
        });
        assert_eq!(tasks(&container), ["3; no bound"]);
        assert!(memory(&container).is_empty());
    }
}
