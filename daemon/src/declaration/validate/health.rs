//! The shape of a health probe. Nothing is probed yet, and a person has to know.

use super::DeclaredContainer;
use crate::declaration::collect::Collector;
use crate::declaration::file::{Health, Table as _};
use crate::declaration::place::At;

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let Some(health) = &declared.container.health else {
        return;
    };
    let Health {
        http,
        tcp: _,
        command,
        interval,
        written: _,
    } = &health.value;
    let probes: Vec<_> = health
        .value
        .written()
        .iter()
        .filter(|key| **key != "interval")
        .collect();
    match probes.as_slice() {
        [_] => {}
        [] => {
            problems
                .error(
                    &health.place,
                    "a health probe needs one of `http`, `tcp` and `command`",
                )
                .hint("for example: health = { tcp = 5432 }");
        }
        [first, second, ..] => {
            let message = format!("a health probe is one thing, not both `{first}` and `{second}`");
            problems
                .error(&health.place, message)
                .hint("remove one of them");
        }
    }
    if let Some(At { place, .. }) = command.as_ref().filter(|command| command.value.is_empty()) {
        problems
            .error(place, "a probe's command needs at least one word")
            .hint("for example: command = [\"pg_isready\"]");
    }
    let path = http.as_ref().and_then(|http| http.value.path.as_ref());
    if let Some(path) = path.filter(|path| !path.value.0.starts_with('/')) {
        problems
            .error(&path.place, "the path of a request begins with /")
            .hint("for example: path = \"/health\"");
    }
    if let Some(interval) = interval
        .as_ref()
        .filter(|interval| interval.value.0.is_zero())
    {
        problems
            .error(&interval.place, "a probe needs a pause after it")
            .hint("for example: interval = \"10s\"");
    }
    problems
        .warning(
            &health.place,
            "`health` is read but not probed by this version of ctrd",
        )
        .hint("it may stay: a later version probes it");
}
