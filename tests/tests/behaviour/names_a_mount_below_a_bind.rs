//! A bind that nspawn could not make says why, and what to do instead.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{lab, running, sleeper, until};

#[test]
fn names_a_mount_below_a_bind() {
    let bind = "binds = [{ host = \"/srv/above\", guest = \"/srv/data\" }]\n\
                restart = { delay = \"200ms\", max-delay = \"1s\" }\n";
    let good = sleeper("good", 11, "");
    let host = Host::with_ctr(&lab(std::slice::from_ref(&good)));
    running(&host, &["good"]);
    host.ok("mkdir /srv/above && mount -t tmpfs above /srv/above");
    host.ok("mkdir /srv/above/below && mount -t tmpfs below /srv/above/below");
    host.write(
        "/etc/ctr/containers.toml",
        lab(&[good, sleeper("bound", 12, bind)]).as_bytes(),
    );
    let output = host.fails("ctr apply");
    assert_eq!(output.status, 1, "{output:#?}");
    let failed = until(&host, "bound", State::Failed);
    let (reason, hint) = (
        failed.reason.unwrap_or_default(),
        failed.hint.unwrap_or_default(),
    );
    assert!(
        reason.contains("/srv/above/below mounted below it"),
        "{reason}"
    );
    assert!(hint.contains("bind /srv/above/below by itself"), "{hint}");
    host.ok("umount /srv/above/below");
    until(&host, "bound", State::Running);
}
