//! Caddy in `dev/proxy` has a site for every service, by its name and its group's, and a page that lists them. A
//! service that is away takes only its own site with it, and one that moves to another address is found there, while
//! Caddy runs on.

use ctr_lab::Host;

use super::{file, quoted};
use crate::guests::PATIENCE;

const DECLARATION: &str = "/etc/ctr/containers.toml";

/// What the preset `proxy` writes for these two services, with the global options that it sets.
const CADDYFILE: &str = include_str!("Caddyfile");

const ROOT: &str = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt";

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
    let tags = get(PROXY, "http://ollama.ml.internal/api/tags");
    assert_eq!(host.ok(&tags), "ollama.ml.internal/api/tags\n");
    let token = host.ok("ctr ml secret jupyter token");
    let status = |token: &str| {
        let url = format!("http://jupyter.ml.internal/api/status?token={token}");
        get(PROXY, &url)
    };
    assert!(host.ok(&status(&token)).contains("started"));
    let refused = host.fails(&status("wrong"));
    assert!(refused.stderr.contains("403"), "{refused:?}");

    // Whoever trusts Caddy's own authority has the same by HTTPS.
    host.ok(&format!("ctr dev exec proxy -- cat {ROOT} >/root/root.crt"));
    let over_tls = get(PROXY, "https://ollama.ml.localhost/over-tls");
    let trusted = host.ok(&format!("{over_tls} --cacert /root/root.crt"));
    assert_eq!(trusted, "ollama.ml.localhost/over-tls\n");
    host.fails(&over_tls);

    // Any other name shows which there are, with links to the port that the page was asked for at. Without a number
    // behind the colon it is the scheme's own.
    let page = host.ok(&get(PROXY, "http://anything/"));
    let link = "<a href=\"http://ollama.ml.internal:/\">ollama.ml.internal</a> Models, as &lt;name&gt;:tag</li>";
    assert!(page.contains(link), "{page}");
    let published = get("192.0.2.2", "http://anything:8000/");
    assert!(
        host.in_lan(&published)
            .contains("http://jupyter.ml.internal:8000/")
    );
    let published = get("192.0.2.2", "http://ollama.ml.internal:8000/api/tags");
    assert_eq!(
        host.in_lan(&published),
        "ollama.ml.internal:8000/api/tags\n"
    );

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

/// The proxy by HTTP and by HTTPS: curl takes the port of the URL.
const PROXY: &str = "10.77.4.14";

/// Asks this address for a site, as a browser does that takes it for the site's.
fn get(address: &str, url: &str) -> String {
    let site = url.split('/').nth(2).unwrap_or_default();
    let name = site.split(':').next().unwrap_or_default();
    let resolve = ["80", "443", "8000"].map(|port| format!("--resolve {name}:{port}:{address}"));
    let resolve = resolve.join(" ");
    format!("curl --silent --show-error --fail --max-time 5 {resolve} '{url}'")
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
reach = ["ml/ollama", "ml/jupyter"]

[groups.dev.containers.proxy]
address = "10.77.4.14"
{tree}enable = ["caddy.service"]
ports = [{{ port = 80, url = "http", publish = {{ host-port = 8000 }} }}, {{ port = 443, url = "https" }}]
health = {{ http = {{ port = 80 }} }}
{caddyfile}"#
    )
}
