//! Who sits at the host is asked for an administrator's password, once for each command; without a
//! terminal nobody is asked anything.

use ctr_api::wire::State;

use crate::guests::{PATIENCE, lab, running, sleeper, status, until};
use crate::people::{PASSWORD, answer, at_the_host, inhabited, terminal_at_the_host};

const QUESTION: &str = "Authentication is required to start, stop or restart the container lab/";

#[test]
fn a_password_opens_what_is_closed() {
    let host = inhabited(
        &lab(&[sleeper("web", 11, ""), sleeper("db", 12, "")]),
        |it| it,
    );
    running(&host, &["web", "db"]);

    let quietly = host.fails(&at_the_host("/usr/bin/ctr lab stop web"));
    assert_eq!(quietly.status, 1, "{quietly:?}");
    assert!(
        quietly
            .stderr
            .contains("an administrator's password is needed")
            && quietly
                .stderr
                .contains("org.kernelcore.Containers1.start-stop"),
        "{quietly:?}"
    );

    let mut terminal = terminal_at_the_host(
        &host,
        "ctr lab stop web; echo \"ended with $?\"
         ctr lab stop web db; echo \"tried with $?\"
         ctr lab stop web db; echo \"ended with $?\"
         ctr lab exec web -- true; echo \"ended with $?\"
         stty | grep -c -- '-echo '; echo finished",
    );
    let asked = answer(&host, &mut terminal, "not the password");
    assert!(asked.contains(&format!("{QUESTION}web")), "{asked}");
    terminal.expect("ended with 1", PATIENCE).expect("refused");
    assert_eq!(status(&host, "web").state, State::Running);

    // One question for two containers, whatever is answered.
    answer(&host, &mut terminal, "not the password");
    let refused = terminal.expect("tried with 1", PATIENCE).expect("refused");
    assert!(!refused.contains("Password"), "{refused}");
    assert!(
        refused.contains("lab/web:") && refused.contains("lab/db:"),
        "{refused}"
    );
    assert_eq!(status(&host, "web").state, State::Running);
    assert_eq!(status(&host, "db").state, State::Running);

    answer(&host, &mut terminal, PASSWORD);
    let after = terminal.expect("ended with 0", PATIENCE).expect("stopped");
    assert!(!after.contains("Password"), "{after}");
    until(&host, "web", State::Stopped);
    until(&host, "db", State::Stopped);

    // What would fail anyway is not asked about, and the terminal is as it was.
    let end = terminal.expect("finished", PATIENCE).expect("the end");
    assert!(end.contains("ended with 125"), "{end}");
    assert!(end.contains("\n0\r"), "the echo is off: {end}");
}

#[test]
fn a_question_ends_with_who_asked() {
    let host = inhabited(&lab(&[sleeper("web", 11, "")]), |it| {
        it.file("/srv/ask.py", include_str!("ask.py"))
    });
    let leaders = running(&host, &["web"]);
    let mut terminal = terminal_at_the_host(
        &host,
        "python3 /srv/ask.py 4 6; python3 /srv/ask.py 4 6; ctr lab stop web; echo \"ended with $?\"",
    );
    // However often it comes back: those who left the bus wait for nobody any more.
    for _ in 0..2 {
        terminal
            .expect("2 of 6 were too many", PATIENCE)
            .expect("there is a bound");
        assert_eq!(running(&host, &["web"]), leaders, "others are answered");
    }
    answer(&host, &mut terminal, PASSWORD);
    terminal.expect("ended with 0", PATIENCE).expect("stopped");
}

#[test]
fn an_interrupted_question_leaves_the_terminal_as_it_was() {
    let host = inhabited(&lab(&[sleeper("web", 11, "")]), |it| it);
    let leaders = running(&host, &["web"]);
    for command in ["stop web", "exec web -- true"] {
        let mut terminal = terminal_at_the_host(
            &host,
            &format!(
                "trap : INT; ctr lab {command}; echo \"ended with $?\"; stty | grep -c -- '-echo '; \
                 pgrep -c pkttyagent; echo finished"
            ),
        );
        answer(&host, &mut terminal, "\x03");
        terminal
            .expect("ended with 130", PATIENCE)
            .expect("it is given up");
        // The agent is interrupted by the same key, and may have been amid its own steps.
        let end = terminal.expect("finished", PATIENCE).expect("the end");
        assert!(
            end.contains("\n0\r\n0\r"),
            "the echo is on, the agent is gone: {end:?}"
        );
    }
    assert_eq!(running(&host, &["web"]), leaders);
}

#[test]
fn a_shell_and_a_pager_follow_the_password() {
    let host = inhabited(&lab(&[sleeper("web", 11, "")]), |it| it);
    running(&host, &["web"]);
    let mut terminal = terminal_at_the_host(
        &host,
        "ctr lab enter web; echo \"left with $?\"; ctr lab logs web; echo \"read with $?\"",
    );
    answer(&host, &mut terminal, PASSWORD);
    terminal.expect("# ", PATIENCE).expect("a prompt");
    terminal
        .send("tty; echo $((40 + 2)); exit 3\r")
        .expect("it can be typed");
    let said = terminal.expect("42", PATIENCE).expect("an answer");
    assert!(said.contains("/dev/pts/"), "{said}");
    terminal
        .expect("left with 3", PATIENCE)
        .expect("its status");

    answer(&host, &mut terminal, PASSWORD);
    terminal
        .expect("Started ctr-lab-web.service", PATIENCE)
        .expect("the journal");
    terminal.expect("(END)", PATIENCE).expect("a pager");
    terminal.send("q").expect("it can be typed");
    terminal.expect("read with 0", PATIENCE).expect("the end");
}
