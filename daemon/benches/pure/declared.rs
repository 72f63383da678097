//! Declarations of any size, and what is made of them.

use std::fmt::Write;
use std::sync::Arc;

use ctrd::declaration::parse;
use ctrd::firewall;
use ctrd::machine::credentials::Credentials;
use ctrd::model::{Container, Model};
use ctrd::network::MacAddress;
use ctrd::os::Paths;
use ctrd::reconcile::{Intent, Wanted};

/// A /24 has no more places.
const IN_A_GROUP: usize = 200;

/// So many containers.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) text: String,
    pub(crate) model: Arc<Model>,
    /// The same with one more published port.
    pub(crate) changed: Arc<Model>,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) paths: Arc<Paths>,
}

impl Declared {
    pub(crate) fn new(count: usize) -> Self {
        let text = text(count);
        let changed = text.replacen("host-port = 20000", "host-port = 19999", 1);
        let model = model(&text);
        let wanted = model.containers().map(|container| {
            let id = container.id.clone();
            Wanted::new(
                model.clone(),
                id,
                Intent::Run,
                Arc::new(Credentials::default()),
            )
        });
        Self {
            wanted: wanted.collect(),
            changed: self::model(&changed),
            model,
            text,
            paths: Arc::new(Paths::default()),
        }
    }
}

fn model(text: &str) -> Arc<Model> {
    let parsed = parse("containers.toml", text.as_bytes());
    // Problems show the whole text.
    parsed.map_err(drop).expect("every rule holds").model
}

/// What a model asks of the firewall.
pub(crate) fn elements(model: &Model) -> firewall::Desired {
    let mac = |container: &Container| MacAddress::of(&container.machine).0;
    firewall::Desired::of(model, mac)
}

/// As many keys each as fit: a thousand are near the most that is read (`TOKENS_MAX`).
fn text(count: usize) -> String {
    let mut text = "schema = 1\n".to_owned();
    for number in 0..count {
        let (group, place) = (number / IN_A_GROUP, number % IN_A_GROUP + 11);
        if number % IN_A_GROUP == 0 {
            let _ = write!(
                text,
                "\n[groups.g{group}]\nsubnet = \"10.77.{group}.0/24\"\nhost-address = \"10.77.{group}.1\"\n"
            );
        }
        let _ = write!(
            text,
            "\n[groups.g{group}.containers.c{number}]\naddress = \"10.77.{group}.{place}\"\n\
             root = {{ tree = \"/var/lib/machines/debian\" }}\n\
             command = [\"/usr/bin/sleep\", \"infinity\"]\n\
             ports = [{{ port = 80, publish = {{ host-port = {} }} }}, {{ port = 443 }}]\n\
             health = {{ http = {{ port = 80 }} }}\n",
            20_000 + number
        );
    }
    text
}
