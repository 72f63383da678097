//! What is measured.

use std::hint::black_box;

use criterion::Bencher;
use ctr_api::wire::State;
use ctrd::bus::diff;
use ctrd::declaration::parse;
use ctrd::firewall::{self, Observed, Plan};
use ctrd::gpu::Delivery;
use ctrd::machine::{self, Facts, root::UidBase, transient_unit};
use ctrd::network::{Attachment, Bridge, plan_container};
use ctrd::reconcile::{self, Status};

use super::declared::{Declared, elements};
use super::host::{as_it_should_be, nothing_to_do};

/// One of them, for so many containers.
type Part = fn(&mut Bencher<'_>, &Declared);

/// All, by the name that criterion keeps them under.
pub(crate) const PARTS: [(&str, Part); 11] = [
    ("parse and validate", parsed),
    ("desired, network", desired_network),
    ("desired, firewall", desired_firewall),
    ("desired, units", desired_units),
    ("plan, network", plan_network),
    ("plan, firewall, one port", plan_firewall),
    ("plan, containers", plan_containers),
    ("render for nft, everything", render_everything),
    ("render for nft, one port", render_one_port),
    ("status diff", status_diff),
    ("apply with nothing to do", apply),
];

fn parsed(bencher: &mut Bencher<'_>, declared: &Declared) {
    bencher.iter(|| parse("containers.toml", black_box(declared.text.as_bytes())));
}

fn desired_network(bencher: &mut Bencher<'_>, declared: &Declared) {
    bencher.iter(|| {
        for group in declared.model.groups.values() {
            black_box(Bridge::of(group));
            for container in group.containers.values() {
                black_box(Attachment::of(group, container));
            }
        }
    });
}

fn desired_firewall(bencher: &mut Bencher<'_>, declared: &Declared) {
    bencher.iter(|| elements(black_box(&declared.model)));
}

fn desired_units(bencher: &mut Bencher<'_>, declared: &Declared) {
    let delivery = Delivery::default();
    let facts = Facts {
        paths: &declared.paths,
        uid_base: UidBase::new(524_288),
        journal: true,
        store_idmap: true,
        delivery: &delivery,
    };
    bencher.iter(|| {
        for wanted in &declared.wanted {
            let (group, container) = (wanted.group(), wanted.container());
            let carries = machine::Declared::of(group, container, &wanted.credentials);
            black_box(transient_unit(container, &carries, &facts, 16_384));
        }
    });
}

fn plan_network(bencher: &mut Bencher<'_>, declared: &Declared) {
    let pairs = declared.wanted.iter();
    let pairs: Vec<_> = pairs
        .map(|wanted| (wanted.network(), as_it_should_be(wanted).network))
        .collect();
    bencher.iter(|| {
        for (desired, observed) in &pairs {
            let _ = black_box(plan_container(desired, observed));
        }
    });
}

fn plan_firewall(bencher: &mut Bencher<'_>, declared: &Declared) {
    let (before, after) = (elements(&declared.model), elements(&declared.changed));
    bencher.iter(|| Plan::between(black_box(&before.elements), black_box(&after)));
}

fn plan_containers(bencher: &mut Bencher<'_>, declared: &Declared) {
    let pairs = declared.wanted.iter();
    let pairs: Vec<_> = pairs
        .map(|wanted| (wanted, as_it_should_be(wanted)))
        .collect();
    bencher.iter(|| {
        for (wanted, observed) in &pairs {
            let _ = black_box(reconcile::plan(wanted, observed, false));
        }
    });
}

fn render_everything(bencher: &mut Bencher<'_>, declared: &Declared) {
    let plan = firewall::plan(&elements(&declared.model), &Observed::default());
    bencher.iter(|| black_box(&plan).transaction());
}

fn render_one_port(bencher: &mut Bencher<'_>, declared: &Declared) {
    let (before, after) = (elements(&declared.model), elements(&declared.changed));
    let plan = Plan::between(&before.elements, &after);
    bencher.iter(|| black_box(&plan).transaction());
}

fn status_diff(bencher: &mut Bencher<'_>, declared: &Declared) {
    let old = Status::unknown();
    let new = Status {
        state: State::Running,
        leader: Some(42),
        ..old.clone()
    };
    bencher.iter(|| {
        for _ in &declared.wanted {
            black_box(diff(black_box(&old), black_box(&new)));
        }
    });
}

fn apply(bencher: &mut Bencher<'_>, declared: &Declared) {
    nothing_to_do(bencher, declared);
}
