use super::{Facts, Finding, Lacking, Libraries, Severity, Specification, Undone, check};
use crate::gpu::{Driver, Gpu, Inventory, Lack, Node, Vendor};
use crate::model::ContainerId;

fn card(vendor: Vendor, name: &str, driver: Option<(&str, Option<&str>)>) -> Gpu {
    Gpu {
        vendor,
        pci: "0000:01:00.0".parse().ok(),
        uuid: None,
        name: name.to_owned(),
        driver: driver.map(|(name, version)| Driver {
            name: name.to_owned(),
            version: version.map(str::to_owned),
        }),
        memory: None,
        nodes: vec![Node {
            path: "/dev/dri/renderD128".into(),
            major: 226,
            minor: 128,
            mode: 0o660,
            group: Some("render".to_owned()),
        }],
        missing: Vec::new(),
    }
}

fn nvidia() -> Gpu {
    card(Vendor::Nvidia, "RTX 3050", Some(("nvidia", Some("550.78"))))
}

fn of(gpus: Vec<Gpu>) -> Inventory {
    Inventory { gpus }
}

fn libraries(version: Option<&str>) -> Libraries {
    Libraries {
        version: version.map(str::to_owned),
    }
}

fn has(version: Option<&str>) -> Specification {
    Specification::Has {
        libraries: libraries(version),
        undone: Vec::new(),
    }
}

/// NVIDIA's libraries as NixOS has them.
fn nixos() -> Facts {
    Facts {
        opengl_driver: Some(libraries(Some("550.78"))),
        ..Facts::default()
    }
}

fn lacking(runs: bool) -> Lacking {
    Lacking {
        id: ContainerId {
            group: "ml".parse().expect("valid"),
            name: "ollama".parse().expect("valid"),
        },
        lack: Lack {
            reason: "gpu (nvidia-uvm)".to_owned(),
            hint: Some("`ctr gpu check` says more".to_owned()),
            waits: !runs,
            refused: false,
        },
        runs,
    }
}

#[track_caller]
fn only(findings: &[Finding], severity: Severity, what: &str, hint: &str) {
    let [finding] = findings else {
        panic!("{findings:?}")
    };
    assert_eq!(finding.severity, severity, "{finding:?}");
    assert!(finding.what.contains(what), "{finding:?}");
    let given = finding.hint.as_deref().unwrap_or_default();
    assert!(given.contains(hint), "{finding:?}");
    assert_eq!(hint.is_empty(), given.is_empty(), "{finding:?}");
}

#[test]
fn a_host_without_any_is_a_problem_where_one_is_wanted() {
    let none = of(Vec::new());
    let found = check(&none, &Facts::default());
    only(&found, Severity::Hint, "no graphics processor", "lspci");
    let facts = Facts {
        lacking: vec![lacking(false)],
        ..Facts::default()
    };
    let found = check(&none, &facts);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|it| it.severity == Severity::Problem));
    assert_eq!(found[1].subject, "ml/ollama");
    assert_eq!(found[1].what, "waits for gpu (nvidia-uvm)");
    let hint = found[1].hint.as_deref().expect("what to do");
    assert!(
        hint.contains("optional"),
        "nobody is sent in a circle: {hint}"
    );
}

#[test]
fn a_card_that_works_is_said_to() {
    let amd = card(Vendor::Amd, "RX 7600", Some(("amdgpu", None)));
    let found = check(&of(vec![amd]), &Facts::default());
    only(
        &found,
        Severity::Ok,
        "is usable: amdgpu, one device node",
        "",
    );
    assert_eq!(found[0].subject, "RX 7600 (0000:01:00.0)");
}

#[test]
fn a_card_is_told_what_it_lacks_first() {
    let mut no_uvm = nvidia();
    no_uvm.missing = vec!["nvidia-uvm".to_owned()];
    let mut no_nodes = card(Vendor::Intel, "Arc", Some(("xe", None)));
    no_nodes.nodes.clear();
    let mut not_ready = nvidia();
    not_ready.missing = vec!["nvidia".to_owned()];
    let mut unmade = card(Vendor::Amd, "RX", Some(("amdgpu", None)));
    unmade.missing = vec!["render node".to_owned()];
    for (gpu, what, hint) in [
        (
            card(Vendor::Amd, "RX", None),
            "has no driver",
            "modprobe amdgpu",
        ),
        (
            card(Vendor::Nvidia, "RTX", None),
            "has no driver",
            "videoDrivers",
        ),
        (
            card(Vendor::Nvidia, "RTX", Some(("vfio-pci", None))),
            "virtual machines by vfio-pci",
            "vfio-pci.ids",
        ),
        (no_uvm, "lacks nvidia-uvm", "modprobe nvidia-uvm"),
        (no_nodes, "makes no device node", "journalctl -k"),
        (not_ready, "lacks nvidia", "not ready"),
        (unmade, "lacks render node", "journalctl -k"),
    ] {
        let found = check(&of(vec![gpu]), &nixos());
        only(&found[..1], Severity::Problem, what, hint);
    }
}

#[test]
fn nouveau_draws_and_computes_nothing() {
    let mut nouveau = card(Vendor::Nvidia, "RTX", Some(("nouveau", None)));
    let found = check(&of(vec![nouveau.clone()]), &Facts::default());
    only(
        &found,
        Severity::Hint,
        "nouveau, which has no CUDA",
        "NVIDIA driver",
    );
    nouveau.nodes.clear();
    let found = check(&of(vec![nouveau]), &Facts::default());
    assert_eq!(found[0].severity, Severity::Problem);
}

#[test]
fn nvidias_libraries_have_to_be_there_and_of_the_drivers_version() {
    let host = of(vec![nvidia()]);
    let found = |facts: &Facts| check(&host, facts)[1..].to_vec();
    let hint = "nvidia-ctk cdi generate";
    only(
        &found(&Facts::default()),
        Severity::Problem,
        "are nowhere",
        hint,
    );
    only(
        &found(&nixos()),
        Severity::Ok,
        "/run/opengl-driver are of version 550.78",
        "",
    );
    let old = Facts {
        opengl_driver: Some(libraries(Some("535.1"))),
        ..Facts::default()
    };
    only(
        &found(&old),
        Severity::Problem,
        "version mismatch",
        "restart the host",
    );
    let specification = |specification| Facts {
        specification,
        ..Facts::default()
    };
    let unknown = specification(has(None));
    only(
        &found(&unknown),
        Severity::Ok,
        "in the CDI specification",
        "",
    );
    let old = specification(has(Some("535.1")));
    only(&found(&old), Severity::Problem, "version mismatch", "again");
    let refused = || Specification::Refused {
        reason: "/etc/cdi/nvidia.yaml mounts onto /".to_owned(),
        hint: "make it again".to_owned(),
    };
    let alone = found(&specification(refused()));
    only(&alone, Severity::Problem, "mounts onto /", "make it again");
    let beside = Facts {
        specification: refused(),
        ..nixos()
    };
    only(
        &found(&beside)[..1],
        Severity::Hint,
        "mounts onto /",
        "make it again",
    );
}

#[test]
fn other_vendors_libraries_are_the_guests_own() {
    let intel = card(Vendor::Intel, "UHD", Some(("i915", None)));
    assert_eq!(check(&of(vec![intel]), &Facts::default()).len(), 1);
}

#[test]
fn sleep_is_spoken_of_where_the_driver_forgets() {
    let host = of(vec![nvidia()]);
    let keeps = |keeps| Facts {
        keeps_memory_over_sleep: keeps,
        ..nixos()
    };
    for quiet in [None, Some(true)] {
        assert_eq!(check(&host, &keeps(quiet)).len(), 2, "{quiet:?}");
    }
    let found = check(&host, &keeps(Some(false)));
    only(
        &found[2..],
        Severity::Hint,
        "host sleeps",
        "powerManagement",
    );
}

#[test]
fn who_runs_without_is_told_of_and_no_problem() {
    let intel = card(Vendor::Intel, "UHD", Some(("i915", None)));
    let facts = Facts {
        lacking: vec![lacking(true)],
        ..Facts::default()
    };
    let found = check(&of(vec![intel]), &facts);
    only(
        &found[1..],
        Severity::Hint,
        "runs without gpu (nvidia-uvm)",
        "while it runs",
    );
}

#[test]
fn what_a_specification_asks_for_and_is_not_done_is_said() {
    let facts = Facts {
        specification: Specification::Has {
            libraries: libraries(Some("550.78")),
            undone: vec!["/etc/cdi/nvidia.yaml: a hook is not run".to_owned()],
        },
        ..Facts::default()
    };
    let found = check(&of(vec![nvidia()]), &facts);
    only(&found[1..2], Severity::Hint, "a hook is not run", "");
    only(&found[2..], Severity::Ok, "of version 550.78", "");
}

#[test]
fn who_runs_without_what_a_specification_asks_for_says_it_in_its_place() {
    let sentence = "a hook of /etc/cdi/nvidia.yaml is not done".to_owned();
    let facts = Facts {
        specification: Specification::Has {
            libraries: libraries(Some("550.78")),
            undone: vec![sentence.clone()],
        },
        undone: vec![Undone {
            id: lacking(true).id,
            sentences: vec![sentence],
        }],
        ..Facts::default()
    };
    let found = check(&of(vec![nvidia()]), &facts);
    only(&found[1..2], Severity::Ok, "of version 550.78", "");
    only(&found[2..], Severity::Hint, "asks for: a hook of", "");
    assert_eq!(found[2].subject, "ml/ollama");
}
