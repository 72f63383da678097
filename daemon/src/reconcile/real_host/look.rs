//! How a container is: everything that is read, in one answer.

use std::path::Path;

use crate::gpu::{Delivery, Offer};
use crate::machine::credentials;
use crate::machine::root::{
    State, UidBase, observe_gc_roots, observe_state, root_left, try_prepare,
};
use crate::machine::{
    Active, Registered, Unit, confinement, limits_to_set, observe_bounds, unit_name,
};
use crate::model::{Container, MachineName};
use crate::network::{self, Bridge, ObservedNamespace};
use crate::reconcile::host::{Conflict, Observed, Wanted, running_as};
use crate::reconcile::host_error::HostError;
use crate::reconcile::open_firewall::elements;
use crate::reconcile::plan::Intent;

use super::{RealHost, blocking, lock, look_error};

impl RealHost {
    pub(super) async fn look(&self, wanted: &Wanted) -> Result<Observed, HostError> {
        let container = wanted.container();
        let machine = &container.machine;
        // The signals are listened to before anything is read: nothing is missed between the two.
        self.signals.of(machine);
        let unit_of_ours = unit_name(machine);
        let unit = self.systemd.observe(&unit_of_ours).await?;
        let registered = self.registered(machine, unit.main_pid).await?;
        let down = matches!(unit.active, Active::Inactive | Active::Failed);
        let other_unit = registered
            .as_ref()
            .filter(|it| it.unit != unit_of_ours)
            .map(|it| it.unit.clone());
        let bridge = Bridge::of(wanted.group());
        let group = self.observe_group(wanted.group()).await?;
        let (group_ready, mut conflict, passing) = match network::plan_group(&bridge, &group) {
            Ok(steps) => (steps.is_empty(), None, None),
            Err(conflict) if conflict.passes() => (false, None, Some(conflict.to_string())),
            Err(conflict) => (false, Some(conflict.into()), None),
        };
        // Nothing is waited for between what was just read and this: no end of another is missed.
        let starts = down && wanted.intent == Intent::Run;
        let blocked = self.blocked(wanted, passing, starts);
        if conflict.is_none() && down {
            conflict = Self::conflict(wanted, other_unit.as_deref());
        }
        let state = observe_state(&self.paths.state, machine)?;
        let switched = self.switched(container)?;
        let offer = if wanted.intent == Intent::Run {
            self.offer(container).await?
        } else {
            None
        };
        if conflict.is_none()
            && wanted.intent == Intent::Run
            && (down || restarts(&unit, switched.as_deref(), wanted))
        {
            conflict = self.try_prepare(wanted, state, offer.as_deref()).await?;
        }
        let files = self.paths.machine_files(machine);
        let nameservers = self.nameservers(wanted)?;
        let (firewall_open, firewall_any) = {
            let open = self.firewall.lock().await;
            let now = open.containers.get(&wanted.id);
            (
                now == Some(&elements(wanted.group(), container)),
                now.is_some(),
            )
        };
        let bounds_current = match (&registered, &other_unit, state.and_then(|state| state.base)) {
            (Some(now), None, Some(base)) if !down => {
                self.bounds_current(container, now.leader, base).await?
            }
            _ => true,
        };
        let devices_current = match (&offer, &registered, &other_unit) {
            (Some(offer), Some(now), None) if unit.active == Active::Active && !offer.unclear => {
                self.devices_current(container, offer, &unit, now.leader, state)
                    .await?
            }
            _ => true,
        };
        let limits_current = limits_to_set(&container.limits, self.default_tasks, &unit).is_empty();
        let network = self.network.observe_container(&wanted.network()).await?;
        let attached = match &network.namespace {
            ObservedNamespace::Ours(inside) if !down && !unit.is_foreign() => {
                Some(inside.attached())
            }
            _ => None,
        };
        self.see_attached(machine, attached);
        Ok(Observed {
            stale_registration: down && registered.is_some() && other_unit.is_none(),
            network,
            files_current: match state {
                Some(state) if state.fits(container.users) => {
                    self.given
                        .is_current(wanted, &files, nameservers, state.base)?
                }
                _ => false,
            },
            files_any: files.exists(),
            credentials_any: credentials::delivered(&self.paths.machine_credentials(machine))?,
            state,
            group_ready,
            unit,
            switched,
            registered,
            root_mounted: self.root_mounted(machine)?,
            gc_roots: observe_gc_roots(&self.paths, machine)?,
            firewall_open,
            firewall_any,
            limits_current,
            bounds_current,
            offer,
            devices_current,
            conflict,
            blocked,
        })
    }

    fn root_mounted(&self, machine: &MachineName) -> Result<bool, HostError> {
        let root = self.paths.machine_root(machine);
        root_left(&self.paths, machine).map_err(|source| look_error(&root, source))
    }

    /// A machine as machined knows it. Asked for once in a run of nspawn (`main_pid`, 0 for none):
    /// its leader cannot change in between.
    async fn registered(
        &self,
        machine: &MachineName,
        main_pid: u32,
    ) -> Result<Option<Registered>, HostError> {
        let known = lock(&self.leaders).get(machine).cloned();
        if let Some((_, known)) = known.filter(|(pid, _)| main_pid != 0 && *pid == main_pid) {
            return Ok(Some(known));
        }
        let registered = self.systemd.registered(machine).await?;
        let mut leaders = lock(&self.leaders);
        match &registered {
            Some(now) if main_pid != 0 => leaders.insert(machine.clone(), (main_pid, now.clone())),
            _ => leaders.remove(machine),
        };
        Ok(registered)
    }

    /// Whether a running guest's users have their bounds. Looked at once for a first process.
    async fn bounds_current(
        &self,
        container: &Container,
        leader: u32,
        base: UidBase,
    ) -> Result<bool, HostError> {
        let bounds = confinement::bounds(container);
        if bounds.is_empty() || lock(&self.bounded).get(&container.machine) == Some(&leader) {
            return Ok(true);
        }
        let current = blocking("reading the bounds", move || {
            Ok(observe_bounds(leader, base, bounds)?)
        })
        .await?;
        if current {
            lock(&self.bounded).insert(container.machine.clone(), leader);
        }
        Ok(current)
    }

    /// What a start would fail with for the container's root and binds, tried without making any.
    pub(super) async fn try_prepare(
        &self,
        wanted: &Wanted,
        state: Option<State>,
        offer: Option<&Offer>,
    ) -> Result<Option<Conflict>, HostError> {
        let (container, paths) = (wanted.container().clone(), self.paths.clone());
        let base = state.and_then(|state| state.base);
        let delivery = offer.map_or_else(Delivery::default, |offer| offer.delivery.clone());
        blocking("trying the root", move || {
            let tried = try_prepare(&container, &paths, base, &delivery);
            Ok(tried.err().map(|error| HostError::Root(error).into()))
        })
        .await
    }

    fn conflict(wanted: &Wanted, other_unit: Option<&str>) -> Option<Conflict> {
        let container = wanted.container();
        if let Some(other) = other_unit {
            return Some(Conflict {
                reason: format!("the machine name {} belongs to {other}", container.machine),
                hint: Some(format!("stop it: `systemctl stop {other}`")),
            });
        }
        let published: Vec<_> = container
            .ports
            .iter()
            .filter_map(|port| Some((port, port.publish.as_ref()?)))
            .collect();
        // What is not to run takes no port from anybody.
        if published.is_empty() || wanted.intent != Intent::Run {
            return None;
        }
        let listeners = network::listening().unwrap_or_default();
        published.iter().find_map(|(port, publish)| {
            let listener = network::find_listener(
                &listeners,
                port.protocol,
                publish.address,
                publish.host_port,
            )?;
            Some(Conflict {
                reason: format!(
                    "port {}/{} is to be published, and a program of the host listens on {}",
                    publish.host_port,
                    port.protocol.as_str(),
                    listener.address
                ),
                hint: Some(format!(
                    "stop it (`ss -lnp sport = :{}` names it) or publish another port",
                    publish.host_port
                )),
            })
        })
    }
}

/// Whether a running guest is to be restarted, or switched, for what it is declared as now.
fn restarts(unit: &Unit, switched: Option<&Path>, wanted: &Wanted) -> bool {
    running_as(unit, switched)
        .is_some_and(|running| !running.changed(&wanted.declared()).is_empty())
}
