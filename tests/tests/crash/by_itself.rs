//! What nobody asks for: ctrd starts, guests end.

use crate::guests::{EVERYTHING, bystander, declaration, group, sleeper};
use crate::scenario::Scenario;

/// As a boot finds the host: what is in memory is gone.
const REBOOTED: &str = "ctr lab start web
systemctl stop ctrd
systemctl stop 'ctr-*.service'
umount /run/ctr/root/* /run/ctr/binds/*/* 2>/dev/null
umount /run/netns/ctr-* && rm /run/netns/ctr-*
for name in $(ip -o link | grep -oE '(br-lab|cv-[0-9a-f]+)' | sort -u); do ip link del $name; done
nft delete table inet ctr; nft delete table bridge ctr
rm -rf /run/ctr/* /run/ctr-journal
systemctl is-active ctrd; true";

pub(crate) fn scenarios() -> Vec<Scenario> {
    let lab = |web: &[String]| declaration(&[group("lab", 3, &[&[bystander()], web].concat())]);
    let with = lab(&[sleeper("web", 11, EVERYTHING)]);
    let plain = lab(&[sleeper("web", 11, "autostart = true")]);
    let without = lab(&[]);
    let kill = "systemctl kill --kill-whom=main --signal=KILL ctr-lab-web
while [ \"$(systemctl show --value -p ActiveState ctr-lab-web)\" = active ]; do sleep 0.05; done";
    // Our own links only: `dev` names are found by their marks.
    let meddled = "veth=$(ip -o link | grep -oE 'cv-[0-9a-f]+' | sort -u | head -1)
inside='ip -n ctr-lab-by'
$inside route del default; $inside address flush dev eth0; $inside link set eth0 down
ip link set $veth nomaster; ip link set $veth alias ''; ip link set $veth down
ip address flush dev br-lab; ip address add 10.77.3.77/24 dev br-lab
ip link set br-lab alias ''; ip link set br-lab down
sysctl -q -w net.ipv4.conf.br-lab.route_localnet=0
ctr apply";
    vec![
        Scenario::happens("ctrd starts again", &with, "true", "systemctl restart ctrd"),
        Scenario {
            act: "systemctl restart ctrd".to_owned(),
            ..Scenario::declared("ctrd starts and finds an orphan", &with, &without)
        },
        Scenario::happens(
            "the host has booted",
            &plain,
            "true",
            &format!("{REBOOTED}\nsystemctl start ctrd"),
        ),
        Scenario::happens(
            "somebody meddled with the links",
            &lab(&[]),
            "true",
            meddled,
        ),
        Scenario::happens("a guest was killed", &with, "true", kill),
    ]
}
