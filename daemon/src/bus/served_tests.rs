//! The objects as they are served, without a host behind them.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use ctr_api::{CONTAINER_INTERFACE, MANAGER_INTERFACE};
use tokio::sync::{mpsc, watch};
use zbus::fdo::{IntrospectableProxy, ObjectManager};
use zbus::{Connection, Guid, connection, interface};

use crate::firewall::Firewall;
use crate::machine::Systemd;
use crate::model::ContainerId;
use crate::network::Network;
use crate::os::Paths;
use crate::reconcile::fleet::Fleet;
use crate::reconcile::{Descent, Handle, RealHost, Status};

use super::authority::Authority;
use super::container::Container;
use super::guard::Guarded;
use super::logs::Logs;
use super::manager::Manager;

/// Every method of every interface, by what the objects say of themselves.
pub(super) async fn introspected() -> BTreeSet<(String, String)> {
    let (server, client) = pair().await;
    let directory = tempfile::tempdir().expect("a directory");
    let paths = Arc::new(Paths {
        netns: directory.path().join("netns"),
        ..Paths::default()
    });
    let systemd = Systemd::new(&server).await.expect("it answers");
    let network = Network::start(&paths).expect("a socket");
    let host = RealHost::new(
        paths.clone(),
        server.clone(),
        systemd,
        network,
        Firewall::new(&paths),
    );
    let fleet = Arc::new(Fleet::new(Arc::new(host), paths));
    let authority = Arc::new(Authority::over(&server).await.expect("nothing is sent"));
    let logs = Arc::new(Logs::new(fleet.clone(), authority.clone()));
    let id = ContainerId {
        group: "lab".parse().expect("a name"),
        name: "web".parse().expect("a name"),
    };
    let (requests, _) = mpsc::channel(1);
    let (_, status) = watch::channel(Status::unknown());
    let (_, credentials) = watch::channel(Arc::default());
    let handle = Handle {
        requests,
        status,
        credentials,
        descent: Descent::default(),
    };
    let container = Container::new(fleet.clone(), id.clone(), handle, logs.clone());
    let manager = Manager::new(fleet, logs, authority.clone());
    let objects = server.object_server();
    let manager = Guarded::new(manager, authority.clone(), None);
    objects.at("/m", manager).await.expect("served");
    objects.at("/m", ObjectManager).await.expect("served");
    let container = Guarded::new(container, authority, Some(id));
    objects.at("/c", container).await.expect("served");
    let mut methods = BTreeSet::new();
    for path in ["/m", "/c"] {
        let proxy = IntrospectableProxy::builder(&client)
            .destination("org.kernelcore.Containers1")
            .path(path)
            .build()
            .await
            .expect("a proxy");
        methods.extend(methods_in(&proxy.introspect().await.expect("an answer")));
    }
    for interface in [MANAGER_INTERFACE, CONTAINER_INTERFACE] {
        assert!(methods.iter().any(|(it, _)| it == interface), "{methods:?}");
    }
    methods
}

/// What systemd is asked for at the beginning.
struct Subscribe;

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Subscribe {
    #[expect(clippy::unused_self, reason = "a method belongs to its object")]
    fn subscribe(&self) {}
}

async fn pair() -> (Connection, Connection) {
    let (one, other) = UnixStream::pair().expect("a pair");
    let guid = Guid::generate();
    let server = connection::Builder::unix_stream(one)
        .server(guid)
        .p2p()
        .build();
    let client = connection::Builder::unix_stream(other)
        .p2p()
        .serve_at("/org/freedesktop/systemd1", Subscribe)
        .build();
    let (server, client) = tokio::join!(server, client);
    (server.expect("a server"), client.expect("a client"))
}

fn methods_in(xml: &str) -> BTreeSet<(String, String)> {
    let named = |line: &str, element: &str| {
        let rest = line.trim().strip_prefix(element)?;
        let rest = rest.strip_prefix(" name=\"")?;
        Some(rest.split('"').next()?.to_owned())
    };
    let mut methods = BTreeSet::new();
    let mut interface = String::new();
    for line in xml.lines() {
        if let Some(name) = named(line, "<interface") {
            interface = name;
        } else if let Some(name) = named(line, "<method") {
            methods.insert((interface.clone(), name));
        }
    }
    methods
}
