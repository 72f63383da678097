//! What happens to ctrd while it is killed, and what must come of it.

use serde::Serialize;

/// One thing that people do, or that happens.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Scenario {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// The declaration before it.
    pub(crate) before: String,
    /// Brings the host to where it begins, as bash text; the declaration before it is in place.
    pub(crate) reset: String,
    /// The declaration that is in place when it begins, if it is another one.
    pub(crate) after: Option<String>,
    /// It, as bash text.
    pub(crate) act: String,
    /// For what somebody asks for, and a crash may cut: how it is asked for again. What is declared
    /// has to be reached without.
    pub(crate) again: Option<String>,
    /// A crash may leave it on its way, where it stays until it is asked for again.
    pub(crate) on_its_way: bool,
    /// It is about several: a crash may leave some of them as before, and others as was asked.
    pub(crate) partly: bool,
    /// Units that a crash may start once more.
    pub(crate) may_start: Vec<&'static str>,
    /// Units that stop, each before the next one, as far as they stop at all after a crash.
    pub(crate) stops: Vec<&'static str>,
    /// Directories whose content a guest changes by itself, as regular expressions.
    pub(crate) shallow: Vec<&'static str>,
    /// ctrd is killed; otherwise it only runs, to learn what it passes.
    pub(crate) kill: bool,
}

impl Scenario {
    /// Something declared: `after` takes the place of `before`, and `ctr apply` is called.
    pub(crate) fn declared(name: &'static str, before: &str, after: &str) -> Self {
        Self {
            name,
            before: before.to_owned(),
            reset: "ctr apply".to_owned(),
            after: Some(after.to_owned()),
            act: "ctr apply".to_owned(),
            again: None,
            on_its_way: false,
            partly: false,
            may_start: Vec::new(),
            stops: Vec::new(),
            shallow: Vec::new(),
            kill: true,
        }
    }

    /// Something that a person asks for.
    pub(crate) fn asked(name: &'static str, declared: &str, reset: &str, act: &str) -> Self {
        Self {
            reset: format!("ctr apply && {reset}"),
            after: None,
            act: act.to_owned(),
            again: Some(act.to_owned()),
            ..Self::declared(name, declared, "")
        }
    }

    /// Something that happens by itself, and that ctrd has to mend.
    pub(crate) fn happens(name: &'static str, declared: &str, reset: &str, act: &str) -> Self {
        Self {
            again: None,
            ..Self::asked(name, declared, reset, act)
        }
    }

    /// Files below these are the guest's own business.
    pub(crate) fn shallow(self, shallow: &'static str) -> Self {
        Self {
            shallow: vec![shallow],
            ..self
        }
    }

    /// Its container is new each time: a start from nothing.
    pub(crate) fn starting_from_nothing(self, machine: &str) -> Self {
        let forget = format!(
            "rm -rf /var/lib/ctr/{machine} /var/lib/ctr/.secrets/{machine} /srv/crash/made"
        );
        Self {
            reset: format!("{} && {forget}", self.reset),
            ..self
        }
    }
}
