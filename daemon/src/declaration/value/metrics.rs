//! Where metrics are served.

use std::net::SocketAddr;

use toml::de::DeValue;

use super::path::AbsolutePath;
use super::scalar::text;
use crate::declaration::collect::Collector;
use crate::declaration::place::{Place, quote};
use crate::declaration::read::Read;
use crate::model::MetricsAddress;

/// What fits into an address of a unix socket, with its final NUL (`sun_path`, unix(7)).
const SOCKET_PATH_MAX: usize = 107;
/// Below it stand the ports of the host's own services (`ip_unprivileged_port_start`, ip(7)). ctrd's unit
/// lets it listen on those above and on no other.
const PORT_MIN: u16 = 1024;
const EXAMPLES: &str = "write \"/run/ctr-metrics.sock\" or \"127.0.0.1:9950\"";

impl Read for MetricsAddress {
    const EXPECTED: &'static str = "a string";

    fn read(value: &DeValue<'_>, place: &Place, problems: &mut Collector) -> Option<Self> {
        let text = text::<Self>(value, place, problems)?;
        if text.starts_with('/') {
            let AbsolutePath(path) = AbsolutePath::read(value, place, problems)?;
            if path.as_os_str().len() <= SOCKET_PATH_MAX {
                return Some(Self::Unix(path));
            }
            let problem = "the path is longer than the 107 bytes that a socket's can have";
            problems.error(place, problem).hint("choose a shorter one");
            return None;
        }
        let (problem, hint) = match text.parse::<SocketAddr>() {
            Ok(address) if !address.ip().is_loopback() => (
                format!("{} is not an address of the host's loopback", address.ip()),
                "metrics are for programs of the host: write 127.0.0.1, or let a program there pass them on",
            ),
            Ok(address) if address.port() < PORT_MIN => (
                format!("port {} is below {PORT_MIN}", address.port()),
                "choose a port from 1024 to 65535, such as 9950",
            ),
            Ok(address) => return Some(Self::Loopback(address)),
            Err(_) => (
                format!(
                    "{} is neither a path nor an address with a port",
                    quote(text)
                ),
                EXAMPLES,
            ),
        };
        problems.error(place, problem).hint(hint);
        None
    }
}
