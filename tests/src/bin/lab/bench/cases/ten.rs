//! Ten guests that boot: all at once by ctr, and as a shell's loop over machinectl does it; and the very units that
//! ctrd makes, started by systemd alone.

use crate::bench::OURS;
use crate::bench::goal::{MACHINECTL_LOOP, START_TEN, STOP_TEN};
use crate::bench::peers::{nspawn_files, trees};
use crate::bench::plan::{Contender, Step, Until};
use crate::bench::scene::{Kind, Scene, Work, containers};

const UNITS_ALONE: &str = "the units of ctr, by systemd alone";

/// What ctrd asked of systemd, word by word, with the roots and the networks that it made, while it is away.
const TAKE_UNITS: &str = "ctr g0 start-all
systemctl stop ctrd
cd /run/systemd/transient
for unit in ctr-g0-c*.service; do cp $unit /run/systemd/system/bare-${unit#ctr-}; done
systemctl stop 'ctr-g0-c*'
systemctl daemon-reload";

const GIVE_BACK: &str = "rm -f /run/systemd/system/bare-*
systemctl daemon-reload
systemctl start ctrd
ctr g0 stop-all";

/// Ten of them.
pub(crate) fn scene() -> Scene {
    let ours = Contender {
        who: OURS,
        steps: vec![
            Step::time(START_TEN, "ctr g0 start-all", Until::End),
            Step::time(STOP_TEN, "ctr g0 stop-all", Until::End),
        ],
        ..Contender::default()
    };
    Scene {
        declaration: containers(10, Kind::Boots),
        works: [START_TEN, STOP_TEN].map(Work::seconds).into(),
        contenders: vec![ours, one_after_another(), units_alone()],
        ..Scene::default()
    }
}

/// `machinectl list` names what runs; what may be started stands in a list, as it did in the script that this was.
fn one_after_another() -> Contender {
    let names: Vec<String> = (0..10).map(|number| format!("m{number}")).collect();
    let start = "printf '%s\\n' m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 | xargs -n 1 machinectl start";
    let stop = "machinectl list --no-legend | grep -o '^m[0-9]' | xargs -I NAME systemctl stop systemd-nspawn@NAME";
    Contender {
        who: MACHINECTL_LOOP,
        prepare: trees(&names) + &nspawn_files(&names),
        steps: vec![
            Step::time_bash(START_TEN, start, Until::End),
            Step::time_bash(STOP_TEN, stop, Until::End),
        ],
        finish: "systemctl stop 'systemd-nspawn@*'".to_owned(),
    }
}

fn units_alone() -> Contender {
    let all = "bare-g0-c0 bare-g0-c1 bare-g0-c2 bare-g0-c3 bare-g0-c4 \
               bare-g0-c5 bare-g0-c6 bare-g0-c7 bare-g0-c8 bare-g0-c9";
    Contender {
        who: UNITS_ALONE,
        steps: vec![
            Step::quietly(TAKE_UNITS),
            Step::time(START_TEN, &format!("systemctl start {all}"), Until::End),
            Step::time(STOP_TEN, &format!("systemctl stop {all}"), Until::End),
            Step::quietly(GIVE_BACK),
        ],
        finish: GIVE_BACK.to_owned(),
        ..Contender::default()
    }
}
