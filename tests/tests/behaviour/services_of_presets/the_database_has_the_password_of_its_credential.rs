//! The database is open to who has the credential's text and to nobody else, whatever characters are in it, and the
//! text is in no log, no command line and no environment. Another text counts from the restart that it brings.

use ctr_lab::Host;

use super::{database, file, quoted, sql, with_home};
use crate::guests::{PATIENCE, lab, sleeper, write_secret};

const FILE: &str = "/etc/ctr/password";
const FIRST: &str = "it's \"a\" \\pass'||word; $HOME `id` :user %L é";

#[test]
fn the_database_has_the_password_of_its_credential() {
    let from_a_file = format!("credentials.password = \"{FILE}\"\n");
    let client = file("/opt/login", LOGIN, "0755");
    let host = Host::with_ctr(&lab(&[
        database("chosen", 11, "/home/chosen", &from_a_file),
        database(
            "made",
            12,
            "/home/made",
            "credentials.password = { generate = true }\n",
        ),
        sleeper("client", 13, &client),
    ]));
    with_home(&host);
    write_secret(&host, FILE, FIRST);
    host.ok("ctr lab start chosen made client --timeout 60s");

    assert_eq!(login(&host, "chosen", FIRST), "devuser devdb\n");
    let generated = host.ok("ctr lab secret made password");
    assert_eq!(generated.len(), 64, "{generated}");
    assert_eq!(login(&host, "made", &generated), "devuser devdb\n");
    for wrong in ["devpass", "it's", &generated] {
        let refused = attempt(&host, "chosen", wrong);
        assert!(
            refused.contains("password authentication failed"),
            "{refused}"
        );
    }
    for guest in ["chosen", "made"] {
        assert_eq!(host.read(&format!("/home/{guest}/PG_VERSION")), "17\n");
        let of_others =
            format!("find /home/{guest} ! -user $(stat -c %u /home/{guest}/PG_VERSION)");
        assert_eq!(host.ok(&of_others), "", "all of it has one owner");
    }
    is_told_nowhere(&host, "chosen", FIRST);
    is_told_nowhere(&host, "made", &generated);

    // Setting it again changes nothing for who is there, and needs nobody.
    sql(&host, "chosen", "CREATE TABLE kept AS SELECT 7 AS number");
    host.ok("ctr lab exec chosen -- systemctl restart database-password.service");
    assert_eq!(login(&host, "chosen", FIRST), "devuser devdb\n");

    write_secret(&host, FILE, "another one");
    host.ok("ctr apply");
    host.ok("ctr lab wait chosen --for healthy --timeout 60s");
    assert_eq!(login(&host, "chosen", "another one"), "devuser devdb\n");
    attempt(&host, "chosen", FIRST);
    assert_eq!(sql(&host, "chosen", "SELECT number FROM kept"), "7\n");

    // One that is empty is none: nobody gets in, and the words say why.
    write_secret(&host, FILE, "\n");
    host.ok("ctr apply --json");
    host.until(
        "ctr lab logs chosen | grep 'the credential `password` is empty'",
        PATIENCE,
    );
    assert_ne!(host.run("ctr lab status chosen").status, 0);
}

/// Reads the password from stdin: it is as it was given, with every character.
const LOGIN: &str = "#!/bin/sh
export PGPASSWORD=\"$(cat)\" PGCONNECT_TIMEOUT=5
exec /usr/lib/postgresql/17/bin/psql -h \"$1\" -U devuser -d devdb -AtF' ' \
    -c 'SELECT current_user, current_database()' 2>&1
";

/// What a client in the group is told that has this password.
#[track_caller]
fn login(host: &Host, guest: &str, password: &str) -> String {
    host.ok(&with_password(guest, password))
}

/// The same where it has to be refused.
#[track_caller]
fn attempt(host: &Host, guest: &str, password: &str) -> String {
    host.fails(&with_password(guest, password)).stdout
}

fn with_password(guest: &str, password: &str) -> String {
    let password = password.replace('\'', "'\\''");
    format!("printf %s '{password}' | ctr lab exec client -- /opt/login {guest}")
}

/// What the server logs, and what `psql` and `cat` were told, is there, and the password is not in it.
#[track_caller]
fn is_told_nowhere(host: &Host, guest: &str, password: &str) {
    sql(host, guest, "SELECT 'a statement in the log'");
    host.until(
        &format!("ctr lab logs {guest} | grep -q 'a statement in the log'"),
        PATIENCE,
    );
    let told = host.ok(&format!(
        "ctr lab logs {guest}; ctr lab exec {guest} -- cat /tmp/watched"
    ));
    assert!(told.contains("/opt/watched/psql"), "{told}");
    assert!(told.contains("/opt/watched/cat"), "{told}");
    let part = password
        .split('\'')
        .max_by_key(|it| it.len())
        .unwrap_or(password);
    for form in [password, part, &quoted(part), &password.replace('\'', "''")] {
        assert!(!told.contains(form), "{form}: {told}");
    }
}
