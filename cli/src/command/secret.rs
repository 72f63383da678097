//! `ctr <GROUP> secret`: the secrets that a container is given.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use ctr_api::wire::{ContainerStatus, CredentialStatus};
use serde::Serialize;

use crate::args::Secret;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::{output, target};

/// A secret with its content, for programs.
#[derive(Debug, Serialize)]
struct Content<'a> {
    group: &'a str,
    name: &'a str,
    id: &'a str,
    text: &'a str,
}

pub(super) async fn run(group: &str, words: Secret) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let host = daemon.status().await?;
    let container = target::container(&host, group, &words.name)?;
    let Some(id) = &words.id else {
        if words.json {
            output::print_json(&container.credentials)?;
        } else {
            output::print(&list(container))?;
        }
        return Ok(Exit::OK);
    };
    let object = daemon.container(&container.group, &container.name).await?;
    let content: Vec<u8> = daemon
        .asker()
        .call(object.inner(), "Secret", &(id.as_str(),))
        .await?;
    if words.json {
        let text = std::str::from_utf8(&content).map_err(|_| no_text(id))?;
        output::print_json(&Content {
            group: &container.group,
            name: &container.name,
            id,
            text,
        })?;
    } else if io::stdout().is_terminal() {
        output::print(&for_a_terminal(id, &content)?)?;
    } else {
        output::print_bytes(&content)?;
    }
    Ok(Exit::OK)
}

fn list(container: &ContainerStatus) -> String {
    let credentials = &container.credentials;
    let width = credentials.iter().map(|it| it.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for CredentialStatus {
        id, path, problem, ..
    } in credentials
    {
        let from = path.as_deref().unwrap_or("made by ctrd");
        let problem = problem.as_ref().map(|it| format!("  ({it})"));
        let _ = writeln!(text, "{id:<width$}  {from}{}", problem.unwrap_or_default());
    }
    text
}

/// One line end behind it, and nothing that a terminal would take for a command.
fn for_a_terminal(id: &str, content: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(content).map_err(|_| no_text(id))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(no_text(id));
    }
    Ok(format!("{text}\n"))
}

fn no_text(id: &str) -> Error {
    Error::failed(format!("the credential {id} is no text"))
        .hint("send it into a file or a program: it is written there as it is")
}

#[cfg(test)]
mod tests {
    use super::{for_a_terminal, list};
    use crate::sample;

    #[test]
    fn a_terminal_gets_one_line_end_and_no_commands() {
        for content in [&b"secret"[..], b"secret\n", b"secret\r\n\n"] {
            assert_eq!(for_a_terminal("x", content).expect("text"), "secret\n");
        }
        assert_eq!(for_a_terminal("x", b"a\n\tb\n").expect("text"), "a\n\tb\n");
        for content in [&b"\x1b[2J"[..], b"\xff", b"a\0b"] {
            assert!(for_a_terminal("x", content).is_err(), "{content:?}");
        }
    }

    #[test]
    fn the_list_says_where_each_comes_from() {
        let mut jupyter = sample::running("ml", "jupyter");
        jupyter.credentials = vec![
            sample::secret("token", None),
            sample::secret("key", Some("/etc/key")),
        ];
        jupyter.credentials[1].problem = Some("/etc/key does not exist".to_owned());
        assert_eq!(
            list(&jupyter),
            "token  made by ctrd\nkey    /etc/key  (/etc/key does not exist)\n"
        );
    }
}
