//! What a caller may ask for.

use std::os::fd::OwnedFd;

use ctr_api::wire::SessionRequest;
use rustix::fs::{FsWord, OFlags, fcntl_getfl, fstatfs};
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};
use thiserror::Error;

/// Below the kernel's own bound on one word of a command (execve(2), `MAX_ARG_STRLEN`).
const MAX_WORD: usize = 128 * 1024 - 1;
/// Below its bound on all of them together, with what else goes there.
const MAX_WORDS: usize = 1024 * 1024;

/// Linux `include/uapi/linux/magic.h`.
const PIPEFS_MAGIC: FsWord = 0x5049_5045;

/// A request that makes no sense.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// A word, a variable or a user name with a NUL byte.
    #[error("a word of the request holds a NUL byte")]
    Nul,
    /// More than execve(2) takes.
    #[error("the command and its variables are too long: at most 1 MiB, 128 KiB a word")]
    TooLong,
    /// A variable that is no variable.
    #[error("`{0}` sets no variable: write NAME=value")]
    Variable(String),
    /// No user at all.
    #[error("the name of the user is empty")]
    User,
    /// The first word of the command is empty.
    #[error("the command is empty")]
    Command,
    /// Another number of streams than the request needs.
    #[error("{given} standard streams where {expected} were expected")]
    Streams {
        /// How many came.
        given: usize,
        /// Three, or none for a terminal.
        expected: usize,
    },
    /// A stream that is no pipe.
    ///
    /// A terminal or a file of the host has no place in a guest: it could type into the one
    /// (`ioctl_tty(2)`, `TIOCSTI`) and open the other again for writing through /proc/self/fd.
    #[error("standard stream {0} is no pipe, or the wrong end of one")]
    NoPipe(usize),
    /// A control socket of another kind.
    #[error("the control socket is no SOCK_SEQPACKET of the unix family")]
    Control,
}

/// Looks at all of a request.
pub(super) fn check(
    request: &SessionRequest,
    control: &OwnedFd,
    stdio: &[OwnedFd],
) -> Result<(), RequestError> {
    check_words(request)?;
    check_control(control)?;
    check_streams(request.terminal, stdio)
}

fn check_words(request: &SessionRequest) -> Result<(), RequestError> {
    let words = || {
        request
            .command
            .iter()
            .chain(&request.environment)
            .chain(&request.user)
    };
    if words().any(|word| word.contains('\0')) {
        return Err(RequestError::Nul);
    }
    // Each word has its NUL and its pointer beside it.
    let all = words().map(|word| word.len() + 9).sum::<usize>();
    if all > MAX_WORDS || words().any(|word| word.len() > MAX_WORD) {
        return Err(RequestError::TooLong);
    }
    let nameless = |variable: &&String| {
        variable
            .split_once('=')
            .is_none_or(|(name, _)| name.is_empty())
    };
    if let Some(variable) = request.environment.iter().find(nameless) {
        return Err(RequestError::Variable(variable.clone()));
    }
    if request.user.as_ref().is_some_and(String::is_empty) {
        return Err(RequestError::User);
    }
    if request.command.first().is_some_and(String::is_empty) {
        return Err(RequestError::Command);
    }
    Ok(())
}

fn check_control(control: &OwnedFd) -> Result<(), RequestError> {
    let local = socket_domain(control) == Ok(AddressFamily::UNIX);
    let packets = socket_type(control) == Ok(SocketType::SEQPACKET);
    if local && packets {
        Ok(())
    } else {
        Err(RequestError::Control)
    }
}

fn check_streams(terminal: bool, stdio: &[OwnedFd]) -> Result<(), RequestError> {
    let (given, expected) = (stdio.len(), if terminal { 0 } else { 3 });
    if given != expected {
        return Err(RequestError::Streams { given, expected });
    }
    for (number, stream) in stdio.iter().enumerate() {
        // Not any FIFO: one with a name would be opened to everybody where we open the pipes to
        // the guest's users.
        let pipe = fstatfs(stream).is_ok_and(|status| status.f_type == PIPEFS_MAGIC);
        let wanted = if number == 0 {
            OFlags::RDONLY
        } else {
            OFlags::WRONLY
        };
        let mode = fcntl_getfl(stream).map(|flags| flags & OFlags::RWMODE);
        if !pipe || mode != Ok(wanted) {
            return Err(RequestError::NoPipe(number));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::net::{SocketFlags, socketpair};

    use super::*;

    fn words(change: impl FnOnce(&mut SessionRequest)) -> Result<(), RequestError> {
        let mut request = SessionRequest::default();
        change(&mut request);
        check_words(&request)
    }

    #[test]
    fn refuses_what_no_program_can_be_given() {
        assert_eq!(words(|_| ()), Ok(()));
        assert_eq!(
            words(|r| r.command = vec!["a\0b".into()]),
            Err(RequestError::Nul)
        );
        assert_eq!(
            words(|r| r.command = vec![String::new()]),
            Err(RequestError::Command)
        );
        assert_eq!(
            words(|r| r.command = vec!["sh".into(), String::new()]),
            Ok(())
        );
        assert_eq!(
            words(|r| r.command = vec!["a".repeat(MAX_WORD + 1)]),
            Err(RequestError::TooLong)
        );
        let many = vec!["a".repeat(1000); 1100];
        assert_eq!(words(|r| r.command = many), Err(RequestError::TooLong));
        assert_eq!(
            words(|r| r.user = Some(String::new())),
            Err(RequestError::User)
        );
        for variable in ["A", "=b", ""] {
            let refused = RequestError::Variable(variable.into());
            assert_eq!(
                words(|r| r.environment = vec![variable.into()]),
                Err(refused)
            );
        }
    }

    #[test]
    fn takes_pipes_by_their_right_ends_only() {
        let pipe = || {
            std::io::pipe()
                .map(|(r, w)| (OwnedFd::from(r), OwnedFd::from(w)))
                .unwrap()
        };
        let ((r, _keep), (_other, w), (_third, w2)) = (pipe(), pipe(), pipe());
        let null = OwnedFd::from(File::open("/dev/null").unwrap());
        assert_eq!(check_streams(true, &[]), Ok(()));
        let three = [r, w, w2];
        assert_eq!(check_streams(false, &three), Ok(()));
        assert_eq!(
            check_streams(true, &three),
            Err(RequestError::Streams {
                given: 3,
                expected: 0
            })
        );
        let [r, w, w2] = three;
        assert_eq!(
            check_streams(false, &[w, r, w2]),
            Err(RequestError::NoPipe(0))
        );
        let (r, w) = pipe();
        let three = [r, w, null];
        assert_eq!(check_streams(false, &three), Err(RequestError::NoPipe(2)));
    }

    #[test]
    fn takes_a_control_socket_that_keeps_messages_apart() {
        let pair =
            |kind| socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
        assert_eq!(check_control(&pair(SocketType::SEQPACKET).0), Ok(()));
        assert_eq!(
            check_control(&pair(SocketType::STREAM).0),
            Err(RequestError::Control)
        );
        let file = OwnedFd::from(File::open("/dev/null").unwrap());
        assert_eq!(check_control(&file), Err(RequestError::Control));
    }
}
