//! Who is on a host: nobody in particular, a person at it, an operator of containers, and somebody
//! who administers it.

use ctr_lab::{Host, Options, Terminal};

use crate::guests::PATIENCE;

/// A user with no rights and no session.
pub(crate) const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";
/// A member of the group `ctr`, without a session.
pub(crate) const OPERATOR: &str = "setpriv --reuid op --regid op --init-groups";
/// A user whom a rule of this host refuses everything about containers.
pub(crate) const REFUSED: &str = "setpriv --reuid refused --regid refused --init-groups";
/// The password of the administrator, `boss`.
pub(crate) const PASSWORD: &str = "open sesame";

/// A session on the host's seat, which makes it the active one: alice's, by way of PAM. The lab's seat
/// has no virtual terminals.
const AT_THE_HOST: &str = "systemd-run --quiet --uid=alice --property=PAMName=login \
     --setenv=XDG_SEAT=seat0 --setenv=XDG_SESSION_TYPE=tty --setenv=XDG_SESSION_CLASS=user";

const RULE_FOR_REFUSED: &str = "polkit.addRule(function (action, subject) {
    if (action.id.indexOf('org.kernelcore.Containers1.') === 0 && subject.user === 'refused') {
        return polkit.Result.NO;
    }
});
";

/// A host with these people and programs, running this declaration.
#[track_caller]
pub(crate) fn inhabited(declaration: &str, more: impl FnOnce(Options) -> Options) -> Host {
    let options = Options::new()
        .file("/etc/polkit-1/rules.d/00-refused.rules", RULE_FOR_REFUSED)
        .file("/srv/caller.py", include_str!("caller.py"))
        .with_ctr(declaration);
    let host = match more(options).boot() {
        Ok(host) => host,
        Err(error) => panic!("{error:#}"),
    };
    // As a package does after it has unpacked the file.
    host.ok("systemd-sysusers");
    host.ok(&format!(
        "useradd --create-home --shell /bin/bash alice
         useradd --create-home --shell /bin/bash --groups sudo boss
         useradd --create-home --groups ctr op
         useradd --create-home refused
         echo 'boss:{PASSWORD}' | chpasswd"
    ));
    host
}

/// A command of alice, who sits at the host, without a terminal.
pub(crate) fn at_the_host(command: &str) -> String {
    format!("{AT_THE_HOST} --wait --pipe -- {command}")
}

/// A bash script of alice on a terminal of the host. Whoever is at it leaves when he wants to: systemd-run
/// does not always pass on what a command says just before its end.
#[track_caller]
pub(crate) fn terminal_at_the_host(host: &Host, script: &str) -> Terminal {
    host.write(
        "/srv/at-the-host.sh",
        format!("tty >/tmp/tty\n{script}\nread -r\n"),
    );
    host.terminal(&format!(
        "exec {AT_THE_HOST} --pty -- /bin/bash /srv/at-the-host.sh"
    ))
}

/// Waits for the question, and answers it.
#[track_caller]
pub(crate) fn answer(host: &Host, terminal: &mut Terminal, password: &str) -> String {
    let shown = terminal
        .expect("Password: ", PATIENCE)
        .expect("somebody is asked");
    // The agent throws away what is typed before it has switched the echo off.
    host.until(
        "stty --file=$(cat /tmp/tty) | grep -q -- '-echo '",
        PATIENCE,
    );
    terminal
        .send(&format!("{password}\r"))
        .expect("it can be typed");
    shown
}
