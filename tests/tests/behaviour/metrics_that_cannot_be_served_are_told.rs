//! Metrics that cannot be served where they are declared are told in `ctr status` with what to do, and served
//! once the place is free; containers care for none of it.

use ctr_api::wire::MetricsStatus;
use ctr_lab::Host;

use crate::guests::{PATIENCE, host_status, lab, running, sleeper};

const SCRAPE: &str = "curl --silent --fail --max-time 5 http://127.0.0.1:9950/metrics";

fn metrics(host: &Host) -> Option<MetricsStatus> {
    host_status(host).metrics
}

#[test]
fn metrics_that_cannot_be_served_are_told() {
    let containers = lab(&[sleeper("web", 11, "")]);
    let declaration = |place: &str| {
        let top = format!("schema = 1\nmetrics = \"{place}\"\n");
        containers.replacen("schema = 1\n", &top, 1)
    };
    let host = Host::with_ctr(&containers);
    let leaders = running(&host, &["web"]);
    assert_eq!(metrics(&host), None);

    let taken = host.spawn("exec python3 -m http.server --bind 127.0.0.1 9950");
    host.until(
        "curl --silent --max-time 5 http://127.0.0.1:9950/",
        PATIENCE,
    );
    host.write("/etc/ctr/containers.toml", declaration("127.0.0.1:9950"));
    host.ok("ctr apply");
    let problem =
        "problem: no metrics are served at http://127.0.0.1:9950/metrics: another program";
    host.until(&format!("ctr status | grep --quiet '^{problem}'"), PATIENCE);
    host.ok("ctr status | grep --quiet '^hint: stop it .*, or name another `metrics`$'");
    // A group's own table is about that group.
    host.fails("ctr lab status | grep --quiet metrics");
    let told = metrics(&host).expect("they are declared");
    assert_eq!(
        told.problem.as_deref(),
        Some("another program listens there")
    );

    // Another place: what was in the way of the first is no trouble of this one.
    host.write(
        "/etc/ctr/containers.toml",
        declaration("/run/none/ctr.sock"),
    );
    host.ok("ctr apply");
    let hint = "make its directory, or name a place in /run";
    host.until(
        &format!("ctr status | grep --quiet '^hint: {hint}$'"),
        PATIENCE,
    );
    let told = metrics(&host).expect("they are declared");
    assert_eq!(told.address, "/run/none/ctr.sock");

    drop(taken);
    host.until(
        "! curl --silent --max-time 5 http://127.0.0.1:9950/",
        PATIENCE,
    );
    host.write("/etc/ctr/containers.toml", declaration("127.0.0.1:9950"));
    host.ok("ctr apply");
    host.until(SCRAPE, PATIENCE);
    let served = MetricsStatus {
        address: "http://127.0.0.1:9950/metrics".to_owned(),
        ..MetricsStatus::default()
    };
    assert_eq!(metrics(&host), Some(served));
    host.fails("ctr status | grep --quiet metrics");
    assert_eq!(running(&host, &["web"]), leaders);
}
