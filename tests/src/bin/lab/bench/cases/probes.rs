//! What ctrd takes to probe guests that are well, each every ten seconds: half by HTTP, half by TCP.

use crate::bench::OURS;
use crate::bench::figures::Unit;
use crate::bench::plan::{Contender, Step};
use crate::bench::scene::{Kind, Scene, Work, containers};

/// Answers each connection with a head, and nothing else.
const SERVER: &str = "import socket; s = socket.create_server(('', 80), backlog=64)\\n\
                      while 1:\\n c = s.accept()[0]; c.settimeout(1)\\n try: c.recv(4096); \
                      c.sendall(b'HTTP/1.0 204 No Content\\\\r\\\\n\\\\r\\\\n')\\n \
                      except OSError: pass\\n c.close()";

/// A minute of it. The time on a processor is that of threads that have ended too (`clock_getcpuclockid(3)`); how
/// often threads went to sleep is told of those that there are.
const LOOK: &str = r#"python3 - $(systemctl show --value --property=MainPID ctrd) <<'END'
import glob, sys, time
pid = int(sys.argv[1])
def words(pattern, key):
    lines = [line for name in glob.glob(pattern) for line in open(name)]
    return sum(int(line.split()[1]) for line in lines if line.startswith(key))
def spent():
    slept = words(f"/proc/{pid}/task/*/status", "voluntary_ctxt_switches")
    return time.clock_gettime_ns(~pid << 3 | 2), slept
before = spent()
time.sleep(60)
after = spent()
resident = words(f"/proc/{pid}/smaps_rollup", "Rss:") * 1024
print((after[0] - before[0]) / 1e9, after[1] - before[1], resident)
END"#;

/// Beside so many. Longer than a thread that has no work stays is waited first: its switches cannot be read any more.
pub(crate) fn scene(count: usize) -> Scene {
    let name = |what: &str| format!("{count} probed every 10 s: {what}");
    let works = [
        (name("a processor's time in a minute"), Unit::Seconds),
        (name("wake-ups"), Unit::PerMinute),
        (name("resident (RSS)"), Unit::Bytes),
    ];
    let healthy = "ctr status --json | grep -o '\"state\": *\"healthy\"' | wc -l";
    let step = Step::Figures {
        works: works.each_ref().map(|(name, _)| name.clone()).into(),
        text: LOOK.to_owned(),
    };
    Scene {
        declaration: declaration(count),
        prepare: format!("until test $({healthy}) -ge {count}; do sleep 1; done; sleep 15"),
        works: works.map(|(name, unit)| Work::new(name, unit)).into(),
        contenders: vec![Contender {
            who: OURS,
            steps: vec![step],
            ..Contender::default()
        }],
        ..Scene::default()
    }
}

fn declaration(count: usize) -> String {
    let plain = containers(count, Kind::Sleeps);
    let command = format!("command = {:?}", Kind::Sleeps.command());
    let serves = format!("command = [\"/usr/bin/python3\", \"-c\", \"{SERVER}\"]");
    let mut declaration = String::new();
    for (number, part) in plain.split(&command).enumerate() {
        if number > 0 {
            let probe = ["{ http = { port = 80 } }", "{ tcp = 80 }"][number % 2];
            declaration.extend([&serves, "\nhealth = ", probe]);
        }
        declaration.push_str(part);
    }
    declaration
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_them_are_probed_by_http() {
        let declaration = declaration(10);
        assert_eq!(declaration.matches("health = { http").count(), 5);
        assert_eq!(declaration.matches("health = { tcp").count(), 5);
    }
}
