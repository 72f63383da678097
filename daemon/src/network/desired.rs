//! What the model asks of the kernel's network: names, addresses, marks and switches.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{Container, Group, INTERFACE_NAME_MAX, InterfaceName, MachineName};
use crate::os::netns_name;

/// The `IFLA_GROUP` of every link of ours: "ctr" as a number. The kernel sets it in the message
/// that creates a link, the alias only in a second one (`rtnl_create_link()` in
/// `net/core/rtnetlink.c` knows the group and not the alias), so a link with this group and no alias
/// is ours, left unfinished.
pub const LINK_GROUP: u32 = 0x0063_7472;

/// The mark of ownership on a link or on the `lo` of a namespace: `ctr:<name>`.
pub fn alias(name: impl fmt::Display) -> String {
    format!("ctr:{name}")
}

/// A link-layer address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The address of a machine's `eth0`: from its name, the same at every start.
    pub fn of(machine: &MachineName) -> Self {
        Self::local(machine.as_str())
    }

    /// An address from a text, in the range that is administered locally (IEEE 802: second bit of
    /// the first byte set, first bit clear).
    fn local(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let mut bytes = [0x0a, 0, 0, 0, 0, 0];
        bytes[1..].copy_from_slice(&digest[..5]);
        Self(bytes)
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<_> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        f.write_str(&bytes.join(":"))
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MacAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A switch of the kernel's network: a file under `/proc/sys/net` and the words it should hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sysctl {
    /// The file below `/proc/sys/net`, `ipv4/ip_forward`. Slashes, because the name of an interface
    /// may hold a dot.
    pub key: String,
    /// Its words, as the kernel prints them: a tab between two.
    pub value: String,
}

impl Sysctl {
    fn new(key: impl Into<String>, value: &str) -> Self {
        Self {
            key: key.into(),
            value: value.to_owned(),
        }
    }

    /// The switch that lets the host forward packets at all.
    pub fn forwarding() -> Self {
        Self::new("ipv4/ip_forward", "1")
    }

    /// What holds for a guest's namespace.
    ///
    /// `ip_unprivileged_port_start` and `ping_group_range`: the namespace belongs to the host's user
    /// namespace, so a guest with its own users has no capability in it; these two let it serve port
    /// 80 and use ping all the same. IPv6 is off until it is designed.
    pub fn of_a_namespace() -> Vec<Self> {
        vec![
            Self::new("ipv4/ip_unprivileged_port_start", "0"),
            Self::new("ipv4/ping_group_range", "0\t2147483647"),
            Self::new("ipv6/conf/all/disable_ipv6", "1"),
            Self::new("ipv6/conf/default/disable_ipv6", "1"),
        ]
    }
}

impl fmt::Display for Sysctl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "net/{} to {}", self.key, self.value.replace('\t', " "))
    }
}

/// A group's bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bridge {
    /// Its name.
    pub name: InterfaceName,
    /// Its mark, `ctr:<group>`.
    pub alias: String,
    /// Its link-layer address. A bridge that was given one keeps it; otherwise it takes the lowest of
    /// its ports' and changes it as guests come and go, which all of them have to find out
    /// (`br_stp_recalculate_bridge_id()` in `net/bridge/br_stp_if.c`).
    pub mac: MacAddress,
    /// A longer name that people know it by, where [`Bridge::name`] had to be a hash.
    pub altname: Option<String>,
    /// The host's address on it, with the length of the subnet's prefix.
    pub address: Ipv4Net,
}

impl Bridge {
    /// The bridge of a group.
    pub fn of(group: &Group) -> Self {
        let readable = format!("br-{}", group.name);
        Self {
            name: group.bridge.clone(),
            alias: alias(&group.name),
            mac: MacAddress::local(&format!("bridge {}", group.name)),
            altname: (readable.len() > INTERFACE_NAME_MAX).then_some(readable),
            address: with_prefix(group.host_address, group.subnet),
        }
    }

    /// Its switches, all of them set before it is up.
    ///
    /// A bridge that is up would take router advertisements from its guests and give itself an IPv6
    /// address; `route_localnet` is what lets the host's `127.0.0.1:<port>` lead to a guest (without
    /// it the kernel drops the replies as martians: `ip_route_input_slow()` in `net/ipv4/route.c`).
    pub fn sysctls(&self) -> Vec<Sysctl> {
        let name = &self.name;
        vec![
            Sysctl::new(format!("ipv6/conf/{name}/accept_ra"), "0"),
            Sysctl::new(format!("ipv6/conf/{name}/disable_ipv6"), "1"),
            Sysctl::new(format!("ipv4/conf/{name}/route_localnet"), "1"),
        ]
    }
}

/// A container's place in its group's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// The machine.
    pub machine: MachineName,
    /// The name of its namespace, `ctr-<machine>`.
    pub namespace: String,
    /// The mark of its link and its namespace, `ctr:<machine>`.
    pub alias: String,
    /// The host's end of its veth.
    pub veth: InterfaceName,
    /// The link-layer address of that end. It is used by nobody, but a link made without one is
    /// given one by udev some time after (`MACAddressPolicy=`, `systemd.link(5)`).
    pub veth_mac: MacAddress,
    /// A name for that end that people can read, `ctr-<machine>`.
    pub altname: String,
    /// The bridge it belongs to.
    pub bridge: InterfaceName,
    /// The link-layer address of its `eth0`.
    pub mac: MacAddress,
    /// The address of its `eth0`, with the length of the subnet's prefix.
    pub address: Ipv4Net,
    /// Its way out: the host's address on the bridge.
    pub gateway: Ipv4Addr,
}

impl Attachment {
    /// The name of a guest's interface.
    pub const INSIDE: &'static str = "eth0";

    /// What holds for the host's end before it is on: a bridge's port needs no address of its own.
    pub fn veth_sysctls(&self) -> Vec<Sysctl> {
        vec![Sysctl::new(
            format!("ipv6/conf/{}/disable_ipv6", self.veth),
            "1",
        )]
    }

    /// The attachment of a container to its group's bridge.
    pub fn of(group: &Group, container: &Container) -> Self {
        let machine = &container.machine;
        Self {
            machine: machine.clone(),
            namespace: netns_name(machine),
            alias: alias(machine),
            veth: InterfaceName::veth(machine),
            veth_mac: MacAddress::local(&format!("veth {machine}")),
            altname: format!("ctr-{machine}"),
            bridge: group.bridge.clone(),
            mac: MacAddress::of(machine),
            address: with_prefix(container.address, group.subnet),
            gateway: group.host_address,
        }
    }
}

/// An address with the length of its subnet's prefix.
fn with_prefix(address: Ipv4Addr, subnet: Ipv4Net) -> Ipv4Net {
    Ipv4Net::new_assert(address, subnet.prefix_len())
}

#[cfg(test)]
mod tests {
    use super::MacAddress;

    #[test]
    fn a_machine_has_one_local_unicast_mac() {
        let mac = MacAddress::of(&"ml-ollama".parse().expect("a machine name"));
        assert_eq!(
            mac,
            MacAddress::of(&"ml-ollama".parse().expect("a machine name"))
        );
        assert_ne!(
            mac,
            MacAddress::of(&"ml-vllm".parse().expect("a machine name"))
        );
        assert_eq!(
            mac.0[0] & 0b11,
            0b10,
            "{mac} is not a local unicast address"
        );
    }
}
