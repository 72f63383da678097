//! Who may call what.
//!
//! Reading is open to every user of the host; what changes anything is root's.

use ctr_api::Error;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus::names::BusName;

/// What a method does to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It only tells.
    Observe,
    /// It changes what runs, or lets the caller into a guest.
    Manage,
}

/// Decides about one call.
pub(super) async fn require(
    access: Access,
    connection: &Connection,
    header: &Header<'_>,
) -> Result<(), Error> {
    if access == Access::Observe {
        return Ok(());
    }
    let Some(sender) = header.sender() else {
        return Err(Error::NotAuthorised(
            "the caller is not known to the bus".to_owned(),
        ));
    };
    let bus = DBusProxy::new(connection).await.map_err(Error::ZBus)?;
    let user = bus
        .get_connection_unix_user(BusName::from(sender.clone()))
        .await
        .map_err(|error| Error::NotAuthorised(format!("the caller is not known: {error}")))?;
    decide(user)
}

fn decide(user: u32) -> Result<(), Error> {
    if user == 0 {
        return Ok(());
    }
    Err(Error::NotAuthorised(format!(
        "user {user} may look at containers and not change them: that is root's"
    )))
}

#[cfg(test)]
mod tests {
    use super::decide;

    #[test]
    fn only_root_changes_anything() {
        assert!(decide(0).is_ok());
        assert!(decide(1000).is_err());
    }
}
