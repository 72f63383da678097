//! What a declaration would do, and what applying it did.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};
use ctr_api::wire::{Action, ApplyReport, ContainerPlan, PlanView};

use super::table::{Cell, Row, Section, Table};
use super::{Paint, View};

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What changes.
    Changes,
    /// Every step, and containers that stay as they are.
    Steps,
}

/// The plan as a table and its sum: `2 restart, 1 start, 7 nothing`.
pub(crate) fn plan(plan: &PlanView, depth: Depth, view: View) -> String {
    let mut text = host_changes(plan, view.paint);
    let row = |it: &ContainerPlan| (it.action.as_str(), explanation(it, depth));
    text.push_str(&table(plan, depth, row, view));
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", sum(plan));
    text
}

/// What was done, in the past tense; empty where there was nothing to do.
pub(crate) fn applied(report: &ApplyReport, view: View) -> String {
    let mut text = host_changes(&report.plan, view.paint);
    let failed = |it: &ContainerPlan| {
        report
            .failures
            .iter()
            .any(|failure| failure.group == it.group && failure.name == it.name)
    };
    let mut done_so_far = report.plan.clone();
    done_so_far.containers.retain(|it| !failed(it));
    let row = |it: &ContainerPlan| {
        let waits = report
            .waiting
            .iter()
            .find(|waits| waits.group == it.group && waits.name == it.name);
        match waits {
            Some(waits) => {
                let hint = waits.hint.iter().map(|hint| format!("hint: {hint}"));
                ("waits", waits.reason.iter().cloned().chain(hint).collect())
            }
            None => (done(it.action), explanation(it, Depth::Changes)),
        }
    };
    text.push_str(&table(&done_so_far, Depth::Changes, row, view));
    text
}

/// Whether a plan changes anything.
pub(crate) fn changes_something(plan: &PlanView) -> bool {
    !plan.host.is_empty()
        || plan
            .containers
            .iter()
            .any(|it| it.action != Action::Nothing)
}

fn host_changes(plan: &PlanView, paint: Paint) -> String {
    let mut text = String::new();
    for line in &plan.host {
        let _ = writeln!(text, "{}  {line}", paint.strong("host"));
    }
    text
}

/// `row` says in a word what becomes of a container, and what there is to say of that.
fn table(
    plan: &PlanView,
    depth: Depth,
    row: impl Fn(&ContainerPlan) -> (&'static str, Vec<String>),
    view: View,
) -> String {
    // What stays as it is although it should not has something to say.
    let shown = |it: &&ContainerPlan| {
        depth == Depth::Steps || it.action != Action::Nothing || it.reason.is_some()
    };
    let rows = plan.containers.iter().filter(shown).map(|container| {
        let (word, text) = row(container);
        Row {
            cells: vec![
                Cell::new(format!("{}/{}", container.group, container.name)),
                Cell::styled(word, style(container.action)),
            ],
            text,
        }
    });
    let section = Section {
        heading: Vec::new(),
        rows: rows.collect(),
    };
    Table {
        titles: Vec::new(),
        dropped_first: &[],
        sections: vec![section],
    }
    .render(view)
}

fn explanation(container: &ContainerPlan, depth: Depth) -> Vec<String> {
    let mut text: Vec<String> = container.reason.iter().cloned().collect();
    // A reason for what is done names its keys; one that stands in the way has other things to say.
    let names_them = container.reason.is_some() && container.action != Action::Nothing;
    if !container.changed.is_empty() && (!names_them || depth == Depth::Steps) {
        text.push(format!("changed: {}", container.changed.join(", ")));
    }
    text.extend(container.hint.iter().map(|hint| format!("hint: {hint}")));
    if depth == Depth::Steps {
        text.extend(container.steps.iter().map(|step| format!("- {step}")));
    }
    if container.action == Action::Remove && !container.data.is_empty() {
        text.push(format!("its data stays in {}", container.data.join(", ")));
    }
    text
}

fn sum(plan: &PlanView) -> String {
    const ORDER: [Action; 7] = [
        Action::Remove,
        Action::Stop,
        Action::Restart,
        Action::Switch,
        Action::Live,
        Action::Start,
        Action::Nothing,
    ];
    let counted = ORDER.iter().filter_map(|action| {
        let count = plan
            .containers
            .iter()
            .filter(|it| it.action == *action)
            .count();
        (count > 0).then(|| format!("{count} {}", action.as_str()))
    });
    let parts: Vec<_> = counted.collect();
    if parts.is_empty() {
        "no containers".to_owned()
    } else {
        parts.join(", ")
    }
}

const fn done(action: Action) -> &'static str {
    match action {
        Action::Nothing => "unchanged",
        Action::Live => "changed",
        Action::Switch => "switched",
        Action::Restart => "restarted",
        Action::Start => "started",
        Action::Stop => "stopped",
        Action::Remove => "removed",
    }
}

const fn style(action: Action) -> Style {
    match action {
        Action::Nothing => Style::new().dimmed(),
        Action::Live | Action::Switch => AnsiColor::Cyan.on_default(),
        Action::Restart | Action::Stop => AnsiColor::Yellow.on_default(),
        Action::Start => AnsiColor::Green.on_default(),
        Action::Remove => AnsiColor::Red.on_default(),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
