use super::{Depth, applied, changes_something, plan};
use crate::render::{Paint, View};
use ctr_api::wire::{Action, ApplyReport, ContainerPlan, PlanView, Waiting};

const VIEW: View = View {
    paint: Paint::plain(),
    width: Some(72),
    now_ms: 0,
};

fn container(name: &str, action: Action, changed: &[&str], reason: Option<&str>) -> ContainerPlan {
    ContainerPlan {
        group: "ml".to_owned(),
        name: name.to_owned(),
        action,
        changed: changed.iter().map(|it| (*it).to_owned()).collect(),
        reason: reason.map(str::to_owned),
        hint: None,
        steps: match action {
            Action::Restart => vec!["stop ctr-ml-ollama.service".to_owned()],
            _ => Vec::new(),
        },
        data: if action == Action::Remove {
            vec![format!("/var/lib/ctr/ml-{name}")]
        } else {
            Vec::new()
        },
    }
}

fn sample() -> PlanView {
    PlanView {
        host: vec!["create bridge br-ml".to_owned()],
        containers: vec![
            container(
                "ollama",
                Action::Restart,
                &["root", "binds"],
                Some("a running guest cannot follow a change of root and binds"),
            ),
            container("jupyter", Action::Start, &[], None),
            container("vllm", Action::Nothing, &[], None),
            container("old", Action::Remove, &[], Some("it is no longer declared")),
        ],
        problems: Vec::new(),
    }
}

#[test]
fn a_plan_shows_what_changes_and_counts_the_rest() {
    insta::assert_snapshot!(plan(&sample(), Depth::Changes, VIEW));
}

#[test]
fn in_depth_it_shows_steps_and_what_stays() {
    insta::assert_snapshot!(plan(&sample(), Depth::Steps, VIEW));
}

#[test]
fn what_was_done_is_in_the_past_tense() {
    let report = ApplyReport {
        plan: sample(),
        failures: Vec::new(),
        waiting: Vec::new(),
    };
    insta::assert_snapshot!(applied(&report, VIEW));
}

#[test]
fn who_waits_was_not_started() {
    let report = ApplyReport {
        plan: sample(),
        failures: Vec::new(),
        waiting: vec![Waiting {
            group: "ml".to_owned(),
            name: "jupyter".to_owned(),
            reason: Some("ml/vllm failed: exit status 1".to_owned()),
            hint: Some("`ctr ml status vllm` says more of it".to_owned()),
        }],
    };
    let text = applied(&report, VIEW);
    let row = "ml/jupyter  waits      ml/vllm failed: exit status 1\n";
    assert!(text.contains(row), "{text}");
    assert!(text.contains("hint: `ctr ml status vllm`"), "{text}");
}

#[test]
fn a_plan_that_changes_nothing_is_one_line() {
    let mut view = sample();
    view.host.clear();
    view.containers.retain(|it| it.action == Action::Nothing);
    assert!(!changes_something(&view));
    assert_eq!(plan(&view, Depth::Changes, VIEW), "1 nothing\n");
    assert!(changes_something(&sample()));
}

#[test]
fn what_stands_in_the_way_is_said_without_being_asked() {
    let reason = "/srv/www belongs to the host's root";
    let mut blocked = container("web", Action::Nothing, &[], Some(reason));
    blocked.hint = Some("give it to a user of the host".to_owned());
    let idle = container("vllm", Action::Nothing, &[], None);
    let answer = PlanView {
        host: Vec::new(),
        containers: vec![blocked, idle],
        problems: Vec::new(),
    };
    let text = plan(&answer, Depth::Changes, VIEW);
    assert!(text.contains("ml/web") && text.contains(reason), "{text}");
    assert!(text.contains("hint: give it to a user"), "{text}");
    assert!(!text.contains("vllm"), "{text}");
}
