//! The network on a real kernel: made, kept, repaired and removed.

mod network_world;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use ctrd::model::{Group, Model};
use ctrd::network::{
    Attachment, Bridge, Changes, Conflict, Network, Place, Step, plan_container,
    plan_container_removal, plan_group, plan_removals,
};
use network_world::{At, World, add, container, group, in_a_world, ml, model, run, succeeds};
use tokio::time::timeout;

const OLLAMA: At = At::Guest("ml-ollama");

/// The group `ml` of a model.
fn of_ml(model: &Model) -> &Group {
    &model.groups[&"ml".parse().expect("a name")]
}

fn attachments(model: &Model) -> Vec<Attachment> {
    let of = |group: &Group| -> Vec<_> {
        group
            .containers
            .values()
            .map(|container| Attachment::of(group, container))
            .collect()
    };
    model.groups.values().flat_map(of).collect()
}

#[test]
fn a_guest_has_its_network_before_it_runs() {
    in_a_world("a_guest_has_its_network_before_it_runs", async |world| {
        let model = model();
        world.converge_network(&model).await;
        OLLAMA.run("ping -c 1 -W 2 192.168.200.10");
        OLLAMA.run("ping -c 1 -W 2 192.168.200.12");
        OLLAMA.run("ping -c 1 -W 2 127.0.0.1");
        assert!(
            run("ip netns list").contains("ctr-ml-ollama"),
            "ip netns knows it"
        );
        let link = run("ip -d link show ctr-ml-ollama");
        assert!(
            link.contains("master br-ml") && link.contains("alias ctr:ml-ollama"),
            "{link}"
        );
        let link = run("ip link show br-ml");
        assert!(link.contains("alias ctr:ml"), "{link}");
        let route = run("ip -n ctr-ml-ollama route show default");
        assert!(
            route.starts_with("default via 192.168.200.10 dev eth0"),
            "{route}"
        );
        for (at, key, value) in [
            (At::Host, "ipv4/ip_forward", "1"),
            (At::Host, "ipv6/conf/br-ml/disable_ipv6", "1"),
            (At::Host, "ipv6/conf/br-ml/accept_ra", "0"),
            (At::Host, "ipv4/conf/br-ml/route_localnet", "1"),
            (OLLAMA, "ipv4/ip_unprivileged_port_start", "0"),
            (OLLAMA, "ipv6/conf/eth0/disable_ipv6", "1"),
        ] {
            at.run(&format!(
                "sh -c 'test $(cat /proc/sys/net/{key}) = {value}'"
            ));
        }
        let mac = || run("ip -br link show br-ml");
        let before = mac();
        run("ip link set ctr-ml-ollama address 02:00:00:00:00:01");
        assert_eq!(
            mac(),
            before,
            "the gateway keeps its address whoever comes and goes"
        );
        OLLAMA.serve(80);
        assert_eq!(At::Host.known_as(ml(11), 80), ml(10).to_string());
    });
}

#[test]
fn every_step_may_be_repeated_and_every_plan_begun_anew() {
    in_a_world(
        "every_step_may_be_repeated_and_every_plan_begun_anew",
        async |world| {
            let model = model();
            let (ml, jupyter) = (
                of_ml(&model),
                container(&mut model.clone(), "jupyter", "ml").clone(),
            );
            let steps = world.group_steps(ml).await;
            assert_eq!(
                steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
                [
                    "set net/ipv4/ip_forward to 1",
                    "create bridge br-ml 192.168.200.10/24"
                ]
            );
            for step in steps.iter().chain(&steps) {
                world.apply(std::slice::from_ref(step)).await;
            }
            assert_eq!(world.group_steps(ml).await, []);
            let steps = world.container_steps(ml, &jupyter).await;
            assert_eq!(
                steps.iter().map(ToString::to_string).collect::<Vec<_>>(),
                [
                    "create network namespace ctr-ml-jupyter",
                    "connect ctr-ml-jupyter to br-ml as 192.168.200.12/24"
                ]
            );
            // Ended after any number of steps, another ctrd goes on where this one was.
            for done in 0..=steps.len() {
                world.apply(&steps[..done]).await;
                let again = Network::start(&world.paths).expect("it starts");
                let attachment = Attachment::of(ml, &jupyter);
                let observed = again.observe_container(&attachment).await.expect("read");
                let rest = plan_container(&attachment, &observed).expect("no conflict");
                assert_eq!(rest.len(), steps.len() - done);
            }
            for step in steps.iter().chain(&steps) {
                world.apply(std::slice::from_ref(step)).await;
                world.apply(std::slice::from_ref(step)).await;
            }
            assert_eq!(world.container_steps(ml, &jupyter).await, []);
            At::Guest("ml-jupyter").run("ping -c 1 -W 2 192.168.200.10");
        },
    );
}

#[test]
fn what_was_changed_by_hand_is_repaired() {
    in_a_world("what_was_changed_by_hand_is_repaired", async |world| {
        let model = model();
        world.converge_network(&model).await;
        let veth = run("basename $(ip -d -br link show ctr-ml-ollama | cut -d@ -f1)");
        let veth = veth.trim();
        for damage in [
            "ip link set br-ml down",
            "ip addr del 192.168.200.10/24 dev br-ml",
            "ip addr add 192.168.200.99/24 dev br-ml",
            "sysctl -qw net.ipv4.conf.br-ml.route_localnet=0",
            "sysctl -qw net.ipv6.conf.br-ml.disable_ipv6=0",
            "sysctl -qw net.ipv4.ip_forward=0",
            "ip link del br-ml",
            "ip link set br-ml alias ''",
            "ip link set VETH alias ''",
            "ip link set VETH nomaster",
            "ip link set VETH down",
            "ip link property del dev VETH altname ctr-ml-ollama",
            "ip link set VETH type bridge_slave hairpin off",
            "ip link del VETH",
            "ip -n ctr-ml-ollama link set eth0 down",
            "ip -n ctr-ml-ollama link set lo down",
            "ip -n ctr-ml-ollama addr flush dev eth0",
            "ip -n ctr-ml-ollama addr add 192.168.200.77/24 dev eth0",
            "ip -n ctr-ml-ollama route del default",
            "ip -n ctr-ml-ollama route replace default via 192.168.200.12",
            "ip -n ctr-ml-ollama link set eth0 address 0a:00:00:00:00:01",
            "ip -n ctr-ml-ollama link set eth0 down && ip -n ctr-ml-ollama link set eth0 name eth7",
            "ip netns exec ctr-ml-ollama sysctl -qw net.ipv4.ip_unprivileged_port_start=1024",
            "ip netns exec ctr-ml-ollama sysctl -qw net.ipv6.conf.all.disable_ipv6=0",
            "umount /run/netns/ctr-ml-ollama",
            "ip netns del ctr-ml-ollama",
        ] {
            run(&damage.replace("VETH", veth));
            let before = steps_of(&world, &model).await;
            assert!(!before.is_empty(), "unnoticed: {damage}");
            world.converge_network(&model).await;
            assert!(
                OLLAMA.is_answered_by("192.168.200.12"),
                "{damage}: {before:?}\n{}",
                run("ip -d link; ip -n ctr-ml-ollama addr; ip -n ctr-ml-ollama route")
            );
        }
    });
}

async fn steps_of(world: &World, model: &Model) -> Vec<Step> {
    let mut steps = Vec::new();
    for group in model.groups.values() {
        steps.extend(world.group_steps(group).await);
        for container in group.containers.values() {
            steps.extend(world.container_steps(group, container).await);
        }
    }
    steps
}

#[test]
fn what_is_not_ours_is_a_conflict_and_stays() {
    in_a_world("what_is_not_ours_is_a_conflict_and_stays", async |world| {
        let model = model();
        let bridge = Bridge::of(of_ml(&model));
        let conflict = async || {
            let observed = world.network.observe_group(&bridge).await.expect("read");
            plan_group(&bridge, &observed).expect_err("a conflict")
        };
        run("ip link add br-ml type veth peer name eth8");
        let taken = conflict().await;
        assert_eq!(
            taken.to_string(),
            "the name br-ml belongs to a veth interface that ctr did not make"
        );
        world
            .network
            .apply(&Step::CreateBridge(bridge.clone()))
            .await
            .expect_err("not ours");
        assert!(
            run("ip -d link show br-ml").contains("veth"),
            "it stays as it was"
        );
        run("ip link del br-ml && ip link add br-ml type bridge && ip link set br-ml alias mine");
        assert!(matches!(conflict().await, Conflict::NameTaken { .. }));
        run("ip link del br-ml");

        run("ip link add eth9 type bridge && ip link set eth9 up");
        run("ip addr add 192.168.200.10/32 dev eth9");
        assert!(matches!(conflict().await, Conflict::AddressTaken { .. }));
        run("ip addr del 192.168.200.10/32 dev eth9 && ip addr add 192.168.200.129/25 dev eth9");
        assert_eq!(
            conflict().await.to_string(),
            "the subnet 192.168.200.0/24 overlaps with 192.168.200.128/25, \
             which the interface eth9 leads to"
        );
        run("ip addr flush dev eth9 && ip addr add 192.168.1.1/16 dev eth9");
        assert!(matches!(conflict().await, Conflict::SubnetTaken { .. }));
        // A way that is only wider is passed over: the longest prefix wins.
        run("ip addr flush dev eth9 && ip addr add 10.9.0.1/24 dev eth9");
        run("ip route add 128.0.0.0/1 via 10.9.0.2 && ip route add 192.168.0.0/16 via 10.9.0.2");
        world.converge_network(&model).await;

        // A network that comes later does not take a working group away.
        run("ip addr add 192.168.200.200/25 dev eth9");
        assert_eq!(world.group_steps(of_ml(&model)).await, []);

        let vllm = || {
            let mut model = model.clone();
            add(&mut model, "ml", "vllm", ml(14), &[]);
            Attachment::of(of_ml(&model), container(&mut model.clone(), "vllm", "ml"))
        };
        run("ip netns add ctr-ml-vllm");
        let observed = world
            .network
            .observe_container(&vllm())
            .await
            .expect("read");
        assert_eq!(
            plan_container(&vllm(), &observed)
                .expect_err("a conflict")
                .to_string(),
            "the network namespace ctr-ml-vllm exists and ctr did not make it"
        );
        assert_eq!(plan_container_removal(&vllm(), &observed), []);
        run("ip netns del ctr-ml-vllm");
        run(&format!("ip link add {} type bridge", vllm().veth));
        let observed = world
            .network
            .observe_container(&vllm())
            .await
            .expect("read");
        let taken = plan_container(&vllm(), &observed).expect_err("a conflict");
        assert!(matches!(taken, Conflict::NameTaken { .. }));
        world
            .network
            .apply(&Step::Connect(vllm()))
            .await
            .expect_err("there is no namespace");
    });
}

#[test]
fn a_container_can_be_removed_and_made_again_at_once() {
    in_a_world(
        "a_container_can_be_removed_and_made_again_at_once",
        async |world| {
            let model = model();
            world.converge_network(&model).await;
            let ollama =
                Attachment::of(of_ml(&model), container(&mut model.clone(), "ollama", "ml"));
            for round in 0..20 {
                let observed = world
                    .network
                    .observe_container(&ollama)
                    .await
                    .expect("read");
                let steps = plan_container_removal(&ollama, &observed);
                assert_eq!(steps.len(), 2);
                // Without the link's own deletion the kernel removes it some time later.
                world.apply(&steps[round % 2..]).await;
                world.converge_network(&model).await;
            }
            OLLAMA.run("ping -c 1 -W 2 192.168.200.10");
        },
    );
}

#[test]
fn what_nothing_declares_is_removed_and_nothing_else() {
    in_a_world(
        "what_nothing_declares_is_removed_and_nothing_else",
        async |world| {
            let declared = model();
            world.converge_network(&declared).await;
            run(
                "ip link add br-theirs type bridge && ip link add theirs0 type veth peer name theirs1",
            );
            run("ip link set theirs0 alias 'not ctr:' && ip netns add ctr-theirs");
            let marked = world.network.observe_marked().await.expect("read");
            assert_eq!((marked.links.len(), marked.namespaces.len()), (5, 3));
            let none = plan_removals(&declared, &marked);
            assert!(none.is_empty(), "{none:?}");

            let mut fewer = declared.clone();
            fewer.groups.remove(&"dev".parse().expect("a name"));
            group(&mut fewer, "ml")
                .containers
                .remove(&"jupyter".parse().expect("a name"));
            let removals = plan_removals(&fewer, &marked);
            let names = |removals: &[ctrd::network::Removal]| -> Vec<String> {
                removals
                    .iter()
                    .map(|removal| removal.name.clone())
                    .collect()
            };
            assert_eq!(names(&removals.containers), ["dev-postgres", "ml-jupyter"]);
            assert_eq!(names(&removals.groups), ["dev"]);
            for removal in removals.containers.iter().chain(&removals.groups) {
                world.apply(&removal.steps).await;
            }
            assert_eq!(steps_of(&world, &fewer).await, []);

            let marked = world.network.observe_marked().await.expect("read");
            let removals = plan_removals(&Model::default(), &marked);
            let steps = removals.at_once(&marked);
            assert!(matches!(steps[0], Step::DeleteAllLinks { .. }), "{steps:?}");
            world.apply(&steps).await;
            world.apply(&steps).await;
            let marked = world.network.observe_marked().await.expect("read");
            assert!(
                marked.links.is_empty() && marked.namespaces.is_empty(),
                "{marked:?}"
            );
            assert!(succeeds("ip link show br-theirs && ip link show theirs0"));
            assert!(succeeds("ip netns exec ctr-theirs true"));
        },
    );
}

#[test]
fn ctr_and_iproute2_share_a_directory() {
    in_a_world("ctr_and_iproute2_share_a_directory", async |world| {
        let model = model();
        world.converge_network(&model).await;
        run("ip netns add theirs");
        let mounts = run("grep -c ' /run/netns ' /proc/self/mountinfo");
        assert_eq!(mounts.trim(), "1", "iproute2 finds the directory ready");
        let marked = world.network.observe_marked().await.expect("read");
        world
            .apply(&plan_removals(&Model::default(), &marked).at_once(&marked))
            .await;
        assert_eq!(run("ls /run/netns").trim(), "theirs");
    });
}

#[test]
fn a_directory_with_namespaces_in_it_is_left_as_it_is() {
    in_a_world(
        "a_directory_with_namespaces_in_it_is_left_as_it_is",
        async |world| {
            run("mkdir /run/other && touch /run/other/theirs");
            run("mount --bind /proc/self/ns/net /run/other/theirs");
            let paths = ctrd::os::Paths {
                netns: "/run/other".into(),
                ..world.paths.clone()
            };
            let network = Network::start(&paths).expect("it starts");
            let model = model();
            world.apply(&world.group_steps(of_ml(&model)).await).await;
            for attachment in &attachments(&model)[1..] {
                let observed = network.observe_container(attachment).await.expect("read");
                for step in plan_container(attachment, &observed).expect("no conflict") {
                    network.apply(&step).await.expect("applied");
                }
            }
            let marked = network.observe_marked().await.expect("read");
            for step in plan_removals(&Model::default(), &marked).at_once(&marked) {
                network.apply(&step).await.expect("applied");
            }
            // Mounted over itself, the directory would not let go of it.
            run("umount /run/other/theirs && rm /run/other/theirs && rmdir /run/other");
        },
    );
}

#[test]
fn many_tasks_work_at_once() {
    in_a_world("many_tasks_work_at_once", async |world| {
        let mut model = model();
        for number in 20..70 {
            add(&mut model, "ml", &format!("c{number}"), ml(number), &[]);
        }
        let start = Instant::now();
        for group in model.groups.values() {
            world.apply(&world.group_steps(group).await).await;
        }
        println!("bridges: {:?}", start.elapsed());
        let start = Instant::now();
        let tasks = attachments(&model).into_iter().map(|attachment| {
            let network = world.network.clone();
            tokio::spawn(async move {
                let observed = network.observe_container(&attachment).await.expect("read");
                let steps = plan_container(&attachment, &observed).expect("no conflict");
                for step in &steps {
                    network.apply(step).await.expect("applied");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("a task");
        }
        println!("53 containers: {:?}", start.elapsed());
        let start = Instant::now();
        assert_eq!(steps_of(&world, &model).await, []);
        println!("observed and planned: {:?}", start.elapsed());
        At::Guest("ml-c69").run("ping -c 1 -W 2 192.168.200.11");
        let marked = world.network.observe_marked().await.expect("read");
        let start = Instant::now();
        world
            .apply(&plan_removals(&Model::default(), &marked).at_once(&marked))
            .await;
        println!("removed: {:?}", start.elapsed());
    });
}

#[test]
fn a_guest_that_moves_keeps_its_namespace() {
    in_a_world("a_guest_that_moves_keeps_its_namespace", async |world| {
        let mut model = model();
        world.converge_network(&model).await;
        container(&mut model, "ollama", "ml").address = ml(77);
        group(&mut model, "ml").host_address = Ipv4Addr::new(192, 168, 200, 1);
        let ollama = container(&mut model, "ollama", "ml").clone();
        let lines: Vec<_> = world
            .container_steps(of_ml(&model), &ollama)
            .await
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lines,
            [
                "remove address 192.168.200.11/24 from eth0 in ctr-ml-ollama",
                "add address 192.168.200.77/24 to eth0 in ctr-ml-ollama",
                "route out by 192.168.200.1 in ctr-ml-ollama",
            ]
        );
        world.converge_network(&model).await;
        OLLAMA.run("ping -c 1 -W 2 192.168.200.1");
        let place = Place::Namespace("ctr-ml-ollama".to_owned());
        assert_eq!(place.to_string(), " in ctr-ml-ollama");
    });
}

#[test]
fn the_kernel_says_when_a_table_changed() {
    in_a_world("the_kernel_says_when_a_table_changed", async |mut world| {
        let quiet = Duration::from_millis(200);
        let mut tables = Changes::of_tables().expect("a socket");
        timeout(quiet, tables.next())
            .await
            .expect_err("nothing changed");
        run("ip link add br-theirs type bridge");
        timeout(quiet, tables.next())
            .await
            .expect_err("no table changed");
        world.converge(&model()).await;
        tables.next().await.expect("word of a table");
    });
}
