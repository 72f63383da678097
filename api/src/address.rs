//! Where things are on the bus.

use std::fmt::Write as _;

use zbus::OwnedObjectPath;

/// The well-known name that `ctrd` owns on the system bus.
pub const BUS_NAME: &str = "org.kernelcore.Containers1";
/// The manager's object path.
pub const MANAGER_PATH: &str = "/org/kernelcore/Containers1";
/// The manager's interface.
pub const MANAGER_INTERFACE: &str = "org.kernelcore.Containers1.Manager";
/// The interface of a container's object.
pub const CONTAINER_INTERFACE: &str = "org.kernelcore.Containers1.Container";

/// The object path of one container: `/org/kernelcore/Containers1/container/<group>/<name>`.
///
/// Bytes that an object path cannot hold are written `_xx` (lower-case hexadecimal), the escaping
/// that systemd uses for unit objects.
///
/// # Panics
/// Never: every escaped element is a valid object path element.
pub fn container_path(group: &str, name: &str) -> OwnedObjectPath {
    let path = format!(
        "{MANAGER_PATH}/container/{}/{}",
        escape_path_element(group),
        escape_path_element(name)
    );
    OwnedObjectPath::try_from(path).expect("an escaped element is valid in an object path")
}

/// One element of an object path: what it cannot hold as `_xx`, as `bus_label_escape()` in systemd
/// has it.
pub fn escape_path_element(element: &str) -> String {
    if element.is_empty() {
        return "_".to_owned();
    }
    let mut out = String::with_capacity(element.len());
    for (index, byte) in element.bytes().enumerate() {
        let plain = byte.is_ascii_alphabetic() || (index > 0 && byte.is_ascii_digit());
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "_{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::container_path;

    #[test]
    fn a_dash_is_escaped_so_that_two_names_never_meet() {
        assert_eq!(
            container_path("dev", "chat-ui").as_str(),
            "/org/kernelcore/Containers1/container/dev/chat_2dui"
        );
        assert_ne!(container_path("a-b", "c"), container_path("a", "b-c"));
    }
}
