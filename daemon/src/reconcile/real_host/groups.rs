//! The host's own side of a declaration: every group's bridge, and the firewall.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::firewall;
use crate::machine::{Active, machine_of_unit};
use crate::model::{Container, ContainerId, Group, GroupName, MachineName, Model, Program};
use crate::network::{self, Attached, Bridge, ObservedGroup};
use crate::os::{most_instances, too_few_instances};
use crate::reconcile::host::{Conflict, Host, Wanted};
use crate::reconcile::host_error::HostError;
use crate::reconcile::open_firewall::desired;

use super::{RealHost, lock};

/// The groups that are to be there.
#[derive(Debug, Default)]
pub(super) struct Groups {
    model: Arc<Model>,
    troubled: BTreeMap<GroupName, Conflict>,
}

impl RealHost {
    /// Makes the host's own side fit a declaration: every bridge, and the firewall in one
    /// transaction. `running` are containers that have elements without having asked for them:
    /// guests that outlived the last ctrd.
    ///
    /// [`RealHost::troubled`] says which groups could not be made ready. One whose subnet another
    /// group's guests still use is not among them: it is made when those have ended.
    pub async fn declare(
        &self,
        model: &Arc<Model>,
        running: &[ContainerId],
    ) -> Result<(), HostError> {
        {
            let mut groups = lock(&self.groups);
            groups.model = model.clone();
            groups
                .troubled
                .retain(|name, _| model.groups.contains_key(name));
        }
        self.load_gpu_modules().await;
        self.ensure_groups(model).await;
        let mut open = self.firewall.lock().await;
        if open.model != *model {
            warn_of_few_instances(model);
        }
        open.wanted = true;
        open.model = model.clone();
        open.containers
            .extend(running.iter().map(|id| (id.clone(), Vec::new())));
        open.containers = open.elements_in(model);
        self.close_movers(model, &mut open.containers);
        self.others.ask();
        let converged = open.converge().await;
        self.firewall_failed
            .store(converged.is_err(), Ordering::Relaxed);
        converged.map(drop)
    }

    /// Makes every group's bridge what it should be.
    pub async fn ensure_groups(&self, model: &Model) {
        for group in model.groups.values() {
            // What went wrong is in `troubled`.
            let _ = self.ensure_group(group).await;
        }
    }

    /// Returns when somebody may have changed a bridge.
    pub async fn bridges_changed(&self) {
        self.network.bridges_changed().await;
    }

    /// Somebody changed a bridge: those that are declared are made what they should be, also where no
    /// guest of theirs runs.
    pub async fn mend_bridges(&self) {
        if self.stopping().await {
            return;
        }
        let model = lock(&self.groups).model.clone();
        for group in model.groups.values() {
            let say = |step: &network::Step| {
                tracing::warn!(group = %group.name,
                    "the network of {} was changed by somebody else: {step}", group.name);
            };
            if let Err(error) = self.ensure_group_saying(group, say).await {
                tracing::error!(group = %group.name, "{}", error.sentence());
            }
        }
    }

    /// No group is to be there any more, for `down`.
    pub fn declare_no_group(&self) {
        *lock(&self.groups) = Groups::default();
    }

    /// The groups whose network could not be made, and why.
    pub fn troubled(&self) -> BTreeMap<GroupName, Conflict> {
        lock(&self.groups).troubled.clone()
    }

    /// What [`RealHost::declare`] would change, one line each, when what leaves has left.
    pub async fn would_declare(&self, model: &Model) -> Result<Vec<String>, HostError> {
        let mut lines = Vec::new();
        for group in model.groups.values() {
            let bridge = Bridge::of(group);
            let observed = self.network.observe_group(&bridge).await?;
            match network::plan_group(&bridge, &observed) {
                Ok(steps) => lines.extend(steps.iter().map(ToString::to_string)),
                Err(conflict) => lines.push(format!("{}: {conflict}", group.name)),
            }
        }
        let before = lock(&self.groups).model.clone();
        let leaving = before.groups.values();
        for group in leaving.filter(|it| !model.groups.contains_key(&it.name)) {
            lines.push(format!("delete interface {}", group.bridge));
        }
        let mut seen = BTreeSet::new();
        lines.retain(|line| seen.insert(line.clone()));
        let mut open = self.firewall.lock().await;
        let mut containers = open.elements_in(model);
        self.close_movers(model, &mut containers);
        let desired = desired(model, &containers);
        lines.extend(open.firewall.plan(&desired).await?.lines());
        Ok(lines)
    }

    /// A guest that is up at another address than it is declared at has nothing in the firewall until
    /// it has been started again: what leads to its new address would lead to whoever has that now.
    fn close_movers(
        &self,
        model: &Model,
        containers: &mut BTreeMap<ContainerId, Vec<firewall::Element>>,
    ) {
        let occupied = lock(&self.occupied);
        containers.retain(|id, _| {
            model.container(id).is_none_or(|container| {
                !occupied.is_elsewhere(&container.machine, container.address)
            })
        });
    }

    /// The declaration in force.
    pub(super) fn declared(&self) -> Arc<Model> {
        lock(&self.groups).model.clone()
    }

    pub(super) async fn observe_group(&self, group: &Group) -> Result<ObservedGroup, HostError> {
        let mut observed = self.network.observe_group(&Bridge::of(group)).await?;
        observed.gateways = lock(&self.occupied).gateways();
        Ok(observed)
    }

    /// Makes a group's bridge what it should be, as the declaration in force has it.
    pub(super) async fn ensure_group(&self, group: &Group) -> Result<(), HostError> {
        let say = |step: &network::Step| tracing::info!(group = %group.name, "{step}");
        self.ensure_group_saying(group, say).await
    }

    async fn ensure_group_saying(
        &self,
        group: &Group,
        say: impl Fn(&network::Step),
    ) -> Result<(), HostError> {
        if !self.is_in_force(group) {
            return Err(HostError::Passing(newer(group)));
        }
        let made = self.make_group(group, say).await;
        let mut groups = lock(&self.groups);
        match &made {
            Ok(()) | Err(HostError::Passing(_)) => {
                groups.troubled.remove(&group.name);
            }
            Err(error) => {
                groups.troubled.insert(group.name.clone(), error.into());
            }
        }
        made
    }

    async fn make_group(
        &self,
        group: &Group,
        say: impl Fn(&network::Step),
    ) -> Result<(), HostError> {
        let _turn = self.group.lock().await;
        let bridge = Bridge::of(group);
        // A step can uncover the next one: an address needs its link.
        for _ in 0..4 {
            let observed = self.observe_group(group).await?;
            let steps = network::plan_group(&bridge, &observed).map_err(HostError::of_group)?;
            if steps.is_empty() {
                return Ok(());
            }
            for step in &steps {
                say(step);
                self.network.apply(step).await?;
            }
        }
        Ok(())
    }

    /// The group is as the declaration in force has it: what an older or newer one asks for would be
    /// undone by the next container of the group.
    fn is_in_force(&self, group: &Group) -> bool {
        lock(&self.groups)
            .model
            .groups
            .get(&group.name)
            .is_some_and(|it| {
                it.subnet == group.subnet
                    && it.host_address == group.host_address
                    && it.bridge == group.bridge
            })
    }

    /// What of ours stands where a container's group should, or, where it `starts`, where it should
    /// itself; it hears when that goes. `passing` is what stands in its group's way.
    pub(super) fn blocked(
        &self,
        wanted: &Wanted,
        passing: Option<String>,
        starts: bool,
    ) -> Option<String> {
        let container = wanted.container();
        if !self.is_in_force(wanted.group()) {
            return Some(newer(wanted.group()));
        }
        let mut occupied = lock(&self.occupied);
        let other = occupied
            .other_at(container.address, &container.machine)
            .filter(|_| starts);
        let blocked = passing.or_else(|| {
            other.map(|other| format!("waits for {other}, which still has {}", container.address))
        });
        if blocked.is_some() {
            occupied.wait(&container.machine);
        }
        blocked
    }

    /// A machine was seen, with what its guest has of the network or without a guest: whoever waits
    /// for it looks again.
    pub(in crate::reconcile) fn see_attached(
        &self,
        machine: &MachineName,
        attached: Option<Attached>,
    ) {
        let waiting = lock(&self.occupied).see(machine, attached);
        for machine in waiting {
            self.signals.of(&machine).notify_one();
        }
    }

    /// Looks at what the guests of all our units have of the network, before anything is changed: some
    /// may be declared elsewhere since they started, or nowhere.
    pub async fn see_all_attached(&self) -> Result<(), HostError> {
        for unit in self.systemd.units().await? {
            let Some(machine) = machine_of_unit(&unit) else {
                continue;
            };
            let active = self.systemd.observe(&unit).await?.active;
            if !matches!(active, Active::Inactive | Active::Failed) {
                let attached = self.network.attached(&machine).await?;
                self.see_attached(&machine, attached);
            }
        }
        Ok(())
    }
}

fn newer(group: &Group) -> String {
    format!(
        "waits for the newest declaration of the group {}",
        group.name
    )
}

/// Says what would keep some of the guests from booting, before they try.
fn warn_of_few_instances(model: &Model) {
    let boots = |container: &&Container| matches!(container.program, Program::Boot { .. });
    let booting = model.containers().filter(boots).count();
    if let Some(said) = most_instances().and_then(|most| too_few_instances(booting, most)) {
        tracing::warn!("{said}");
    }
}
