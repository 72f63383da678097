//! The firewall as something that is kept.

use std::path::PathBuf;

use super::desired::Desired;
use super::nft::{self, NftError};
use super::observed::{Observed, skeleton_mark};
use super::plan::{Plan, plan};
use super::ruleset::{self, Commands};
use super::skeleton::Table;
use crate::os::Paths;

/// The firewall could not be brought to what is desired.
#[derive(Debug, thiserror::Error)]
#[error("failed to {operation} the firewall")]
pub struct FirewallError {
    /// What was being done: `read`, `change`, `remove`.
    pub operation: &'static str,
    /// Why.
    #[source]
    pub source: NftError,
}

fn doing(operation: &'static str) -> impl Fn(NftError) -> FirewallError {
    move |source| FirewallError { operation, source }
}

/// Keeps both tables at what is desired. It has one owner: `nft` transactions of two would race.
#[derive(Debug)]
pub struct Firewall {
    program: PathBuf,
    /// What the tables hold for sure; `None` when that has to be read.
    last: Option<Desired>,
}

impl Firewall {
    /// Knows nothing of the tables yet.
    pub fn new(paths: &Paths) -> Self {
        Self {
            program: paths.nft.clone(),
            last: None,
        }
    }

    /// Somebody may have changed the tables: the next convergence reads them.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// Reads both tables.
    pub async fn observe(&self) -> Result<Observed, FirewallError> {
        nft::observe(&self.program).await.map_err(doing("read"))
    }

    /// Does what is planned, as one transaction.
    pub async fn apply(&mut self, plan: &Plan) -> Result<(), FirewallError> {
        self.last = None;
        let commands = match plan {
            Plan::Nothing => return Ok(()),
            Plan::Replace { elements, .. } => {
                let mut commands = Commands::new();
                for table in Table::ALL {
                    commands.extend(ruleset::create(table, &[skeleton_mark(table)]));
                }
                commands.extend(ruleset::add_elements(elements));
                commands
            }
            Plan::Change { delete, add } => {
                let mut commands = ruleset::delete_elements(delete);
                commands.extend(ruleset::add_elements(add));
                commands
            }
        };
        let run = nft::run(&self.program, "change the tables", commands);
        run.await.map_err(doing("change"))?;
        if matches!(plan, Plan::Replace { .. }) {
            self.mark().await?;
        }
        Ok(())
    }

    /// Writes down how nft lists the new tables, so that a change by somebody else is noticed. A
    /// crash before this means that the next start makes them once more.
    async fn mark(&self) -> Result<(), FirewallError> {
        let observed = self.observe().await?;
        let commands = Table::ALL
            .into_iter()
            .filter_map(|table| Some(ruleset::add_mark(table, &observed.table(table)?.listing)))
            .collect();
        let run = nft::run(&self.program, "mark the tables", commands);
        run.await.map_err(doing("change"))
    }

    /// Brings the tables to what is desired and says what that took; with nothing to do and
    /// nothing forgotten no program is run.
    pub async fn converge(&mut self, desired: &Desired) -> Result<Vec<String>, FirewallError> {
        if let Some(last) = self.last.take() {
            let change = Plan::between(&last.elements, desired);
            match self.apply(&change).await {
                Ok(()) => {
                    self.last = Some(desired.clone());
                    return Ok(change.lines());
                }
                // The tables are not what they were left as.
                Err(error) => tracing::debug!(%error, "reading the firewall again"),
            }
        }
        let change = plan(desired, &self.observe().await?);
        self.apply(&change).await?;
        self.last = Some(desired.clone());
        Ok(change.lines())
    }

    /// Removes both tables.
    pub async fn remove(&mut self) -> Result<(), FirewallError> {
        self.last = None;
        let commands = Table::ALL.into_iter().flat_map(ruleset::remove).collect();
        let run = nft::run(&self.program, "remove the tables", commands);
        run.await.map_err(doing("remove"))
    }
}
