//! What other programs' firewalls do to the containers: looked at when tables change, said once, and
//! kept for whoever asks.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::error_text::with_causes;
use crate::firewall::others::{Facts, Obstacle, Ruleset, Uplink, find, read};
use crate::firewall::{Generation, Generations};
use crate::model::Model;
use crate::network::{LINK_GROUP, default_route, frames_are_filtered, legacy_tables};
use crate::os::Paths;

/// Docker writes its rules one by one, dozens at a time: they are read when it has finished.
const QUIET: Duration = Duration::from_millis(500);
/// However often the tables change, looking at them takes at most one part in so many of the time: that
/// long is the pause after a look, in which a change waits.
const SHARE: u32 = 10;

/// What is known of the rules of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// What they stop for certain.
    pub obstacles: Vec<Obstacle>,
    /// Why not all of them could be read.
    pub unread: Option<String>,
}

/// Looks at the rules of others, and remembers.
#[derive(Debug, Default)]
pub(super) struct Others {
    asked: Notify,
    known: Mutex<Arc<Surroundings>>,
    /// What it was found from. Most changes of tables are ctrd's own: then nothing has to be found again.
    from: Mutex<Option<Basis>>,
    generations: Mutex<Generations>,
}

/// What obstacles were found from.
#[derive(Debug, Clone)]
struct Basis {
    /// As long as the kernel's number is this one, `ruleset` is what the tables are.
    generation: Generation,
    ruleset: Arc<Ruleset>,
    model: Arc<Model>,
    facts: Facts,
}

impl Others {
    /// Something may be different now.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// As it was when it was last looked at.
    pub(super) fn known(&self) -> Arc<Surroundings> {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until there is a reason to look, and a moment more for what follows on it.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
        tokio::time::sleep(QUIET).await;
    }

    /// Looks, and pauses.
    pub(super) async fn look(&self, paths: &Paths, model: Arc<Model>) {
        let begun = Instant::now();
        self.look_once(paths, model).await;
        let took = begun.elapsed();
        tracing::debug!(?took, "looked at the rules of others");
        tokio::time::sleep(took * SHARE).await;
    }

    async fn look_once(&self, paths: &Paths, model: Arc<Model>) {
        let mut now = match self.read(paths, model).await {
            Ok(now) => now,
            Err(reason) => Surroundings {
                // Not read is not gone.
                obstacles: self.known().obstacles.clone(),
                unread: Some(reason),
            },
        };
        now.obstacles.sort_by(|a, b| a.group.cmp(&b.group));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        tell(&known, &now);
        *known = Arc::new(now);
    }

    async fn read(&self, paths: &Paths, model: Arc<Model>) -> Result<Surroundings, String> {
        if model.groups.is_empty() {
            *self.from() = None;
            return Ok(Surroundings::default());
        }
        let failed = |error: io::Error| format!("failed to look at the host's network: {error}");
        let facts = facts(&model).map_err(failed)?;
        let unread = unread(&legacy_tables().map_err(failed)?);
        // Before they are read: what changes meanwhile has another number.
        let generation = self.generation().map_err(failed)?;
        let before = self.from().clone();
        let ruleset = match &before {
            Some(before) if before.generation == generation => before.ruleset.clone(),
            _ => {
                let ruleset = read(&paths.nft).await;
                Arc::new(ruleset.map_err(|error| with_causes(&error))?)
            }
        };
        let from = Basis {
            generation,
            ruleset,
            model,
            facts,
        };
        if before.is_some_and(|it| it.finds_the_same_as(&from)) {
            *self.from() = Some(from);
            let obstacles = self.known().obstacles.clone();
            return Ok(Surroundings { obstacles, unread });
        }
        let finding = tokio::task::spawn_blocking(move || {
            (find(&from.ruleset, &from.model, &from.facts), from)
        });
        let (obstacles, from) = finding
            .await
            .map_err(|_| "failed to finish looking at the rules of others".to_owned())?;
        *self.from() = Some(from);
        Ok(Surroundings { obstacles, unread })
    }

    fn from(&self) -> MutexGuard<'_, Option<Basis>> {
        self.from.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self) -> io::Result<Generation> {
        let generations = &self.generations;
        let mut generations = generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.settled()
    }
}

impl Basis {
    fn finds_the_same_as(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.ruleset, &other.ruleset) || self.ruleset == other.ruleset)
            && self.model == other.model
            && self.facts == other.facts
    }
}

/// What nft cannot list, if there is any.
fn unread(legacy: &[String]) -> Option<String> {
    (!legacy.is_empty()).then(|| {
        format!(
            "rules in the tables of iptables-legacy ({}) cannot be read: `iptables-legacy-save` shows \
             whether they let the containers through",
            legacy.join(", ")
        )
    })
}

fn facts(model: &Model) -> io::Result<Facts> {
    let uplink = default_route()?.map(|route| Uplink {
        name: route.interface,
        group: route.group,
    });
    let mut filtered_bridges = std::collections::BTreeSet::new();
    for group in model.groups.values() {
        if frames_are_filtered(&group.bridge)? {
            filtered_bridges.insert(group.bridge.clone());
        }
    }
    Ok(Facts {
        link_group: LINK_GROUP,
        uplink,
        filtered_bridges,
    })
}

/// Says what is new and what is gone, once. A rule that was written again, and has another number, is
/// not new.
fn tell(before: &Surroundings, now: &Surroundings) {
    let same = |a: &Obstacle, b: &Obstacle| {
        (&a.group, &a.owner, &a.stops) == (&b.group, &b.owner, &b.stops)
    };
    for obstacle in &now.obstacles {
        if !before.obstacles.iter().any(|it| same(it, obstacle)) {
            let hint = obstacle
                .hint()
                .map_or_else(String::new, |it| format!("; {it}"));
            let group = &obstacle.group;
            tracing::warn!(%group, "{group}: {}{hint}", obstacle.sentence());
        }
    }
    for obstacle in &before.obstacles {
        if !now.obstacles.iter().any(|it| same(it, obstacle)) {
            let (owner, stops) = (&obstacle.owner, obstacle.stops.join(", "));
            let group = &obstacle.group;
            tracing::info!(%group, "{group}: {owner} does not stop traffic {stops} any more");
        }
    }
    if now.unread != before.unread
        && let Some(unread) = &now.unread
    {
        tracing::warn!("{unread}");
    }
}
