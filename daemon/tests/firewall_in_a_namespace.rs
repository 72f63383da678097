//! The firewall on a real kernel: what gets through, and, beside it, what does not.

mod network_world;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

use ctrd::firewall::{Firewall, Plan, nft_version, plan};
use ctrd::os::Paths;
use network_world::{
    At, HOST_ON_LAN, NEIGHBOUR, World, add, container, desired, dev, group, in_a_world, ml, model,
    port, published, reach_group, run, succeeds, udp,
};

const OLLAMA: At = At::Guest("ml-ollama");
const JUPYTER: At = At::Guest("ml-jupyter");
const POSTGRES: At = At::Guest("dev-postgres");
const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

#[test]
fn guests_go_out_by_whichever_way_in_the_hosts_name() {
    in_a_world(
        "guests_go_out_by_whichever_way_in_the_hosts_name",
        async |mut world| {
            World::add_lan();
            At::Lan.serve(80);
            world.converge_network(&model()).await;
            run("ip -n lan route del 192.168.0.0/16");
            assert!(
                OLLAMA.is_cut_off(NEIGHBOUR, 80),
                "the LAN knows no way back without the firewall"
            );
            world.converge(&model()).await;
            assert_eq!(OLLAMA.known_as(NEIGHBOUR, 80), HOST_ON_LAN.to_string());
            assert_eq!(At::Host.known_as(NEIGHBOUR, 80), HOST_ON_LAN.to_string());

            // An uplink that comes later is a way out as well.
            run("ip netns add other");
            run("ip link add up1 type veth peer name eth0 netns other");
            run("ip addr add 198.51.100.2/24 dev up1 && ip link set up1 up");
            run("ip -n other addr add 198.51.100.1/24 dev eth0 && ip -n other link set eth0 up");
            assert!(OLLAMA.is_answered_by("198.51.100.1"));
        },
    );
}

#[test]
fn groups_are_apart_and_a_group_is_together() {
    in_a_world(
        "groups_are_apart_and_a_group_is_together",
        async |mut world| {
            serve_without_a_firewall(&mut world).await;
            assert!(
                POSTGRES.reaches(ml(11), 11434),
                "without the firewall the host routes"
            );
            let mut declared = model();
            world.converge(&declared).await;
            assert!(POSTGRES.is_cut_off(ml(11), 11434));
            assert!(!POSTGRES.succeeds("ping -c 1 -W 1 192.168.200.11"));
            assert_eq!(JUPYTER.known_as(ml(11), 11434), ml(12).to_string());
            assert!(
                JUPYTER.reaches(ml(11), 9999),
                "within a group every port is open"
            );

            group(&mut declared, "dev").reach = vec![reach_group("ml")];
            world.converge(&declared).await;
            assert_eq!(POSTGRES.known_as(ml(11), 11434), dev(15).to_string());
            assert!(
                POSTGRES.is_cut_off(ml(11), 9999),
                "only declared ports are reached"
            );
            assert!(
                OLLAMA.is_cut_off(dev(15), 5432),
                "the other way was not declared"
            );

            group(&mut declared, "ml").reach = vec![reach_group("dev")];
            world.converge(&declared).await;
            assert!(OLLAMA.reaches(dev(15), 5432) && POSTGRES.reaches(ml(11), 11434));
            group(&mut declared, "dev").reach.clear();
            world.converge(&declared).await;
            assert!(
                POSTGRES.is_cut_off(ml(11), 11434),
                "what was taken back is closed"
            );
        },
    );
}

async fn serve_without_a_firewall(world: &mut World) {
    world.converge_network(&model()).await;
    OLLAMA.serve(11434);
    OLLAMA.serve(9999);
    POSTGRES.serve(5432);
}

#[test]
fn a_group_is_together_with_br_netfilter_too() {
    in_a_world(
        "a_group_is_together_with_br_netfilter_too",
        async |mut world| {
            serve_without_a_firewall(&mut world).await;
            let mut declared = model();
            container(&mut declared, "ollama", "ml").ports = vec![published(port(11434), 80, None)];
            world.converge(&declared).await;
            for setting in ["0", "1"] {
                run(&format!(
                    "sysctl -qw net.bridge.bridge-nf-call-iptables={setting}"
                ));
                assert_eq!(JUPYTER.known_as(ml(11), 11434), ml(12).to_string());
                assert!(
                    JUPYTER.reaches(ml(10), 80),
                    "a neighbour's published port, {setting}"
                );
                assert!(
                    OLLAMA.reaches(ml(10), 80),
                    "its own published port, {setting}"
                );
            }
        },
    );
}

#[test]
fn the_host_is_closed_to_guests_except_for_host_ports() {
    in_a_world(
        "the_host_is_closed_to_guests_except_for_host_ports",
        async |mut world| {
            World::add_lan();
            world.converge_network(&model()).await;
            At::Host.serve(53);
            At::Host.serve_udp(53);
            At::Host.serve(22);
            assert!(
                OLLAMA.reaches(ml(10), 22),
                "without the firewall the host is open"
            );
            let mut declared = model();
            group(&mut declared, "ml").host_ports = vec![53];
            world.converge(&declared).await;
            for address in [ml(10), HOST_ON_LAN, dev(10)] {
                assert!(OLLAMA.reaches(address, 53), "{address}");
                assert!(OLLAMA.reaches_udp(address, 53), "{address}");
                assert!(OLLAMA.is_cut_off(address, 22), "{address}");
                assert!(
                    POSTGRES.is_cut_off(address, 53),
                    "{address}: the port is another group's"
                );
            }
            assert!(OLLAMA.is_answered_by("192.168.200.10"));
            assert!(!OLLAMA.succeeds("ping -c 1 -W 1 192.0.2.2"));
            assert!(
                At::Lan.reaches(HOST_ON_LAN, 22),
                "others are none of our business"
            );
            OLLAMA.serve(11434);
            assert_eq!(
                At::Host.known_as(ml(11), 11434),
                ml(10).to_string(),
                "the host may call"
            );
        },
    );
}

#[test]
fn a_published_port_is_served_to_the_lan_the_host_and_its_loopback() {
    in_a_world(
        "a_published_port_is_served_to_the_lan_the_host_and_its_loopback",
        async |mut world| {
            World::add_lan();
            let mut declared = model();
            container(&mut declared, "ollama", "ml").ports = vec![
                published(port(11434), 18080, None),
                published(port(9999), 19999, Some(LOOPBACK)),
                published(port(7777), 17777, Some(HOST_ON_LAN)),
                published(udp(5353), 15353, None),
            ];
            world.converge(&declared).await;
            for port in [11434, 9999, 7777] {
                OLLAMA.serve(port);
            }
            OLLAMA.serve_udp(5353);

            assert_eq!(At::Lan.known_as(HOST_ON_LAN, 18080), NEIGHBOUR.to_string());
            assert!(At::Lan.reaches_udp(HOST_ON_LAN, 15353));
            assert!(At::Host.reaches(HOST_ON_LAN, 18080) && At::Host.reaches(ml(10), 18080));
            assert_eq!(At::Host.known_as(LOOPBACK, 18080), ml(10).to_string());
            assert!(At::Host.reaches_udp(LOOPBACK, 15353));
            assert!(OLLAMA.reaches(ml(10), 18080) && JUPYTER.reaches(HOST_ON_LAN, 18080));

            assert!(At::Host.reaches(LOOPBACK, 19999));
            assert!(At::Lan.is_cut_off(HOST_ON_LAN, 19999), "only on loopback");
            assert!(At::Host.is_cut_off(HOST_ON_LAN, 19999), "only on loopback");
            assert!(At::Lan.reaches(HOST_ON_LAN, 17777));
            assert!(At::Host.is_cut_off(LOOPBACK, 17777), "only on that address");

            // As strict as a host may be about where packets come from.
            run("sysctl -qw net.ipv4.conf.all.rp_filter=1");
            assert!(At::Lan.reaches(HOST_ON_LAN, 18080) && At::Host.reaches(LOOPBACK, 18080));

            assert!(
                At::Lan.is_cut_off(ml(11), 11434),
                "the LAN gets to no guest by itself"
            );
            assert!(
                POSTGRES.is_cut_off(HOST_ON_LAN, 18080),
                "nor does another group by the host"
            );
            group(&mut declared, "dev").reach = vec![reach_group("ml")];
            world.converge(&declared).await;
            assert_eq!(POSTGRES.known_as(HOST_ON_LAN, 18080), dev(15).to_string());
        },
    );
}

#[test]
fn loopback_is_the_hosts_alone() {
    in_a_world("loopback_is_the_hosts_alone", async |mut world| {
        World::add_lan();
        let mut declared = model();
        container(&mut declared, "ollama", "ml").ports =
            vec![published(port(9999), 19999, Some(LOOPBACK))];
        world.converge(&declared).await;
        OLLAMA.serve(9999);
        At::Host.serve(22);
        assert!(At::Host.reaches(LOOPBACK, 19999) && At::Host.reaches(LOOPBACK, 22));
        // A neighbour and a guest that send for 127.0.0.1 by way of the host.
        for (at, way) in [
            (At::Lan, "192.0.2.2 dev lan0"),
            (JUPYTER, "192.168.200.10 dev eth0"),
        ] {
            at.run("ip addr del 127.0.0.1/8 dev lo");
            let interface = way.rsplit(' ').next().expect("a word");
            at.run(&format!(
                "sysctl -qw net.ipv4.conf.{interface}.route_localnet=1"
            ));
            at.run(&format!("ip route add 127.0.0.0/8 via {way}"));
            assert!(at.is_cut_off(LOOPBACK, 19999), "{at:?}");
            assert!(at.is_cut_off(LOOPBACK, 22), "{at:?}");
        }
        run("nft delete rule inet ctr ctr_prerouting handle \
             $(nft -a list chain inet ctr ctr_prerouting | awk '/never led on/ {print $NF}')");
        assert!(
            At::Lan.reaches(LOOPBACK, 19999),
            "it was the rule that kept the neighbour out"
        );
    });
}

#[test]
fn a_guest_speaks_only_for_itself() {
    in_a_world("a_guest_speaks_only_for_itself", async |mut world| {
        world.converge(&model()).await;
        OLLAMA.serve(11434);
        assert!(JUPYTER.reaches(ml(11), 11434));

        // An address of nobody: its ARP is not passed on, and neither is what it sends.
        JUPYTER.run("ip addr add 192.168.200.99/24 dev eth0");
        assert!(!OLLAMA.succeeds("ping -c 1 -W 1 192.168.200.99"));
        let mac = run("ip -n ctr-ml-jupyter -br link show eth0");
        let mac = mac
            .split_whitespace()
            .nth(2)
            .expect("an address")
            .to_owned();
        OLLAMA.run(&format!(
            "ip neigh replace 192.168.200.99 lladdr {mac} dev eth0"
        ));
        assert!(!OLLAMA.succeeds("ping -c 1 -W 1 192.168.200.99"));
        assert!(!JUPYTER.succeeds("ping -c 1 -W 1 -I 192.168.200.99 192.168.200.11"));
        run("nft add element bridge ctr ctr_guests \
             { $(ip -br link show master br-ml | awk '/ctr-ml-jupyter|cv-/ {print $1}' \
                 | cut -d@ -f1 | while read link; do \
                   ip -d link show $link | grep -q ctr:ml-jupyter && echo $link; done) \
               . $(ip -n ctr-ml-jupyter -br link show eth0 | awk '{print $3}') . 192.168.200.99 }");
        assert!(
            OLLAMA.is_answered_by("192.168.200.99"),
            "it was the set that dropped"
        );

        // IPv6, where a guest of the host's users switched it on.
        for guest in [OLLAMA, JUPYTER] {
            guest.run("sysctl -qw net.ipv6.conf.all.disable_ipv6=0");
            guest.run("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0");
            guest.run("ip addr add fd00::1/64 dev lo nodad");
        }
        OLLAMA.run("ip addr add fd01::1/64 dev eth0 nodad");
        JUPYTER.run("ip addr add fd01::2/64 dev eth0 nodad");
        assert!(!JUPYTER.succeeds("ping -6 -c 1 -W 1 fd01::1"));

        // Another link-layer address.
        OLLAMA.run("ip link set eth0 address 0a:00:00:00:00:01");
        assert!(!OLLAMA.succeeds("ping -c 1 -W 1 192.168.200.10"));
        run("nft delete table bridge ctr && ip neigh flush dev br-ml");
        assert!(
            OLLAMA.is_answered_by("192.168.200.10"),
            "it was the table that dropped"
        );
        assert!(
            JUPYTER.is_answered_by("fd01::1"),
            "it was the table that dropped"
        );
    });
}

#[test]
fn a_connection_lives_through_every_change() {
    in_a_world(
        "a_connection_lives_through_every_change",
        async |mut world| {
            World::add_lan();
            let mut declared = model();
            container(&mut declared, "ollama", "ml").ports =
                vec![published(port(11434), 18080, None)];
            world.converge(&declared).await;
            let (ready, is_ready) = std::sync::mpsc::channel();
            OLLAMA.spawn(move || {
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 11434)).expect("a port");
                ready.send(()).expect("the test waits");
                let (mut stream, _) = listener.accept().expect("a client");
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() {
                    stream.write_all(&byte).expect("an echo");
                }
            });
            is_ready.recv().expect("the server is ready");
            let mut stream = At::Lan.connect(HOST_ON_LAN, 18080);
            let mut echo = |when: &str| {
                let mut byte = [0];
                stream.write_all(b"x").expect("it is written");
                assert!(
                    stream.read_exact(&mut byte).is_ok(),
                    "the connection ended: {when}"
                );
            };
            echo("before");
            for _ in 0..3 {
                run("nft add rule inet ctr ctr_input counter");
                let lines = world
                    .firewall
                    .converge(&desired(&declared))
                    .await
                    .expect("converged");
                assert!(
                    lines.len() == 1 && lines[0].starts_with("replace"),
                    "{lines:?}"
                );
                echo("after a replacement");
            }
            world.converge(&model()).await;
            echo("after its port was not published any more");
            assert!(At::Lan.is_cut_off(HOST_ON_LAN, 18080));
        },
    );
}

#[test]
fn the_tables_are_kept_and_nothing_else_is_touched() {
    in_a_world(
        "the_tables_are_kept_and_nothing_else_is_touched",
        async |mut world| {
            nft_version(&world.paths).await.expect("a recent nft");
            run("nft add table inet theirs && nft add chain inet theirs forward");
            let theirs = run("nft list table inet theirs");
            let mut declared = model();
            let observed = world.firewall.observe().await.expect("read");
            assert!(matches!(
                plan(&desired(&declared), &observed),
                Plan::Replace { .. }
            ));
            let lines = world
                .firewall
                .converge(&desired(&declared))
                .await
                .expect("converged");
            assert!(
                lines.len() == 1 && lines[0].starts_with("create the firewall"),
                "{lines:?}"
            );
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&desired(&declared), &observed), Plan::Nothing);

            // Elements come and go one by one, also where one key leads elsewhere than before.
            container(&mut declared, "ollama", "ml").ports = vec![published(port(1), 80, None)];
            world.converge(&declared).await;
            container(&mut declared, "ollama", "ml").ports = vec![published(port(2), 80, None)];
            let lines = world
                .firewall
                .converge(&desired(&declared))
                .await
                .expect("converged");
            assert_eq!(
                lines,
                [
                    "firewall: remove published tcp/80 leading to 1",
                    "firewall: add published tcp/80 leading to 2"
                ]
            );
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&desired(&declared), &observed), Plan::Nothing);
            let lines = world
                .firewall
                .converge(&desired(&declared))
                .await
                .expect("converged");
            assert!(lines.is_empty(), "{lines:?}");

            // A host without names for protocols.
            run("mount --bind /dev/null /etc/protocols");
            world.firewall.remove().await.expect("removed");
            world.converge(&declared).await;
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&desired(&declared), &observed), Plan::Nothing);
            run("umount /etc/protocols");
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&desired(&declared), &observed), Plan::Nothing);

            // Every kind of damage is found and repaired.
            for damage in [
                "nft flush chain inet ctr ctr_input",
                "nft add rule inet ctr ctr_forward accept",
                "nft delete table bridge ctr",
                "nft add chain inet ctr theirs",
                "nft delete element inet ctr ctr_bridges { br-ml }",
                "nft add element inet ctr ctr_bridges { eth7 }",
                "nft add element inet ctr ctr_publish_address { sctp . 80 : 192.0.2.9 }",
            ] {
                run(damage);
                let lines = world
                    .firewall
                    .converge(&desired(&declared))
                    .await
                    .expect("converged");
                assert_eq!(lines.len(), 1, "{damage}: {lines:?}");
                let observed = world.firewall.observe().await.expect("read");
                assert_eq!(
                    plan(&desired(&declared), &observed),
                    Plan::Nothing,
                    "{damage}"
                );
            }

            // Damage is met by the next change too.
            run("nft delete table inet ctr");
            world.converge(&model()).await;
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&desired(&model()), &observed), Plan::Nothing);

            // What nft saves as text it can read again.
            run("nft list ruleset > /run/saved.nft && nft flush ruleset && nft -f /run/saved.nft");
            let observed = world.firewall.observe().await.expect("read");
            assert_eq!(plan(&desired(&model()), &observed), Plan::Nothing);
            world.firewall.remove().await.expect("removed");
            world.firewall.remove().await.expect("removed once more");
            assert!(!succeeds("nft list table inet ctr") && !succeeds("nft list table bridge ctr"));
            assert_eq!(run("nft list table inet theirs"), theirs);
        },
    );
}

#[test]
fn with_nothing_to_do_no_program_is_run() {
    in_a_world("with_nothing_to_do_no_program_is_run", async |world| {
        let mut declared = model();
        for number in 20..220 {
            let ports = [published(port(80), 10_000 + u16::from(number), None)];
            add(
                &mut declared,
                "ml",
                &format!("c{number}"),
                ml(number),
                &ports,
            );
        }
        run(&format!("ln -s {} /run/nft", world.paths.nft.display()));
        let paths = Paths {
            nft: "/run/nft".into(),
            ..world.paths
        };
        let mut firewall = Firewall::new(&paths);
        let wanted = desired(&declared);
        let start = Instant::now();
        firewall.converge(&wanted).await.expect("converged");
        println!(
            "{} elements made: {:?}",
            wanted.elements.len(),
            start.elapsed()
        );
        add(
            &mut declared,
            "ml",
            "one-more",
            ml(250),
            &[published(port(80), 1, None)],
        );
        let more = desired(&declared);
        let start = Instant::now();
        assert_eq!(firewall.converge(&more).await.expect("converged").len(), 5);
        println!("one container more: {:?}", start.elapsed());
        let start = Instant::now();
        assert_eq!(
            firewall.converge(&wanted).await.expect("converged").len(),
            5
        );
        println!("one container less: {:?}", start.elapsed());

        run("rm /run/nft");
        let start = Instant::now();
        assert!(
            firewall
                .converge(&wanted)
                .await
                .expect("converged")
                .is_empty()
        );
        println!("nothing to do: {:?}", start.elapsed());
        let error = firewall.converge(&more).await.expect_err("there is no nft");
        let cause = std::error::Error::source(&error)
            .expect("a cause")
            .to_string();
        assert_eq!(
            cause,
            "failed to run /run/nft: install nftables 1.0.6 or newer"
        );
    });
}
