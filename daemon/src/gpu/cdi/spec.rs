//! A specification of the Container Device Interface as it is written, and nothing else.
//!
//! The shape is that of version 1.1.0 (SPEC.md and `specs-go/config.go` of
//! `cncf-tags/container-device-interface`); earlier versions have less of the same. A key that is not
//! known is kept, so that it can be named.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The most entries that one list may have: a host with eight processors of seven parts each and three
/// names for every one has a few hundred.
pub(super) const ENTRIES_MAX: usize = 4096;

/// The names of keys that this version does not know.
#[derive(Debug, Clone, Default)]
pub(super) struct Unknown(pub(super) BTreeSet<String>);

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Unknown;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unknown, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, IgnoredAny)) = entries.next_entry()? {
            keys.insert(key);
        }
        Ok(Unknown(keys))
    }
}

/// A file.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    /// The version of the interface: `0.7.0`.
    pub(super) cdi_version: String,
    /// Vendor and class: `nvidia.com/gpu`.
    pub(super) kind: String,
    /// For people and other programs.
    #[serde(default, rename = "annotations")]
    _annotations: IgnoredAny,
    /// What can be asked for.
    #[serde(default, deserialize_with = "list")]
    pub(super) devices: Vec<Device>,
    /// For whoever gets any of the devices.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) container_edits: ContainerEdits,
    /// The rest.
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// Something that can be asked for.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    /// Its name among those of its kind: `0`, `GPU-…`, `all`.
    pub(super) name: String,
    /// For people and other programs.
    #[serde(default, rename = "annotations")]
    _annotations: IgnoredAny,
    /// For whoever gets it.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) container_edits: ContainerEdits,
    /// The rest.
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// What a container is given.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerEdits {
    /// Variables, each `NAME=value`.
    #[serde(default, deserialize_with = "list")]
    pub(super) env: Vec<String>,
    /// Device nodes.
    #[serde(default, deserialize_with = "list")]
    pub(super) device_nodes: Vec<DeviceNode>,
    /// Programs that the runtime is to run.
    #[serde(default, deserialize_with = "list")]
    pub(super) hooks: Vec<Hook>,
    /// Files and directories of the host.
    #[serde(default, deserialize_with = "list")]
    pub(super) mounts: Vec<Mount>,
    /// Classes of Intel's cache allocation.
    #[serde(default)]
    pub(super) intel_rdt: Option<IgnoredAny>,
    /// Interfaces of the host's network.
    #[serde(default)]
    pub(super) net_devices: Option<IgnoredAny>,
    /// Groups for its processes.
    #[serde(default, deserialize_with = "list")]
    pub(super) additional_gids: Vec<u32>,
    /// The rest.
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// A device node.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceNode {
    /// In the container.
    pub(super) path: String,
    /// On the host; the same where it is not written.
    #[serde(default)]
    pub(super) host_path: Option<String>,
    /// `c`, `u`, `b` or `p`, as mknod(1) has them.
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    /// Its numbers. A zero is left out by programs that write these files, so a major number without a
    /// minor one has the minor number 0.
    #[serde(default)]
    pub(super) major: Option<u32>,
    /// See `major`.
    #[serde(default)]
    pub(super) minor: Option<u32>,
    /// Its permission bits, and maybe those of its type as `stat(2)` or Go has them.
    #[serde(default)]
    pub(super) file_mode: Option<u32>,
    /// What a program may do with it: letters of `rwm`.
    #[serde(default)]
    pub(super) permissions: Option<String>,
    /// Its owner.
    #[serde(default)]
    pub(super) uid: Option<u32>,
    /// Its group, by the host's number.
    #[serde(default)]
    pub(super) gid: Option<u32>,
    /// The rest.
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// Something of the host that the container sees.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mount {
    /// On the host.
    pub(super) host_path: String,
    /// In the container.
    pub(super) container_path: String,
    /// As mount(8) has them.
    #[serde(default, deserialize_with = "list")]
    pub(super) options: Vec<String>,
    /// A type of file system, or `bind`.
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    /// The rest.
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// A program that the runtime is to run.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hook {
    /// When.
    #[serde(rename = "hookName")]
    pub(super) _when: IgnoredAny,
    /// Its file on the host.
    pub(super) path: String,
    /// Its command line, its own name first.
    #[serde(default, deserialize_with = "list")]
    pub(super) args: Vec<String>,
    /// Its environment.
    #[serde(default, rename = "env")]
    _environment: IgnoredAny,
    /// How long it may take.
    #[serde(default, rename = "timeout")]
    _timeout: IgnoredAny,
    /// The rest.
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// What is written as nothing is as if it were not written.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A list of at most [`ENTRIES_MAX`], or nothing.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_option(Bounded(PhantomData))
}

struct Bounded<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            if all.len() == ENTRIES_MAX {
                let message = format!("a list has more than {ENTRIES_MAX} entries");
                return Err(A::Error::custom(message));
            }
            all.push(element);
        }
        Ok(all)
    }
}
