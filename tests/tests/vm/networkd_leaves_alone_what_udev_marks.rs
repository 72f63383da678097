//! systemd-networkd with a file that matches every interface leaves the interfaces of ctrd alone where the
//! rule for udev is installed, whatever their bridges are called.

use ctr_lab::Vm;

use crate::guests::{boot, sleeper};

const RULE: &str = include_str!("../../../dist/udev/70-ctr-network.rules");
const OURS: &str = "networkctl list --no-legend 'br-*' 'cv-*'";

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn networkd_leaves_alone_what_udev_marks() {
    let vm = boot(&[sleeper("one", 11, "")], &["one"]);
    let addresses = addresses(&vm);
    vm.write("/etc/udev/rules.d/70-ctr-network.rules", RULE);
    vm.ok("udevadm control --reload
           udevadm trigger --settle --subsystem-match=net --action=change");
    let everything = "[Match]\nName=*\n[Network]\nDHCP=yes\n";
    vm.write("/etc/systemd/network/50-all.network", everything);
    // One that it is to manage.
    vm.ok("ip link add probe0 type dummy");
    vm.ok("systemctl start --no-block systemd-networkd");
    let probed = "networkctl list --no-legend probe0 | grep -E 'configur(ing|ed)'";
    vm.until(probed);
    vm.fails(&format!("{OURS} | grep -v unmanaged"));
    assert_eq!(self::addresses(&vm), addresses);

    // Without the rule it takes them.
    vm.ok(
        "rm /etc/udev/rules.d/70-ctr-network.rules && udevadm control --reload
           udevadm trigger --settle --subsystem-match=net --action=change
           systemctl restart --no-block systemd-networkd",
    );
    vm.until(&format!("{OURS} | grep -v unmanaged"));
}

fn addresses(vm: &Vm) -> String {
    vm.ok("ip -4 -brief address show | grep '^br-'")
}
