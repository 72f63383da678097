# Looks at PostgreSQL's data directory before the server starts: makes a database in an empty one, and refuses every
# other directory that has no database of this version, with a sentence. Nothing is ever made over anything.
#
# Runs as the server's user, with `initdb` and the coreutils in its PATH. It wants, in its environment:
#   PGDATA            the data directory, which has to be there
#   POSTGRES_MAJOR    the server's major version, such as 16
#   POSTGRES_SEEN     a file outside of PGDATA, in the guest's own files, that remembers that there was a database
# Its words are passed on to initdb. It ends with 78 (EX_CONFIG) where only a person can help: a unit that restarts
# its server says RestartPreventExitStatus=78.
#
# For bash and for any POSIX shell: its text is read as it is, without anything put into it.
set -eu

refuse() {
    printf '%s\n' "$@" >&2
    exit 78
}

entries() {
    # Not what the file system itself has at its top.
    ls -A -- "$1" | { grep -v -x -e lost+found || test $? = 1; }
}

# A database comes into being in `.initialising`, which is given another name once all of it is on the disk, and is
# moved to its place from there, PG_VERSION last. So whatever is interrupted goes on where it was, and a directory
# with a PG_VERSION has all of its database.
unfinished=$PGDATA/.initialising
finished=$PGDATA/.initialised

initialise() {
    rm -rf -- "$unfinished"
    initdb --pgdata="$unfinished" --username=postgres --encoding=UTF8 \
        --auth-local=peer --auth-host=scram-sha-256 "$@"
    sync -f "$PGDATA"
    mv -T -- "$unfinished" "$finished"
}

move_to_its_place() {
    entries "$finished" | while IFS= read -r name; do
        test "$name" = PG_VERSION || mv -T -- "$finished/$name" "$PGDATA/$name"
    done
    # Before the file that says that all the others are there.
    sync -f "$PGDATA"
    mv -T -- "$finished/PG_VERSION" "$PGDATA/PG_VERSION"
    rmdir -- "$finished"
}

test -d "$PGDATA" || refuse "there is no directory $PGDATA for the database"
owner=$(stat -c %u -- "$PGDATA")
test "$owner" = "$(id -u)" || refuse \
    "the data directory $PGDATA belongs to the user $owner, and the server runs as $(id -u): it is left as it is" \
    "hint: give the directory on the host to one user and name the server's user as the bind's owner"
# The server wants nobody else to look into it.
chmod 0700 -- "$PGDATA" && there=$(entries "$PGDATA") || refuse "the data directory $PGDATA cannot be read"

if test -e "$PGDATA/PG_VERSION"; then
    found=$(cat -- "$PGDATA/PG_VERSION")
    test "$found" = "$POSTGRES_MAJOR" || refuse \
        "the data directory $PGDATA has a database of PostgreSQL $found, and this is $POSTGRES_MAJOR: it is left as it is" \
        "hint: run PostgreSQL $found on it, dump it with pg_dumpall, and restore that into an empty directory"
    test -e "$PGDATA/global/pg_control" || refuse \
        "the data directory $PGDATA has a PG_VERSION but not the rest of a database: it is left as it is" \
        "hint: restore it from a backup, or move what is there elsewhere to begin with an empty database"
    test ! -d "$finished" || rmdir -- "$finished"
else
    case $there in
    "" | .initialising)
        test ! -e "$POSTGRES_SEEN" || refuse \
            "the data directory $PGDATA is empty, and there was a database in it: no new one is made" \
            "hint: is the disk mounted on the host? To begin with an empty database, remove $POSTGRES_SEEN in the container"
        initialise "$@"
        move_to_its_place
        ;;
    *)
        test -e "$finished/PG_VERSION" || refuse \
            "the data directory $PGDATA has files that are no database, such as $(printf '%s\n' "$there" | head -n 1): they are left as they are" \
            "hint: move them elsewhere, or name another directory"
        move_to_its_place
        ;;
    esac
fi
printf 'There was a database in %s.\n' "$PGDATA" >"$POSTGRES_SEEN"
