//! The firewall as something that is kept.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::desired::Desired;
use super::element::Element;
use super::generation::{Generation, Generations};
use super::nft::{self, NftError};
use super::observed::Observed;
use super::plan::{Plan, plan};
use super::ruleset;
use super::skeleton::Table;
use crate::os::{Paths, failpoint};

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

/// What both tables hold, whole and undamaged, for as long as the kernel counts no transaction more.
#[derive(Debug)]
struct Known {
    elements: BTreeSet<Element>,
    generation: Generation,
}

/// A plan, and where it starts from.
struct Planned {
    change: Plan,
    /// What the kernel counted then, where it is known that nothing was changed while it was read.
    from: Option<Generation>,
    /// Nothing was read for it.
    remembered: bool,
}

/// How often the tables are read again because somebody changed some table meanwhile.
const TRIES: u32 = 4;

/// Keeps both tables at what is desired. It has one owner: `nft` transactions of two would race.
#[derive(Debug)]
pub struct Firewall {
    program: PathBuf,
    generations: Generations,
    known: Option<Known>,
}

impl Firewall {
    /// Knows nothing of the tables yet.
    pub fn new(paths: &Paths) -> Self {
        Self {
            program: paths.nft.clone(),
            generations: Generations::default(),
            known: None,
        }
    }

    /// Reads both tables.
    pub async fn observe(&self) -> Result<Observed, FirewallError> {
        nft::observe(&self.program).await.map_err(doing("read"))
    }

    /// What leads from the tables as they are to what is desired. Where nobody changed any table
    /// since they were last known, no program is run.
    pub async fn plan(&mut self, desired: &Desired) -> Result<Plan, FirewallError> {
        Ok(self.look(desired).await?.change)
    }

    async fn look(&mut self, desired: &Desired) -> Result<Planned, FirewallError> {
        if let Some(known) = &self.known
            && self.generations.now().ok() == Some(known.generation)
        {
            return Ok(Planned {
                change: Plan::between(&known.elements, desired),
                from: Some(known.generation),
                remembered: true,
            });
        }
        self.known = None;
        let (observed, from) = self.observe_still().await?;
        let change = plan(desired, &observed);
        if let Some(generation) = from
            && !matches!(change, Plan::Replace { .. })
        {
            self.known = Some(Known {
                elements: observed.into_elements(),
                generation,
            });
        }
        Ok(Planned {
            change,
            from,
            remembered: false,
        })
    }

    /// Reads both tables at one moment, and says which. Where somebody changes tables all the time, or
    /// the kernel does not tell, what was read last has to do.
    async fn observe_still(&mut self) -> Result<(Observed, Option<Generation>), FirewallError> {
        for _ in 1..TRIES {
            let before = self.generations.settled().ok();
            let observed = self.observe().await?;
            if before.is_none() || before == self.generations.now().ok() {
                return Ok((observed, before));
            }
        }
        Ok((self.observe().await?, None))
    }

    /// Does what is planned, as one transaction.
    pub async fn apply(&mut self, plan: &Plan) -> Result<(), FirewallError> {
        self.known = None;
        if plan.is_empty() {
            return Ok(());
        }
        let commands = ruleset::transaction(plan);
        let run = nft::run(&self.program, "change the tables", commands);
        run.await.map_err(doing("change"))?;
        failpoint("tables changed");
        if matches!(plan, Plan::Replace { .. }) {
            self.mark().await?;
            failpoint("tables marked");
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

    /// Brings the tables to what is desired and says what that took.
    pub async fn converge(&mut self, desired: &Desired) -> Result<Vec<String>, FirewallError> {
        let mut lines = Vec::new();
        for _ in 1..TRIES {
            let Planned {
                change,
                from,
                remembered,
            } = self.look(desired).await?;
            if change.is_empty() {
                return Ok(lines);
            }
            match self.apply(&change).await {
                Ok(()) => {}
                // Somebody was quicker: an element that was to go is gone, or a table.
                Err(error) if remembered => {
                    tracing::debug!(%error, "reading the firewall again");
                    continue;
                }
                Err(error) => return Err(error),
            }
            lines.extend(change.lines());
            let Some(from) = from else {
                return Ok(lines);
            };
            // New tables are marked in a second transaction. Whatever else was counted is somebody
            // else's, and the tables may not be what was made of them.
            let ours = if matches!(change, Plan::Replace { .. }) {
                2
            } else {
                1
            };
            if self.generations.now().ok() == Some(from.after(ours)) {
                self.known = Some(Known {
                    elements: desired.elements.clone(),
                    generation: from.after(ours),
                });
                return Ok(lines);
            }
        }
        Ok(lines)
    }

    /// Removes both tables.
    pub async fn remove(&mut self) -> Result<(), FirewallError> {
        self.known = None;
        let commands = Table::ALL.into_iter().flat_map(ruleset::remove).collect();
        let run = nft::run(&self.program, "remove the tables", commands);
        run.await.map_err(doing("remove"))?;
        failpoint("tables removed");
        Ok(())
    }
}
