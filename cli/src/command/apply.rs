//! `ctr apply`, which is also what `systemctl reload ctrd` runs.

use ctr_api::wire::ApplyReport;
use ctr_api::{Dict, from_dict};

use super::plan::tell_warnings;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::output;
use crate::render::{applied, changes_something};
use crate::settle::follow;

pub(super) async fn run(json: bool) -> Result<Exit, Error> {
    let daemon = Daemon::connect().await?;
    let manager = daemon.manager().inner();
    let call = async { Ok(daemon.asker().call(manager, "Apply", &()).await?) };
    let answer: Dict = follow(&daemon, call).await?;
    let report: ApplyReport = from_dict(&answer)?;
    if json {
        output::print_json(&report)?;
    } else {
        tell_warnings(&report.plan);
        if changes_something(&report.plan) {
            output::print(&applied(&report, output::view()))?;
        } else if report.failures.is_empty() {
            output::print("nothing to do\n")?;
        }
    }
    for failure in &report.failures {
        let name = match failure.name.as_str() {
            "" => failure.group.clone(),
            name => format!("{}/{name}", failure.group),
        };
        let error = Error::failed(format!("{name} could not be brought there"))
            .because(failure.error.as_deref().unwrap_or("ctrd does not say why"));
        let error = match &failure.hint {
            Some(hint) => error.hint(hint),
            None => error,
        };
        output::report(&error);
    }
    Ok(if report.failures.is_empty() {
        Exit::OK
    } else {
        Exit::FAILED
    })
}
