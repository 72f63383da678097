//! NVIDIA's library is asked by a process without rights: its crash, or silence, costs a figure and nothing else.

use crate::guests::{PATIENCE, lab, running, sleeper, until_that};
use crate::nvml::{LIBRARY, laptop};

#[test]
fn a_gpu_driver_that_crashes_or_hangs_harms_nobody() {
    let host = laptop(&lab(&[sleeper(
        "web",
        11,
        "gpu = { vendor = \"nvidia\" }\n",
    )]));
    running(&host, &["web"]);
    let ctrd = "systemctl show ctrd --property=MainPID --value";
    let before = host.ok(ctrd);
    let is_told = |memory| until_that(&host, "web", |it| it.gpu_memory.is_some() == memory);
    is_told(true);

    host.ok("touch /run/nvml/crashes");
    is_told(false);
    host.until("journalctl --unit=ctrd --grep='SIGABRT'", PATIENCE);
    // It is asked again where something about it changed.
    host.ok(&format!("rm /run/nvml/crashes && touch {LIBRARY}"));
    is_told(true);

    host.ok("touch /run/nvml/hangs");
    let silent = host.spawn("while ctr lab status; do :; done");
    let rights =
        "pid=$(pgrep --exact ctrd-nvml || pgrep --full ^ctrd-nvml) && cat /proc/$pid/status";
    let rights = host.until(rights, PATIENCE);
    for line in [
        "Uid:\t65534\t65534\t65534\t65534",
        "Gid:\t65534\t65534\t65534\t65534",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "NoNewPrivs:\t1",
    ] {
        assert!(rights.lines().any(|it| it == line), "{line}: {rights}");
    }
    host.until(
        "journalctl --unit=ctrd --grep='no answer from NVML'",
        PATIENCE,
    );
    host.until("! pgrep --full ^ctrd-nvml", PATIENCE);
    drop(silent);
    is_told(false);
    host.ok(&format!("rm /run/nvml/hangs && touch {LIBRARY}"));
    is_told(true);
    assert_eq!(host.ok(ctrd), before, "it is the same ctrd");
}
