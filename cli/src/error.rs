//! Errors as people see them: `error: …`, ` -> cause`, `hint: …`, and the exit status.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use crate::render::Paint;

/// How `ctr` ends. The numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    pub(crate) const OK: Self = Self(0);
    pub(crate) const FAILED: Self = Self(1);
    pub(crate) const USAGE: Self = Self(2);
    /// `ctrd` does not answer.
    pub(crate) const UNREACHABLE: Self = Self(3);
    /// No such group or container.
    pub(crate) const NO_SUCH: Self = Self(4);
    pub(crate) const NOT_RUNNING: Self = Self(5);
    /// `plan --exit-code`: there is something to do.
    pub(crate) const CHANGES: Self = Self(6);
    /// `enter`, `exec` and `run`: the failure is ours, not the command's.
    pub(crate) const SESSION: Self = Self(125);
    /// Interrupted from the keyboard, as a shell says it.
    pub(crate) const INTERRUPTED: Self = Self(130);
    /// Its terminal is gone (SIGHUP), as a shell says it.
    pub(crate) const HUNG_UP: Self = Self(129);
    /// Ended by SIGQUIT, as a shell says it.
    pub(crate) const QUIT: Self = Self(131);
    /// Ended by SIGTERM, as a shell says it.
    pub(crate) const TERMINATED: Self = Self(143);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// A failure with everything a person needs to go on.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) exit: Exit,
    report: Report,
}

#[derive(Debug)]
enum Report {
    /// Everything was said already, or there is nobody left to say it to.
    Nothing,
    /// A text that is complete as it stands.
    Verbatim(String),
    /// The usual three parts.
    Said {
        message: String,
        causes: Vec<String>,
        hint: Option<String>,
    },
}

impl Error {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let report = Report::Said {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        };
        Self { exit, report }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::FAILED, message)
    }

    /// Ends with `exit` and says nothing.
    pub(crate) const fn quiet(exit: Exit) -> Self {
        Self {
            exit,
            report: Report::Nothing,
        }
    }

    /// Prints `text` as it is.
    pub(crate) fn verbatim(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            report: Report::Verbatim(text.into()),
        }
    }

    pub(crate) fn unreachable(cause: impl Into<String>) -> Self {
        Self::new(Exit::UNREACHABLE, "ctrd does not answer")
            .because(cause)
            .hint("start it with `systemctl start ctrd`; `journalctl -u ctrd` says why it stopped")
    }

    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        if let Report::Said { hint, .. } = &mut self.report {
            *hint = Some(text.into());
        }
        self
    }

    /// Another hint, below the one that is there.
    pub(crate) fn hint_too(mut self, text: &str) -> Self {
        if let Report::Said { hint, .. } = &mut self.report {
            *hint = Some(match hint.take() {
                Some(first) => format!("{first}\nhint: {text}"),
                None => text.to_owned(),
            });
        }
        self
    }

    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        if let Report::Said { causes, .. } = &mut self.report {
            causes.push(cause.into());
        }
        self
    }

    /// Adds an error and what lies below it as causes.
    pub(crate) fn caused(mut self, source: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(source);
        while let Some(error) = next {
            let text = in_words(error);
            // Some errors quote their source, and saying it twice explains nothing.
            if !self.says(&text) {
                self = self.because(text);
            }
            next = error.source();
        }
        self
    }

    fn says(&self, text: &str) -> bool {
        match &self.report {
            Report::Said {
                message, causes, ..
            } => message.contains(text) || causes.iter().any(|cause| cause.contains(text)),
            Report::Nothing | Report::Verbatim(_) => false,
        }
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Whether this is only the exit status.
    pub(crate) const fn is_quiet(&self) -> bool {
        matches!(self.report, Report::Nothing)
    }

    /// The message and its causes in one line, to stand behind a name.
    pub(crate) fn in_one_line(&self) -> (String, Option<String>) {
        match &self.report {
            Report::Nothing => (String::new(), None),
            Report::Verbatim(text) => (text.clone(), None),
            Report::Said {
                message,
                causes,
                hint,
            } => {
                let mut line = message.clone();
                for cause in causes {
                    let _ = write!(line, ": {cause}");
                }
                (line, hint.clone())
            }
        }
    }

    /// The text for stderr, with its line ends.
    pub(crate) fn render(&self, paint: Paint) -> String {
        match &self.report {
            Report::Nothing => String::new(),
            Report::Verbatim(text) => format!("{}\n", text.trim_end()),
            Report::Said {
                message,
                causes,
                hint,
            } => {
                let mut text = format!("{} {message}\n", paint.error("error:"));
                for cause in causes {
                    let _ = writeln!(text, " -> {cause}");
                }
                if let Some(hint) = hint {
                    let _ = writeln!(text, "{} {hint}", paint.hint("hint:"));
                }
                text
            }
        }
    }
}

/// An error of the interface prints its name first, which is for programs.
fn in_words(error: &(dyn StdError + 'static)) -> String {
    use ctr_api::Error as Api;
    match error.downcast_ref() {
        Some(
            Api::NoSuchContainer(text)
            | Api::NotRunning(text)
            | Api::BadDeclaration(text)
            | Api::NotAuthorised(text)
            | Api::AuthenticationRequired(text)
            | Api::LimitsExceeded(text)
            | Api::BadRequest(text)
            | Api::Failed(text),
        ) => text.clone(),
        Some(Api::ZBus(error)) => error.to_string(),
        None => error.to_string(),
    }
}

impl From<io::Error> for Error {
    /// A reader that went away (`ctr status | head -1`) is no failure and nothing to talk about.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::quiet(Exit::OK);
        }
        Self::failed("failed to write the answer").caused(&error)
    }
}

impl From<ctr_api::DictError> for Error {
    fn from(error: ctr_api::DictError) -> Self {
        Self::failed("ctrd answered something that this ctr does not understand")
            .caused(&error)
            .hint("ctr and ctrd are of different versions: compare with `ctr version`")
    }
}

impl From<zbus::fdo::Error> for Error {
    fn from(error: zbus::fdo::Error) -> Self {
        zbus::Error::FDO(Box::new(error)).into()
    }
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        use zbus::fdo::Error as Fdo;
        match &error {
            zbus::Error::FDO(answer) => match answer.as_ref() {
                Fdo::ServiceUnknown(_) | Fdo::NameHasNoOwner(_) => {
                    Self::unreachable("it is not on the system bus")
                }
                Fdo::NoReply(text) | Fdo::Disconnected(text) | Fdo::NoServer(text) => {
                    Self::unreachable(text)
                }
                Fdo::AccessDenied(text) => Self::failed("the system bus refuses this")
                    .because(text)
                    .hint("the bus policy of ctrd may be missing: is it installed completely?"),
                Fdo::UnknownMethod(text) | Fdo::UnknownInterface(text) => {
                    Self::failed("the running ctrd does not know this request")
                        .because(text)
                        .hint("ctr and ctrd are of different versions: compare with `ctr version`")
                }
                Fdo::UnknownObject(_) => {
                    Self::new(Exit::NO_SUCH, "the container is not declared any more")
                        .hint("`ctr status` lists those that are")
                }
                _ => Self::failed("the request failed").caused(&error),
            },
            zbus::Error::InputOutput(_)
            | zbus::Error::Connection(..)
            | zbus::Error::Address(_)
            | zbus::Error::Handshake(_) => Self::new(
                Exit::UNREACHABLE,
                "failed to reach the system bus, and so ctrd",
            )
            .caused(&error)
            .hint("`systemctl status dbus ctrd` says what is missing"),
            _ => Self::failed("the request failed").caused(&error),
        }
    }
}

impl From<ctr_api::Error> for Error {
    fn from(error: ctr_api::Error) -> Self {
        use ctr_api::Error as Api;
        match error {
            Api::ZBus(error) => error.into(),
            Api::NoSuchContainer(text) => told(
                Exit::NO_SUCH,
                &text,
                Some("`ctr status` lists what is declared"),
            ),
            Api::NotRunning(text) => told(Exit::NOT_RUNNING, &text, None),
            Api::BadDeclaration(text) => Self::verbatim(Exit::FAILED, text),
            Api::NotAuthorised(text)
            | Api::AuthenticationRequired(text)
            | Api::LimitsExceeded(text)
            | Api::BadRequest(text) => told(Exit::FAILED, &text, None),
            Api::Failed(text) => {
                let details = "`journalctl -u ctrd` has the details";
                told(Exit::FAILED, &text, Some(details))
            }
        }
    }
}

/// What `ctrd` said: the line that begins with `hint: ` is its hint, and goes before ours.
fn told(exit: Exit, text: &str, hint: Option<&str>) -> Error {
    let (message, own) = match text.split_once("\nhint: ") {
        Some((message, own)) => (message, Some(own)),
        None => (text, None),
    };
    let error = Error::new(exit, message);
    match own.or(hint) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Exit};
    use crate::render::Paint;

    #[test]
    fn an_error_has_three_parts() {
        let error = Error::failed("failed to start dev/postgres")
            .because("the bridge is gone")
            .hint("try `ctr apply`");
        assert_eq!(
            error.render(Paint::plain()),
            "error: failed to start dev/postgres\n -> the bridge is gone\nhint: try `ctr apply`\n"
        );
    }

    #[test]
    fn a_missing_daemon_says_how_to_start_it() {
        let answer = zbus::fdo::Error::ServiceUnknown("no".to_owned());
        let error = Error::from(answer);
        assert_eq!(error.exit, Exit::UNREACHABLE);
        let text = error.render(Paint::plain());
        assert!(text.contains("systemctl start ctrd"), "{text}");
        assert!(text.contains("journalctl -u ctrd"), "{text}");
    }

    #[test]
    fn a_refused_declaration_is_printed_as_it_came() {
        let rendered = "error: unknown key `adress`\n --> containers.toml:3:1\n";
        let error = Error::from(ctr_api::Error::BadDeclaration(rendered.to_owned()));
        assert_eq!(error.render(Paint::plain()), rendered);
        assert_eq!(error.exit, Exit::FAILED);
    }

    #[test]
    fn a_hint_of_the_daemon_goes_before_ours() {
        let error = Error::from(ctr_api::Error::Failed("no\nhint: do this".to_owned()));
        assert_eq!(error.render(Paint::plain()), "error: no\nhint: do this\n");
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let error = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(error.is_quiet());
        assert_eq!(error.exit, Exit::OK);
    }
}
