//! The driver's libraries that containers are given, and what becomes of a card's memory over sleep.

use super::{Facts, Finding, Libraries, Severity, Specification};
use crate::gpu::{Driver, Gpu, Inventory, Vendor};

/// What stands before a sentence of its own about a specification.
const SPECIFICATION: &str = "CDI:";
const SUBJECT: &str = "NVIDIA's libraries";

/// NVIDIA's libraries belong to the driver, and have to be of its version. Other vendors' are the guest's own.
pub(super) fn libraries(inventory: &Inventory, facts: &Facts) -> Vec<Finding> {
    let Some(loaded) = nvidia(inventory) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if let Specification::Refused { reason, hint } = &facts.specification {
        // Where the host has them elsewhere, only a container that names its devices minds.
        let severity = match facts.opengl_driver {
            Some(_) => Severity::Hint,
            None => Severity::Problem,
        };
        let what = format!("cannot be taken as a specification has them: {reason}");
        findings.push(Finding::new(severity, SUBJECT, what).hint(hint.clone()));
    }
    if let Specification::Has { undone, .. } = &facts.specification {
        // Whoever runs without it says so itself.
        let said = |what: &&String| facts.undone.iter().any(|it| it.sentences.contains(what));
        let undone = undone.iter().filter(|what| !said(what));
        findings.extend(undone.map(|what| Finding::new(Severity::Hint, SPECIFICATION, what)));
    }
    let refused = findings.iter().any(|it| it.severity == Severity::Problem);
    let found = match (&facts.opengl_driver, &facts.specification) {
        (Some(libraries), _) => Some((libraries, "/run/opengl-driver")),
        (None, Specification::Has { libraries, .. }) => Some((libraries, "the CDI specification")),
        (None, _) => None,
    };
    match found {
        None if !refused => findings.push(
            Finding::new(
                Severity::Problem,
                SUBJECT,
                "are nowhere that a container could be given them from: there is neither \
                 /run/opengl-driver/lib/libcuda.so.1 nor a CDI specification of nvidia.com/gpu",
            )
            .hint(
                "on NixOS set `hardware.graphics.enable` and \
                 `hardware.nvidia-container-toolkit.enable`; elsewhere install the NVIDIA \
                 Container Toolkit and run `nvidia-ctk cdi generate \
                 --output=/etc/cdi/nvidia.yaml`",
            ),
        ),
        None => {}
        Some((Libraries { version }, place)) => {
            let loaded = loaded.version.as_deref();
            findings.push(compared(version.as_deref(), loaded, place));
        }
    }
    findings
}

fn compared(version: Option<&str>, loaded: Option<&str>, place: &str) -> Finding {
    match (version, loaded) {
        (Some(version), Some(loaded)) if version != loaded => {
            let what = format!(
                "in {place} are of version {version} and the loaded driver of {loaded}: \
                 programs would fail with `driver/library version mismatch`"
            );
            let again = if place.starts_with('/') {
                "restart the host: the new driver is loaded then"
            } else {
                "run `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml` again; if it names \
                 the same version, restart the host: the new driver is loaded then"
            };
            Finding::new(Severity::Problem, SUBJECT, what).hint(again)
        }
        (Some(version), _) => {
            let what = format!("in {place} are of version {version}");
            Finding::new(Severity::Ok, SUBJECT, what)
        }
        (None, _) => Finding::new(Severity::Ok, SUBJECT, format!("are in {place}")),
    }
}

/// What is in a card's memory is lost over sleep unless the driver keeps it (NVIDIA's README, "Configuring
/// Power Management Support").
pub(super) fn sleep(inventory: &Inventory, facts: &Facts) -> Option<Finding> {
    nvidia(inventory)?;
    if facts.keeps_memory_over_sleep != Some(false) {
        return None;
    }
    let what = "loses what is in the card's memory when the host sleeps: programs that use CUDA \
                fail after it";
    Some(
        Finding::new(Severity::Hint, "the NVIDIA driver", what).hint(
            "on NixOS set `hardware.nvidia.powerManagement.enable`; elsewhere give the module \
         `NVreg_PreserveVideoMemoryAllocations=1` in /etc/modprobe.d and enable \
         nvidia-suspend.service, nvidia-hibernate.service and nvidia-resume.service. A host that \
         never sleeps needs none of it",
        ),
    )
}

/// NVIDIA's own driver, where it drives a card.
fn nvidia(inventory: &Inventory) -> Option<&Driver> {
    let own = |gpu: &&Gpu| gpu.vendor == Vendor::Nvidia;
    let gpus = inventory.gpus.iter().filter(own);
    let mut drivers = gpus.filter_map(|gpu| gpu.driver.as_ref());
    drivers.find(|driver| driver.name == "nvidia")
}
