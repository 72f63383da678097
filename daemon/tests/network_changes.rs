//! What others change is seen by the very next look, and told to those whom it concerns.

mod network_world;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ctrd::model::{Group, MachineName, Model};
use ctrd::network::{Attachment, Bridge, ObservedContainer, ObservedGroup, plan_running_container};
use network_world::{World, in_a_world, model, run};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Long enough for a message that is on its way, or for what the kernel says late (`net/core/link_watch.c`
/// waits up to a second).
const QUIET: Duration = Duration::from_millis(1200);

fn of_ml(model: &Model) -> &Group {
    &model.groups[&"ml".parse().expect("a name")]
}

fn attachment(model: &Model, name: &str) -> Attachment {
    let group = of_ml(model);
    Attachment::of(group, &group.containers[&name.parse().expect("a name")])
}

async fn look(world: &World, model: &Model) -> (ObservedGroup, ObservedContainer) {
    let bridge = Bridge::of(of_ml(model));
    let group = world.network.observe_group(&bridge).await.expect("read");
    let ollama = attachment(model, "ollama");
    let ollama = world
        .network
        .observe_container(&ollama)
        .await
        .expect("read");
    (group, ollama)
}

/// Reads everything until nothing more is heard.
async fn settle(world: &World, model: &Model, quiet: Duration) {
    let machines = ["ollama", "jupyter"].map(|name| attachment(model, name));
    loop {
        for attachment in &machines {
            let observed = world.network.observe_container(attachment).await;
            observed.expect("read");
        }
        look(world, model).await;
        let changed = machines
            .each_ref()
            .map(|it| world.network.changed(&it.machine));
        let [one, other] = changed.each_ref().map(|notify| notify.notified());
        let heard = async {
            tokio::select! {
                () = one => {}
                () = other => {}
                () = world.network.bridges_changed() => {}
            }
        };
        if timeout(quiet, heard).await.is_err() {
            return;
        }
    }
}

fn changed(world: &World, machine: &str) -> Arc<Notify> {
    let machine: MachineName = machine.parse().expect("a name");
    world.network.changed(&machine)
}

#[test]
fn the_next_look_sees_what_others_changed() {
    in_a_world("the_next_look_sees_what_others_changed", async |world| {
        let model = model();
        world.converge_network(&model).await;
        let veth = attachment(&model, "ollama").veth.to_string();
        for (change, back) in [
            ("ip link set br-ml down", "ip link set br-ml up"),
            (
                "ip addr del 192.168.200.10/24 dev br-ml",
                "ip addr add 192.168.200.10/24 dev br-ml",
            ),
            (
                "ip addr add 192.168.200.99/24 dev br-ml",
                "ip addr del 192.168.200.99/24 dev br-ml",
            ),
            (
                "ip link set br-ml alias theirs",
                "ip link set br-ml alias ctr:ml",
            ),
            (
                "sysctl -qw net.ipv4.conf.br-ml.route_localnet=0",
                "sysctl -qw net.ipv4.conf.br-ml.route_localnet=1",
            ),
            (
                "sysctl -qw net.ipv4.ip_forward=0",
                "sysctl -qw net.ipv4.ip_forward=1",
            ),
            (
                "ip link set VETH alias theirs",
                "ip link set VETH alias ctr:ml-ollama",
            ),
            ("ip link set VETH nomaster", "ip link set VETH master br-ml"),
            (
                "ip link set VETH type bridge_slave hairpin on",
                "ip link set VETH type bridge_slave hairpin off",
            ),
            ("ip link set VETH down", "ip link set VETH up"),
            // Of a link that is down the kernel says nothing; it was down before, and is not kept.
            (
                "ip link set VETH down && ip link set VETH alias theirs",
                "ip link set VETH alias ctr:ml-ollama && ip link set VETH up",
            ),
            (
                "ip link set VETH address 0a:00:00:00:00:02",
                "ip link set VETH address 0a:00:00:00:00:03",
            ),
            (
                "ip link property add dev VETH altname another",
                "ip link property del dev VETH altname another",
            ),
            ("ip link set VETH name foo", "ip link set foo name VETH"),
            ("ip -n NS link set lo down", "ip -n NS link set lo up"),
            (
                "ip -n NS link set lo alias theirs",
                "ip -n NS link set lo alias ctr:ml-ollama",
            ),
            (
                "ip -n NS addr add 192.168.200.77/24 dev eth0",
                "ip -n NS addr del 192.168.200.77/24 dev eth0",
            ),
            (
                "ip -n NS route del default",
                "ip -n NS route add default via 192.168.200.10",
            ),
            (
                "ip -n NS route add 10.9.0.0/16 via 192.168.200.10",
                "ip -n NS route del 10.9.0.0/16",
            ),
            (
                "ip -n NS link add theirs type bridge",
                "ip -n NS link del theirs",
            ),
            (
                "ip netns exec NS sysctl -qw net.ipv4.ip_unprivileged_port_start=1024",
                "ip netns exec NS sysctl -qw net.ipv4.ip_unprivileged_port_start=0",
            ),
            ("umount /run/netns/NS", ""),
        ] {
            settle(&world, &model, QUIET / 12).await;
            let name = |text: &str| text.replace("VETH", &veth).replace("NS", "ctr-ml-ollama");
            let before = look(&world, &model).await;
            assert_eq!(before, look(&world, &model).await, "nothing was changed");
            run(&name(change));
            let after = look(&world, &model).await;
            assert_ne!(before, after, "unseen: {change}");
            assert_eq!(after, look(&world, &model).await, "{change}");
            if !back.is_empty() {
                run(&name(back));
                assert_ne!(after, look(&world, &model).await, "unseen: {back}");
            }
        }
    });
}

#[test]
fn a_look_at_what_is_settled_costs_next_to_nothing() {
    in_a_world(
        "a_look_at_what_is_settled_costs_next_to_nothing",
        async |world| {
            let model = model();
            world.converge_network(&model).await;
            settle(&world, &model, QUIET).await;
            let before = look(&world, &model).await;
            let sent = || run("cat /proc/thread-self/net/netlink").lines().count();
            let sockets = sent();
            let begun = Instant::now();
            for _ in 0..1000 {
                assert_eq!(look(&world, &model).await, before);
            }
            eprintln!("one look takes {:?}", begun.elapsed() / 1000);
            assert_eq!(sent(), sockets, "no socket was opened for it, or left open");
        },
    );
}

#[test]
fn a_change_is_told_to_whom_it_concerns_and_to_nobody_else() {
    let name = "a_change_is_told_to_whom_it_concerns_and_to_nobody_else";
    in_a_world(name, async |world| {
        let model = model();
        world.converge_network(&model).await;
        let veth = attachment(&model, "ollama").veth.to_string();
        let (ollama, jupyter) = (changed(&world, "ml-ollama"), changed(&world, "ml-jupyter"));
        settle(&world, &model, QUIET).await;
        for theirs in [
            "ip link add br-theirs type bridge",
            "ip link set br-theirs up",
            "ip addr add 192.0.2.7/24 dev br-theirs",
            "ip link add v0 type veth peer name v1",
            "ip link set v0 master br-theirs up && ip link set v1 up",
            "ip netns add theirs && ip link set v1 netns theirs",
            "ip netns del theirs",
            "ip link set dev lo mtu 65000",
        ] {
            run(theirs);
            assert!(
                timeout(QUIET / 4, ollama.notified()).await.is_err(),
                "told of {theirs}"
            );
        }
        settle(&world, &model, QUIET).await;
        for ours in [
            "ip link set VETH down",
            "ip link set VETH up",
            "ip link set VETH nomaster",
            "ip link set VETH master br-ml",
            "ip -n NS addr add 192.168.200.77/24 dev eth0",
            "ip -n NS route del default",
            "ip -n NS link set lo down",
            "ip link del VETH",
            "ip netns del NS",
        ] {
            settle(&world, &model, QUIET / 12).await;
            run(&ours.replace("VETH", &veth).replace("NS", "ctr-ml-ollama"));
            let heard = timeout(QUIET, ollama.notified()).await;
            heard.unwrap_or_else(|_| panic!("not told of {ours}"));
            assert!(
                timeout(QUIET / 4, jupyter.notified()).await.is_err(),
                "told of another's: {ours}"
            );
        }
        for of_all in [
            "ip link set br-ml down",
            "ip link set br-ml up",
            "ip addr del 192.168.200.10/24 dev br-ml",
            "sysctl -qw net.ipv4.ip_forward=0",
            "ip link del br-ml",
        ] {
            settle(&world, &model, QUIET / 12).await;
            run(of_all);
            for notify in [&ollama, &jupyter] {
                let heard = timeout(QUIET, notify.notified()).await;
                heard.unwrap_or_else(|_| panic!("not told of {of_all}"));
            }
            let bridge = timeout(QUIET, world.network.bridges_changed()).await;
            bridge.unwrap_or_else(|_| panic!("the bridge: {of_all}"));
        }
    });
}

#[test]
fn nothing_is_heard_of_what_one_did_oneself_for_longer_than_a_look() {
    let name = "nothing_is_heard_of_what_one_did_oneself_for_longer_than_a_look";
    in_a_world(name, async |world| {
        let model = model();
        let ollama = changed(&world, "ml-ollama");
        world.converge_network(&model).await;
        let mut looks = 0;
        while timeout(QUIET, ollama.notified()).await.is_ok() {
            look(&world, &model).await;
            looks += 1;
            assert!(looks < 6, "it goes on and on");
        }
        eprintln!("{looks} looks for one's own doing");
        // The control: it is still listened to.
        run("ip -n ctr-ml-ollama link set lo down");
        timeout(QUIET, ollama.notified()).await.expect("told");
    });
}

#[test]
fn a_namespace_gets_its_name_back_from_who_stands_in_it() {
    let name = "a_namespace_gets_its_name_back_from_who_stands_in_it";
    in_a_world(name, async |world| {
        let model = model();
        world.converge_network(&model).await;
        let attachment = attachment(&model, "ollama");
        let inode = || run("stat -L -c %i /run/netns/ctr-ml-ollama");
        let before = inode();
        let mut guest = Command::new("ip")
            .args(["netns", "exec", "ctr-ml-ollama", "sleep", "1000"])
            .spawn()
            .expect("ip runs");
        // It execs in the namespace it was told to.
        let place = format!("stat -L -c %i /proc/{}/ns/net", guest.id());
        while run(&place) != before {}
        run("ip netns del ctr-ml-ollama");
        let observed = world.network.observe_container(&attachment).await;
        let observed = observed.expect("read");
        let steps = |process| plan_running_container(&attachment, &observed, process);
        // One that stands elsewhere: its number may have been another's.
        let theirs = steps(std::process::id()).expect("no conflict");
        let refused = world.network.apply(&theirs[0]).await.expect_err("not ours");
        assert!(
            refused
                .source
                .to_string()
                .contains("does not carry the mark")
        );
        let ours = steps(guest.id()).expect("no conflict");
        world.apply(&ours).await;
        world.apply(&ours).await;
        assert_eq!(inode(), before);
        let ollama = &of_ml(&model).containers[&"ollama".parse().expect("a name")];
        assert_eq!(world.container_steps(of_ml(&model), ollama).await, []);
        guest.kill().expect("killed");
        guest.wait().expect("waited for");
    });
}

#[test]
fn a_namespace_that_is_let_go_is_gone() {
    in_a_world("a_namespace_that_is_let_go_is_gone", async |world| {
        let model = model();
        world.converge_network(&model).await;
        settle(&world, &model, QUIET).await;
        let attachment = attachment(&model, "ollama");
        run("umount /run/netns/ctr-ml-ollama && rm /run/netns/ctr-ml-ollama");
        // The last that holds it is the one who listens to it.
        let deadline = Instant::now() + Duration::from_secs(10);
        world.network.forget(&attachment.machine);
        while network_world::succeeds(&format!("ip link show {}", attachment.veth)) {
            assert!(Instant::now() < deadline, "its veth is still there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}
