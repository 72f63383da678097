//! Health probes that can succeed, and that leave a guest time to answer.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::DeclaredContainer;
use crate::declaration::collect::Collector;
use crate::declaration::file::{Health, HealthHttp, Restart};
use crate::declaration::place::{At, Place, quote};
use crate::declaration::value::{Number, Time, Word, written};

/// The keys of which a probe has one.
const PROBES: [&str; 3] = ["http", "tcp", "command"];
/// The shortest pause: without one a guest does nothing but answer.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// What a status line can say (RFC 9110, section 15).
const STATUSES: RangeInclusive<u64> = 100..=599;
/// More in a row than anybody waits for.
const THRESHOLDS: RangeInclusive<u64> = 1..=1000;

/// From the beginning of one probe to that of the next, where nothing is said.
pub(crate) const INTERVAL_DEFAULT: Duration = Duration::from_secs(10);
/// How long a probe may take, where nothing is said; never longer than the interval.
pub(crate) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);
/// The interval until the first success, where nothing is said; never longer than the other.
pub(crate) const START_INTERVAL_DEFAULT: Duration = Duration::from_secs(1);

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let restart = declared.container.restart.as_ref().map(|it| &it.value);
    let Some(health) = &declared.container.health else {
        restarts_nothing(restart, problems);
        return;
    };
    let Health {
        http,
        tcp: _,
        command,
        user,
        interval,
        timeout,
        start_interval,
        failures,
        successes,
        written,
    } = &health.value;
    let one: Vec<_> = written.iter().filter(|it| PROBES.contains(it)).collect();
    one_probe(&health.place, &one, problems);
    if let Some(At { place, .. }) = command.as_ref().filter(|command| command.value.is_empty()) {
        problems
            .error(place, "a probe's command needs at least one word")
            .hint("for example: command = [\"pg_isready\"]");
    }
    if let Some(user) = user.as_ref().filter(|_| !written.contains(&"command")) {
        problems
            .error(&user.place, "only a probe's command runs as a user")
            .hint("remove `user`, or probe with a `command`");
    }
    if let Some(http) = http {
        request(&http.value, problems);
    }
    for threshold in [failures, successes].into_iter().flatten() {
        let At { value, place } = threshold;
        if !THRESHOLDS.contains(&value.0) {
            problems
                .error(place, format!("{} is not a number of probes", value.0))
                .hint("write how many in a row it takes, from 1 to 1000");
        }
    }
    times([interval, timeout, start_interval], problems);
}

/// `on-unhealthy` without anything that could say so.
fn restarts_nothing(restart: Option<&Restart>, problems: &mut Collector) {
    let wanted = restart.and_then(|it| it.on_unhealthy.as_ref());
    if let Some(At { place, .. }) = wanted.filter(|it| it.value) {
        problems
            .error(
                place,
                "without a health probe nobody finds out that it is unhealthy",
            )
            .hint("add one, for example: health = { tcp = 5432 }");
    }
}

fn one_probe(place: &Place, written: &[&&str], problems: &mut Collector) {
    match written {
        [_] => {}
        [] => {
            problems
                .error(
                    place,
                    "a health probe needs one of `http`, `tcp` and `command`",
                )
                .hint("for example: health = { tcp = 5432 }");
        }
        [first, second, ..] => {
            let message = format!("a health probe is one thing, not both `{first}` and `{second}`");
            problems.error(place, message).hint("remove one of them");
        }
    }
}

/// What is sent is a line and a field of HTTP/1.1: nothing in them may end either (RFC 9112,
/// sections 3.2 and 5).
fn request(http: &HealthHttp, problems: &mut Collector) {
    let HealthHttp {
        port: _,
        path,
        status,
        host,
        written: _,
    } = http;
    if let Some(At { value, place }) = path {
        if !value.0.starts_with('/') {
            problems
                .error(place, "the path of a request begins with /")
                .hint("for example: path = \"/health\"");
        } else if !is_visible(value) {
            let message = format!("{} is not the path of a request", quote(&value.0));
            problems
                .error(place, message)
                .hint("write other characters than printable ASCII as %XX: a space is %20");
        }
    }
    if let Some(At { value, place }) = host
        && (value.0.is_empty() || !is_visible(value))
    {
        problems
            .error(place, format!("{} is not a host", quote(&value.0)))
            .hint("write a name or an address, and a port where it has one: \"www.example.org\"");
    }
    let Some(At { value, place }) = status else {
        return;
    };
    if value.is_empty() {
        problems
            .error(place, "a probe that no status satisfies never succeeds")
            .hint("write some, or remove `status`: then any from 200 to 399 is a success");
    }
    for At {
        value: Number(status),
        place,
    } in value
    {
        if !STATUSES.contains(status) {
            problems
                .error(place, format!("{status} is not an HTTP status"))
                .hint("statuses go from 100 to 599");
        }
    }
}

fn is_visible(word: &Word) -> bool {
    word.0.bytes().all(|byte| byte.is_ascii_graphic())
}

fn times([interval, timeout, start_interval]: [&Option<At<Time>>; 3], problems: &mut Collector) {
    for pause in [interval, start_interval].into_iter().flatten() {
        if pause.value.0 < INTERVAL_MIN {
            problems
                .error(&pause.place, "a guest would be probed without a pause")
                .hint(format!("write at least \"{}\"", written(INTERVAL_MIN)));
        }
    }
    let longest = interval.as_ref().map_or(INTERVAL_DEFAULT, |it| it.value.0);
    if let Some(At { value, place }) = timeout {
        if value.0.is_zero() {
            problems
                .error(place, "a probe that may take no time never succeeds")
                .hint("for example: timeout = \"2s\"");
        } else if value.0 > longest {
            let message = format!(
                "a probe that may take {} is not over when the next begins, after {}",
                written(value.0),
                written(longest)
            );
            problems.error(place, message).hint(format!(
                "write at most \"{}\", or a longer interval",
                written(longest)
            ));
        }
    }
    if let Some(At { value, place }) = start_interval
        && value.0 > longest
    {
        let message = format!(
            "until the first success it would be probed more seldom ({}) than later ({})",
            written(value.0),
            written(longest)
        );
        problems.error(place, message).hint(format!(
            "write at most \"{}\", or a longer interval",
            written(longest)
        ));
    }
}
