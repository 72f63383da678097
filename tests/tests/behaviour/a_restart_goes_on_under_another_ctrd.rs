//! A restart that ctrd is killed in the middle of is finished by the next one, whatever is declared of a guest
//! that ends by itself: this one did not.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::a_slow_stop_holds_nobody_up::held;
use crate::guests::{PATIENCE, lab, running, until, until_that};

#[test]
fn a_restart_goes_on_under_another_ctrd() {
    let never = "restart = { policy = \"never\" }\n";
    let host = Host::with_ctr(&lab(&[held("clean", 11, ""), held("never", 12, never)]));
    let names = ["clean", "never"];
    let before = running(&host, &names);
    host.ok("ctr lab restart-all --no-wait");
    for name in names {
        host.until(
            &format!("systemctl is-active ctr-lab-{name}.service | grep -q deactivating"),
            PATIENCE,
        );
    }
    // One has ended when the next ctrd comes, and badly; the other has not.
    host.ok("systemctl stop ctrd && systemctl kill --signal=KILL ctr-lab-never.service");
    host.until(
        "systemctl is-active ctr-lab-never.service | grep -q failed",
        PATIENCE,
    );
    host.ok("systemctl start ctrd");
    host.ok("touch /run/hold/go");
    for (name, before) in names.iter().zip(before) {
        let now = until_that(&host, name, |it| {
            it.state.is_ready() && it.leader.is_some_and(|leader| leader != before)
        });
        assert_eq!(now.restarts, 0, "nobody's failure: {now:#?}");
    }

    // The control: the same ends, and nobody asked for them.
    host.ok("systemctl stop ctrd && systemctl kill --signal=KILL ctr-lab-never.service");
    host.ok("systemctl start ctrd");
    until(&host, "never", State::Failed);
}
