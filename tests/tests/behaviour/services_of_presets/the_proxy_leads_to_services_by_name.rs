//! Caddy in `dev/proxy` has a site for every service, by the name that guests have for it, also of another group. A
//! service that is away takes only its own site with it, and one that moves to another address is found there, while
//! Caddy runs on.

use ctr_lab::Host;

use super::{file, quoted};
use crate::guests::PATIENCE;

const DECLARATION: &str = "/etc/ctr/containers.toml";

const CADDYFILE: &str = "{
	auto_https off
}

http://ollama.ml {
	reverse_proxy ollama.ml:11434
}

http://jupyter.ml {
	reverse_proxy jupyter.ml:8888
}

http:// {
	respond \"there is no such site: ollama.ml, jupyter.ml\\n\" 404
}
";

const JUPYTER: &str = "
[Unit]
Description=Jupyter
After=network.target

[Service]
DynamicUser=yes
StateDirectory=jupyter
LoadCredential=token
Environment=HOME=/var/lib/jupyter JUPYTER_TOKEN_FILE=%d/token
WorkingDirectory=/var/lib/jupyter
ExecStart=/usr/bin/jupyter-server --ip=0.0.0.0 --port=8888 --no-browser
";

/// Answers with what it was asked for, by which name.
const MODELS: &str = "import http.server
class Models(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'{self.headers[\"Host\"]}{self.path}\\n'.encode())
http.server.ThreadingHTTPServer(('', 11434), Models).serve_forever()
";

#[test]
fn the_proxy_leads_to_services_by_name() {
    let host = Host::with_ctr(&declaration(11));
    host.ok("ctr ml wait ollama jupyter --timeout 60s && ctr dev wait proxy --timeout 60s");
    let tags = get("10.77.4.14:80", "http://ollama.ml/api/tags");
    assert_eq!(host.ok(&tags), "ollama.ml/api/tags\n");
    let token = host.ok("ctr ml secret jupyter token");
    let status = |token: &str| {
        let url = format!("http://jupyter.ml/api/status?token={token}");
        get("10.77.4.14:80", &url)
    };
    assert!(host.ok(&status(&token)).contains("started"));
    let refused = host.fails(&status("wrong"));
    assert!(refused.stderr.contains("403"), "{refused:?}");
    let unknown = host.fails(&get("10.77.4.14:80", "http://vllm.ml/"));
    assert!(unknown.stderr.contains("404"), "{unknown:?}");
    let published = get("192.0.2.2:8000", "http://ollama.ml:8000/api/tags");
    assert_eq!(host.in_lan(&published), "ollama.ml:8000/api/tags\n");

    let caddy = leader(&host);
    host.ok("ctr ml stop ollama");
    let away = host.fails(&tags);
    assert!(away.stderr.contains("502"), "{away:?}");
    host.ok(&status(&token));
    host.write(DECLARATION, declaration(21));
    host.ok("ctr apply && ctr ml start ollama");
    host.until(&tags, PATIENCE);
    assert_eq!(
        host.ok("ctr ml exec ollama -- hostname -I"),
        "10.77.3.21 \n"
    );
    assert_eq!(leader(&host), caddy, "Caddy was not restarted for it");
}

/// Asks this address for a site, as a browser does that takes it for the site's.
fn get(address: &str, url: &str) -> String {
    let (address, port) = address.split_once(':').expect("address:port");
    let site = url.trim_start_matches("http://");
    let site = site.split([':', '/']).next().unwrap_or_default();
    format!(
        "curl --silent --show-error --fail --max-time 5 --resolve {site}:{port}:{address} '{url}'"
    )
}

#[track_caller]
fn leader(host: &Host) -> String {
    host.ok("machinectl show dev-proxy --value --property=Leader")
}

/// Two groups, ollama at this place in its own.
fn declaration(ollama: u8) -> String {
    let tree = "autostart = true\nroot = { tree = \"/var/lib/machines/debian\" }\n";
    let models = quoted(MODELS);
    let jupyter = file("/etc/systemd/system/jupyter.service", JUPYTER, "0644");
    let caddyfile = file("/etc/caddy/Caddyfile", CADDYFILE, "0644");
    format!(
        r#"schema = 1

[groups.ml]
subnet = "10.77.3.0/24"
host-address = "10.77.3.10"

[groups.ml.containers.ollama]
address = "10.77.3.{ollama}"
{tree}command = ["/usr/bin/python3", "-c", {models}]
ports = [{{ port = 11434, url = "http" }}]
health = {{ tcp = 11434 }}

[groups.ml.containers.jupyter]
address = "10.77.3.12"
{tree}enable = ["jupyter.service"]
ports = [{{ port = 8888, url = "http", token = "token" }}]
health = {{ http = {{ port = 8888, path = "/api" }} }}
credentials.token = {{ generate = true }}
{jupyter}
[groups.dev]
subnet = "10.77.4.0/24"
host-address = "10.77.4.10"
reach = ["ml"]

[groups.dev.containers.proxy]
address = "10.77.4.14"
{tree}enable = ["caddy.service"]
ports = [{{ port = 80, url = "http", publish = {{ host-port = 8000 }} }}]
health = {{ tcp = 80 }}
{caddyfile}"#
    )
}
