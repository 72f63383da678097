//! `ctr status`, `ctr <GROUP> status`, and one container in detail.

use ctr_api::wire::{ContainerStatus, DeclarationStatus, HostStatus};

use super::watch::{self, Scope};
use crate::args::Look;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::render::{CpuMeter, View, detail, status};
use crate::{journal, output, target};

/// Every group, or one.
pub(super) async fn all(group: Option<&str>, look: Look) -> Result<Exit, Error> {
    let scope = Scope {
        group: group.map(str::to_owned),
        names: Vec::new(),
    };
    if look.watch {
        return watch::run(scope).await;
    }
    let host = Daemon::connect().await?.status().await?;
    table(&scope.narrow(host)?, look)?;
    Ok(Exit::OK)
}

/// Some containers of a group; one alone in detail.
pub(super) async fn named(group: &str, names: &[String], look: Look) -> Result<Exit, Error> {
    let [name] = names else {
        let scope = Scope {
            group: Some(group.to_owned()),
            names: names.to_vec(),
        };
        if look.watch {
            return watch::run(scope).await;
        }
        table(
            &scope.narrow(Daemon::connect().await?.status().await?)?,
            look,
        )?;
        return Ok(Exit::OK);
    };
    if look.watch {
        let names = vec![name.clone()];
        return watch::run(Scope {
            group: Some(group.to_owned()),
            names,
        })
        .await;
    }
    let daemon = Daemon::connect().await?;
    let host = daemon.status().await?;
    let container = target::container(&host, group, name)?;
    if look.json {
        output::print_json(container)?;
    } else {
        one(&daemon, container).await?;
        tell_about_the_file(&host.declaration);
    }
    Ok(if container.state.is_ready() {
        Exit::OK
    } else {
        Exit::NOT_RUNNING
    })
}

fn table(host: &HostStatus, look: Look) -> Result<(), Error> {
    if look.json {
        return output::print_json(host);
    }
    if host.groups.is_empty() {
        output::note(
            "nothing is declared",
            Some(&if host.declaration.differs {
                format!(
                    "{} says otherwise: `ctr apply` makes it so",
                    host.declaration.path
                )
            } else {
                format!("declare containers in {}", host.declaration.path)
            }),
        );
    }
    output::print(&status(host, &mut CpuMeter::default(), output::view()))?;
    tell_about_the_file(&host.declaration);
    tell_about_secrets(host);
    tell_about_the_unread(host);
    Ok(())
}

async fn one(daemon: &Daemon, container: &ContainerStatus) -> Result<(), Error> {
    let view = output::view();
    let mut text = detail(container, &mut CpuMeter::default(), view);
    let lines = journal::last_lines(daemon, container).await;
    if !lines.is_empty() {
        text.push_str(&journal_lines(container, &lines, view));
    }
    output::print(&text)
}

/// What it said last, each line cut to the terminal: the whole of it is in `logs`.
fn journal_lines(container: &ContainerStatus, lines: &str, view: View) -> String {
    let (group, name) = (&container.group, &container.name);
    let mut text = view
        .paint
        .faint(&format!("\nLast lines of `ctr {group} logs {name}`:"));
    text.push('\n');
    let room = view.width.map_or(usize::MAX, |it| it.saturating_sub(2));
    for line in lines.lines() {
        text.push_str("  ");
        text.extend(line.chars().take(room));
        text.push('\n');
    }
    text
}

/// A secret that changed changes nothing by itself.
fn tell_about_secrets(host: &HostStatus) {
    let containers = host.groups.iter().flat_map(|group| &group.containers);
    for container in containers {
        for secret in container.credentials.iter().filter(|it| it.changed) {
            let (group, name, id) = (&container.group, &container.name, &secret.id);
            output::note(
                &format!("the secret {id} of {group}/{name} changed since it was read"),
                Some("try `ctr plan`"),
            );
        }
    }
}

/// What nobody could look at is not said to be harmless.
fn tell_about_the_unread(host: &HostStatus) {
    if let Some(unread) = &host.unread {
        output::note(unread, None);
    }
}

fn tell_about_the_file(declaration: &DeclarationStatus) {
    let path = &declaration.path;
    if !declaration.problems.is_empty() {
        output::note(
            &format!("{path} is refused; what was declared before it stays in force"),
            Some(&format!("`ctr check {path}` says what is wrong")),
        );
    } else if declaration.differs {
        output::note(
            &format!("{path} differs from what runs"),
            Some("try `ctr plan`"),
        );
    }
}
