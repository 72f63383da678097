//! `daemon/tests/others_cases/<whose>/`: a ruleset as nft listed it on a host, and what of the
//! declaration beside the folders it stops.
//!
//! `obstacles.txt` has it twice: where frames between two guests of a group pass the tables for IPv4
//! (`br_netfilter`), and where they do not. `CTR_BLESS=1` writes it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Facts, Obstacle, Ruleset, Uplink, find};
use crate::declaration;
use crate::network::LINK_GROUP;

fn told(obstacles: &[Obstacle]) -> String {
    let lines = obstacles.iter().map(|it| {
        let hint = it.hint().map_or_else(String::new, |it| format!("  {it}\n"));
        format!("{}: {}\n{hint}", it.group, it.sentence())
    });
    let told: String = lines.collect();
    if told.is_empty() {
        "nothing is stopped\n".to_owned()
    } else {
        told
    }
}

#[test]
fn every_ruleset_stops_what_its_case_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/others_cases");
    let read = |path: &Path| {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let declared = fs::read(directory.join("declaration.toml")).expect("the declaration");
    let model = declaration::parse("declaration.toml", &declared)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .model;
    let filtered: BTreeSet<_> = model.groups.values().map(|it| it.bridge.clone()).collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&directory).expect("the cases").flatten() {
        let folder = entry.path();
        if !folder.is_dir() {
            continue;
        }
        let json = read(&folder.join("ruleset.json"));
        let text = read(&folder.join("ruleset.txt"));
        let ruleset = Ruleset::parse(&json, &text).expect("a listing");
        let mut found = String::new();
        for (title, bridges) in [("off", BTreeSet::default()), ("on", filtered.clone())] {
            let facts = Facts {
                link_group: LINK_GROUP,
                uplink: Some(Uplink {
                    name: "uplink0".to_owned(),
                    group: 0,
                }),
                filtered_bridges: bridges,
            };
            let told = told(&find(&ruleset, &model, &facts));
            let _ = write!(found, "br_netfilter {title}\n{told}");
        }
        let file = folder.join("obstacles.txt");
        if std::env::var_os("CTR_BLESS").is_some() {
            fs::write(&file, &found).expect("written");
        }
        let expected = read(&file);
        if found != expected {
            wrong.push(format!(
                "{}\nexpected:\n{expected}found:\n{found}",
                folder.display()
            ));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 15, "only {count} cases were found");
}
