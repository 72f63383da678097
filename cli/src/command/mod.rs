//! One file per command: ask, then show.

mod aliases;
mod apply;
mod check;
mod completions;
mod down;
mod enter;
mod events;
mod gpu;
mod logs;
mod man;
mod plan;
mod prune;
mod secret;
mod settle;
mod status;
mod url;
mod version;
mod wait;
mod watch;
mod wrong_word;

use crate::args::{GpuVerb, GroupVerb, HostVerb, Invocation};
use crate::error::{Error, Exit};
use crate::settle::Goal;

/// Does what was asked for.
pub(crate) async fn run(invocation: Invocation) -> Result<Exit, Error> {
    match invocation {
        Invocation::Host(verb) => host(verb).await,
        Invocation::Group(group, verb) => in_group(&group, verb).await,
        Invocation::NoVerb { group, error } => wrong_word::no_verb(&group, *error).await,
        Invocation::NoName { group, verb } => Err(wrong_word::no_name(&group, &verb)),
        Invocation::NoGroup { verb, names } => wrong_word::no_group(&verb, &names).await,
    }
}

async fn host(verb: HostVerb) -> Result<Exit, Error> {
    match verb {
        HostVerb::Status(look) => status::all(None, look).await,
        HostVerb::StartAll(options) => settle::all(None, Goal::Started, options).await,
        HostVerb::StopAll(options) => settle::all(None, Goal::Stopped, options).await,
        HostVerb::RestartAll(options) => settle::all(None, Goal::Restarted, options).await,
        HostVerb::Plan {
            file,
            exit_code,
            verbose,
            json,
        } => {
            let answer = plan::ask(file.as_deref()).await?;
            plan::show(
                &answer,
                plan::Show {
                    verbose,
                    json,
                    exit_code,
                },
            )
        }
        HostVerb::Apply { json } => apply::run(json).await,
        HostVerb::Check { file } => check::run(&file),
        HostVerb::Gpu { verb, format } => gpu::run(verb.unwrap_or(GpuVerb::List(format))).await,
        HostVerb::Events { json } => events::run(json).await,
        HostVerb::Down { yes, json } => down::run(yes, json).await,
        HostVerb::Prune {
            machines,
            all,
            yes,
            json,
        } => prune::run(prune::Wish { machines, all }, yes, json).await,
        HostVerb::Aliases { shell } => aliases::run(shell).await,
        HostVerb::Completions { shell } => completions::run(shell),
        HostVerb::Man { directory } => man::run(&directory),
        HostVerb::Version => version::run().await,
    }
}

async fn in_group(group: &str, verb: GroupVerb) -> Result<Exit, Error> {
    match verb {
        GroupVerb::Status(it) => status::named(group, &it.names, it.look).await,
        GroupVerb::StatusAll(look) => status::all(Some(group), look).await,
        GroupVerb::Start(it) => settle::named(group, Goal::Started, it).await,
        GroupVerb::Stop(it) => settle::named(group, Goal::Stopped, it).await,
        GroupVerb::Restart(it) => settle::named(group, Goal::Restarted, it).await,
        GroupVerb::StartAll(options) => settle::all(Some(group), Goal::Started, options).await,
        GroupVerb::StopAll(options) => settle::all(Some(group), Goal::Stopped, options).await,
        GroupVerb::RestartAll(options) => settle::all(Some(group), Goal::Restarted, options).await,
        GroupVerb::Enter(it) => enter::enter(group, it).await,
        GroupVerb::Exec(it) => enter::exec(group, it).await,
        GroupVerb::Run(it) => enter::run(group, it).await,
        GroupVerb::Logs(it) => logs::run(group, it).await,
        GroupVerb::Wait(it) => wait::run(group, it).await,
        GroupVerb::Url(it) => url::print(group, it).await,
        GroupVerb::Open(it) => url::open(group, it).await,
        GroupVerb::Secret(it) => secret::run(group, it).await,
    }
}
