//! What of the host's own network matters to the rules of others: the way out, and whether frames of a
//! bridge are shown to them.

use std::fs;
use std::io;

use crate::model::InterfaceName;

/// The interface of the host's default route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRoute {
    /// Its name.
    pub interface: String,
    /// Its link group, `IFLA_GROUP`.
    pub group: u32,
}

/// The default route of the main table with the lowest metric; `None` where there is none.
pub fn default_route() -> io::Result<Option<DefaultRoute>> {
    let Some(interface) = parse_default_route(&fs::read_to_string("/proc/net/route")?) else {
        return Ok(None);
    };
    let group = fs::read_to_string(format!("/sys/class/net/{interface}/netdev_group"));
    let group = group.ok().and_then(|it| it.trim().parse().ok());
    Ok(Some(DefaultRoute {
        interface,
        group: group.unwrap_or_default(),
    }))
}

/// A line of `/proc/net/route` has the interface, the destination, the gateway, flags, two numbers that
/// are always 0, the metric and the mask (`fib_route_seq_show()` in `net/ipv4/fib_trie.c`).
fn parse_default_route(text: &str) -> Option<String> {
    let lines = text.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, _, _, _, _, metric, mask, ..] = words.as_slice() else {
            return None;
        };
        let everywhere = *destination == "00000000" && *mask == "00000000" && *interface != "*";
        everywhere.then_some((metric.parse::<u32>().ok()?, *interface))
    });
    lines.min().map(|(_, interface)| interface.to_owned())
}

/// Whether frames between two links of a bridge pass the tables for IPv4 as well: `br_netfilter` is
/// there, and on for all bridges or for this one (`br_nf_pre_routing()` in
/// `net/bridge/br_netfilter_hooks.c`).
pub fn frames_are_filtered(bridge: &InterfaceName) -> io::Result<bool> {
    let on = |path: String| match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim() != "0")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    match on("/proc/sys/net/bridge/bridge-nf-call-iptables".to_owned())? {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => {
            let own = on(format!("/sys/class/net/{bridge}/bridge/nf_call_iptables"))?;
            Ok(own.unwrap_or_default())
        }
    }
}

/// The tables that iptables keeps without nftables, `iptables-legacy`, where nobody else can list them.
pub fn legacy_tables() -> io::Result<Vec<String>> {
    match fs::read_to_string("/proc/net/ip_tables_names") {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_default_route;

    #[test]
    fn the_default_route_with_the_lowest_metric_leads_out() {
        let text = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(parse_default_route(text).as_deref(), Some("eth0"));
        let no_default = text.replace("00000000\t0\t0\t0\n", "00FFFFFF\t0\t0\t0\n");
        assert_eq!(parse_default_route(&no_default), None);
    }
}
