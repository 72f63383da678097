//! Limits that a guest can live in, and restarts that leave a pause.

use std::time::Duration;

use super::DeclaredContainer;
use crate::declaration::collect::Collector;
use crate::declaration::file::{Limits, Restart, Table as _};
use crate::declaration::place::At;
use crate::declaration::value::{Size, written};
use crate::model::RestartPolicy;

/// What a command needs beside itself: nspawn's own process and the page tables.
const COMMAND_MEMORY_MIN: (u64, &str) = (16 << 20, "16M");
/// What a systemd needs to reach its default target with nothing enabled.
const BOOT_MEMORY_MIN: (u64, &str) = (64 << 20, "64M");
/// What an init and its helpers need at once.
const TASKS_MIN: u64 = 16;
/// The range of `cpu.weight` (Documentation/admin-guide/cgroup-v2.rst).
const CPU_WEIGHTS: std::ops::RangeInclusive<u64> = 1..=10_000;
/// The shortest pause: without one a program that fails at once keeps a processor busy.
const DELAY_MIN: Duration = Duration::from_millis(100);

/// The default pause before the first restart.
pub(crate) const DELAY_DEFAULT: Duration = Duration::from_secs(1);
/// The shortest run that can end a row of failures: a guest needs as long to come up.
const WINDOW_MIN: Duration = Duration::from_secs(1);

/// The default length of a run that ends a row of failures.
pub(crate) const WINDOW_DEFAULT: Duration = Duration::from_secs(60);
/// The default longest pause.
pub(crate) const MAX_DELAY_DEFAULT: Duration = Duration::from_secs(60);

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    if let Some(limits) = &declared.container.limits {
        let floor = if declared.container.written().contains(&"command") {
            (COMMAND_MEMORY_MIN, "a command")
        } else {
            (BOOT_MEMORY_MIN, "a guest that boots")
        };
        memory(&limits.value, floor, problems);
        others(&limits.value, problems);
    }
    if let Some(restart) = &declared.container.restart {
        pauses(&restart.value, problems);
    }
}

fn memory(limits: &Limits, ((least, shown), what): ((u64, &str), &str), problems: &mut Collector) {
    for (key, limit) in [
        ("memory-max", &limits.memory_max),
        ("memory-high", &limits.memory_high),
    ] {
        let Some(At {
            value: Size(bytes),
            place,
        }) = limit
        else {
            continue;
        };
        if *bytes < least {
            problems
                .error(
                    place,
                    format!("{what} does not start with a {key} below {shown}"),
                )
                .hint(format!(
                    "write at least \"{shown}\", or remove `{key}` for no bound"
                ));
        }
    }
    if let (Some(high), Some(max)) = (&limits.memory_high, &limits.memory_max)
        && high.value > max.value
    {
        problems
            .error(
                &high.place,
                "memory-high is above memory-max, so it would never be met",
            )
            .hint("make memory-high the smaller one")
            .related(&max.place, "memory-max");
    }
}

fn others(limits: &Limits, problems: &mut Collector) {
    if let Some(tasks) = limits
        .tasks_max
        .as_ref()
        .filter(|tasks| tasks.value.0 < TASKS_MIN)
    {
        problems
            .error(
                &tasks.place,
                format!("a guest does not start with a tasks-max below {TASKS_MIN}"),
            )
            .hint(format!(
                "write at least {TASKS_MIN}, or remove `tasks-max` for no bound"
            ));
    }
    if let Some(weight) = limits
        .cpu_weight
        .as_ref()
        .filter(|it| !CPU_WEIGHTS.contains(&it.value.0))
    {
        problems
            .error(
                &weight.place,
                format!("{} is not a cpu-weight", weight.value.0),
            )
            .hint("weights go from 1 to 10000, and everything else on the host has 100");
    }
}

fn pauses(restart: &Restart, problems: &mut Collector) {
    let Restart {
        policy,
        delay,
        max_delay,
        window,
        on_unhealthy,
        written: _,
    } = restart;
    if let Some(window) = window.as_ref().filter(|it| it.value.0 < WINDOW_MIN) {
        problems
            .error(
                &window.place,
                "a run as short as that says nothing, and the pauses would never grow",
            )
            .hint(format!("write at least \"{}\"", written(WINDOW_MIN)));
    }
    if let (Some(policy), Some(on_unhealthy)) = (policy, on_unhealthy)
        && policy.value.0 == RestartPolicy::Never
        && on_unhealthy.value
    {
        problems
            .error(
                &on_unhealthy.place,
                "a container that is never started again is not restarted when it is unhealthy",
            )
            .hint("write another `policy`, or remove `on-unhealthy`")
            .related(&policy.place, "the policy");
    }
    for pause in [delay, max_delay].into_iter().flatten() {
        if pause.value.0 < DELAY_MIN {
            problems
                .error(
                    &pause.place,
                    "a container that fails at once would be restarted without a pause",
                )
                .hint(format!("write at least \"{}\"", written(DELAY_MIN)));
        }
    }
    let first = delay.as_ref().map_or(DELAY_DEFAULT, |delay| delay.value.0);
    let longest = max_delay
        .as_ref()
        .map_or(MAX_DELAY_DEFAULT, |delay| delay.value.0);
    if first <= longest {
        return;
    }
    // One of the two is written, since the defaults are in order.
    let Some(place) = delay
        .as_ref()
        .or(max_delay.as_ref())
        .map(|delay| &delay.place)
    else {
        return;
    };
    let message = format!(
        "the first pause, {}, is longer than the longest, {}",
        written(first),
        written(longest)
    );
    problems.error(place, message).hint(if max_delay.is_none() {
        format!(
            "add max-delay = \"{}\" or more: without it, it is 1min",
            written(first)
        )
    } else {
        format!("write a delay of at most \"{}\"", written(longest))
    });
}
