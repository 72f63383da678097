//! `ctr enter` is a login shell on a terminal of the guest's own: with job control, its size, its
//! signals and its exit status.

use ctr_lab::{Host, Terminal};

use crate::{KINDS, PATIENCE, host};

#[test]
fn enter_is_a_real_terminal() {
    let host = host();
    for guest in KINDS {
        let mut shell = enter(&host, guest);
        says(&mut shell, "tty", "/dev/pts/");
        says(
            &mut shell,
            "echo \"name=$0 home=$HOME user=$USER\"",
            "name=-bash home=/root user=root",
        );
        says(
            &mut shell,
            "ps -o tpgid= -p $$ | grep -qv -- -1 && echo controlled",
            "controlled",
        );

        job_control(&host, &mut shell);

        takes_size(&mut shell, 133, 41);
        takes_size(&mut shell, 77, 22);

        shell.send("exit 42\r").expect("keys");
        assert_eq!(shell.wait(PATIENCE).expect("an end"), 42, "{guest}");
    }
}

fn job_control(host: &Host, shell: &mut Terminal) {
    // Before the shell has put it into the foreground, a key would be the shell's.
    let foreground = "ps -eo stat=,args= | grep -q '^S+ *sleep 1000$'";
    shell.send("sleep 1000\r").expect("keys");
    shell.expect("sleep 1000\r\n", PATIENCE).expect("an echo");
    host.until(foreground, PATIENCE);
    shell.send("\x1a").expect("keys");
    shell.expect("Stopped", PATIENCE).expect("ctrl-Z stops it");
    says(shell, "jobs", "sleep 1000");
    shell.send("fg\r").expect("keys");
    shell
        .expect("sleep 1000\r\n", PATIENCE)
        .expect("it goes on");
    host.until(foreground, PATIENCE);
    shell.send("\x03").expect("keys");
    says(shell, "echo status=$?", "status=130");
}

#[test]
fn the_terminal_in_front_of_it_is_as_before_afterwards() {
    let host = host();
    let mut outer = host.terminal("bash --norc --noprofile");
    says(&mut outer, "PS1='outer$ '", "outer$ ");
    let settings = "stty -g | md5sum";
    outer
        .send(&format!("{settings} > /tmp/before; ctr lab enter boots\r"))
        .expect("keys");
    outer.expect("# ", PATIENCE).expect("a prompt of the guest");
    says(&mut outer, "tty", "/dev/pts/");
    outer.send("kill -9 $$\r").expect("keys");
    outer.expect("outer$ ", PATIENCE).expect("the shell before");
    says(&mut outer, "echo status=$?", "status=137");
    says(
        &mut outer,
        &format!("{settings} | diff - /tmp/before && echo unchanged"),
        "unchanged",
    );
}

#[test]
fn all_that_was_written_arrives_before_the_end() {
    let host = host();
    let mut terminal =
        host.terminal("ctr lab exec --terminal boots -- sh -c 'seq 1 100000; exit 3'");
    terminal
        .expect("\n100000\r\n", PATIENCE)
        .expect("every line");
    assert_eq!(terminal.wait(PATIENCE).expect("an end"), 3);
}

fn enter(host: &Host, guest: &str) -> Terminal {
    let mut shell = host.terminal(&format!("ctr lab enter {guest}"));
    shell.expect("# ", PATIENCE).expect("a prompt");
    shell
}

/// A new size goes from the terminal in front to `ctr`, and from there to the guest's: it is there
/// soon, not at once.
///
/// It changes while a command runs: around each prompt readline reads the size of its terminal and
/// sets it again (`set_winsize` in its `rltty.c`), and undoes a change between the two.
#[track_caller]
fn takes_size(shell: &mut Terminal, columns: u16, rows: u16) {
    let size = format!("{rows} {columns}");
    let look = format!("echo run''ning; until stty size | grep '^{size}$'; do :; done");
    says(shell, &look, "running");
    shell.resize(columns, rows).expect("a size");
    shell.expect(&size, PATIENCE).expect("the new size");
}

/// Types a command and waits for its answer; the echo of what was typed is no answer.
#[track_caller]
fn says(shell: &mut Terminal, command: &str, answer: &str) {
    shell.send(&format!("{command}\r")).expect("keys");
    let echo: String = command
        .chars()
        .rev()
        .take(12)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    shell.expect(&echo, PATIENCE).expect("an echo");
    shell.expect(answer, PATIENCE).expect("an answer");
}
