//! The stub init that systemd-nspawn puts before a command. Pure.

/// What it calls itself.
const NAME: &str = "(sd-stubinit)";

/// Whether the process with this `/proc/PID/status` (`proc_pid_status(5)`) is a stub init that hears
/// its signals.
///
/// It is the last thing that the child of systemd-nspawn becomes: it blocks every signal, to wait for
/// them, and takes its name after that (`stub_pid1()` in systemd's src/nspawn/nspawn-stub-pid1.c). The
/// child has blocked them for a moment before, too, whenever it started a program.
///
/// `SIGHUP` stands for all of them: those that it waits for the kernel unblocks meanwhile
/// (`do_sigtimedwait()` in kernel/signal.c).
pub fn is_stub_init(status: &str) -> bool {
    let field = |key| status.lines().find_map(|line| line.strip_prefix(key));
    let mask = field("SigBlk:").and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let waits = mask.is_some_and(|mask| mask & 1 << (libc::SIGHUP - 1) != 0);
    waits && field("Name:").is_some_and(|name| name.trim() == NAME)
}

#[cfg(test)]
mod tests {
    use super::is_stub_init;

    #[test]
    fn a_stub_init_has_its_name_and_waits_for_signals() {
        let is =
            |name, mask| is_stub_init(&format!("Name:\t{name}\nSigBlk:\t{mask}\nSigIgn:\t0\n"));
        assert!(is("(sd-stubinit)", "fffc3f0e7ffafefd"));
        assert!(is("(sd-stubinit)", "fffffffe7ffbfeff"));
        assert!(!is("(sd-stubinit)", "0000000000010000"));
        assert!(
            !is("systemd-nspawn", "fffffffe7ffbfeff"),
            "it starts getent"
        );
        assert!(!is("(sd-stubinit)", "nonsense"));
        assert!(!is_stub_init("Name:\t(sd-stubinit)\n"), "it has ended");
    }
}
