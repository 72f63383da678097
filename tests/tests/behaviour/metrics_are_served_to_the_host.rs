//! Prometheus reads of ctrd what is declared, where the declaration says: on a socket or the loopback,
//! under names that promtool accepts. Nobody keeps it from others, and nobody beyond the host reads it.

use ctr_lab::{Host, check_metrics};

use crate::guests::{PATIENCE, lab, property, running, sleeper};

const SOCKET: &str = "/run/ctr-metrics.sock";

fn declaration(metrics: &str) -> String {
    let web = sleeper("web", 11, "limits = { tasks-max = 500 }\n");
    let off = sleeper("off", 12, "");
    let containers = lab(&[web, off]);
    containers.replacen("schema = 1\n", &format!("schema = 1\n{metrics}\n"), 1)
}

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    value.trim().parse().expect("a number")
}

#[test]
fn metrics_are_served_to_the_host() {
    let host = Host::with_ctr(&declaration(""));
    running(&host, &["web"]);
    host.ok("ctr lab stop off");
    host.fails(&format!("test -e {SOCKET}"));

    let apply = |metrics: &str| {
        host.write("/etc/ctr/containers.toml", declaration(metrics));
        host.ok("ctr plan | grep --quiet 'serve .*metrics'");
        host.ok("ctr apply");
    };
    apply(&format!("metrics = \"{SOCKET}\""));
    let scrape =
        format!("curl --silent --fail --max-time 5 --unix-socket {SOCKET} http://ctr/metrics");
    host.until(&scrape, PATIENCE);
    // Who may see the status may see this.
    host.ok(&format!("setpriv --reuid=65534 --clear-groups {scrape}"));
    says_what_is_so(&host, &scrape);
    nobody_keeps_it_from_others(&host, &scrape);

    // A ctrd that is killed leaves its socket, and the next one serves there.
    host.ok("systemctl kill --signal=KILL ctrd");
    host.until(
        &format!("{scrape} | grep '^ctr_container_state.*\"web\".*running\"}} 1'"),
        PATIENCE,
    );

    apply("metrics = \"127.0.0.1:9950\"");
    host.until(
        "curl --silent --fail --max-time 5 http://127.0.0.1:9950/metrics",
        PATIENCE,
    );
    host.until(&format!("! test -e {SOCKET}"), PATIENCE);
    host.ok("curl --silent --max-time 5 http://127.0.0.1:9950/ | grep /metrics");
    // The LAN reaches what listens on all addresses, and not this.
    let _open = host.spawn("python3 -m http.server 9951");
    host.until(
        "curl --silent --max-time 5 http://127.0.0.1:9951/",
        PATIENCE,
    );
    host.in_lan(
        "curl --silent --fail --retry 5 --retry-connrefused --max-time 5 http://192.0.2.2:9951/",
    );
    host.in_lan("! curl --silent --fail --max-time 3 http://192.0.2.2:9950/metrics");

    apply("");
    host.until(
        "! curl --silent --fail --max-time 5 http://127.0.0.1:9950/metrics",
        PATIENCE,
    );
}

fn says_what_is_so(host: &Host, scrape: &str) {
    let text = host.ok(scrape);
    assert_eq!(check_metrics(&text), "", "{text}");
    assert_ne!(
        check_metrics("# TYPE ctr_wrong counter\nctr_wrong 1\n"),
        "",
        "the control"
    );
    let of = |name: &str, container: &str, more: &str| {
        let labels = format!("{{container=\"{container}\",group=\"lab\"{more}}}");
        value(&text, &format!("ctr_container_{name}{labels}"))
    };
    for (container, state, is) in [
        ("web", "running", 1.0),
        ("web", "stopped", 0.0),
        ("off", "stopped", 1.0),
        ("off", "running", 0.0),
    ] {
        let label = format!(",state=\"{state}\"");
        assert!(
            (of("state", container, &label) - is).abs() < 0.1,
            "{container} {state}"
        );
    }
    assert!((of("tasks_max", "web", "") - 500.0).abs() < 0.1);
    let took = of("start_duration_seconds", "web", "");
    assert!(took > 0.0 && took < 600.0, "{took}");
    host.ok("ctr lab status web | grep --quiet '^  start took [0-9]'");
    host.fails("ctr lab status off | grep --quiet 'start took'");
    assert!(
        !text.contains("start_time_seconds{container=\"off\""),
        "{text}"
    );
    // Directions are the guest's.
    let counted = |name: &str| {
        let text = host.ok(scrape);
        let name =
            format!("ctr_container_network_{name}_bytes_total{{container=\"web\",group=\"lab\"}}");
        value(&text, &name)
    };
    let (received, transmitted) = (counted("receive"), counted("transmit"));
    host.ok(
        "ctr lab exec web -- /usr/bin/python3 -c 'import socket; \
         socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b\"x\" * 1000, (\"198.51.100.1\", 9))'",
    );
    host.until(
        &format!(
            "{scrape} | awk '/network_transmit.*\"web\"/ {{ exit $2 < {} }}'",
            transmitted + 1000.0
        ),
        PATIENCE,
    );
    assert!(counted("receive") < received + 1000.0);
}

/// Connections that say nothing, or without end, or read no answer, are let go of when somebody else comes.
fn nobody_keeps_it_from_others(host: &Host, scrape: &str) {
    let rude = format!(
        "import socket, time\n\
         held = []\n\
         for _ in range(40):\n    \
             one = socket.socket(socket.AF_UNIX)\n    \
             one.connect({SOCKET:?})\n    \
             one.send(b'GET /metrics HTTP/1.1\\r\\n')\n    \
             held.append(one)\n\
         for _ in range(40):\n    \
             one = socket.socket(socket.AF_UNIX)\n    \
             one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)\n    \
             one.connect({SOCKET:?})\n    \
             one.send(b'GET /metrics HTTP/1.1\\r\\nHost: ctr\\r\\n\\r\\n' * 9)\n    \
             held.append(one)\n\
         endless = socket.socket(socket.AF_UNIX)\n\
         endless.connect({SOCKET:?})\n\
         try:\n    \
             while True: endless.send(b'X-Header: ' + b'x' * 4096 + b'\\r\\n')\n\
         except OSError: print('let go', flush=True)\n\
         time.sleep(600)\n"
    );
    host.write("/root/rude.py", rude);
    let pid = property(host, "ctrd", "MainPID");
    let open = format!("ls /proc/{pid}/fd | wc -l");
    let before: u32 = host.ok(&open).trim().parse().expect("a number");
    let _rude = host.spawn("python3 /root/rude.py > /root/rude.out");
    host.until("grep --quiet 'let go' /root/rude.out", PATIENCE);
    host.ok(scrape);
    // Of the 81 that hold on, ctrd keeps a few.
    let few = before + 16;
    host.until(&format!("test $({open}) -le {few}"), PATIENCE);
}
