//! What answers a probe can be anything: it is read within bounds, told, and disturbs nobody else.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{lab, running, sleeper, until, until_that};

/// Time enough for a command on a busy machine.
const PATIENT: &str = "interval = \"2s\", start-interval = \"100ms\", failures = 2";
const QUICK: &str =
    "interval = \"500ms\", timeout = \"400ms\", start-interval = \"100ms\", failures = 2";

/// A server that does with each connection what its first argument says.
const SERVER: &str = r#"
import socket, sys, threading
listener = socket.create_server(("", 8080))
def answer(it, how):
    try:
        if how == "silent":
            it.recv(1 << 16); it.recv(1 << 16)
        elif how == "garbage":
            it.sendall(bytes(range(256)) * 16)
        elif how == "endless":
            it.sendall(b"HTTP/1.1 200 OK\r\nA: ")
            while True: it.sendall(b"x" * 65536)
        elif how == "redirects":
            it.recv(1 << 16)
            it.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://10.77.3.14:8080/\r\n\r\n")
            open("/run/asked", "a").write("x")
        it.close()
    except OSError:
        pass
while True:
    it, _ = listener.accept()
    threading.Thread(target=answer, args=(it, sys.argv[1]), daemon=True).start()
"#;

fn serving(how: &str, place: u8) -> String {
    let text = SERVER
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    let keys = format!(
        "autostart = true\nroot = {{ tree = \"/var/lib/machines/debian\" }}\n\
         command = [\"/usr/bin/python3\", \"/srv/server.py\", \"{how}\"]\n\
         files.\"/srv/server.py\" = {{ text = \"{text}\" }}\n\
         health = {{ http = {{ port = 8080 }}, {QUICK} }}\n"
    );
    crate::guests::declared(how, place, &keys)
}

#[test]
fn a_probe_is_bounded_whatever_answers() {
    let hung = "setsid sleep 7701 & (sleep 7702 & sleep 7703) & echo hanging; sleep 7704";
    let hanging = format!(
        "health = {{ command = [\"sh\", \"-c\", \"if test -e /run/hang; then {hung}; fi\"], {PATIENT} }}\n"
    );
    let well = format!("health = {{ command = [\"true\"], {PATIENT} }}\n");
    let host = Host::with_ctr(&lab(&[
        serving("silent", 11),
        serving("garbage", 12),
        serving("endless", 13),
        serving("redirects", 14),
        sleeper("hangs", 15, &hanging),
        sleeper("well", 16, &well),
    ]));
    for (name, words) in [
        ("silent", "no answer in 400ms"),
        ("garbage", "an answer that is not HTTP"),
        ("endless", "an answer whose head is longer than 16 KiB"),
    ] {
        let bad = until_that(&host, name, |it| {
            it.health.as_ref().and_then(|it| it.last.as_deref()) == Some(words)
        });
        assert_eq!(bad.state, State::Starting, "{bad:#?}");
    }
    // A redirect is an answer, and nobody follows it.
    let redirects = until(&host, "redirects", State::Healthy);
    let found = redirects.health.expect("it is probed").last;
    assert_eq!(found.as_deref(), Some("status 302"));
    running(&host, &["hangs", "well"]);
    host.ok("ctr lab exec hangs -- touch /run/hang");
    let hangs = until(&host, "hangs", State::Unhealthy);
    assert_eq!(hangs.reason.as_deref(), Some("not done in 2s: hanging"));
    // Everything that it started is gone, also what left its session; what is not a probe's stays.
    host.ok("ctr lab exec hangs -- rm /run/hang");
    until(&host, "hangs", State::Healthy);
    host.fails("pgrep --full '^sleep 770'");
    host.ok("pgrep --full '^/usr/bin/sleep infinity'");
    let well = until(&host, "well", State::Healthy);
    assert_eq!(well.restarts, 0, "nobody else feels any of it: {well:#?}");
}
