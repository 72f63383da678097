//! Whether a guest's files are as they should be, without reading what nobody has changed.
//!
//! Each guest's hosts file has a line for every container: for a thousand, a thousand texts of a
//! thousand lines. They are made and compared once, and again when anything differs that they are made
//! of, or anybody has touched the files.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::machine::root::{UidBase, observe_given};
use crate::model::{FileContent, MachineName, Model};
use crate::network::same_names;
use crate::os::Stamp;
use crate::reconcile::host::{Wanted, given_files};
use crate::reconcile::host_error::HostError;

use super::lock;

/// What is known of the files of guests.
#[derive(Debug, Default)]
pub(super) struct Given {
    names: Mutex<Names>,
    current: Mutex<HashMap<MachineName, Current>>,
}

/// The names of all containers, counted: another number stands for other names.
#[derive(Debug, Default)]
struct Names {
    model: Arc<Model>,
    number: u64,
}

/// What files are made of that were as they should be, and how they were then.
#[derive(Debug, PartialEq, Eq)]
struct Current {
    names: u64,
    nameservers: Vec<Ipv4Addr>,
    files: BTreeMap<PathBuf, FileContent>,
    owner: Option<UidBase>,
    stamps: Vec<Option<Stamp>>,
}

impl Given {
    /// Whether the files below `directory` are what the guest should have.
    pub(super) fn is_current(
        &self,
        wanted: &Wanted,
        directory: &Path,
        nameservers: Vec<Ipv4Addr>,
        owner: Option<UidBase>,
    ) -> Result<bool, HostError> {
        let container = wanted.container();
        let now = Current {
            names: self.number_of(&wanted.model),
            nameservers,
            files: container.files.clone(),
            owner,
            stamps: stamps(directory, container.files.len()),
        };
        if lock(&self.current).get(&container.machine) == Some(&now) {
            return Ok(true);
        }
        let given = given_files(wanted, &now.nameservers);
        let current = observe_given(directory, &given, owner)?.is_empty();
        let comparable = |stamp: &Option<Stamp>| {
            stamp.is_some_and(|stamp| stamp.is_file() && stamp.is_settled())
        };
        if current && now.stamps.iter().all(comparable) {
            lock(&self.current).insert(container.machine.clone(), now);
        } else {
            self.forget(&container.machine);
        }
        Ok(current)
    }

    /// A container that is declared no more.
    pub(super) fn forget(&self, machine: &MachineName) {
        lock(&self.current).remove(machine);
    }

    fn number_of(&self, model: &Arc<Model>) -> u64 {
        let mut names = lock(&self.names);
        if !Arc::ptr_eq(&names.model, model) {
            if !same_names(&names.model, model) {
                names.number += 1;
            }
            names.model = model.clone();
        }
        names.number
    }
}

/// How the files are, in the order of [`given_files`]; what cannot be looked at is as good as absent,
/// and then read.
fn stamps(directory: &Path, declared: usize) -> Vec<Option<Stamp>> {
    let own = ["hosts", "resolv.conf"].map(|name| directory.join(name));
    let declared = (0..declared).map(|index| directory.join(format!("files/{index}")));
    let all = own.into_iter().chain(declared);
    all.map(|path| Stamp::of(&path).ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::Given;
    use crate::machine::root::write_given;
    use crate::machine::test_container;
    use crate::model::{Container, Group, Model};
    use crate::reconcile::host::{Wanted, given_files};
    use crate::reconcile::plan::Intent;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    fn model(change: impl FnOnce(&mut Container)) -> Arc<Model> {
        let mut container = test_container("hello");
        change(&mut container);
        let group = Group {
            name: container.id.group.clone(),
            description: String::new(),
            subnet: "10.77.3.0/24".parse().expect("valid"),
            host_address: "10.77.3.1".parse().expect("valid"),
            bridge: "br-lab".parse().expect("valid"),
            reach: Vec::new(),
            host_ports: Vec::new(),
            containers: [(container.id.name.clone(), container)].into(),
        };
        Arc::new(Model {
            groups: [(group.name.clone(), group)].into(),
            ..Model::default()
        })
    }

    fn wanted(model: &Arc<Model>) -> Wanted {
        let id = test_container("hello").id;
        Wanted::new(model.clone(), id, Intent::Run, Arc::default())
    }

    /// So long that the next change of a file has another time.
    const TICK: Duration = Duration::from_millis(30);

    #[test]
    fn whatever_the_files_are_made_of_is_compared() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let given = Given::default();
        let look = |model: &Arc<Model>, server: &str| {
            let servers = vec![server.parse().expect("an address")];
            given
                .is_current(&wanted(model), path, servers, None)
                .expect("read")
        };
        let first = model(|_| {});
        let write = |model: &Arc<Model>| {
            let servers = ["192.0.2.1".parse().expect("an address")];
            write_given(path, &given_files(&wanted(model), &servers), None).expect("written");
            std::thread::sleep(TICK);
        };
        assert!(!look(&first, "192.0.2.1"), "there are none");
        write(&first);
        for _ in 0..3 {
            assert!(look(&first, "192.0.2.1"));
        }
        assert!(!look(&first, "192.0.2.2"), "another name server");
        assert!(look(
            &model(|it| it.description = "other".to_owned()),
            "192.0.2.1"
        ));
        let renamed = model(|it| it.aliases = vec!["other".parse().expect("valid")]);
        assert!(!look(&renamed, "192.0.2.1"), "another name");
        assert!(look(&first, "192.0.2.1"));
        let more = model(|it| {
            let content = crate::model::FileContent {
                text: "a".to_owned(),
                mode: 0o644,
            };
            it.files.insert("/etc/a".into(), content);
        });
        assert!(!look(&more, "192.0.2.1"), "another file");
        write(&more);
        assert!(look(&more, "192.0.2.1"));
    }

    #[test]
    fn a_file_that_somebody_touched_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let (given, model) = (Given::default(), model(|_| {}));
        let look = || {
            given
                .is_current(&wanted(&model), path, Vec::new(), None)
                .expect("read")
        };
        let write = || {
            write_given(path, &given_files(&wanted(&model), &[]), None).expect("written");
        };
        let damages: [fn(&Path); 3] = [
            |path| std::fs::write(path.join("hosts"), "127.0.0.1 bank\n").expect("written"),
            |path| std::fs::remove_file(path.join("resolv.conf")).expect("removed"),
            |path| {
                std::fs::rename(path.join("resolv.conf"), path.join("hosts")).expect("renamed");
            },
        ];
        for damage in damages {
            write();
            std::thread::sleep(TICK);
            assert!(look() && look());
            damage(path);
            assert!(!look());
        }
    }
}
