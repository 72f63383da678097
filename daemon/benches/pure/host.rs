//! A host on which everything is as it should be, and the tasks of its containers.

use std::future::pending;
use std::sync::Arc;

use criterion::Bencher;
use ctrd::health::Outcome;
use ctrd::machine::credentials::Credentials;
use ctrd::machine::root::{GcRoots, State, UidBase};
use ctrd::machine::{Active, Registered, Unit, unit_name};
use ctrd::model::Container;
use ctrd::network::{
    Attachment, Inside, Interfaces, LINK_GROUP, Link, ObservedContainer, ObservedNamespace, Route,
    Sysctl,
};
use ctrd::reconcile::fleet::Handles;
use ctrd::reconcile::{
    Feed, Handle, Host, HostError, Observed, Probed, Request, Shared, Step, Wanted, spawn,
};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot, watch};

use super::declared::Declared;

/// `Plan` and `Declare` of every task, as an apply asks them, where nothing is to be done.
pub(crate) fn nothing_to_do(bencher: &mut Bencher<'_>, declared: &Declared) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (_fleet, handles) = watch::channel(Arc::new(Handles::new()));
    let shared = Shared {
        paths: declared.paths.clone(),
        starts: Arc::new(Semaphore::new(4)),
        fleet: handles,
        feed: Feed::default(),
    };
    let tasks: Vec<Handle> = runtime.block_on(async {
        let wanted = declared.wanted.iter().cloned();
        let tasks = wanted.map(|it| spawn(Arc::new(Quiet), shared.clone(), it));
        let tasks: Vec<Handle> = tasks.collect();
        for task in &tasks {
            let mut status = task.status.clone();
            let seen = status.wait_for(|it| it.seen && it.is_ready()).await;
            seen.expect("its task lives");
        }
        tasks
    });
    bencher.iter(|| {
        runtime.block_on(async {
            for plan in asked(&tasks, |answer| {
                Request::Plan(declared.model.clone(), answer)
            })
            .await
            {
                assert!(plan.await.expect("its task lives").steps.is_empty());
            }
            let declare = |answer| Request::Declare(declared.model.clone(), answer, None);
            for done in asked(&tasks, declare).await {
                done.await.expect("its task lives").expect("nothing to do");
            }
        });
    });
}

async fn asked<T>(
    tasks: &[Handle],
    request: impl Fn(oneshot::Sender<T>) -> Request,
) -> Vec<oneshot::Receiver<T>> {
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        let (answer, answered) = oneshot::channel();
        task.requests
            .send(request(answer))
            .await
            .expect("its task lives");
        answers.push(answered);
    }
    answers
}

/// Everything is as it should be, and nothing happens.
#[derive(Debug)]
struct Quiet;

impl Host for Quiet {
    async fn observe(&self, wanted: &Wanted) -> Result<Observed, HostError> {
        Ok(as_it_should_be(wanted))
    }

    async fn credentials(&self, _container: &Container) -> Credentials {
        Credentials::default()
    }

    async fn apply(&self, _wanted: &Wanted, _step: &Step) -> Result<(), HostError> {
        Ok(())
    }

    async fn probe(&self, _probed: &Probed) -> Outcome {
        Outcome::success("accepted")
    }

    async fn changed(&self, _wanted: &Wanted) {
        pending::<()>().await;
    }
}

/// A container that runs as it is declared.
pub(crate) fn as_it_should_be(wanted: &Wanted) -> Observed {
    let machine = &wanted.container().machine;
    Observed {
        state: Some(State {
            base: UidBase::new(524_288),
            half_given: false,
        }),
        group_ready: true,
        network: connected(&wanted.network()),
        unit: Unit {
            active: Active::Active,
            loaded: true,
            main_pid: 41,
            declared: Some((*wanted.declared()).clone()),
            ..Unit::absent()
        },
        switched: None,
        registered: Some(Registered {
            leader: 42,
            unit: unit_name(machine),
        }),
        stale_registration: false,
        root_mounted: true,
        gc_roots: GcRoots::default(),
        files_current: true,
        files_any: true,
        credentials_any: false,
        firewall_open: true,
        firewall_any: true,
        limits_current: true,
        bounds_current: true,
        offer: None,
        devices_current: true,
        conflict: None,
        blocked: None,
    }
}

fn connected(attachment: &Attachment) -> ObservedContainer {
    let link = |index: u32, name: &str| Link {
        index,
        name: name.to_owned(),
        up: true,
        ..Link::default()
    };
    let eth0 = Link {
        peer: Some(10),
        mac: Some(attachment.mac),
        ..link(2, Attachment::INSIDE)
    };
    let veth = Link {
        altnames: vec![attachment.altname.clone()],
        kind: Some("veth".to_owned()),
        alias: Some(attachment.alias.clone()),
        group: LINK_GROUP,
        controller: Some(5),
        peer: Some(2),
        hairpin: true,
        ..link(10, attachment.veth.as_str())
    };
    let sysctls = Sysctl::of_a_namespace().into_iter();
    ObservedContainer {
        altname: Some(veth.clone()),
        veth: Some(veth),
        bridge: Some(link(5, attachment.bridge.as_str())),
        namespace: ObservedNamespace::Ours(Inside {
            interfaces: Interfaces {
                links: vec![link(1, "lo"), eth0],
                addresses: vec![(2, attachment.address)],
                routes: vec![Route {
                    index: 2,
                    destination: ipnet::Ipv4Net::default(),
                    connected: false,
                    gateway: Some(attachment.gateway),
                }],
            },
            sysctls: sysctls.map(|it| (it.key, Some(it.value))).collect(),
        }),
    }
}
