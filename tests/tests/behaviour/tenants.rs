//! A host where another program has a firewall too: what is declared, what of it works, and what ctrd
//! says of it.

use ctr_api::wire::Obstacle;
use ctr_lab::{Background, Host, Options};

use crate::guests::host_status;
use crate::talk::{
    PROGRAM, SOON, all_listen, answering, answers_to, answers_to_lan, declaration, difference,
    group, serve,
};

/// Rules that Docker, NixOS, k3s and people write, as files of the host.
const RULES: [(&str, &str); 6] = [
    ("docker.rules", include_str!("tenants/docker.rules")),
    ("k3s.rules", include_str!("tenants/k3s.rules")),
    (
        "nixos-iptables.rules",
        include_str!("tenants/nixos-iptables.rules"),
    ),
    ("workstation.nft", include_str!("tenants/workstation.nft")),
    ("nixos.nft", include_str!("tenants/nixos.nft")),
    (
        "nixos-filter-forward.nft",
        include_str!("tenants/nixos-filter-forward.nft"),
    ),
];

/// Everything that is declared works.
pub(crate) const ALL: [Works; 5] = [
    Works::Group,
    Works::Reach,
    Works::Internet,
    Works::HostPort,
    Works::Published,
];

/// Traffic that is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Works {
    /// From guest to guest in `red`.
    Group,
    /// From `red` to `blue`.
    Reach,
    /// From `red` to the internet.
    Internet,
    /// From `red` to the host.
    HostPort,
    /// From the LAN to `red`.
    Published,
}

/// The host, and the servers outside of its guests.
pub(crate) struct Shared {
    pub(crate) host: Host,
    _servers: [Background; 2],
}

/// A host with the groups `red` and `blue`, and the files of [`RULES`] in `/srv`.
#[track_caller]
pub(crate) fn shared() -> Shared {
    let publish = "ports = [{ port = 8080, publish = { host-port = 18080 } }]";
    let declaration = declaration(&[
        &group("red", 1, "host-ports = [5432]\nreach = [\"blue\"]"),
        &answering("red/web", "10.77.1.11", publish),
        &answering("red/db", "10.77.1.12", ""),
        &group("blue", 2, ""),
        &answering("blue/api", "10.77.2.11", "ports = [{ port = 8080 }]"),
    ]);
    let mut options = Options::new().file("/srv/talk.py", PROGRAM);
    for (name, text) in RULES {
        options = options.file(format!("/srv/{name}"), text);
    }
    let host = match options.with_ctr(&declaration).boot() {
        Ok(host) => host,
        Err(error) => panic!("{error:#}"),
    };
    all_listen(&host);
    // Frames between guests of a group are shown to everybody's tables, as wherever Docker runs.
    host.ok("sysctl --quiet --write net.bridge.bridge-nf-call-iptables=1");
    let servers = [
        serve(&host, true, "internet", &["8000"]),
        serve(&host, false, "host", &["5432"]),
    ];
    // A neighbour that tries the guests' own addresses.
    host.in_lan("ip route add 10.77.0.0/16 via 192.0.2.2");
    let shared = Shared {
        host,
        _servers: servers,
    };
    assert_eq!(shared.works(), ALL, "before anybody else is there");
    shared.until_silent();
    shared
}

impl Shared {
    /// What of the declared traffic gets through. What is not declared never does.
    #[track_caller]
    pub(crate) fn works(&self) -> Vec<Works> {
        let asked = [
            (
                Works::Group,
                "tcp/10.77.1.12/8080",
                "red/db sees 10.77.1.11",
            ),
            (
                Works::Reach,
                "tcp/10.77.2.11/8080",
                "blue/api sees 10.77.1.11",
            ),
            (
                Works::Internet,
                "tcp/198.51.100.1/8000",
                "internet sees 192.0.2.2",
            ),
            (
                Works::HostPort,
                "tcp/10.77.1.1/5432",
                "host sees 10.77.1.11",
            ),
        ];
        let answers = answers_to(&self.host, "red/web", &asked.map(|it| it.1));
        let answered = asked.iter().zip(&answers);
        let mut works: Vec<Works> = answered
            .filter(|((.., expected), answer)| answer == expected)
            .map(|((works, ..), _)| *works)
            .collect();
        let targets = ["tcp/192.0.2.2/18080", "tcp/10.77.1.11/8080"];
        let lan = answers_to_lan(&self.host, &targets);
        if lan[0] == "red/web sees 192.0.2.1" {
            works.push(Works::Published);
        }
        // Whatever others let through, groups stay apart and the LAN stays outside.
        let undeclared = [
            "tcp/10.77.1.11/8080",
            "tcp/10.77.1.12/9090",
            "tcp/10.77.2.1/5432",
        ];
        let blue = answers_to(&self.host, "blue/api", &undeclared);
        for answer in blue.iter().chain(&lan[1..]) {
            assert!(!answer.contains("sees"), "{blue:?} {lan:?}");
        }
        works
    }

    /// What is said to stand in the way of `red`.
    #[track_caller]
    pub(crate) fn told(&self) -> Vec<Obstacle> {
        let groups = host_status(&self.host).groups;
        let red = groups.into_iter().find(|group| group.name == "red");
        red.expect("the group").obstacles
    }

    /// Waits until `owner`, and nobody else, is said to stop these, and returns what is said.
    #[track_caller]
    pub(crate) fn until_told(&self, owner: &str, stops: &[&str]) -> Vec<Obstacle> {
        self.until(&format!("{owner} stops {stops:?}"), |told| {
            let mut said: Vec<_> = told.iter().flat_map(|it| &it.stops).collect();
            said.sort_unstable();
            let mut expected: Vec<_> = stops.iter().collect();
            expected.sort_unstable();
            said == expected && told.iter().all(|it| it.owner == owner)
        })
    }

    /// Waits until nothing is said to stand in anybody's way.
    #[track_caller]
    pub(crate) fn until_silent(&self) {
        self.until("silence", <[Obstacle]>::is_empty);
        let status = self.host.ok("ctr status");
        assert!(!status.contains("problem:"), "{status}");
    }

    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn(&[Obstacle]) -> bool) -> Vec<Obstacle> {
        let deadline = std::time::Instant::now() + SOON;
        loop {
            let told = self.told();
            if is_so(&told) {
                return told;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "not {what}: {told:#?}"
            );
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// Everybody else's tables, without what was counted.
    #[track_caller]
    pub(crate) fn theirs(&self) -> String {
        let list = "nft -s list ruleset 2>/dev/null | awk '
            /^table / { ours = /^table (inet|bridge) ctr / } !ours && !/^#/'";
        self.host.ok(list)
    }

    /// Follows the advice for every group, word for word, and sees it work: all that is declared gets
    /// through, nothing else does, and nothing is said any more. Nobody but this changed their
    /// tables, and `ctr down` leaves them.
    #[track_caller]
    pub(crate) fn follow_the_advice(&self) {
        let before = self.theirs();
        let groups = host_status(&self.host).groups;
        let obstacles = groups.iter().flat_map(|group| &group.obstacles);
        let mut commands: Vec<&String> = obstacles.flat_map(|it| &it.commands).collect();
        commands.sort_unstable();
        commands.dedup();
        assert!(!commands.is_empty(), "{groups:#?}");
        let shown = self.host.ok("ctr status");
        for command in commands {
            assert!(shown.contains(&format!("`{command}`")), "{shown}");
            self.host.ok(command);
        }
        self.until_silent();
        assert_eq!(self.works(), ALL);
        let after = self.theirs();
        // Theirs with what was added to it, and nothing taken away.
        let changed = difference(&before, &after);
        assert!(
            changed.iter().any(|line| line.starts_with('+')),
            "{changed:#?}"
        );
        assert!(
            !changed.iter().any(|line| line.starts_with('-')),
            "{changed:#?}"
        );
        self.host.ok("ctr down --yes");
        assert_eq!(self.theirs(), after);
    }

    /// How often ctrd's journal has a line with this.
    #[track_caller]
    pub(crate) fn said(&self, text: &str) -> usize {
        let journal = self
            .host
            .ok("journalctl --unit ctrd --output cat --no-pager");
        journal.lines().filter(|line| line.contains(text)).count()
    }
}
