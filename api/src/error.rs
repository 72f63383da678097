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
    /// The request itself makes no sense.
    BadRequest(String),
    /// It was tried and failed.
    Failed(String),
}
