//! Calls that may need somebody's password.
//!
//! A call goes out without leave to ask anybody first. Only where `ctrd` answers that a password would
//! do, and there is a terminal to ask on, an [`agent::Agent`] is started and the call goes out again, with
//! leave. So nobody waits for an agent that is not needed, and without a terminal nobody is asked
//! anywhere.

mod agent;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ctr_api::Error;
use serde::Serialize;
use tokio::sync::Mutex;
use zbus::Proxy;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{DynamicDeserialize, DynamicType};

use agent::Agent;

use crate::session::Signals;

/// Asks for passwords, one question at a time.
#[derive(Debug, Default, Clone)]
pub(crate) struct Asker(Arc<Turns>);

#[derive(Debug, Default)]
struct Turns {
    /// Who wants to ask, the one who asks included.
    waiting: AtomicUsize,
    turn: Mutex<Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    agent: Option<Agent>,
    /// The person gave no password once: they are not asked the same for each container.
    declined: bool,
}

/// What is said of a call: the errors of the contract.
type Answer<T> = Result<T, Error>;

impl Asker {
    /// Somebody may be asked on the terminal now.
    pub(crate) fn is_asking(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }

    /// Calls a method of the contract that changes something or tells what not everybody may know.
    pub(crate) async fn call<B, R>(
        &self,
        proxy: &Proxy<'_>,
        member: &'static str,
        body: &B,
    ) -> Answer<R>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        match plainly(proxy, member, body).await {
            Err(Error::AuthenticationRequired(why)) if somebody_is_there() => {
                self.0.waiting.fetch_add(1, Ordering::Relaxed);
                let answer = self.with_leave(proxy, member, body, why).await;
                if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
                    // The terminal is given back before anything else happens on it.
                    let agent = self.0.turn.lock().await.agent.take();
                    if let Some(agent) = agent {
                        agent.end().await;
                    }
                }
                answer
            }
            answer => answer,
        }
    }

    async fn with_leave<B, R>(
        &self,
        proxy: &Proxy<'_>,
        member: &'static str,
        body: &B,
        why: String,
    ) -> Answer<R>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        let mut turn = self.0.turn.lock().await;
        if turn.declined {
            return Err(Error::AuthenticationRequired(why));
        }
        let ends = Signals::listen(false).map_err(|error| Error::Failed(error.to_string()));
        let mut ends = ends?;
        if turn.agent.is_none() {
            turn.agent = Agent::start().await;
        }
        let leave = MethodFlags::ALLOW_INTERACTIVE_AUTH;
        let answer = tokio::select! {
            answer = proxy.call_with_flags(member, leave, body) => answer,
            number = ends.end() => {
                // The echo is on before whoever waits for us has the terminal.
                if let Some(agent) = turn.agent.take() {
                    agent.end().await;
                }
                end_by(number)
            }
        };
        let answer = answer
            .and_then(|it| it.ok_or(zbus::Error::InvalidReply))
            .map_err(Error::from);
        turn.declined = matches!(answer, Err(Error::NotAuthorised(_)));
        answer
    }
}

/// Calls a method without leave to ask anybody.
pub(crate) async fn plainly<B, R>(proxy: &Proxy<'_>, member: &'static str, body: &B) -> Answer<R>
where
    B: Serialize + DynamicType,
    R: for<'d> DynamicDeserialize<'d>,
{
    proxy.call(member, body).await.map_err(Error::from)
}

/// Ends this process as a signal does that nobody has caught, so that a shell sees what it was.
fn end_by(number: i32) -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(number);
    std::process::exit(128 + number)
}

/// Somebody who can read a question and answer it.
fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
