use super::detail;
use crate::render::{CpuMeter, Paint, View};
use crate::{sample, screens};
use ctr_api::wire::ContainerStatus;

fn render(container: &ContainerStatus) -> String {
    let view = View {
        paint: Paint::plain(),
        width: Some(60),
        now_ms: sample::NOW_MS,
    };
    let text = detail(container, &mut CpuMeter::default(), view);
    // The date is local; the rest is the same everywhere.
    let cut = |line: &str| match line.split_once("since 20") {
        Some((before, _)) => format!("{before}since …"),
        None => line.to_owned(),
    };
    text.lines().map(|line| cut(line) + "\n").collect()
}

#[test]
fn a_running_container_in_full() {
    let host = sample::host();
    let mut container = host.groups[0].containers[2].clone();
    container.description = "The database".to_owned();
    container.ports[0].published = Some("127.0.0.1:15432".to_owned());
    container.binds = vec![
        "/var/lib/postgres -> /var/lib/postgresql".to_owned(),
        "/etc/ssl -> /etc/ssl".to_owned(),
    ];
    container.credentials = vec![
        sample::secret("token", None),
        sample::secret("password", Some("/run/secrets/db")),
    ];
    container.credentials[1].changed = true;
    container.last_exit = Some("exit status 1".to_owned());
    insta::assert_snapshot!(render(&container));
}

#[test]
fn the_reference_shows_one_that_is_unhealthy() {
    let view = View {
        paint: Paint::plain(),
        width: Some(80),
        now_ms: sample::NOW_MS,
    };
    let text = detail(&sample::unhealthy(), &mut CpuMeter::default(), view);
    let text = screens::dated(&text, 12_000, "2026-11-20 21:04:07");
    let text = screens::dated(&text, 7_989_000, "2026-11-20 18:51:10");
    screens::assert_shown(
        "ctr ml status jupyter",
        &format!("$ ctr ml status jupyter\n{text}"),
    );
}

#[test]
fn a_failed_container_says_why_and_what_to_do() {
    insta::assert_snapshot!(render(&sample::host().groups[1].containers[3]));
}
