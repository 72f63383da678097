//! What a container is given of graphics processors: values, for whoever brings it there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Node;

/// What a container is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// The nodes, by their path, each path once.
    pub nodes: Vec<Node>,
    /// Files and directories of the host that it sees read-only, by their path in the guest, each
    /// path once. They are the guest's from its first moment until its end.
    pub mounts: Vec<Mount>,
    /// Variables for what runs in it.
    pub environment: BTreeMap<String, String>,
    /// Directories of the guest with libraries that its loader does not look into by itself.
    pub library_folders: Vec<PathBuf>,
    /// What a specification asks for and is not done, each as a sentence with the file.
    pub unapplied: Vec<String>,
}

/// A file or directory of the host that a guest sees: read-only, without set-user-id programs and device
/// nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount {
    /// Where it stands in the guest.
    pub guest: PathBuf,
    /// Where it stands on the host.
    pub host: PathBuf,
    /// No program below it can be started, nor a library loaded: the directories of sockets.
    pub no_exec: bool,
}

impl Delivery {
    /// The variables, with the one that the loader looks for libraries by (ld.so(8)) where a
    /// directory needs it. `declared` is what the declaration sets, which counts first.
    pub fn variables(&self, declared: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        const LIBRARIES: &str = "LD_LIBRARY_PATH";
        let mut variables = self.environment.clone();
        let folders = self.library_folders.iter();
        let mut folders: Vec<String> = folders.map(|it| it.display().to_string()).collect();
        folders.dedup();
        if !folders.is_empty() {
            let before = declared.get(LIBRARIES).or(variables.get(LIBRARIES));
            folders.splice(0..0, before.cloned());
            variables.insert(LIBRARIES.to_owned(), folders.join(":"));
        }
        variables.retain(|name, _| name == LIBRARIES || !declared.contains_key(name));
        variables
    }
}

impl Node {
    /// The name of its file where ctrd makes it: its path below `/dev`, with `!` for a slash, as the kernel
    /// writes such names in sysfs.
    pub fn file_name(&self) -> String {
        let below = self.path.strip_prefix("/dev").unwrap_or(&self.path);
        below.display().to_string().replace('/', "!")
    }

    /// The path of a node by the name of its file.
    pub fn path_of(file_name: &str) -> PathBuf {
        Path::new("/dev").join(file_name.replace('!', "/"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::Delivery;
    use crate::gpu::Node;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_declared_counts_before_what_comes_with_a_device() {
        let delivery = Delivery {
            environment: variables(&[("A", "spec"), ("B", "spec")]),
            library_folders: vec!["/opt/driver/lib".into()],
            ..Delivery::default()
        };
        let declared = variables(&[("A", "declared"), ("LD_LIBRARY_PATH", "/opt/own")]);
        assert_eq!(
            delivery.variables(&declared),
            variables(&[
                ("B", "spec"),
                ("LD_LIBRARY_PATH", "/opt/own:/opt/driver/lib")
            ])
        );
        assert_eq!(Delivery::default().variables(&declared), variables(&[]));
    }

    #[test]
    fn a_node_is_known_by_its_file() {
        let node = Node {
            path: "/dev/dri/renderD128".into(),
            major: 226,
            minor: 128,
            mode: 0o660,
            group: None,
        };
        assert_eq!(node.file_name(), "dri!renderD128");
        assert_eq!(
            Node::path_of(&node.file_name()),
            Path::new("/dev/dri/renderD128")
        );
    }
}
