# Gives the database and its user to whoever has the password: makes both where they are missing, and sets the
# password that the credential has. Can be run again at any time.
#
# Runs as the user `postgres` once the server accepts connections, with `psql` and `cat` in its PATH. It wants, in its
# environment:
#   CREDENTIALS_DIRECTORY   where systemd put the credential `password` (LoadCredential=password)
#   POSTGRES_USER           the user, who owns the database
#   POSTGRES_DATABASE       the database
#   PGPORT                  the server's port, where it is another than 5432
#
# The password is in no command line, in no environment, and in no log: psql reads the file itself, and the session
# logs no statements whatever the server's configuration says, not even one that fails.
#
# For bash and for any POSIX shell: its text is read as it is, without anything put into it.
set -eu

# `test` is a builtin: what it is given is no command line. A line end alone is no password either.
test -n "$(cat -- "$CREDENTIALS_DIRECTORY/password")" || {
    echo "the credential \`password\` is empty: the database would have no password" >&2
    exit 78
}

export PGOPTIONS="-c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1 \
-c log_min_duration_sample=-1 -c log_transaction_sample_rate=0 -c log_duration=off -c pg_stat_statements.track=none"

psql --no-psqlrc --quiet --no-password --dbname=postgres --set=ON_ERROR_STOP=1 <<'SQL'
\getenv user POSTGRES_USER
\getenv database POSTGRES_DATABASE
\set password `cat -- "$CREDENTIALS_DIRECTORY/password"`
SELECT format('CREATE ROLE %I', :'user') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SQL
