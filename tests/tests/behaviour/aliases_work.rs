//! `eval "$(ctr aliases)"` gives a shell the short words for every container, and they work.

use ctr_lab::Host;

const DECLARATION: &str = r#"schema = 1

[groups.ml]
subnet = "10.77.3.0/24"
host-address = "10.77.3.10"

[groups.ml.containers.ollama]
address = "10.77.3.11"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/sleep", "infinity"]
actions.list = { command = ["/usr/bin/echo", "it's", "a model"] }

[groups.dev]
subnet = "10.77.4.0/24"
host-address = "10.77.4.10"

[groups.dev.containers.postgres]
aliases = ["pg"]
address = "10.77.4.11"
autostart = true
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/sleep", "infinity"]
actions.psql = { command = ["/usr/bin/echo"] }

[groups.dev.containers.dev-ml]
aliases = ["ml"]
address = "10.77.4.12"
root = { tree = "/var/lib/machines/debian" }
command = ["/usr/bin/sleep", "infinity"]
"#;

#[test]
fn aliases_work() {
    let host = Host::with_ctr(DECLARATION);
    host.ok("ctr ml wait ollama --timeout 40s && ctr dev wait postgres --timeout 40s");
    // As an interactive shell does; each line is read after the one before has run.
    let typed = |line: &str| {
        format!(
            "printf '%s\\n' 'shopt -s expand_aliases' 'eval \"$(ctr aliases --shell bash)\"' '{line}' | bash"
        )
    };
    let shows = |line: &str, part: &str| {
        let output = host.ok(&typed(line));
        assert!(output.contains(part), "{line}: {output}");
    };
    shows("ml-ollama-status", "running");
    shows("ml-status-all", "ollama");
    shows("dev-pg-status", "running");
    shows("dev-postgres-status --json", "\"name\": \"postgres\"");
    shows("ollama-list more", "it's a model more");
    shows("ml-ollama-list", "it's a model");
    shows("dev-pg-psql one two", "one two");
    shows("echo id -u | dev-pg-enter", "0");
    host.ok(&typed("ml-ollama-stop && dev-ml-start && dev-ml-stop"));
    host.fails("systemctl is-active ctr-ml-ollama");
    host.ok(&typed("ml-ollama-start"));
    host.ok("systemctl is-active ctr-ml-ollama");
    host.ok(&typed("dev-stop-all && ml-stop-all && ml-start-all"));
    host.fails("systemctl is-active ctr-dev-postgres");
}
