//! Whatever moment ends the making of a database, the next start makes a whole one of it, and only then one is seen.

use std::time::Duration;

use ctr_lab::Host;

use super::{PREPARE, file};
use crate::guests::{booted, lab, running};

/// In a guest, as the server's user: prepares a directory and is killed after ever longer times, until it gets to
/// its end. After each kill there is no database, or all of one.
const KILLED: &str = r#"#!/bin/bash
set -eu
export PATH=/usr/lib/postgresql/17/bin:/usr/bin PGDATA=/tmp/data POSTGRES_MAJOR=17 POSTGRES_SEEN=/tmp/seen
mkdir $PGDATA
kills=0
# The database `postgres` is the last that is made.
is_whole() { echo SELECT | postgres --single -D $PGDATA -c jit=off postgres >/dev/null; }
for milliseconds in {20..9000..90}; do
    # Its status says whether it came to its end.
    if timeout --signal=KILL $(printf '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000))) \
        sh /opt/postgres-prepare.sh --no-sync >/dev/null 2>&1; then break; fi
    kills=$((kills + 1))
    test ! -e $PGDATA/PG_VERSION || is_whole
done
sh /opt/postgres-prepare.sh
test "$(cat $PGDATA/PG_VERSION)" = 17
is_whole
test $kills -gt 0
test ! -e $PGDATA/.initialising
test ! -e $PGDATA/.initialised

# The moments between two of its last steps, which are too short to be hit.
cp -a $PGDATA /tmp/whole
for moved in "" base "base global" "base global PG_VERSION"; do
    rm -rf $PGDATA && mkdir $PGDATA && cp -a /tmp/whole $PGDATA/.initialised
    for name in $moved; do mv $PGDATA/.initialised/$name $PGDATA/; done
    case $moved in *PG_VERSION) mv $PGDATA/.initialised/* $PGDATA/ ;; esac
    sh /opt/postgres-prepare.sh
    diff -r $PGDATA /tmp/whole
done
echo "$kills kills"
"#;

#[test]
fn a_database_goes_on_where_it_was_interrupted() {
    let files = [
        file("/opt/postgres-prepare.sh", PREPARE, "0644"),
        file("/opt/killed", KILLED, "0755"),
        "command = [\"/usr/bin/sleep\", \"infinity\"]\n".to_owned(),
    ];
    let host = Host::with_ctr(&lab(&[booted("guest", 11, &files.concat())]));
    running(&host, &["guest"]);
    let killed = host
        .bash("ctr lab exec -u postgres guest -- /opt/killed")
        .timeout(Duration::from_secs(240))
        .output()
        .expect("it ends");
    assert!(killed.stdout.ends_with(" kills\n"), "{killed:#?}");
}
