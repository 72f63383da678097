//! Graphics processors that can be told apart.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::DeclaredContainer;
use crate::declaration::collect::Collector;
use crate::declaration::file::Gpu;
use crate::declaration::place::At;
use crate::declaration::value::Devices;

pub(super) fn check(declared: &DeclaredContainer<'_>, problems: &mut Collector) {
    let Some(At { value: gpu, place }) = &declared.container.gpu else {
        return;
    };
    let Gpu {
        vendor: _,
        devices,
        cdi,
        optional: _,
        written,
    } = gpu;
    match (written.contains(&"vendor"), written.contains(&"cdi")) {
        (false, false) => {
            problems
                .error(place, "it is not said which graphics processors")
                .hint("write gpu = { vendor = \"nvidia\" }, or \"amd\", \"intel\", \"any\"");
        }
        (true, true) => {
            problems
                .error(place, "graphics processors are chosen by vendor or by CDI")
                .hint("remove `vendor` or `cdi`");
        }
        (true, false) | (false, true) => {}
    }
    if let Some(At { value, place }) = devices {
        if written.contains(&"cdi") {
            problems
                .error(place, "`devices` belongs to `vendor`")
                .hint("name the devices in `cdi`: [\"nvidia.com/gpu=0\"]");
        }
        if let Devices::These(names) = value {
            named(names, problems);
        }
    }
    if let Some(names) = cdi {
        named(&names.value.0, problems);
    }
}

fn named<T: Display>(names: &[At<T>], problems: &mut Collector) {
    let mut seen = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.insert(name.value.to_string(), &name.place) {
            problems
                .error(&name.place, format!("{} is listed twice", name.value))
                .hint("remove one")
                .related(first, "the first");
        }
    }
}
