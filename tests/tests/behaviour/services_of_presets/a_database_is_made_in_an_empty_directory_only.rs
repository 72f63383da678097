//! A database is made where there is nothing. What is there already is never made over: another version's database,
//! files that are none, the half of one, a directory that lost its database. Its container does not get ready, its
//! journal says why, and every file stays as it is. With a person's directory all files are that person's.

use ctr_lab::Host;

use super::{database, sql, with_home};
use crate::guests::{PATIENCE, lab};

/// What stands in a directory before, and what is said of it.
const REFUSED: [(&str, &str, &str); 4] = [
    (
        "older",
        "echo 16 >PG_VERSION; mkdir global; touch global/pg_control",
        "has a database of PostgreSQL 16, and this is 17: it is left as it is",
    ),
    (
        "notes",
        "echo dear diary >.diary",
        "has files that are no database, such as .diary: they are left as they are",
    ),
    (
        "half",
        "echo 17 >PG_VERSION; mkdir base",
        "has a PG_VERSION but not the rest of a database: it is left as it is",
    ),
    (
        "theirs",
        "echo x >.initialised",
        "has files that are no database, such as .initialised: they are left as they are",
    ),
];

const CREDENTIAL: &str = "credentials.password = { generate = true }\n";

#[test]
fn a_database_is_made_in_an_empty_directory_only() {
    let mut declared = vec![
        database("new", 11, "/home/alice/new", CREDENTIAL),
        database("lost", 12, "/home/lost", CREDENTIAL),
    ];
    for (place, (name, _, _)) in (21..).zip(REFUSED) {
        let directory = format!("/home/{name}");
        declared.push(database(name, place, &directory, CREDENTIAL));
    }
    let host = Host::with_ctr(&lab(&declared));
    with_home(&host);
    host.ok("useradd --create-home alice && install -d -o alice -g alice /home/alice/new && chmod 755 /home/alice");
    // As a file system has it that is new.
    host.ok("mkdir -m 700 /home/alice/new/lost+found");
    for (name, files, _) in REFUSED {
        host.ok(&format!(
            "mkdir /home/{name} && cd /home/{name} && {{ {files}; }} && chown -R {DATABASES} ."
        ));
    }
    host.ok("ctr lab start new lost --timeout 60s");
    sql(&host, "new", "CREATE TABLE kept AS SELECT 7 AS number");
    let others = host.ok("find /home/alice/new ! -user alice ! -name lost+found");
    assert_eq!(others, "", "all of it is hers");
    host.ok("ctr lab restart new --timeout 60s");
    assert_eq!(sql(&host, "new", "SELECT number FROM kept"), "7\n");

    for (name, _, words) in REFUSED {
        refused(&host, name, words);
    }
    // What stood in the way is gone.
    host.ok("mv /home/notes/.diary /root/ && ctr lab restart notes --timeout 60s");
    assert_eq!(host.read("/home/notes/PG_VERSION"), "17\n");

    // Its disk is not mounted any more.
    host.ok("ctr lab stop lost && mkdir /home/elsewhere && mv /home/lost/* /home/elsewhere/");
    let words = "is empty, and there was a database in it: no new one is made";
    refused(&host, "lost", words);
    host.ok("ctr lab stop lost && mv /home/elsewhere/* /home/lost/");
    host.ok("ctr lab start lost --timeout 60s");
    sql(&host, "lost", "SELECT 1");

    // And whoever wants a new one says so.
    host.ok("ctr lab stop lost && rm -r /home/lost/*");
    refused(&host, "lost", words);
    host.ok("ctr lab exec lost -- rm /var/lib/postgresql-prepare/seen");
    host.ok("ctr lab restart lost --timeout 60s");
    assert_eq!(host.read("/home/lost/PG_VERSION"), "17\n");
}

/// The server's user of the guests, in a directory that belongs to nobody of the host.
const DATABASES: &str = "$((2147352576 + $(id -u postgres))):$((2147352576 + $(id -g postgres)))";

/// Starts the container, which runs and is not ready, with these words; nothing in its directory changes.
#[track_caller]
fn refused(host: &Host, name: &str, words: &str) {
    let all = format!(
        "cd /home/{name} && find . -type f -exec sha256sum {{}} + ; find . -printf '%p %U %s\\n'"
    );
    let before = host.ok(&all);
    host.ok(&format!("ctr lab start {name} --no-wait"));
    host.until(
        &format!("ctr lab logs {name} | grep -F '{words}'"),
        PATIENCE,
    );
    host.until(
        &format!("ctr lab exec {name} -- systemctl is-failed database-prepare.service"),
        PATIENCE,
    );
    host.fails(&format!("ctr lab wait {name} --for healthy --timeout 2s"));
    host.ok(&format!("machinectl show lab-{name}"));
    assert_eq!(host.ok(&all), before, "{name}");
}
