//! The moments at which the power is cut.

use ctr_lab::Vm;

use super::after;
use super::declared::Declared;
use crate::guests::sleeper;

/// The database that rows are written to meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) enum Writer {
    /// On a bind, in a guest that runs a command.
    Ledger,
    /// In the layer of a guest that boots.
    Store,
}

impl Writer {
    pub(super) const ALL: [Self; 2] = [Self::Ledger, Self::Store];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Store => "store",
        }
    }

    /// Where its socket is.
    pub(super) const fn socket(self) -> &'static str {
        match self {
            Self::Ledger => "/tmp",
            Self::Store => "/run/postgresql",
        }
    }
}

/// One power cut.
pub(super) struct Cut {
    /// What is going on.
    pub(super) moment: &'static str,
    pub(super) writer: Writer,
    /// What is declared from here on.
    pub(super) edit: fn(&mut Declared),
    /// What is done; bash text. What is declared from here on is in `/root/next.toml`.
    act: &'static str,
    /// The progress that is waited for; bash text that succeeds.
    until: &'static str,
    /// How many rows are acknowledged after that, at least.
    pub(super) rows: u64,
    /// What a person does after the boot, if anything.
    pub(super) then: fn(&Vm, &Declared),
    /// What is declared is waited for; else the next cut comes first.
    pub(super) settles: bool,
}

/// Writes to the disk all the while and never has it flushed (`POSIX_FADV_DONTNEED` of
/// `posix_fadvise(2)` begins to write): there is something to lose at every moment.
const CARELESS: &str = "import os, time
careless = os.open(\"/root/careless\", os.O_RDWR | os.O_CREAT)
while True:
    os.pwrite(careless, os.urandom(65536), 0)
    os.posix_fadvise(careless, 0, 0, os.POSIX_FADV_DONTNEED)
    time.sleep(0.01)";

const NOTHING: &str = "true";
const APPLY: &str = "mv /root/next.toml /etc/ctr/containers.toml && sync && ctr apply";

const fn cut(moment: &'static str, writer: Writer) -> Cut {
    Cut {
        moment,
        writer,
        edit: |_| {},
        act: NOTHING,
        until: NOTHING,
        rows: 0,
        then: |_, _| {},
        settles: true,
    }
}

pub(super) const CUTS: [Cut; 11] = [
    Cut {
        rows: 40,
        settles: false,
        ..cut("rows are written, on a bind", Writer::Ledger)
    },
    Cut {
        until: "[ -e /run/netns/ctr-lab-ledger ]",
        ..cut("the host boots, and guests start", Writer::Store)
    },
    Cut {
        rows: 40,
        ..cut("rows are written, in a guest's own layer", Writer::Store)
    },
    Cut {
        edit: |declared| {
            declared.add("two", sleeper("two", 14, ""));
            declared.add("three", sleeper("three", 15, ""));
            declared.replace("one", "tasks-max = 100", "tasks-max = 101");
        },
        act: APPLY,
        until: "[ -e /run/netns/ctr-lab-three ]",
        ..cut("guests are started for the first time", Writer::Ledger)
    },
    Cut {
        edit: |declared| declared.extend("ledger", "environment = { CHANGED = \"1\" }"),
        act: APPLY,
        until: "! systemctl is-active --quiet ctr-lab-ledger",
        ..cut("a database restarts for a change", Writer::Store)
    },
    Cut {
        edit: |declared| declared.extend("store", "environment = { CHANGED = \"1\" }"),
        act: APPLY,
        until: "! systemctl is-active --quiet ctr-lab-store",
        ..cut("a guest that boots restarts for a change", Writer::Ledger)
    },
    Cut {
        edit: |declared| {
            declared.remove("two");
            declared.remove("three");
        },
        act: APPLY,
        until: "[ ! -e /run/netns/ctr-lab-two ] || [ ! -e /run/netns/ctr-lab-three ]",
        ..cut("guests are removed", Writer::Ledger)
    },
    Cut {
        edit: |declared| {
            declared.add_more(
                "far",
                &sleeper("far", 11, "credentials = { token = { generate = true } }"),
            );
        },
        act: APPLY,
        until: "[ -e /sys/class/net/br-more ]",
        ..cut("a group is added", Writer::Store)
    },
    Cut {
        edit: |declared| {
            let each =
                (0..20).map(|number| format!("credentials.s{number} = {{ generate = true }}\n"));
            declared.add("vault", sleeper("vault", 16, &each.collect::<String>()));
        },
        act: APPLY,
        until: "set -- /var/lib/ctr/.secrets/lab-vault/*; [ $# -ge 7 ]",
        ..cut("secrets are made", Writer::Ledger)
    },
    Cut {
        edit: |declared| declared.extend("vault", "users = \"host\""),
        act: "ctr lab exec vault -- /usr/bin/bash -c \
              'mkdir /srv/many && cd /srv/many && for n in {1..3000}; do : >$n; done' \
              ; mv /root/next.toml /etc/ctr/containers.toml && sync && ctr apply",
        until: "[ -e /var/lib/ctr/.giving-lab-vault ]",
        rows: 3,
        ..cut("a guest's state changes its owners", Writer::Store)
    },
    Cut {
        edit: |declared| declared.extend("one", "description = \"the last one\""),
        // As an editor does that writes in place.
        act: "head -c $(($(stat -c %s /root/next.toml) / 2)) /root/next.toml >/etc/ctr/containers.toml \
              && sync && : >/run/half",
        until: "[ -e /run/half ]",
        then: the_last_good_declaration_runs,
        ..cut("the declaration is being written", Writer::Ledger)
    },
];

/// The file is broken. What was declared before it comes up, and the status says so; then somebody
/// writes it again.
fn the_last_good_declaration_runs(vm: &Vm, declared: &Declared) {
    let refused = vm.until("ctr status 2>&1 >/dev/null | grep 'is refused'");
    assert!(
        refused.contains("what was declared before it stays in force"),
        "{refused}"
    );
    vm.fails("ctr plan");
    after::wait_until_all_run(vm, declared);
    vm.write("/etc/ctr/containers.toml", declared.text());
    vm.ok("ctr apply");
}

impl Cut {
    /// Inserts rows, and once the first is acknowledged does what there is to do. Prints `row N` for each
    /// acknowledged row, and `now` when it has come as far as it should.
    pub(super) fn script(&self, settled: bool) -> String {
        let Self { act, until, .. } = self;
        let (name, socket) = (self.writer.name(), self.writer.socket());
        if !settled {
            // There is nobody yet who takes rows.
            return format!("until {until}; do :; done; echo now");
        }
        format!(
            "python3 -c '{CARELESS}' &
             ctr lab exec --user postgres {name} -- /usr/bin/bash -c '
                 n=$(psql -h {socket} -qAtc \"select coalesce(max(n), 0) from rows\")
                 while n=$((n + 1)); do
                     echo \"insert into rows values ($n, repeat(md5($n::text), 9)) returning n;\"
                 done | psql -h {socket} -qAt -v ON_ERROR_STOP=1' |
             while read -r n; do echo \"row $n\"; : >/run/writing; done &
             until [ -e /run/writing ]; do sleep 0.1; done
             {{ {act}; }} >&2 &
             act=$!
             until {until}; do :; done
             echo now
             sleep infinity"
        )
    }
}
