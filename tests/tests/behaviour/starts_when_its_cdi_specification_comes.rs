//! A container whose device no CDI specification has yet waits for it, says so, and starts by itself when the
//! specification is written; one that does without starts at once, and is given the device while it runs.

use ctr_api::wire::State;

use crate::cdi::{laptop, write_spec};
use crate::gpus::error;
use crate::guests::{PATIENCE, lab, running, sleeper, status, until, until_that};

const SPEC: &str = "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n- name: all\n  \
    containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}\n";

#[test]
fn starts_when_its_cdi_specification_comes() {
    let optional = "gpu = { cdi = [\"nvidia.com/gpu=all\"], optional = true }\n";
    let host = laptop(&lab(&[
        sleeper("needs", 11, "gpu = { cdi = [\"nvidia.com/gpu=all\"] }\n"),
        sleeper("likes", 12, optional),
    ]));
    let before = running(&host, &["likes"]);
    let waits = until(&host, "needs", State::Waiting);
    assert_eq!(waits.reason.as_deref(), Some("gpu (nvidia.com/gpu=all)"));
    let hint = waits.hint.expect("what to do");
    assert!(hint.contains("nvidia-ctk cdi generate"), "{hint}");
    let said = status(&host, "likes").reason;
    assert_eq!(said.as_deref(), Some("without gpu (nvidia.com/gpu=all)"));
    assert_eq!(error(&host, "likes", "/dev/nvidia0"), "ENOENT");

    // Another device of the same vendor is not what is waited for.
    write_spec(
        &host,
        "nvidia.yaml",
        &SPEC.replace("name: all", "name: '7'"),
    );
    assert_eq!(status(&host, "needs").state, State::Waiting);
    write_spec(&host, "nvidia.yaml", SPEC);
    until(&host, "needs", State::Running);
    assert_eq!(error(&host, "needs", "/dev/nvidia0"), "ENXIO");
    until_that(&host, "likes", |it| it.reason.is_none());
    host.until("ctr lab exec likes -- test -c /dev/nvidia0", PATIENCE);
    assert_eq!(error(&host, "likes", "/dev/nvidia0"), "ENXIO");
    assert_eq!(running(&host, &["likes"]), before, "it runs on");
}
