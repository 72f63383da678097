//! The document and its groups.

use std::net::Ipv4Addr;

use toml::de::DeValue;

use super::container::Container;
use super::shape::{Key, Presence, Shape, Table, table};
use crate::declaration::collect::Collector;
use crate::declaration::place::{At, Place};
use crate::declaration::read::{Entries, Read, TableReader, mismatch};
use crate::declaration::value::{Line, Number, PortNumber, Reference, Subnet};
use crate::model::{ContainerName, GroupName, MetricsAddress};

table! {
    /// The whole file.
    Document is "the declaration" in "The file" {
        /// The version of the schema.
        Required schema: Number = "schema", "1";
        /// The name servers that guests use.
        Optional nameservers: Vec<At<Ipv4Addr>> = "nameservers", r#"["1.1.1.1"]"#;
        /// Where metrics are served.
        Optional metrics: MetricsAddress = "metrics", r#""127.0.0.1:9950""#;
        /// Have modules of drivers loaded that containers wait for.
        Optional load_gpu_modules: bool = "load-gpu-modules", "false";
        /// The groups.
        Optional groups: Entries<GroupName, Group> = "groups",
            r#"{ ml = { subnet = "192.168.200.0/24", host-address = "192.168.200.10" } }"#;
    }
}

table! {
    /// Containers that share a bridge, a subnet and a policy.
    Group is "a group" in "`[groups.<group>]`" {
        /// What it is for.
        Optional description: Line = "description", r#""machine learning""#;
        /// Its subnet.
        Required subnet: Subnet = "subnet", r#""192.168.200.0/24""#;
        /// The host's address in it.
        Required host_address: Ipv4Addr = "host-address", r#""192.168.200.10""#;
        /// What else its guests may open connections to.
        Optional reach: Vec<At<Reference>> = "reach", r#"["dev", "lab/web"]"#;
        /// The ports of the host that its guests may use.
        Optional host_ports: Vec<At<PortNumber>> = "host-ports", "[53]";
        /// Its containers.
        Optional containers: Entries<ContainerName, Box<Container>> = "containers",
            r#"{ web = { address = "192.168.200.11", root = { tree = "/srv/trees/debian" } } }"#;
    }
}
