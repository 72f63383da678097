//! The system calls of a session that no crate offers safely. Nothing else here is unsafe.
#![allow(unsafe_code, reason = "each block says why it is sound")]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::{fs, io, mem, ptr};

use libc::{c_long, c_uint, c_ulong, sock_filter, sock_fprog};
use rustix::process::Pid;

/// Linux `include/uapi/linux/sched.h`; the constant of the libc crate is truncated to an `int`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// Linux `include/uapi/linux/ptrace.h`.
const PTRACE_SECCOMP_GET_FILTER: c_uint = 0x420c;
const PTRACE_SECCOMP_GET_METADATA: c_uint = 0x420d;
/// Linux `include/uapi/linux/keyctl.h`.
const KEYCTL_JOIN_SESSION_KEYRING: c_long = 1;

/// How many resource limits there are (`RLIM_NLIMITS`): a kernel with more has more confined kinds
/// of use than this program knows.
const LIMITS: libc::__rlimit_resource_t = 16;

/// Evidence that this process has one thread, so that a fork copies all of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SingleThreaded(());

impl SingleThreaded {
    /// Counts the threads.
    pub(super) fn check() -> io::Result<Self> {
        match fs::read_dir("/proc/self/task")?.count() {
            1 => Ok(Self(())),
            threads => Err(io::Error::other(format!(
                "{threads} threads where one was expected"
            ))),
        }
    }
}

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The process that forked, with the new one's PID as it is seen from here.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Forks a process that begins its life in this cgroup (clone3(2), `CLONE_INTO_CGROUP`).
///
/// Born there instead of moved there: a move waits for an RCU grace period (16 ms were measured),
/// and there is no moment at which the new process is outside the container's limits.
pub(super) fn fork_into(_: SingleThreaded, cgroup: BorrowedFd<'_>) -> io::Result<Side> {
    // SAFETY: clone_args is plain integers, for which all zeroes is the documented "not used".
    let mut arguments: libc::clone_args = unsafe { mem::zeroed() };
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.exit_signal = signed_to_u64(libc::SIGCHLD);
    arguments.cgroup = signed_to_u64(cgroup.as_raw_fd());
    // SAFETY: without CLONE_VM the child has a copy of this memory and, without a stack of its own,
    // returns here like a child of fork(2). It is the only thread, so no lock stays held.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw const arguments,
            mem::size_of::<libc::clone_args>(),
        )
    };
    side(pid)
}

/// Forks a process beside this one: its parent is this one's parent (clone(2), `CLONE_PARENT`).
///
/// The older call, because a guest's seccomp filter may not know clone3(2).
pub(super) fn fork_beside(_: SingleThreaded) -> io::Result<Side> {
    let none: *const u8 = ptr::null();
    let flags = c_long::from(libc::CLONE_PARENT | libc::SIGCHLD);
    // SAFETY: as in `fork_into`. Every pointer is null, so their order, which differs between
    // architectures, has no meaning.
    side(unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) })
}

fn side(result: c_long) -> io::Result<Side> {
    match i32::try_from(result) {
        Ok(0) => Ok(Side::Child),
        Ok(pid) if pid > 0 => Pid::from_raw(pid).map(Side::Parent).ok_or_else(invalid),
        Ok(_) => Err(io::Error::last_os_error()),
        Err(_) => Err(invalid()),
    }
}

fn invalid() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

fn signed_to_u64(value: i32) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// One seccomp program, as it was installed.
#[derive(Clone)]
pub(super) struct Filter {
    program: Vec<sock_filter>,
    flags: c_ulong,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Filter({} instructions, flags {:#x})",
            self.program.len(),
            self.flags
        )
    }
}

/// The filter that is `index` places from the newest of a stopped tracee (ptrace(2),
/// `PTRACE_SECCOMP_GET_FILTER`); nothing past the oldest.
pub(super) fn seccomp_filter(tracee: Pid, index: usize) -> io::Result<Option<Filter>> {
    let request = |request: c_uint, index: usize, data: *mut libc::c_void| {
        // SAFETY: both requests only write to `data`, which is null or as large as they are told.
        match unsafe { libc::ptrace(request, tracee.as_raw_pid(), index, data) } {
            -1 => Err(io::Error::last_os_error()),
            answer => usize::try_from(answer).map_err(|_| invalid()),
        }
    };
    let length = match request(PTRACE_SECCOMP_GET_FILTER, index, ptr::null_mut()) {
        Ok(length) => length,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut program = vec![
        sock_filter {
            code: 0,
            jt: 0,
            jf: 0,
            k: 0
        };
        length
    ];
    // A filter never changes, and a stopped tracee adds none: the second answer fits the first.
    request(
        PTRACE_SECCOMP_GET_FILTER,
        index,
        program.as_mut_ptr().cast(),
    )?;
    // struct seccomp_metadata: which filter, in; its flags, out. Here the third argument is a size.
    let mut metadata = [index as u64, 0];
    let size = mem::size_of_val(&metadata);
    request(
        PTRACE_SECCOMP_GET_METADATA,
        size,
        metadata.as_mut_ptr().cast(),
    )?;
    let flags = c_ulong::try_from(metadata[1]).map_err(|_| invalid())?;
    Ok(Some(Filter { program, flags }))
}

/// Puts a filter on this process, over those it has (seccomp(2)).
pub(super) fn install_seccomp_filter(filter: &mut Filter) -> io::Result<()> {
    let program = sock_fprog {
        len: filter.program.len().try_into().map_err(|_| invalid())?,
        filter: filter.program.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, which lives until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            filter.flags,
            &raw const program,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Gives this process an empty session keyring in place of the host's (keyctl(2)).
pub(super) fn leave_session_keyring() -> io::Result<()> {
    let anonymous: *const libc::c_char = ptr::null();
    // SAFETY: a null name asks for a new anonymous keyring; no memory is passed.
    let result = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, anonymous) };
    // A kernel without keyrings has nothing to leave.
    match io::Error::last_os_error() {
        error if result == -1 && error.raw_os_error() != Some(libc::ENOSYS) => Err(error),
        _ => Ok(()),
    }
}

/// Gives this process the resource limits of another (prlimit(2)), as far as it may.
///
/// Open files get the soft limit that systemd gives services: PID 1 raises its own to the hard one,
/// and programs that still use select(2) break above 1024.
pub(super) fn take_limits_of(process: Pid) {
    for resource in 0..LIMITS {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        let (unchanged, nothing) = (ptr::null(), ptr::null_mut());
        // SAFETY: the calls read and write one rlimit each, which outlives them.
        unsafe {
            if libc::prlimit(process.as_raw_pid(), resource, unchanged, &raw mut limit) == 0 {
                if resource == libc::RLIMIT_NOFILE {
                    limit.rlim_cur = limit.rlim_cur.min(1024);
                }
                // Refused only where it would raise ours, which is then the lower one already.
                libc::prlimit(0, resource, &raw const limit, nothing);
            }
        }
    }
}

/// What to do with descriptors of unknown origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strays {
    /// Close them at once. Only before this process opens any of its own.
    Close,
    /// Have execve(2) close them.
    CloseOnExec,
}

/// Deals with every descriptor but the standard three (`close_range(2)`).
pub(super) fn strays(what: Strays) -> io::Result<()> {
    let flags = match what {
        Strays::Close => 0,
        Strays::CloseOnExec => libc::CLOSE_RANGE_CLOEXEC,
    };
    // SAFETY: `Close` is used at the start of the helper, when no value owns a descriptor above 2;
    // `CloseOnExec` closes nothing that a value of this program could still use.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, flags) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Gives every signal its default action, and blocks none (signal(7): both survive an exec).
pub(super) fn reset_signals() {
    // SAFETY: SIG_DFL is no function of this program; signals that cannot be changed answer EINVAL,
    // which is what they should do. The mask is a value of its own, initialised by sigemptyset.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}
