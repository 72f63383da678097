//! What is mounted below a bind is seen in the guest; where its owners cannot be shifted, the bind is
//! refused by its name.

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
    let tmpfs = "mount -t tmpfs -o uid=1000,gid=1000 it";
    host.ok(&format!("mkdir /srv/above && {tmpfs} /srv/above"));
    host.ok("mkdir /srv/above/below && mount -t proc proc /srv/above/below");
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
        reason.contains("/srv/above has /srv/above/below mounted below it"),
        "{reason}"
    );
    assert!(hint.contains("unmount /srv/above/below"), "{hint}");

    host.ok(&format!(
        "umount /srv/above/below && {tmpfs} /srv/above/below"
    ));
    until(&host, "bound", State::Running);
    host.ok("ctr lab exec bound -- touch /srv/data/here /srv/data/below/there");
    let owners = host.ok("stat -c %u /srv/above/here /srv/above/below/there");
    assert_eq!(owners, "1000\n1000\n");
}
