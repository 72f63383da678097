//! Whom a caller is, and what polkit says about them.
//!
//! Nothing is remembered: each call is decided for itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ctr_api::Error;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus::names::BusName;
use zbus::proxy::CacheProperties;
use zbus_polkit::policykit1::{
    AuthorityProxy, AuthorizationResult, CheckAuthorizationFlags, Subject,
};

use crate::model::ContainerId;

use super::access::Action;
use super::bounds::{Bounds, Exceeded, Held, Kind};

/// polkit answers at once where it asks nobody; the bus gives it 25 seconds to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long somebody may take to find their password.
const PATIENCE_WITH_PEOPLE: Duration = Duration::from_secs(5 * 60);

/// The one who decides about callers.
#[derive(Debug)]
pub(super) struct Authority {
    /// A connection of its own: the bus lets one connection wait for so many answers, and callers
    /// must not use up those that ctrd needs to ask systemd.
    bus: DBusProxy<'static>,
    polkit: AuthorityProxy<'static>,
    bounds: Arc<Bounds>,
}

impl Authority {
    /// Decides over this connection to the system bus, which nothing else uses.
    pub(super) async fn over(connection: &Connection) -> zbus::Result<Self> {
        let bus = DBusProxy::builder(connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        // Nothing is sent before the first question, so that polkit may come and go.
        let polkit = AuthorityProxy::builder(connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        Ok(Self {
            bus,
            polkit,
            bounds: Arc::default(),
        })
    }

    /// The user who called, as the bus knows it from the kernel.
    pub(super) async fn user(&self, header: &Header<'_>) -> Result<u32, Error> {
        let unknown =
            |why: String| Error::NotAuthorised(format!("not authorised: the caller is {why}"));
        let sender = header
            .sender()
            .ok_or_else(|| unknown("not known to the bus".to_owned()))?;
        let credentials = self
            .bus
            .get_connection_credentials(BusName::from(sender.clone()))
            .await
            .map_err(|error| unknown(format!("gone, or the bus does not tell: {error}")))?;
        credentials
            .unix_user_id()
            .ok_or_else(|| unknown("no user of this host".to_owned()))
    }

    /// Counts something that a user asks for, until it is given back.
    pub(super) fn take(&self, kind: Kind, user: u32) -> Result<Held, Error> {
        self.bounds
            .take(kind, user)
            .map_err(|exceeded| too_much(&exceeded))
    }

    /// Whether the caller, `user`, may do this, to one container where it is about one.
    ///
    /// May take as long as somebody needs for a password, if the call allows to ask for one.
    pub(super) async fn decide(
        &self,
        header: &Header<'_>,
        user: u32,
        action: Action,
        container: Option<&ContainerId>,
    ) -> Result<(), Error> {
        if user == 0 {
            return Ok(());
        }
        let case = Case {
            user,
            action,
            container,
        };
        let silently = match self.check(header, &case, false).await {
            // What every user of the host may do where polkit has its defaults.
            Err(Unanswered::NotInstalled(_)) if action == Action::Observe => return Ok(()),
            answer => answer.map_err(|unanswered| case.no_answer(&unanswered))?,
        };
        if silently.is_authorized {
            return Ok(());
        }
        if !silently.is_challenge {
            return Err(case.refused("polkit does not allow it"));
        }
        if !may_ask(header) {
            return Err(case.needs_a_password());
        }
        let _held = self.take(Kind::Question, user)?;
        let asked = match self.check(header, &case, true).await {
            Err(Unanswered::Late) => return Err(case.refused("nobody answered in time")),
            answer => answer.map_err(|unanswered| case.no_answer(&unanswered))?,
        };
        if asked.is_authorized {
            return Ok(());
        }
        Err(case.refused(if asked.is_challenge {
            "somebody has to show that they administer this host, and there is no way to ask them"
        } else {
            "nobody showed that they administer this host"
        }))
    }

    async fn check(
        &self,
        header: &Header<'_>,
        case: &Case<'_>,
        ask: bool,
    ) -> Result<AuthorizationResult, Unanswered> {
        static QUESTIONS: AtomicU64 = AtomicU64::new(0);
        let subject = Subject::new_for_message_header(header)
            .map_err(|error| Unanswered::Failed(error.into()))?;
        let names = case
            .container
            .map(|id| (id.group.to_string(), id.name.to_string()));
        let details = names
            .iter()
            .flat_map(|(group, name)| [("group", group.as_str()), ("container", name.as_str())])
            .collect::<HashMap<_, _>>();
        let (flags, patience, cancellation) = if ask {
            let number = QUESTIONS.fetch_add(1, Ordering::Relaxed);
            (
                CheckAuthorizationFlags::ALLOW_USER_INTERACTION,
                PATIENCE_WITH_PEOPLE,
                format!("question-{number}"),
            )
        } else {
            (CheckAuthorizationFlags::empty(), PATIENCE, String::new())
        };
        let answer = self.polkit.check_authorization(
            &subject,
            case.action.id(),
            &details,
            flags,
            &cancellation,
        );
        // A caller who leaves the bus takes their question along: polkit sees to that itself.
        if let Ok(answer) = tokio::time::timeout(patience, answer).await {
            return match answer {
                Ok(answer) => Ok(answer),
                Err(error) => Err(self.why_not(error).await),
            };
        }
        if ask {
            let _ = self.polkit.cancel_check_authorization(&cancellation).await;
        }
        Err(Unanswered::Late)
    }

    /// What it means that there is no answer.
    ///
    /// The bus says the same of a service that it cannot start as of one that it does not know of.
    async fn why_not(&self, error: zbus::Error) -> Unanswered {
        let error = zbus::fdo::Error::from(error);
        let unknown = matches!(
            error,
            zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_)
        );
        let polkit = self.polkit.inner().destination().as_str();
        if unknown
            && let Ok(startable) = self.bus.list_activatable_names().await
            && !startable.iter().any(|name| name.as_str() == polkit)
        {
            return Unanswered::NotInstalled(error);
        }
        Unanswered::Failed(error.into())
    }
}

/// polkit did not answer.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    /// Nobody has its name, and the bus knows of no service that would.
    #[error("{0}")]
    NotInstalled(zbus::fdo::Error),
    /// It is there, and failed.
    #[error("{0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("it did not answer in time")]
    Late,
}

/// Whether the caller has leave to have somebody asked for a password.
fn may_ask(header: &Header<'_>) -> bool {
    header
        .primary()
        .flags()
        .contains(zbus::message::Flags::ALLOW_INTERACTIVE_AUTH)
}

fn too_much(exceeded: &Exceeded) -> Error {
    Error::LimitsExceeded(format!(
        "{exceeded}\nhint: wait until some of them are answered, or end what makes them"
    ))
}

/// What is decided about, for its sentences.
struct Case<'a> {
    user: u32,
    action: Action,
    container: Option<&'a ContainerId>,
}

impl Case<'_> {
    fn sentence(&self, why: &str) -> String {
        let deed = self.action.deed();
        let object = match self.container {
            // "see containers" is a whole thing, "start, stop or restart" needs its object.
            Some(id) if self.action != Action::Observe => format!(" {id}"),
            _ => String::new(),
        };
        format!(
            "not authorised: user {} may not {deed}{object}: {why}",
            self.user
        )
    }

    fn refused(&self, why: &str) -> Error {
        Error::NotAuthorised(format!("{}\n{}", self.sentence(why), self.ways()))
    }

    fn needs_a_password(&self) -> Error {
        let why = "an administrator's password is needed, and nobody was asked for it";
        Error::AuthenticationRequired(format!("{}\n{}", self.sentence(why), self.ways()))
    }

    fn no_answer(&self, error: &dyn std::error::Error) -> Error {
        let why = format!("polkit decides about everybody but root, and gave no answer ({error})");
        Error::NotAuthorised(format!(
            "{}\nhint: run it with sudo; `systemctl status polkit` says what is wrong with polkit, \
             or that it is not installed",
            self.sentence(&why)
        ))
    }

    fn ways(&self) -> String {
        format!(
            "hint: run it with sudo, or join the group `ctr`, or have a rule of polkit allow {}",
            self.action.id()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(container: Option<&ContainerId>, action: Action) -> Case<'_> {
        Case {
            user: 1000,
            action,
            container,
        }
    }

    #[test]
    fn a_refusal_says_who_what_and_how_else() {
        let web = ContainerId {
            group: "lab".parse().expect("a name"),
            name: "web".parse().expect("a name"),
        };
        let Error::NotAuthorised(text) = case(Some(&web), Action::StartStop).refused("no") else {
            unreachable!("that is what it is");
        };
        assert_eq!(
            text,
            "not authorised: user 1000 may not start, stop or restart lab/web: no\n\
             hint: run it with sudo, or join the group `ctr`, or have a rule of polkit allow \
             org.kernelcore.Containers1.start-stop"
        );
        assert_eq!(
            case(Some(&web), Action::Observe).sentence("no"),
            "not authorised: user 1000 may not see containers: no"
        );
        assert_eq!(
            case(None, Action::Apply).sentence("no"),
            "not authorised: user 1000 may not change or try what is declared: no"
        );
    }
}
