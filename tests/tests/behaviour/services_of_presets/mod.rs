//! What the presets of the NixOS module run, as far as Debian has it: the real programs with the module's own
//! scripts, in units that are shaped as the presets' are. It shows what the scripts do, not that a NixOS system
//! has them in the right place.

mod a_database_goes_on_where_it_was_interrupted;
mod a_database_is_made_in_an_empty_directory_only;
mod code_server_is_given_its_password_in_a_file;
mod the_database_has_the_password_of_its_credential;
mod the_proxy_leads_to_services_by_name;

use ctr_lab::Host;

use crate::guests::declared;

const PREPARE: &str =
    include_str!("../../../../nixos-module/presets/guests/scripts/postgres-prepare.sh");
const PASSWORD: &str =
    include_str!("../../../../nixos-module/presets/guests/scripts/postgres-password.sh");

/// Looks at the directory before each start of the server.
const PREPARE_UNIT: &str = "
[Unit]
Description=Look at PostgreSQL's data directory
Before=database.service

[Service]
Type=oneshot
User=postgres
StateDirectory=postgresql-prepare
Environment=PATH=/usr/lib/postgresql/17/bin:/usr/bin
Environment=PGDATA=/var/lib/postgresql/data POSTGRES_MAJOR=17 POSTGRES_SEEN=/var/lib/postgresql-prepare/seen
ExecStart=/bin/sh /opt/postgres-prepare.sh --no-sync
";

/// The server with its data on a bind, by a name that Debian's own unit does not have. It logs every statement,
/// which is the hard case for a password.
const SERVER: &str = "
[Unit]
Description=PostgreSQL
Requires=database-prepare.service
After=network.target database-prepare.service

[Service]
Type=notify
User=postgres
RuntimeDirectory=postgresql
ExecStart=/usr/lib/postgresql/17/bin/postgres -D /var/lib/postgresql/data -c listen_addresses=* -c jit=off \\
    -c hba_file=/opt/pg_hba.conf -c log_statement=all -c log_min_duration_statement=0
Restart=on-failure
KillSignal=SIGINT
";

/// `psql` and `cat` are found in /opt/watched first, which notes what each was told.
const PASSWORD_UNIT: &str = "
[Unit]
Description=The password of the database
Requires=database.service
After=database.service

[Service]
Type=oneshot
RemainAfterExit=yes
User=postgres
LoadCredential=password
Environment=PATH=/opt/watched:/usr/lib/postgresql/17/bin:/usr/bin
Environment=POSTGRES_USER=devuser POSTGRES_DATABASE=devdb
ExecStart=/bin/sh /opt/postgres-password.sh
";

const WATCHED: &str = "#!/bin/sh
{ echo \"$0\" \"$@\"; env; } >>/tmp/watched
exec \"$(PATH=${PATH#*:}; command -v \"${0##*/}\")\" \"$@\"
";

const ACCESS: &str = "local all all peer\nhost all all samenet scram-sha-256\n";

/// Text in quotes, as TOML and JSON have them alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The key that puts a file into a guest.
pub(crate) fn file(path: &str, text: &str, mode: &str) -> String {
    let text = quoted(text);
    format!("files.\"{path}\" = {{ text = {text}, mode = \"{mode}\" }}\n")
}

/// A container of `lab` with `PostgreSQL` whose data is in this directory of the host.
fn database(name: &str, place: u8, directory: &str, keys: &str) -> String {
    declared(name, place, &format!("{}{keys}", database_keys(directory)))
}

/// The keys of a container with `PostgreSQL`, but for its credential.
pub(crate) fn database_keys(directory: &str) -> String {
    // The database alone is there before another password counts.
    let healthy = "psql --quiet --dbname=devdb --command='SELECT 1' && \
                   systemctl is-active --quiet database-password.service";
    let keys = [
        "root = { tree = \"/var/lib/machines/debian\" }\n",
        "enable = [\"database.service\", \"database-password.service\"]\n",
        "ports = [{ port = 5432 }]\n",
        &format!(
            "health = {{ command = [\"/bin/sh\", \"-c\", \"{healthy}\"], user = \"postgres\" }}\n"
        ),
        &format!(
            "binds = [{{ host = \"{directory}\", guest = \"/var/lib/postgresql/data\", \
             create = true, data = true, owner = \"postgres\" }}]\n"
        ),
        &file(
            "/etc/systemd/system/database-prepare.service",
            PREPARE_UNIT,
            "0644",
        ),
        &file("/etc/systemd/system/database.service", SERVER, "0644"),
        &file(
            "/etc/systemd/system/database-password.service",
            PASSWORD_UNIT,
            "0644",
        ),
        &file("/opt/postgres-prepare.sh", PREPARE, "0644"),
        &file("/opt/postgres-password.sh", PASSWORD, "0644"),
        &file("/opt/pg_hba.conf", ACCESS, "0644"),
        &file("/opt/watched/psql", WATCHED, "0755"),
        &file("/opt/watched/cat", WATCHED, "0755"),
    ];
    keys.concat()
}

/// Runs a statement as the server's own user.
#[track_caller]
fn sql(host: &Host, guest: &str, statement: &str) -> String {
    host.ok(&format!(
        "ctr lab exec -u postgres {guest} -- psql --no-align --tuples-only -d devdb -c \"{statement}\""
    ))
}

/// A place for data on the host: the lab's own root cannot shift owners.
#[track_caller]
fn with_home(host: &Host) {
    host.ok("mount -t tmpfs -o mode=755 home /home");
}
