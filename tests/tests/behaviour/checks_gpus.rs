//! `ctr gpu check` says what is missing and how to mend it, and ends with 1 only where something is.

use ctr_api::wire::{GpuFinding, GpuSeverity, State};
use ctr_lab::{Host, Options, recorded_machine};

use crate::guests::{lab, sleeper, until};

fn with(machine: &str, containers: &[String]) -> Host {
    Options::new()
        .with_ctr(&lab(containers))
        .hardware(recorded_machine(machine).expect("a recorded machine"))
        .boot()
        .expect("a host")
}

fn found(host: &Host) -> Vec<GpuFinding> {
    let json = host.run("ctr gpu check --json").stdout;
    serde_json::from_str(&json).expect("an array")
}

#[test]
fn a_card_that_works_is_no_problem() {
    let host = with("amd-apu-and-card", &[]);
    let text = host.ok("ctr gpu check");
    assert_eq!(text.matches("ok: ").count(), 2, "{text}");
    assert!(found(&host).iter().all(|it| it.severity == GpuSeverity::Ok));
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let gpu = "gpu = { vendor = \"nvidia\" }\n";
    let host = with("not-to-be-had", &[sleeper("web", 11, gpu)]);
    until(&host, "web", State::Waiting);
    let said = host.fails("ctr gpu check");
    let found = found(&host);
    let problems: Vec<_> = found
        .iter()
        .filter(|it| it.severity == GpuSeverity::Problem)
        .collect();
    assert!(
        problems.iter().any(|it| it.subject == "lab/web"),
        "{said:?}"
    );
    assert!(
        problems.len() > 1 && problems.iter().all(|it| it.hint.is_some()),
        "{found:#?}"
    );
}
