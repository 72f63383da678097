use ctr_api::wire::{HostStatus, MetricsStatus};

use super::status;
use crate::render::{CpuMeter, Paint, View};
use crate::{sample, screens};

fn render(host: &HostStatus, width: Option<usize>) -> String {
    let view = View {
        paint: Paint::plain(),
        width,
        now_ms: sample::NOW_MS,
    };
    status(host, &mut CpuMeter::default(), view)
}

#[test]
fn a_wide_terminal_has_everything_on_one_line() {
    insta::assert_snapshot!(render(&sample::host(), Some(160)));
}

#[test]
fn at_120_columns_the_reason_wraps_beside_its_row() {
    insta::assert_snapshot!(render(&sample::host(), Some(120)));
}

#[test]
fn at_80_columns_the_reason_stands_below_its_row() {
    insta::assert_snapshot!(render(&sample::host(), Some(80)));
}

#[test]
fn at_40_columns_the_least_important_columns_are_gone() {
    insta::assert_snapshot!(render(&sample::host(), Some(40)));
}

#[test]
fn without_a_terminal_lines_are_as_long_as_they_are() {
    insta::assert_snapshot!(render(&sample::host(), None));
}

#[test]
fn the_reference_shows_a_group_and_the_whole_host() {
    let mut host = sample::reference();
    let watched = render(&host, Some(80));
    screens::assert_shown("ctr status --watch", &watched);
    host.groups.remove(0);
    let group = format!("$ ctr ml status\n{}", render(&host, Some(100)));
    screens::assert_shown("ctr ml status", &group);
}

#[test]
fn a_column_for_graphics_processors_is_there_where_some_container_has_one() {
    let text = render(&sample::laptop(), Some(100));
    screens::assert_shown(
        "ctr ml status, with a GPU",
        &format!("$ ctr ml status\n{text}"),
    );
    let without = render(&sample::host(), Some(100));
    assert!(!without.contains("GPU"), "{without}");
    for width in [40, 60, 80, 100, 120] {
        for line in render(&sample::laptop(), Some(width)).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn many_graphics_processors_are_counted() {
    let mut host = sample::laptop();
    let container = &mut host.groups[0].containers[0];
    let card = container.gpus[0].clone();
    container.gpus.extend([card.clone(), card]);
    container.gpu_memory = None;
    let text = render(&host, None);
    assert!(text.contains("  3 cards  "), "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [40, 60, 72, 80, 100, 120, 200] {
        for line in render(&sample::host(), Some(width)).lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_group_with_a_problem_says_it_above_its_table() {
    let mut host = sample::host();
    host.groups.truncate(1);
    host.groups[0].problem = Some("192.168.210.0/24 is already on eth0".to_owned());
    let text = render(&host, Some(80));
    assert!(
        text.contains("\nproblem: 192.168.210.0/24 is already on eth0\nNAME "),
        "{text}"
    );
}

#[test]
fn metrics_that_nobody_serves_are_told_above_all() {
    let mut host = sample::host();
    host.metrics = Some(MetricsStatus {
        address: "http://127.0.0.1:9950/metrics".to_owned(),
        ..MetricsStatus::default()
    });
    assert!(
        !render(&host, Some(80)).contains("metrics"),
        "they are served"
    );
    let metrics = host.metrics.as_mut().expect("declared");
    metrics.problem = Some("another program listens there".to_owned());
    metrics.hint = Some("stop it, or name another `metrics`".to_owned());
    let text = render(&host, Some(80));
    let begin =
        "problem: no metrics are served at http://127.0.0.1:9950/metrics: another program\n";
    assert!(text.starts_with(begin), "{text}");
    assert!(
        text.contains("listens there\nhint: stop it, or name another `metrics`\n"),
        "{text}"
    );
}

#[test]
fn an_unhealthy_container_says_what_was_tried_and_what_came_of_it() {
    let mut host = sample::host();
    host.groups[0].containers[2] = sample::unhealthy();
    let text = render(&host, None);
    assert!(text.contains("3 running, 1 unhealthy"), "{text}");
    assert!(text.contains("http 8888/health: status 503\n"), "{text}");
    assert!(
        text.contains(
            "hint: `ctr ml logs jupyter -n 50` says more, `ctr ml restart jupyter` starts it anew\n"
        ),
        "{text}"
    );
    for line in render(&host, Some(40)).lines() {
        assert!(line.chars().count() <= 40, "{line}");
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let view = View {
        paint: Paint::new(true),
        width: Some(80),
        now_ms: sample::NOW_MS,
    };
    let painted = status(&sample::host(), &mut CpuMeter::default(), view);
    assert!(painted.contains("\u{1b}[32mrunning\u{1b}[0m"), "{painted}");
    let mut bare = String::new();
    for (index, part) in painted.split('\u{1b}').enumerate() {
        let text = if index == 0 {
            part
        } else {
            part.split_once('m').map_or("", |it| it.1)
        };
        bare.push_str(text);
    }
    assert_eq!(bare, render(&sample::host(), Some(80)));
}

#[test]
fn a_guest_that_runs_as_the_hosts_users_is_marked() {
    let mut host = sample::host();
    let count = |host: &HostStatus| render(host, None).matches("the host's users").count();
    assert_eq!(count(&host), 0);
    host.groups[0].containers[0].users = "host".to_owned();
    assert_eq!(count(&host), 1);
}

#[test]
fn what_another_firewall_stops_stands_above_the_groups_table_with_what_to_add() {
    let mut host = sample::host();
    host.groups.truncate(1);
    host.groups[0].obstacles = vec![sample::obstacle()];
    let text = render(&host, None);
    assert!(
        text.contains(
            "\nproblem: Docker stops traffic from guests to the internet (table ip filter, chain \
             FORWARD, policy drop)\nhint: add `iptables -I DOCKER-USER -m devgroup --src-group \
             0x637472 -j ACCEPT`\nNAME "
        ),
        "{text}"
    );
    for line in render(&host, Some(60)).lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
}
