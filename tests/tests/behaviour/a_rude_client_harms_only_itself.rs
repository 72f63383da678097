//! Whatever a client of the bus does, ctrd answers others, disturbs no guest, and has its memory and its
//! descriptors back afterwards.

use ctr_lab::Host;

use crate::guests::{PATIENCE, lab, running, sleeper};
use crate::people::{NOBODY, OPERATOR, inhabited};

/// What ctrd may take at its worst moment, in KiB: several times the largest message of the test, which
/// is read before its length is known to be too much.
const MEMORY: u64 = 128 * 1024;

#[test]
fn a_stranger_harms_only_themselves() {
    let ctrd = Ctrd::boot();
    for (way, told) in [
        ("flood", "LimitsExceeded"),
        ("unread", "sent=1000"),
        ("unanswered", "answered=1"),
        ("huge", "LimitsExceeded=6"),
        ("deaf", "deaf=20"),
        ("journals", "NotAuthorised=12"),
        ("sessions", "NotAuthorised=20"),
    ] {
        ctrd.bears(NOBODY, way, told);
    }
}

#[test]
fn an_operator_has_bounds_too() {
    let ctrd = Ctrd::boot();
    for (way, told) in [
        ("flood", "LimitsExceeded"),
        ("huge", "LimitsExceeded=6"),
        ("journals", "LimitsExceeded=4 answered=8"),
        ("journals_closed", "answered="),
        ("sessions", "answered=20"),
        ("sessions_closed", "answered=20"),
    ] {
        ctrd.bears(OPERATOR, way, told);
    }
}

struct Ctrd {
    host: Host,
    leaders: Vec<u32>,
    pid: String,
    descriptors: u64,
}

impl Ctrd {
    #[track_caller]
    fn boot() -> Self {
        let containers = [
            sleeper("web", 11, ""),
            sleeper("db", 12, ""),
            sleeper("spare", 13, ""),
        ];
        let host = inhabited(&lab(&containers), |it| {
            it.file("/srv/rude.py", include_str!("rude.py"))
        });
        let leaders = running(&host, &["web", "db"]);
        // What is opened once and kept, such as the copy that sessions run from, is open then.
        host.ok(&format!(
            "ctr lab exec web -- true && {OPERATOR} ctr status"
        ));
        let pid = host.ok("systemctl show --property=MainPID --value ctrd");
        let mut ctrd = Self {
            host,
            leaders,
            pid: pid.trim().to_owned(),
            descriptors: 0,
        };
        // One of the calls that everybody makes between the rude ones, so that it has them all behind it.
        ctrd.answers("nobody");
        ctrd.descriptors = ctrd.number(&ctrd.settled());
        ctrd
    }

    /// A script that says how many descriptors ctrd has once it has had as many for a second.
    fn settled(&self) -> String {
        format!(
            "count() {{ ls /proc/{}/fd | wc -l; }}; last= same=0
             for turn in $(seq 200); do
                 now=$(count); test \"$now\" = \"$last\" && same=$((same + 1)) || same=0
                 test $same = 10 && echo $now && exit; last=$now; sleep 0.1
             done; echo 'the number never rests' >&2; exit 1",
            self.pid
        )
    }

    #[track_caller]
    fn number(&self, script: &str) -> u64 {
        self.host.ok(script).trim().parse().expect("a number")
    }

    /// While the rude one holds on to what it has, and after it has gone.
    #[track_caller]
    fn bears(&self, who: &str, way: &str, told: &str) {
        let fifo = format!("/srv/{way}");
        self.host
            .ok(&format!("rm -f {fifo} && mkfifo -m 666 {fifo}"));
        let rude = self
            .host
            .spawn(&format!("exec {who} python3 /srv/rude.py {way} <>{fifo}"));
        let said = rude.expect(" held", PATIENCE).expect("it is done");
        assert!(said.contains(told), "{way}: {said}");
        self.answers(way);
        drop(rude);
        self.answers(way);
        // What is open is said when it stays too much.
        let descriptors = format!(
            "ls -l /proc/{0}/fd; test $(ls /proc/{0}/fd | wc -l) -le {1}",
            self.pid, self.descriptors
        );
        self.host.until(&descriptors, PATIENCE);
        self.host
            .until("! pgrep -x journalctl && ! pgrep -x ctr-session", PATIENCE);
    }

    #[track_caller]
    fn answers(&self, way: &str) {
        // States change too, of which every listener is told.
        self.host
            .ok("ctr status && ctr lab exec db -- true && ctr lab restart spare");
        assert_eq!(running(&self.host, &["web", "db"]), self.leaders, "{way}");
        let memory = format!("awk '/^VmHWM/ {{ print $2 }}' /proc/{}/status", self.pid);
        let memory = self.number(&memory);
        assert!(memory < MEMORY, "{way}: ctrd has used {memory} KiB");
    }
}
