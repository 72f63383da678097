//! The machine id of a guest.

use std::sync::OnceLock;

use ctr_api::journal::host_id;
use sha2::{Digest, Sha256};

use crate::model::{MachineName, hex};

/// A machine id for a machine of this host: the same as long as host and name are.
///
/// machine-id(5) asks that a program derive its own ids by hashing the host's with a key.
pub fn machine_id(machine: &MachineName) -> String {
    // It is the same until the host is installed anew. One that cannot be read yet is asked for again.
    static HOST: OnceLock<String> = OnceLock::new();
    let host = match HOST.get() {
        Some(host) => host,
        None => &host_id().map_or_else(|_| String::new(), |host| HOST.get_or_init(|| host).clone()),
    };
    let hash = Sha256::digest(format!("ctr\0{host}\0{machine}").as_bytes());
    let mut bytes: [u8; 16] = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // A version 4 UUID, as machine-id(5) wants.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::machine_id;

    #[test]
    fn a_machine_id_is_a_version_4_uuid_and_stays() {
        let id = machine_id(&"ml-ollama".parse().expect("valid"));
        assert_eq!(id.len(), 32);
        assert_eq!(&id[12..13], "4");
        assert_eq!(id, machine_id(&"ml-ollama".parse().expect("valid")));
        assert_ne!(id, machine_id(&"ml-jupyter".parse().expect("valid")));
    }
}
