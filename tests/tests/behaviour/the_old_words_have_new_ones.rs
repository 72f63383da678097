//! Whoever moves from the modules that made containers of NixOS finds every alias and every command of theirs in
//! `docs/how-to/move-from-the-old-modules.md`, and what stands there as the new one works: it is read from the page
//! and run, on a host with the containers of `docs/examples/kernelcore.toml`.

use std::collections::BTreeSet;
use std::time::Duration;

use ctr_lab::{Host, Output};

use crate::gpus;
use crate::guests::PATIENCE;
use crate::services_of_presets::{database_keys, file};

const PAGE: &str = include_str!("../../../docs/how-to/move-from-the-old-modules.md");
const EXAMPLE: &str = include_str!("../../../docs/examples/kernelcore.toml");

/// The lab's own root cannot shift owners, so data is below /home.
const DATA: &str = "/home/var/postgres-dev";

/// It boots as the module's does; the example has one process.
const OLLAMA: &str = "
[Service]
ExecStart=/usr/bin/python3 /opt/ollama.py
";

const ANSWERS: &str = "import http.server
class Ollama(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{\"models\": []}')
    do_POST = do_GET
http.server.ThreadingHTTPServer(('', 11434), Ollama).serve_forever()
";

/// What the card's driver leaves on a NixOS host: a library and the vendor's program.
const DRIVER: &str = "
driver=/opt/driver && mkdir -p $driver/lib /run/hardware/run/current-system/sw/bin
echo >$driver/lib/libcuda.so.570.133.07 && ln -s libcuda.so.570.133.07 $driver/lib/libcuda.so.1
printf '#!/bin/sh\\necho a card\\n' >$driver/nvidia-smi && chmod 755 $driver/nvidia-smi
ln -s $driver/nvidia-smi /run/hardware/run/current-system/sw/bin/nvidia-smi
ln -s $driver /run/hardware/run/opengl-driver
";

#[test]
fn the_page_has_every_alias_of_the_old_modules() {
    let prefixes = [
        "ml-ollama",
        "ml-jupyter",
        "ml-comfyui",
        "ml-vllm",
        "ml-localai",
        "dev-ml",
        "dev-chat",
        "dev-code",
        "dev-proxy",
        "dev-pg",
    ];
    let verbs = ["enter", "status", "start", "stop"];
    let of = |prefix: &&str| verbs.map(|verb| format!("{prefix}-{verb}"));
    let mut expected: BTreeSet<String> = prefixes.iter().flat_map(of).collect();
    for group in ["ml", "dev"] {
        expected.extend(["status", "start", "stop"].map(|verb| format!("{group}-{verb}-all")));
    }
    expected.extend(["ollama-list", "dev-pg-psql"].map(str::to_owned));
    let aliases: BTreeSet<String> = rows("Alias").map(|(old, _)| spans(old).concat()).collect();
    assert_eq!(aliases, expected);
}

#[test]
fn the_old_words_have_new_ones() {
    let host = host();
    host.ok("mkdir -p result/etc/ctr && cp /etc/ctr/containers.toml result/etc/ctr/");
    // What the guide pinged on the internet is on the LAN's side here.
    host.in_lan("ip address add 8.8.8.8/32 dev lo");
    let aliases = host.ok("ctr aliases --shell bash");
    for (old, new) in rows("Alias") {
        let line = format!("alias {}='{}'\n", spans(old).concat(), spans(new).concat());
        assert!(aliases.contains(&line), "{line}");
    }
    let mut count = 0;
    for command in rows("Alias")
        .chain(rows("Old"))
        .flat_map(|(_, new)| spans(new))
    {
        count += 1;
        if command.ends_with(" -f") || command.ends_with(" --watch") {
            shows(&host, command);
        } else {
            works(&host, command);
        }
    }
    assert!(count > 80, "{count}");
    // And some of what they have to say.
    for (command, said) in [
        ("ctr ml url ollama", "http://192.168.200.11:11434/"),
        ("ctr ml url jupyter", "http://192.168.200.12:8888/?token="),
        ("ctr ml exec ollama -- /usr/bin/nvidia-smi", "a card"),
        (
            "ctr ml exec ollama -- sh -c 'ls -la /dev/nvidia*'",
            "/dev/nvidia-uvm",
        ),
        (
            "ctr ml exec ollama -- ip route show",
            "default via 192.168.200.10",
        ),
        ("nft list table inet ctr", "masquerade"),
        ("ctr gpu", "ml/ollama"),
    ] {
        assert!(PAGE.contains(&format!("`{command}`")), "{command}");
        let output = host.ok(command);
        assert!(output.contains(said), "{command}: {output}");
    }
}

#[test]
fn the_data_of_the_old_containers_comes_along() {
    let host = host();
    host.ok("useradd --create-home kernelcore && mkdir -p /home/kernelcore/dev/notebooks /var/lib/ollama/models");
    host.ok("touch /home/kernelcore/dev/notebooks/roots /var/lib/ollama/models/blob");
    // ctrd has made the directory that the block removes: the block comes before the first switch.
    host.ok("mkdir /var/lib/postgres-dev");
    works(&host, block("owners"));
    host.fails("test -e /var/lib/postgres-dev");
    let owners = "stat -c %u /home/kernelcore/dev/notebooks/roots /var/lib/ollama/models/blob";
    let kernelcore = host.ok("id -u kernelcore");
    assert_eq!(host.ok(owners), format!("{kernelcore}2147354577\n"));

    let sql = |statement: &str| {
        host.ok(&format!(
            "ctr dev exec -u postgres postgres -- psql -At -d devdb -c '{statement}'"
        ))
    };
    sql("CREATE TABLE old AS SELECT 7 AS number");
    sql("ALTER TABLE old OWNER TO devuser");
    host.ok("ctr dev exec -u postgres postgres -- pg_dump devdb >/root/devdb.sql");
    let old = "/var/lib/nixos-containers/dev-postgres/var/lib/postgresql";
    host.ok(&format!("ctr dev stop postgres && mkdir -p {old} && cp -a {DATA} {old}/16 && chown -R 71:71 {old}/16"));
    works(&host, "ctr dev start postgres");
    sql("DROP TABLE old");
    works(&host, block("restore"));
    assert_eq!(sql("SELECT number FROM old"), "7\n");

    sql("DROP TABLE old");
    // The number of NixOS; Debian's server has another.
    let number = format!("2147352576 + {}", host.ok("id -u postgres").trim());
    let files = block("files").replace("/var/lib/postgres-dev", DATA);
    works(&host, &files.replace("2147352576 + 71", &number));
    works(&host, "ctr dev wait postgres --for healthy");
    assert_eq!(sql("SELECT number FROM old"), "7\n");

    host.ok("mkdir -p /var/lib/nixos-containers/dev-ml/root && echo m >/var/lib/nixos-containers/dev-ml/root/.note");
    works(&host, block("copy"));
    assert_eq!(host.ok("ctr dev exec ml -- cat /root/.note"), "m\n");
}

/// A laptop with a card that runs the example, with a database as the module has it.
#[track_caller]
fn host() -> Host {
    let (ml, rest) = EXAMPLE
        .split_once("[groups.ml.containers.ollama]")
        .expect("ollama");
    let (_, rest) = rest
        .split_once("[groups.ml.containers.jupyter]")
        .expect("jupyter");
    let (rest, _) = rest
        .split_once("[groups.dev.containers.postgres]")
        .expect("postgres");
    let ollama = [
        "address = \"192.168.200.11\"\nautostart = true\nenable = [\"ollama.service\"]\n",
        "root = { tree = \"/var/lib/machines/debian\" }\ngpu = { vendor = \"nvidia\" }\n",
        "ports = [{ port = 11434, url = \"http\" }]\n",
        "health = { http = { port = 11434, path = \"/api/tags\" } }\n",
        "actions.list = { command = [\"/usr/bin/curl\", \"-s\", \"http://127.0.0.1:11434/api/tags\"] }\n",
        &file("/etc/systemd/system/ollama.service", OLLAMA, "0644"),
        &file("/opt/ollama.py", ANSWERS, "0644"),
    ];
    let postgres = [
        "address = \"192.168.210.15\"\nautostart = true\naliases = [\"pg\"]\n",
        "actions.psql = { command = [\"/usr/bin/psql\"], user = \"postgres\", terminal = true }\n",
        "credentials.password = { generate = true }\n",
        &database_keys(DATA),
    ];
    let declaration = format!(
        "{ml}[groups.ml.containers.ollama]\n{}\n[groups.ml.containers.jupyter]{rest}[groups.dev.containers.postgres]\n{}",
        ollama.concat(),
        postgres.concat()
    );
    let host = gpus::machine("nvidia-laptop", &declaration);
    host.ok(DRIVER);
    host.ok("mount -t tmpfs -o mode=755 home /home");
    works(&host, "ctr ml restart ollama");
    works(&host, "ctr start-all");
    host
}

/// The rows of the page's tables whose last column is `New` and whose first one is this: its text, and the last one's.
fn rows(first: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut inside = false;
    let heading = format!("| {first} |");
    PAGE.lines().filter_map(move |line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").collect();
        if line.starts_with(&heading) && line.ends_with(" New |") {
            inside = true;
            return None;
        }
        inside &= line.starts_with('|');
        let is_row = inside && !line.starts_with("|---");
        is_row.then(|| (cells[0], cells[cells.len() - 1]))
    })
}

/// What stands between backticks.
fn spans(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The block of commands that the page marks with this word.
#[track_caller]
fn block(word: &str) -> &'static str {
    let (_, after) = PAGE
        .split_once(&format!("<!-- tried: {word} -->\n```sh\n"))
        .expect("a block");
    after.split_once("```").expect("its end").0
}

/// Runs what takes its time: ten containers start, on a busy machine.
#[track_caller]
fn long(host: &Host, command: &str) -> Output {
    let running = host.bash(command).timeout(Duration::from_secs(240));
    running.output().expect("it ends")
}

/// What goes on until it is interrupted, on a terminal as a person has it.
#[track_caller]
fn shows(host: &Host, command: &str) {
    let mut terminal = host.terminal(command);
    terminal.expect("ollama", PATIENCE).expect(command);
    terminal.send("\x03").expect("a key");
    terminal.wait(PATIENCE).expect("it ends");
}

#[track_caller]
fn works(host: &Host, command: &str) {
    let output = long(host, &format!("set -e\n{command}"));
    assert!(output.success(), "{command}: {output:#?}");
}
