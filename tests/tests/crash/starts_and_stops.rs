//! What people ask of one container.

use crate::guests::{BOOTS, EVERYTHING, booted, bystander, declaration, group, sleeper, slow};
use crate::scenario::Scenario;

const START: &str = "ctr lab start web";
const STOP: &str = "ctr lab stop web";
const RESTART: &str = "ctr lab restart web";
/// It has run before: what a start leaves of the network and the state is there.
const STOPPED: &str = "ctr lab start web && ctr lab stop web";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let lab = |web: String| declaration(&[group("lab", 3, &[bystander(), web])]);
    let by_itself = lab(sleeper("web", 11, EVERYTHING));
    let by_hand = lab(sleeper("web", 11, &by_hand(EVERYTHING)));
    let ephemeral = lab(sleeper("web", 11, "ephemeral = true"));
    let boots = lab(booted("web", 11, ""));
    let slow = lab(slow("web", 11));
    vec![
        Scenario::asked("start by hand", &by_hand, STOPPED, START),
        Scenario::asked("stop of one started by hand", &by_hand, START, STOP),
        Scenario::asked("restart of one started by hand", &by_hand, START, RESTART),
        Scenario::asked("stop", &by_itself, START, STOP),
        Scenario::asked("restart", &by_itself, START, RESTART),
        Scenario::asked("start of an ephemeral one", &ephemeral, STOPPED, START),
        Scenario::asked("stop of an ephemeral one", &ephemeral, START, STOP),
        Scenario {
            again: Some(STOP.to_owned()),
            on_its_way: true,
            ..Scenario::asked(
                "stop of one that is not ready",
                &slow,
                STOP,
                "ctr lab start web --no-wait
for _ in {1..100}; do
  [ \"$(systemctl show --value -p ActiveState ctr-lab-web)\" = activating ] && break; sleep 0.02
done
ctr lab stop web",
            )
        }
        .shallow(BOOTS),
        Scenario::asked("start of one that boots", &boots, STOPPED, START).shallow(BOOTS),
        Scenario::asked("restart of one that boots", &boots, START, RESTART).shallow(BOOTS),
    ]
}

/// The same, but for who starts it.
pub(crate) fn by_hand(keys: &str) -> String {
    keys.replace("autostart = true\n", "")
}
