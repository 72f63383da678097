//! The errors of the interface, by name.

use zbus::DBusError;

/// An error that `ctrd` answers with. The text is a sentence for people.
#[derive(Debug, DBusError)]
#[zbus(prefix = "org.kernelcore.Containers1.Error")]
#[allow(
    missing_docs,
    reason = "the derive makes items that cannot be documented"
)]
pub enum Error {
    /// The bus itself failed.
    #[zbus(error)]
    ZBus(zbus::Error),
    /// No such container is declared in that group.
    NoSuchContainer(String),
    /// The container does not run.
    NotRunning(String),
    /// The declaration is refused; the text holds every problem.
    BadDeclaration(String),
    /// The caller may not do this.
    NotAuthorised(String),
    /// The caller may do this once somebody has shown that they administer the host, and the call
    /// did not carry the flag that allows to ask them (`ALLOW_INTERACTIVE_AUTHORIZATION` of the D-Bus
    /// specification).
    AuthenticationRequired(String),
    /// The request is too large, or there are too many of its kind at the moment.
    LimitsExceeded(String),
    /// The request itself makes no sense.
    BadRequest(String),
    /// It was tried and failed.
    Failed(String),
}
