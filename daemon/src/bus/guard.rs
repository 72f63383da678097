//! What stands before every object: nobody gets past it whom the table does not let.
//!
//! It decides before the arguments of a call are read, so that what a stranger sends costs no more
//! than the bytes it has. What a client sees of an object is otherwise the object's own.
//!
//! zbus calls the trait that is implemented here unstable: a new version of it may ask for changes
//! in this file. Its macro has no place to stand between a call and its arguments.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use async_trait::async_trait;
use ctr_api::Error;
use zbus::message::{Flags, Header};
use zbus::names::{InterfaceName, MemberName};
use zbus::object_server::{DispatchResult, Interface, SignalEmitter};
use zbus::{BoxDBusError, Connection, Message, ObjectServer, OwnedVariant, Variant, fdo};

use crate::model::ContainerId;
use crate::os::memory;

use super::access::{Action, Row, Rule, row_of};
use super::authority::Authority;
use super::bounds::{Held, Kind};

/// The most containers that one call may name.
const CONTAINERS_MAX: usize = 256;

/// An object, and who decides about its callers.
#[derive(Debug)]
pub(super) struct Guarded<T> {
    object: T,
    authority: Arc<Authority>,
    /// The container that the object is, if it is one's.
    container: Option<ContainerId>,
}

impl<T: Interface> Guarded<T> {
    pub(super) fn new(
        object: T,
        authority: Arc<Authority>,
        container: Option<ContainerId>,
    ) -> Self {
        Self {
            object,
            authority,
            container,
        }
    }

    /// Lets a call in, or says why not. What is answered is held until the call is answered.
    async fn admit(&self, row: &Row, message: &Message) -> Result<Vec<Held>, Error> {
        check_length(row, message)?;
        let header = message.header();
        let user = self.authority.user(&header).await?;
        let mut held = vec![self.authority.take(Kind::Call, user)?];
        if let Some(heavy) = row.heavy {
            held.push(self.authority.take(heavy, user)?);
        }
        for (action, container) in self.asked(row.rule, message)? {
            self.authority
                .decide(&header, user, action, container.as_ref())
                .await?;
        }
        Ok(held)
    }

    /// What has to be allowed, and for which containers.
    fn asked(
        &self,
        rule: Rule,
        message: &Message,
    ) -> Result<Vec<(Action, Option<ContainerId>)>, Error> {
        Ok(match rule {
            Rule::Everybody(_) => Vec::new(),
            Rule::Allowed(action) => vec![(action, self.container.clone())],
            Rule::Declaration { in_place, sent } => {
                let body = message.body();
                let (_, bytes): (&str, &[u8]) = body.deserialize().map_err(|e| bad(&e))?;
                vec![(if bytes.is_empty() { in_place } else { sent }, None)]
            }
            Rule::AllowedForEach(action) => {
                let body = message.body();
                let (names, _): (Vec<(&str, &str)>, HashMap<&str, Variant<'_>>) =
                    body.deserialize().map_err(|e| bad(&e))?;
                if names.is_empty() || names.len() > CONTAINERS_MAX {
                    return Err(Error::BadRequest(format!(
                        "{} containers are named: name 1 to {CONTAINERS_MAX}",
                        names.len()
                    )));
                }
                let ids = names.into_iter().map(|(group, name)| id(group, name));
                ids.map(|id| Ok((action, Some(id?))))
                    .collect::<Result<_, Error>>()?
            }
        })
    }
}

/// A container by its names, which need not be declared.
pub(super) fn id(group: &str, name: &str) -> Result<ContainerId, Error> {
    match (group.parse(), name.parse()) {
        (Ok(group), Ok(name)) => Ok(ContainerId { group, name }),
        (Err(error), _) | (_, Err(error)) => Err(Error::NoSuchContainer(format!(
            "there is no container of that name: {error}"
        ))),
    }
}

fn bad(error: &zbus::Error) -> Error {
    Error::BadRequest(format!(
        "the arguments are not what they should be: {error}"
    ))
}

fn check_length(row: &Row, message: &Message) -> Result<(), Error> {
    let (length, longest) = (message.body().len(), row.longest);
    if length <= longest {
        return Ok(());
    }
    Err(Error::LimitsExceeded(format!(
        "the call has {length} bytes of arguments, and at most {longest} are read\n\
         hint: a declaration may have 1 MiB, the words of a command 1 MiB, everything else less"
    )))
}

fn wants_answer(header: &Header<'_>) -> bool {
    !header.primary().flags().contains(Flags::NO_REPLY_EXPECTED)
}

#[async_trait]
impl<T: Interface> Interface for Guarded<T> {
    fn name() -> InterfaceName<'static> {
        T::name()
    }

    fn spawn_tasks_for_methods(&self) -> bool {
        self.object.spawn_tasks_for_methods()
    }

    async fn get(
        &self,
        property_name: &str,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<Result<OwnedVariant, BoxDBusError>> {
        self.object
            .get(property_name, server, connection, header, emitter)
            .await
    }

    async fn get_all(
        &self,
        object_server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> fdo::Result<HashMap<String, OwnedVariant>> {
        self.object
            .get_all(object_server, connection, header, emitter)
            .await
    }

    fn set<'call>(
        &'call self,
        property_name: &'call str,
        value: &'call Variant<'_>,
        object_server: &'call ObjectServer,
        connection: &'call Connection,
        header: Option<&'call Header<'_>>,
        emitter: &'call SignalEmitter<'_>,
    ) -> DispatchResult<'call> {
        // No object has a property to write; one that comes to have one needs a rule first.
        let _ = (
            property_name,
            value,
            object_server,
            connection,
            header,
            emitter,
        );
        DispatchResult::NotFound
    }

    async fn set_mut(
        &mut self,
        _property_name: &str,
        _value: &Variant<'_>,
        _object_server: &ObjectServer,
        _connection: &Connection,
        _header: Option<&Header<'_>>,
        _emitter: &SignalEmitter<'_>,
    ) -> Option<Result<(), BoxDBusError>> {
        None
    }

    fn call<'call>(
        &'call self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        member: MemberName<'call>,
    ) -> DispatchResult<'call> {
        DispatchResult::Async(Box::pin(async move {
            let unknown = || fdo::Error::UnknownMethod(format!("Unknown method '{member}'"));
            // Closed by default: what has no row is not there, for root either.
            let Some(row) = row_of(T::name().as_str(), member.as_str()) else {
                return Err(Box::new(unknown()) as BoxDBusError);
            };
            let _held = match self.admit(row, message).await {
                Ok(held) => held,
                Err(_) if !wants_answer(&message.header()) => return Ok(()),
                Err(error) => return Err(Box::new(error) as BoxDBusError),
            };
            match self
                .object
                .call(server, connection, message, member.clone())
            {
                DispatchResult::Async(answered) => {
                    let answered = answered.await;
                    memory::worked();
                    answered
                }
                // Methods share their object: none of them changes it.
                DispatchResult::NotFound | DispatchResult::RequiresMut => {
                    Err(Box::new(unknown()) as BoxDBusError)
                }
            }
        }))
    }

    fn call_mut<'call>(
        &'call mut self,
        _server: &'call ObjectServer,
        _connection: &'call Connection,
        _message: &'call Message,
        _member: MemberName<'call>,
    ) -> DispatchResult<'call> {
        DispatchResult::NotFound
    }

    fn introspect_to_writer(&self, writer: &mut dyn Write, level: usize) {
        self.object.introspect_to_writer(writer, level);
    }
}
