//! What the demo asks the ten containers: one real request for every port they declare.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use ctr_lab::Host;

/// A real request to one container.
#[derive(Debug)]
pub(crate) struct Request {
    /// Whom it asks.
    pub(crate) container: &'static str,
    /// What a reader sees that was asked.
    pub(crate) asked: &'static str,
    command: &'static [&'static str],
    /// Part of every right answer.
    expected: &'static str,
}

const CURL: [&str; 6] = [
    "curl",
    "--silent",
    "--show-error",
    "--fail",
    "--max-time",
    "3",
];

macro_rules! get {
    ($container:literal, $url:literal, $expected:literal) => {
        Request {
            container: $container,
            asked: concat!("GET ", $url),
            command: &["--insecure", $url],
            expected: $expected,
        }
    };
}

/// Every declared port of `docs/examples/kernelcore.toml`.
pub(crate) const REQUESTS: [Request; 11] = [
    get!(
        "ml/ollama",
        "http://192.168.200.11:11434/",
        "stand-in for Ollama"
    ),
    get!("ml/jupyter", "http://192.168.200.12:8888/api", "version"),
    get!(
        "ml/comfyui",
        "http://192.168.200.13:8188/",
        "stand-in for ComfyUI"
    ),
    get!(
        "ml/vllm",
        "http://192.168.200.14:8000/",
        "stand-in for vLLM"
    ),
    get!(
        "ml/localai",
        "http://192.168.200.15:8080/",
        "stand-in for LocalAI"
    ),
    get!("dev/dev-ml", "http://192.168.210.11:8889/api", "version"),
    get!(
        "dev/chat-ui",
        "http://192.168.210.12:3000/",
        "stand-in for Chat UI"
    ),
    get!(
        "dev/code-server",
        "http://192.168.210.13:8443/",
        "stand-in for code-server"
    ),
    get!(
        "dev/proxy",
        "http://192.168.210.14/",
        "Caddy in the container proxy"
    ),
    get!("dev/proxy", "https://192.168.210.14/", "over TLS"),
    Request {
        container: "dev/postgres",
        asked: "select version() at 192.168.210.15:5432",
        command: &[
            "psql",
            "--no-align",
            "--tuples-only",
            "--command=select version()",
            "postgresql://postgres@192.168.210.15:5432/postgres?connect_timeout=3",
        ],
        expected: "PostgreSQL 17",
    },
];

/// A server that answers only whoever has its token.
#[derive(Debug)]
pub(crate) struct Guarded {
    group: &'static str,
    name: &'static str,
    /// A path that wants the token.
    path: &'static str,
}

/// The servers of `docs/examples/kernelcore.toml` that have one.
pub(crate) const GUARDED: [Guarded; 2] = [
    Guarded {
        group: "ml",
        name: "jupyter",
        path: "api/contents",
    },
    Guarded {
        group: "dev",
        name: "dev-ml",
        path: "api/contents",
    },
];

/// The address is an argument of no program: others could read it there.
const ASK_GUARDED: &str = r#"set -e
url=$(ctr "$1" url "$2")
ask() {
    printf 'url = "%s"\n' "$1" |
        curl --config - --silent --max-time 10 --output /dev/null --write-out '%{http_code}'
}
address=${url%%\?*}$3
echo "GET $address -> $(ask "$address") without its token," \
    "$(ask "$address?${url#*\?}") with the address of \`ctr $1 url $2\`"
"#;

impl Guarded {
    /// Asks without the token, which must be refused, and with the address that `ctr … url` prints,
    /// which must be answered. Returns what came of it in one line.
    pub(crate) fn answer(&self, host: &Host) -> Result<String> {
        let Self { group, name, path } = self;
        let words = ["bash", "-c", ASK_GUARDED, "bash", group, name, path];
        let output = host
            .command(words)
            .timeout(Duration::from_secs(30))
            .output()?;
        let said = output
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if !said.contains("-> 403 without") || !said.contains(", 200 with") {
            bail!(
                "{group}/{name} should refuse a request without its token and answer one with it: \
                 {said}{}",
                output.stderr.trim()
            );
        }
        Ok(said)
    }
}

impl Request {
    /// Sends it from the host until it is answered, and returns the answer in one line.
    pub(crate) fn answer(&self, host: &Host, deadline: Instant) -> Result<String> {
        let is_http = self.asked.starts_with("GET ");
        let words = if is_http { &CURL[..] } else { &[] };
        let command = host
            .command(words.iter().chain(self.command).copied())
            .timeout(Duration::from_secs(10));
        loop {
            let output = command.output()?;
            if output.success() && output.stdout.contains(self.expected) {
                return Ok(output
                    .stdout
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "));
            }
            if Instant::now() >= deadline {
                bail!(
                    "{} did not answer `{}` with {:?}: {}{}",
                    self.container,
                    self.asked,
                    self.expected,
                    output.stdout,
                    output.stderr.trim()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}
