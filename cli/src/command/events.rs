//! `ctr events`: what happens to containers, line by line, beginning with the whole state.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::time::Duration;

use ctr_api::events::{ContainerEvent, Event, Folded, Why};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;
use crate::render::{Paint, clock_time};

/// How often a `ctrd` that is away is looked for.
const PAUSE: Duration = Duration::from_millis(500);

/// Prints what happens until somebody ends it. A `ctrd` that is started again is followed anew.
pub(super) async fn run(json: bool) -> Result<Exit, Error> {
    let mut told = Told::new(json);
    let mut stream = open(&Daemon::connect().await?).await?;
    loop {
        told = tokio::task::spawn_blocking(move || follow(stream, told))
            .await
            .map_err(|error| Error::failed("failed to read what happens").caused(&error))??;
        output::note(
            "ctrd is away; what happens now is told when it is back",
            None,
        );
        stream = again().await?;
        told.is_restarted = true;
    }
}

async fn open(daemon: &Daemon) -> Result<OwnedFd, Error> {
    let manager = daemon.manager().inner();
    let lines: zbus::OwnedFd = daemon.asker().call(manager, "OpenEvents", &()).await?;
    Ok(lines.into())
}

/// Waits until `ctrd` is back.
async fn again() -> Result<OwnedFd, Error> {
    loop {
        let opened = match Daemon::connect().await {
            Ok(daemon) => open(&daemon).await,
            Err(error) => Err(error),
        };
        match opened {
            Err(error) if error.exit == Exit::UNREACHABLE => tokio::time::sleep(PAUSE).await,
            opened => return opened,
        }
    }
}

/// Tells everything that one stream says. Whoever does not read what we print holds us up, and with us the
/// stream: nothing is gathered here.
fn follow(stream: OwnedFd, mut told: Told) -> Result<Told, Error> {
    let mut lines = BufReader::new(File::from(stream));
    let mut line = String::new();
    loop {
        if lines.buffer().is_empty() {
            until_something_comes(lines.get_ref())?;
        }
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(told);
        }
        // An event of a newer ctrd is passed over.
        if let Ok(event) = serde_json::from_str(&line) {
            told.take(event)?;
        }
    }
}

/// Waits for the stream, or for the end of whoever reads what we print (poll(2), `POLLERR` of a pipe): nothing
/// has to happen to a container for `ctr events | head -1` to end.
fn until_something_comes(stream: &File) -> Result<(), Error> {
    let stdout = io::stdout();
    loop {
        let mut both = [
            PollFd::new(stream, PollFlags::IN),
            PollFd::new(&stdout, PollFlags::empty()),
        ];
        match poll(&mut both, None) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
            Ok(_) if !both[1].revents().is_empty() => {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
            }
            Ok(_) => return Ok(()),
        }
    }
}

/// What was told until now.
struct Told {
    json: bool,
    folded: Folded,
    /// What was known when the whole state began to be told again.
    before: Option<Folded>,
    is_restarted: bool,
}

impl Told {
    fn new(json: bool) -> Self {
        Self {
            json,
            folded: Folded::default(),
            before: None,
            is_restarted: false,
        }
    }

    fn take(&mut self, mut event: Event) -> Result<(), Error> {
        if let Event::Whole { why, .. } = &mut event
            && std::mem::take(&mut self.is_restarted)
        {
            *why = Why::Restarted;
        }
        if self.json {
            return output::print_json_line(&event);
        }
        let time = clock_time(output::now_ms());
        for line in self.lines(event, &time, output::view().paint) {
            output::print(&line)?;
        }
        Ok(())
    }

    /// What a person is told of an event.
    fn lines(&mut self, event: Event, time: &str, paint: Paint) -> Vec<String> {
        let mut lines = Vec::new();
        match &event {
            Event::Whole { why, .. } => {
                lines.extend(again_because(*why).map(|why| format!("{time}  {why}\n")));
                if *why != Why::Begun {
                    self.before = Some(self.folded.clone());
                }
            }
            Event::Is(now) => {
                // What is as it was told last is not told again.
                let known = self.before.as_ref();
                let before = known.and_then(|it| it.get(&now.group, &now.name));
                lines.extend(line(time, before, known.is_none(), now, paint));
            }
            Event::Changed(now) => {
                let before = self.folded.get(&now.group, &now.name);
                lines.extend(line(time, before, false, now, paint));
            }
            Event::Removed { group, name } => {
                lines.extend(self.folded.get(group, name).map(|it| gone(time, it)));
            }
        }
        self.folded.take(event);
        if self.folded.is_whole()
            && let Some(before) = self.before.take()
        {
            let left = before.containers();
            let left = left.filter(|it| self.folded.get(&it.group, &it.name).is_none());
            lines.extend(left.map(|it| gone(time, it)));
        }
        lines
    }
}

fn again_because(why: Why) -> Option<&'static str> {
    match why {
        Why::Begun => None,
        Why::Missed => Some("changes were missed, because these lines were not read in time"),
        Why::Restarted => Some("ctrd is back"),
    }
}

fn gone(time: &str, container: &ContainerEvent) -> String {
    let ContainerEvent { group, name, .. } = container;
    format!("{time}  {group}/{name}  no longer declared\n")
}

/// One container's line, where there is something new; `begins` is for the whole state at the beginning.
fn line(
    time: &str,
    before: Option<&ContainerEvent>,
    begins: bool,
    now: &ContainerEvent,
    paint: Paint,
) -> Option<String> {
    if before.is_some_and(|it| it.state == now.state && it.reason == now.reason) {
        return None;
    }
    let time = paint.faint(time);
    let name = format!("{}/{}", now.group, now.name);
    let state = paint.state(now.state);
    let state = match before {
        Some(before) if before.state == now.state => state,
        Some(before) => format!("{} → {state}", before.state.as_str()),
        None if begins => format!("is {state}"),
        None => format!("declared → {state}"),
    };
    Some(match &now.reason {
        Some(reason) => format!("{time}  {name}  {state}  {reason}\n"),
        None => format!("{time}  {name}  {state}\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::Told;
    use ctr_api::events::{ContainerEvent, Event, Why};
    use ctr_api::wire::State;

    use crate::render::Paint;
    use crate::{sample, screens};

    #[test]
    fn the_reference_shows_events() {
        let of = |name: &str, state, reason: Option<&str>| {
            let status = sample::in_state("ml", name, state);
            ContainerEvent {
                reason: reason.map(str::to_owned),
                machine: status.machine,
                ..container(name, state)
            }
        };
        let events = [
            ("21:04:02", whole(Why::Begun, 2)),
            ("21:04:02", Event::Is(of("ollama", State::Healthy, None))),
            (
                "21:04:02",
                Event::Is(of(
                    "jupyter",
                    State::Starting,
                    Some("not ready yet: refused"),
                )),
            ),
            (
                "21:04:05",
                Event::Changed(of("jupyter", State::Healthy, None)),
            ),
            (
                "21:09:40",
                Event::Changed(of("ollama", State::Unhealthy, Some("status 503"))),
            ),
            (
                "21:11:13",
                Event::Changed(of(
                    "jupyter",
                    State::Failed,
                    Some("exit status 255, its memory used up"),
                )),
            ),
        ];
        let mut told = Told::new(false);
        let mut text = String::from("$ ctr events\n");
        for (time, event) in events {
            text.extend(told.lines(event, time, Paint::plain()));
        }
        screens::assert_shown("ctr events", &text);
    }

    fn container(name: &str, state: State) -> ContainerEvent {
        ContainerEvent {
            group: "ml".to_owned(),
            name: name.to_owned(),
            machine: format!("ml-{name}"),
            state,
            reason: (state == State::Failed).then(|| "killed for memory".to_owned()),
            hint: None,
            since_ms: 5,
            restarts: 0,
            last_exit: None,
        }
    }

    fn whole(why: Why, containers: usize) -> Event {
        Event::Whole { why, containers }
    }

    /// What is told of these events, without the times.
    fn told(events: Vec<Event>) -> Vec<String> {
        let mut told = Told::new(false);
        let one = |event| told.lines(event, "21:04:07", Paint::plain());
        let lines = events.into_iter().flat_map(one);
        let lines = lines.collect::<Vec<_>>();
        let without_time = |line: &String| {
            let (_, rest) = line.split_once("  ").expect("a time");
            rest.trim_end().to_owned()
        };
        lines.iter().map(without_time).collect()
    }

    #[test]
    fn a_line_says_from_where_to_where_and_why() {
        let lines = told(vec![
            whole(Why::Begun, 1),
            Event::Is(container("vllm", State::Running)),
            Event::Changed(container("vllm", State::Failed)),
            Event::Changed(container("web", State::Starting)),
            Event::Removed {
                group: "ml".to_owned(),
                name: "vllm".to_owned(),
            },
        ]);
        assert_eq!(
            lines,
            [
                "ml/vllm  is running",
                "ml/vllm  running → failed  killed for memory",
                "ml/web  declared → starting",
                "ml/vllm  no longer declared",
            ]
        );
    }

    #[test]
    fn what_was_missed_is_told_once_and_only_where_it_differs() {
        let lines = told(vec![
            whole(Why::Begun, 3),
            Event::Is(container("a", State::Running)),
            Event::Is(container("b", State::Running)),
            Event::Is(container("c", State::Running)),
            whole(Why::Missed, 2),
            Event::Is(container("a", State::Running)),
            Event::Is(container("b", State::Stopped)),
        ]);
        assert_eq!(
            lines[3..],
            [
                "changes were missed, because these lines were not read in time",
                "ml/b  running → stopped",
                "ml/c  no longer declared",
            ]
        );
    }
}
