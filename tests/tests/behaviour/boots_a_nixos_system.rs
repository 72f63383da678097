//! A NixOS system boots from the store: a nearly empty root, the store bound read-only, and the init
//! of the system that the profile names.
//!
//! The system here is a STAND-IN: a store with the needed parts of Debian, and a "system" whose `init`
//! links them into the root and starts their systemd. It proves what ctrd does for such a root, not
//! that a real NixOS boots. `LD_LIBRARY_PATH` is for that init's shell, which is no static program.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{declared, lab, status, until};

/// A store with Debian in it, and two systems that boot it.
const STORE: &str = r#"
mkdir -p /nix/store && mount -t tmpfs store /nix/store && cd /nix/store
mkdir -p aaaa-debian/usr/share && cd /var/lib/machines/debian
cp -a etc var /nix/store/aaaa-debian/ && cp -a usr/{bin,sbin,lib64} /nix/store/aaaa-debian/usr/
cp -a usr/share/dbus-1 /nix/store/aaaa-debian/usr/share/
tar -c --exclude=postgresql --exclude='python3*' usr/lib | tar -x -C /nix/store/aaaa-debian
cd /nix/store
for system in bbbb cccc; do
    mkdir $system-nixos-system-web
    cat >$system-nixos-system-web/init <<'INIT'
#!/nix/store/aaaa-debian/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /nix/store/aaaa-debian/usr/bin/dash
debian=/nix/store/aaaa-debian
link() { $debian/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 $debian/usr/bin/ln -sfn "$@"; }
for name in bin sbin lib lib64 share; do link $debian/usr/$name /usr/$name; done
for name in bin sbin lib lib64; do link usr/$name /$name; done
unset LD_LIBRARY_PATH
cp -a $debian/etc/. /etc/ 2>/dev/null
cp -a $debian/var/. /var/ 2>/dev/null
echo SYSTEM >/etc/which-system
exec /usr/lib/systemd/systemd "$@"
INIT
    sed -i "s/SYSTEM/$system/" $system-nixos-system-web/init
    chmod +x $system-nixos-system-web/init
done
"#;

#[test]
fn boots_a_nixos_system() {
    let system = |name: &str| {
        let root = format!("root = {{ nixos = \"/nix/store/{name}-nixos-system-web\" }}\n");
        let libraries = "/nix/store/aaaa-debian/usr/lib/x86_64-linux-gnu";
        lab(&[declared(
            "nix",
            11,
            &format!("{root}environment = {{ LD_LIBRARY_PATH = \"{libraries}\" }}\n"),
        )])
    };
    let host = Host::with_ctr(&system("bbbb"));
    let absent = host.fails("ctr lab start nix");
    assert!(
        absent.stderr.contains("/nix/store/bbbb-nixos-system-web"),
        "{absent:#?}"
    );
    host.ok(STORE);
    host.ok("ctr lab start nix");
    assert_eq!(until(&host, "nix", State::Running).restarts, 0);
    let inside = |command: &str| host.ok(&format!("ctr lab exec nix -- {command}"));
    assert_eq!(inside("cat /proc/1/comm"), "systemd\n");
    assert_eq!(inside("cat /etc/which-system"), "bbbb\n");
    assert_eq!(
        inside("readlink /nix/var/nix/profiles/system"),
        "/nix/store/bbbb-nixos-system-web\n"
    );
    host.fails("ctr lab exec nix -- touch /nix/store/new");
    inside("touch /root/kept");

    // Another system is booted from the same place, with the same state.
    host.write("/etc/ctr/containers.toml", system("cccc"));
    let plan = host.ok("ctr plan");
    assert!(
        plan.contains("lab/nix") && plan.contains("system"),
        "{plan}"
    );
    host.ok("ctr apply && ctr lab wait nix --timeout 40s");
    assert_eq!(inside("cat /etc/which-system"), "cccc\n");
    assert_eq!(
        inside("readlink /nix/var/nix/profiles/system"),
        "/nix/store/cccc-nixos-system-web\n"
    );
    inside("test -e /root/kept");
    assert_eq!(status(&host, "nix").state, State::Running);
}
