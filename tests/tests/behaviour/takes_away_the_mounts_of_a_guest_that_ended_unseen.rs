//! What was mounted for a guest that ended while ctrd did not run, and that nothing declares any more,
//! is taken away by the next ctrd.

use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, running, sleeper};

#[test]
fn takes_away_the_mounts_of_a_guest_that_ended_unseen() {
    let bind = "binds = [{ host = \"/home/data\", guest = \"/srv/a\", create = true }]\n";
    let kept = sleeper("kept", 12, "");
    let host = Host::with_ctr(&lab(std::slice::from_ref(&kept)));
    host.ok("mount -t tmpfs -o mode=755 home /home");
    let both = lab(&[sleeper("gone", 11, bind), kept.clone()]);
    host.write("/etc/ctr/containers.toml", both.into_bytes());
    host.ok("ctr apply");
    let leader = running(&host, &["gone", "kept"])[1];
    host.ok("ctr lab exec gone -- touch /srv/a/file");
    host.ok("systemctl stop ctrd ctr-lab-gone.service");
    let mounts = "findmnt --raw --noheadings --output TARGET | grep /run/ctr";
    assert!(host.ok(mounts).contains("/run/ctr/binds/lab-gone/0"));

    host.write("/etc/ctr/containers.toml", lab(&[kept]).into_bytes());
    host.ok("systemctl start ctrd");
    host.until("! ls -d /run/ctr/*/lab-gone | grep -v guest", PATIENCE);
    assert_eq!(host.ok(mounts), "/run/ctr/root/lab-kept\n");
    assert_eq!(running(&host, &["kept"]), [leader]);
    host.ok("test -e /home/data/file");
}
