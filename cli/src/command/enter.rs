//! `enter`, `exec` and `run`: a process of the guest.
//!
//! The exit status belongs to that process; whatever goes wrong on our side ends with 125.

use std::io::{self, IsTerminal};

use ctr_api::wire::{ActionStatus, ContainerStatus, SessionRequest, State};

use crate::args::{Enter, Exec, Run};
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::session::{self, SessionError};
use crate::target;

/// A login shell.
pub(super) async fn enter(group: &str, words: Enter) -> Result<Exit, Error> {
    let request = SessionRequest {
        user: words.user,
        terminal: on_a_terminal(),
        ..SessionRequest::default()
    };
    ours(open(group, &words.name, |_| Ok(request)).await)
}

/// A command.
pub(super) async fn exec(group: &str, words: Exec) -> Result<Exit, Error> {
    if words.terminal && !io::stdin().is_terminal() {
        return ours(Err(Error::failed(
            "stdin is no terminal, and --terminal needs one",
        )
        .hint("leave --terminal out")));
    }
    let request = SessionRequest {
        command: words.command,
        user: words.user,
        terminal: words.terminal,
        ..SessionRequest::default()
    };
    ours(open(group, &words.name, |_| Ok(request)).await)
}

/// A declared action.
pub(super) async fn run(group: &str, words: Run) -> Result<Exit, Error> {
    let request = |container: &ContainerStatus| {
        let (action, extra) = declared(container, &words.action)?;
        Ok(SessionRequest {
            command: action.command.iter().chain(extra).cloned().collect(),
            user: action.user.clone(),
            // `run pg psql < dump.sql` must see the file, not a terminal's idea of it.
            terminal: action.terminal && on_a_terminal(),
            ..SessionRequest::default()
        })
    };
    ours(open(group, &words.name, request).await)
}

async fn open(
    group: &str,
    name: &str,
    request: impl FnOnce(&ContainerStatus) -> Result<SessionRequest, Error>,
) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let host = daemon.status().await?;
    let container = target::container(&host, group, name)?;
    let request = request(container)?;
    runs(container)?;
    let proxy = daemon.container(&container.group, &container.name).await?;
    let ended = session::run(daemon.asker(), &proxy, request).await;
    ended
        .map(Exit)
        .map_err(|error| refused(&container.group, &container.name, error))
}

/// Why no command ran. A guest that was reached may say that there is no such command: 126 and 127
/// are that, as in shells.
fn refused(group: &str, name: &str, error: SessionError) -> Error {
    let exit = Exit(error.exit_status());
    let hint = error.hint().map(str::to_owned);
    let told = match error {
        SessionError::Open(error) => return Error::from(error).with_exit(exit),
        SessionError::Refused { message, .. } => Error::new(exit, message),
        error => Error::new(exit, format!("no session in {group}/{name}")).caused(&error),
    };
    match hint {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// The failure is ours, not the command's, whatever it would be elsewhere.
fn ours(ended: Result<Exit, Error>) -> Result<Exit, Error> {
    ended.map_err(|error| match error.exit {
        Exit(126 | 127) => error,
        _ => error.with_exit(Exit::SESSION),
    })
}

fn on_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn runs(container: &ContainerStatus) -> Result<(), Error> {
    // One that is starting or stopping may well have a process to join: the daemon decides.
    if !matches!(
        container.state,
        State::Stopped | State::Waiting | State::Failed
    ) {
        return Ok(());
    }
    let (group, name) = (&container.group, &container.name);
    let state = container.state.as_str();
    let error = Error::new(
        Exit::NOT_RUNNING,
        format!("{group}/{name} is not running, but {state}"),
    );
    let error = match &container.reason {
        Some(reason) => error.because(reason),
        None => error,
    };
    Err(error.hint(
        container
            .hint
            .clone()
            .unwrap_or(format!("`ctr {group} start {name}`")),
    ))
}

/// The action of the first word, and the words to append.
fn declared<'a, 'b>(
    container: &'a ContainerStatus,
    words: &'b [String],
) -> Result<(&'a ActionStatus, &'b [String]), Error> {
    let name = format!("{}/{}", container.group, container.name);
    let names: Vec<_> = container
        .actions
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let list = if names.is_empty() {
        format!("{name} has no actions; `actions.NAME` declares one")
    } else {
        format!("the actions of {name} are {}", names.join(", "))
    };
    let Some((word, extra)) = words.split_first() else {
        return Err(Error::new(Exit::USAGE, "name an action").hint(list));
    };
    if let Some(action) = container.actions.iter().find(|it| it.name == *word) {
        return Ok((action, extra));
    }
    let error = Error::new(Exit::NO_SUCH, format!("{name} has no action `{word}`"));
    Err(error.hint(match target::closest(word, names) {
        Some(near) => format!("did you mean `{near}`? {list}"),
        None => list,
    }))
}

#[cfg(test)]
mod tests {
    use super::{declared, runs};
    use crate::error::Exit;
    use crate::render::Paint;
    use crate::sample;
    use ctr_api::wire::{ActionStatus, ContainerStatus, State};

    fn postgres() -> ContainerStatus {
        let psql = ActionStatus {
            name: "psql".to_owned(),
            command: vec!["psql".to_owned()],
            user: Some("postgres".to_owned()),
            terminal: true,
        };
        ContainerStatus {
            actions: vec![psql],
            ..sample::running("dev", "postgres")
        }
    }

    #[test]
    fn words_after_the_action_are_appended_as_they_are() {
        let words = ["psql", "-c", "select 1"].map(str::to_owned);
        let container = postgres();
        let (action, extra) = declared(&container, &words).expect("declared");
        assert_eq!(action.name, "psql");
        assert_eq!(extra, ["-c", "select 1"]);
    }

    #[test]
    fn an_unknown_action_lists_those_there_are() {
        let error = declared(&postgres(), &["pqsl".to_owned()]).expect_err("misspelt");
        assert_eq!(
            error.render(Paint::plain()),
            "error: dev/postgres has no action `pqsl`\n\
             hint: did you mean `psql`? the actions of dev/postgres are psql\n"
        );
    }

    #[test]
    fn what_does_not_run_cannot_be_entered() {
        let error = runs(&sample::in_state("dev", "proxy", State::Stopped)).expect_err("stopped");
        assert_eq!(error.exit, Exit::NOT_RUNNING);
        assert!(runs(&sample::in_state("dev", "proxy", State::Starting)).is_ok());
    }
}
