//! The real `ctr` against a daemon that keeps the contract, on a private bus.

mod fake;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ctr_api::events::Event;
use ctr_api::wire::{ContainerStatus, Gpu, GpuFinding, HostStatus, State};
use fake::{Bus, Fake};

/// How a command ended.
#[derive(Debug)]
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn command(address: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ctr"));
    command
        .args(words)
        .env("DBUS_SYSTEM_BUS_ADDRESS", address)
        .stdin(Stdio::null());
    command
}

fn run_at(address: &str, words: &[&str]) -> Ended {
    let output = command(address, words)
        .output()
        .expect("ctr was built for this test");
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn run(fake: &Fake, words: &[&str]) -> Ended {
    run_at(&fake.bus.address, words)
}

/// Somebody's child, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn status_is_a_table_and_says_that_the_file_differs() {
    let fake = Fake::start();
    let ended = run(&fake, &["status"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let mut lines = ended.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("lab · 10.77.3.0/24 via br-lab · 1 of 5 running")
    );
    assert!(
        lines.next().expect("titles").starts_with("NAME "),
        "{}",
        ended.stdout
    );
    assert!(
        lines
            .next()
            .expect("a row")
            .starts_with("hello   running  10.77.3.11:8080")
    );
    assert!(
        ended.stderr.contains("differs from what runs"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("try `ctr plan`"), "{}", ended.stderr);
}

#[test]
fn json_is_the_wire_types_and_nothing_else() {
    let fake = Fake::start();
    let ended = run(&fake, &["status", "--json"]);
    let host: HostStatus = serde_json::from_str(&ended.stdout).expect("one document");
    assert_eq!(host, fake::host());
    assert_eq!(ended.stderr, "");
    let ended = run(&fake, &["lab", "status", "sl", "--json"]);
    let one: ContainerStatus = serde_json::from_str(&ended.stdout).expect("one document");
    assert_eq!(one.name, "slow");
    assert_eq!(ended.status, Some(5), "it does not run");
}

#[test]
fn one_container_is_shown_in_detail() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "status", "hello"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for part in [
        "lab/hello",
        "ctr-lab-hello.service",
        "PID 4242",
        "http://10.77.3.11:8080/",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert_eq!(run(&fake, &["lab", "status", "slow"]).status, Some(5));
}

#[test]
fn start_waits_until_it_runs() {
    let fake = Fake::start();
    let began = Instant::now();
    let ended = run(&fake, &["lab", "start", "sl", "hello"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(
        began.elapsed() >= Duration::from_millis(200),
        "it did not wait"
    );
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    assert_eq!(run(&fake, &["lab", "status", "slow"]).status, Some(0));
    let ended = run(&fake, &["lab", "stop", "slow"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(run(&fake, &["lab", "status", "slow"]).status, Some(5));
}

#[test]
fn no_wait_does_not_wait() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "start", "stuck", "--no-wait"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn a_start_that_failed_says_why_even_if_the_next_try_has_begun() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "start", "broken", "slow"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "error: lab/broken failed\n -> its root is not there\n\
         hint: `ctr lab logs broken` may say more\n"
    );
    assert_eq!(
        run(&fake, &["lab", "status", "slow"]).status,
        Some(0),
        "the other one runs"
    );
}

#[test]
fn a_container_that_ran_and_ended_at_once_did_start() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "start", "flash"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn a_wait_ends_with_its_time() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "start", "stuck", "--timeout", "300ms"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "error: lab/stuck is still starting after 0.3 s\n"
    );
    let ended = run(&fake, &["lab", "wait", "hello", "--timeout", "5s"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn a_wait_ends_with_the_daemon() {
    let mut fake = Fake::start();
    let child = command(&fake.bus.address, &["lab", "start", "stuck"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("ctr was built for this test");
    std::thread::sleep(Duration::from_millis(500));
    fake.leave();
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("left the bus"), "{stderr}");
}

#[test]
fn whoever_is_not_probed_is_not_waited_for_to_be_healthy() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "wait", "hello", "--for", "healthy"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("lab/hello is declared without a health probe"),
        "{ended:?}"
    );
}

#[test]
fn without_the_daemon_everybody_is_told_how_to_start_it() {
    let bus = Bus::start();
    for words in [
        &["status"][..],
        &["lab", "start", "hello"],
        &["apply"],
        &["lab", "logs"],
    ] {
        let ended = run_at(&bus.address, words);
        assert_eq!(ended.status, Some(3), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains("systemctl start ctrd"), "{ended:?}");
        assert!(ended.stderr.contains("journalctl -u ctrd"), "{ended:?}");
    }
    assert_eq!(
        run_at("unix:path=/nowhere/bus", &["status"]).status,
        Some(3)
    );
}

#[test]
fn a_wrong_name_gets_the_right_one() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "start", "helo"]);
    assert_eq!(ended.status, Some(4), "{ended:?}");
    assert_eq!(
        ended.stderr,
        "error: there is no container `helo` in lab\n\
         hint: did you mean `hello`? the containers of lab are hello, slow, broken, flash, stuck\n"
    );
    let ended = run(&fake, &["lba", "start", "hello"]);
    assert_eq!(ended.status, Some(4), "{ended:?}");
    assert!(
        ended.stderr.contains("there is no group `lba`"),
        "{ended:?}"
    );
    assert_eq!(run(&fake, &["statsu"]).status, Some(4));
}

#[test]
fn a_forgotten_group_or_name_is_asked_for() {
    let fake = Fake::start();
    let ended = run(&fake, &["stop", "hello"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("did you mean `ctr lab stop hello`?"),
        "{ended:?}"
    );
    let ended = run(&fake, &["lab", "stop"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("name a container, or say `ctr lab stop-all`"),
        "{ended:?}"
    );
    let ended = run(&fake, &["lab", "strat", "hello"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("start"), "{ended:?}");
}

#[test]
fn a_plan_can_be_the_exit_status() {
    let fake = Fake::start();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("new.toml");
    let path = file.to_str().expect("a path in UTF-8");
    let try_with = |bytes: &str, words: &[&str]| {
        std::fs::write(&file, bytes).expect("a file");
        run(&fake, &[&["plan", path], words].concat())
    };
    let ended = try_with("new", &["--exit-code"]);
    assert_eq!(ended.status, Some(6), "{ended:?}");
    assert_eq!(
        ended.stdout,
        "lab/hello  restart  the root changed\n\n1 restart\n"
    );
    assert_eq!(try_with("new", &[]).status, Some(0));
    assert_eq!(try_with("same", &["--exit-code"]).status, Some(0));
    assert_eq!(run(&fake, &["plan", "--exit-code"]).status, Some(0));
    let ended = try_with("bad", &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(
        ended.stderr,
        format!("error: unknown key `adress`\n --> {path}:1:1\n")
    );
    let ended = try_with("", &[]);
    assert_eq!(
        ended.status,
        Some(1),
        "an empty file is not the file in place: {ended:?}"
    );
}

#[test]
fn events_are_one_line_each() {
    let fake = Fake::start();
    let words = ["events", "--json"];
    let child = command(&fake.bus.address, &words)
        .stdout(Stdio::piped())
        .spawn();
    let mut child = Running(child.expect("ctr was built for this test"));
    let lines = BufReader::new(child.0.stdout.take().expect("a pipe")).lines();
    let mut events = lines
        .map(|line| serde_json::from_str::<Event>(&line.expect("text")).expect("one document"));
    let Some(Event::Whole { containers, .. }) = events.next() else {
        panic!("it begins with the whole state");
    };
    let whole = events.by_ref().take(containers);
    assert!(whole.into_iter().all(|it| matches!(it, Event::Is(_))));
    assert_eq!(run(&fake, &["lab", "start", "flash"]).status, Some(0));
    let states: Vec<_> = events
        .take(3)
        .map(|event| match event {
            Event::Changed(now) if now.name == "flash" => now.state,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(states, [State::Starting, State::Running, State::Stopped]);
}

#[test]
fn events_end_with_their_reader_though_nothing_happens() {
    let fake = Fake::start();
    let child = command(&fake.bus.address, &["events", "--json"])
        .stdout(Stdio::piped())
        .spawn();
    let mut child = Running(child.expect("ctr was built for this test"));
    let mut lines = BufReader::new(child.0.stdout.take().expect("a pipe")).lines();
    let first = lines.next().expect("a line").expect("text");
    let Event::Whole { containers, .. } = serde_json::from_str(&first).expect("one document")
    else {
        panic!("it begins with the whole state: {first}");
    };
    // Everything that there is to say is said.
    assert_eq!(lines.by_ref().take(containers).count(), containers);
    assert_eq!(child.0.try_wait().expect("it can be asked"), None);
    drop(lines);
    let deadline = Instant::now() + Duration::from_secs(20);
    let ended = loop {
        if let Some(status) = child.0.try_wait().expect("it can be asked") {
            break status;
        }
        assert!(Instant::now() < deadline, "it goes on for nobody");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let fake = Fake::start();
    let mut command = command(&fake.bus.address, &["status"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("ctr runs");
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !stderr.contains("panicked") && !stderr.contains("error"),
        "{stderr}"
    );
}

#[test]
fn apply_is_quiet_where_there_is_nothing_to_do() {
    let fake = Fake::start();
    let ended = run(&fake, &["apply"]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(0), "nothing to do\n")
    );
}

#[test]
fn down_asks_first() {
    let fake = Fake::start();
    assert_eq!(
        run(&fake, &["down"]).status,
        Some(2),
        "nobody is there to answer"
    );
    let ended = run(&fake, &["down", "--yes"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("/var/lib/ctr/lab-hello"), "{ended:?}");
}

#[test]
fn prune_lists_and_deletes_when_asked() {
    let fake = Fake::start();
    let listed = run(&fake, &["prune"]);
    assert!(listed.stdout.contains("/var/lib/ctr/lab-old"), "{listed:?}");
    assert_eq!(
        run(&fake, &["prune", "lab-old"]).status,
        Some(2),
        "nobody answers"
    );
    let deleted = run(&fake, &["prune", "--all", "--yes"]);
    assert_eq!(
        (deleted.status, deleted.stdout.as_str()),
        (Some(0), "deleted  /var/lib/ctr/lab-old\n")
    );
    let refused = run(&fake, &["prune", "--yes", "lab-hello"]);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.stderr.contains("lab-hello is declared"),
        "{refused:?}"
    );
}

#[test]
fn graphics_processors_are_listed_and_checked() {
    let fake = Fake::start();
    let listed = run(&fake, &["gpu"]);
    assert_eq!(listed.status, Some(0), "{listed:?}");
    assert!(listed.stdout.contains("-/6.0G"), "{listed:?}");
    assert!(listed.stderr.contains("`ctr gpu check`"), "{listed:?}");
    assert_eq!(run(&fake, &["gpu", "list"]).stdout, listed.stdout);
    let checked = run(&fake, &["gpu", "check"]);
    let said = "problem: RTX 3050 lacks nvidia-uvm\nhint: load it\n";
    assert_eq!((checked.status, checked.stdout.as_str()), (Some(1), said));
    for words in [["gpu", "--json"].as_slice(), &["gpu", "list", "--json"]] {
        let json = run(&fake, words).stdout;
        let cards: Vec<Gpu> = serde_json::from_str(&json).expect("an array");
        assert_eq!(cards[0].missing, ["nvidia-uvm"], "{words:?}");
    }
    let json = run(&fake, &["gpu", "check", "--json"]);
    let found: Vec<GpuFinding> = serde_json::from_str(&json.stdout).expect("an array");
    assert_eq!((json.status, found.len()), (Some(1), 1));
}

#[test]
fn the_address_of_what_does_not_run_is_not_printed() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "url", "hello"]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(0), "http://10.77.3.11:8080/?token=a%20b%26c%2Fd\n")
    );
    let ended = run(&fake, &["lab", "url", "slow"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(5), ""));
}

#[test]
fn a_secret_is_written_as_it_is_and_bytes_are_no_json() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "secret", "hello", "token"]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(0), "a b&c/d\n")
    );
    let ended = run(&fake, &["lab", "secret", "hello", "token", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a document");
    assert_eq!(document["text"], "a b&c/d\n");
    let ended = run(&fake, &["lab", "secret", "hello", "key", "--json"]);
    assert_eq!(
        (ended.status, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    let ended = run(&fake, &["lab", "secret", "hello"]);
    assert_eq!(
        ended.stdout,
        "token  made by ctrd\nkey    /etc/keys/web.pem\n"
    );
    let ended = run(&fake, &["lab", "secret", "hello", "nothing"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("hint: it has key, token"),
        "{ended:?}"
    );
    let ended = run(&fake, &["lab", "secret", "hello", "closed"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("may not"), "{ended:?}");
}

#[test]
fn a_session_that_cannot_be_is_ours_to_blame() {
    let fake = Fake::start();
    let ended = run(&fake, &["lab", "exec", "slow", "--", "true"]);
    assert_eq!(ended.status, Some(125), "{ended:?}");
    assert!(
        ended.stderr.contains("lab/slow is not running"),
        "{ended:?}"
    );
    // This daemon has no sessions at all.
    let ended = run(&fake, &["lab", "exec", "hello", "--", "true"]);
    assert_eq!(ended.status, Some(125), "{ended:?}");
    assert!(
        ended.stderr.contains("does not know this request"),
        "{ended:?}"
    );
    assert_eq!(
        run(&fake, &["lab", "exec", "helo", "--", "true"]).status,
        Some(125)
    );
}

#[test]
fn completion_knows_the_live_names_and_never_complains() {
    let fake = Fake::start();
    let complete = |address: &str| {
        let mut command = command(address, &["--", "ctr", "lab", "start", "s"]);
        command.env("COMPLETE", "fish").output().expect("ctr runs")
    };
    let output = complete(&fake.bus.address);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<_> = stdout
        .lines()
        .filter_map(|it| it.split('\t').next())
        .collect();
    assert_eq!(names, ["slow", "sl", "stuck"]);
    let output = complete("unix:path=/nowhere/bus");
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let script = run(&fake, &["completions", "bash"]);
    assert!(script.stdout.contains("complete "), "{script:?}");
}
