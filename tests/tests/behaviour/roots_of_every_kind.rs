//! A shared tree with a private layer, a tree of one's own, a NixOS system: each boots as it should,
//! and keeps or drops its state as declared.
//!
//! The NixOS system here is a STAND-IN: a store that holds the Debian tree and a "system" whose `init`
//! links it into the nearly empty root and starts its systemd. It proves what ctrd does for such a
//! root (the bound store, the profile link, the init that is run), not that a real NixOS boots.

use ctr_api::wire::State;
use ctr_lab::Host;

use crate::guests::{booted, declared, lab, running, sleeper, status, until};

#[test]
fn a_shared_tree_has_a_private_layer() {
    let enable = "enable = [\"postgresql.service\"]\n";
    let host = Host::with_ctr(&lab(&[
        booted("plain", 11, ""),
        booted("base", 12, enable),
        sleeper("short", 13, "ephemeral = true\n"),
    ]));
    running(&host, &["plain", "base", "short"]);
    for name in ["plain", "base"] {
        assert_eq!(
            host.ok(&format!(
                "ctr lab exec {name} -- systemctl list-units --failed --no-legend"
            )),
            ""
        );
        assert_eq!(
            host.ok(&format!(
                "ctr lab exec {name} -- systemctl is-system-running"
            )),
            "running\n"
        );
    }
    let id = |name: &str| host.ok(&format!("ctr lab exec {name} -- cat /etc/machine-id"));
    assert!(id("plain") != id("base") && id("plain") != host.read("/etc/machine-id"));
    assert_eq!(id("plain").trim().len(), 32);
    assert_eq!(host.ok("ctr lab exec plain -- hostname"), "lab-plain\n");

    // Packages of the tree enable nothing by themselves; a declaration does.
    host.fails("ctr lab exec plain -- pgrep -x postgres");
    host.fails("ctr lab exec plain -- systemctl is-active caddy");
    host.ok("ctr lab exec base -- systemctl is-active postgresql");

    let before = id("plain");
    host.ok("ctr lab exec plain -- touch /root/kept; ctr lab exec short -- touch /root/dropped");
    host.ok("ctr lab restart plain short");
    host.ok("ctr lab exec plain -- test -e /root/kept");
    host.fails("ctr lab exec short -- test -e /root/dropped");
    assert_eq!(id("plain"), before, "it became another machine");
    host.fails("test -e /var/lib/machines/debian/root/kept");
    host.ok("ctr lab exec short -- touch /root/dropped && ctr lab stop short");
    host.fails("find /var/lib/ctr/lab-short -name dropped | grep .");
}

/// A tree of the few files that `sleep`, `touch` and `stat` need.
const OWN_TREE: &str = r"
mkdir /srv/roots && mount -t tmpfs roots /srv/roots && cd /srv/roots && mkdir own && cd own
mkdir -p usr/bin usr/lib usr/lib64 etc dev proc sys run tmp var root
ln -s usr/bin bin; ln -s usr/lib lib; ln -s usr/lib64 lib64
cp /usr/bin/{sleep,touch,stat} usr/bin/
for lib in $(ldd usr/bin/* | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do cp --parents -L $lib .; done
cp -a /etc/{passwd,group,os-release} etc/; cp /usr/lib/os-release usr/lib/
";

#[test]
fn a_directory_is_written_in_place() {
    let root =
        "root = { directory = \"/srv/roots/own\" }\ncommand = [\"/usr/bin/sleep\", \"infinity\"]\n";
    let host = Host::with_ctr(&lab(&[declared("own", 11, root)]));
    host.ok(OWN_TREE);
    host.ok("ctr lab start own");
    let leader = running(&host, &["own"])[0];
    host.ok("ctr lab exec own -- /usr/bin/touch /root/marker");
    assert_eq!(host.ok("stat -c %u /srv/roots/own/root/marker"), "0\n");
    assert_ne!(host.ok(&format!("stat -c %u /proc/{leader}")), "0\n");
    assert_eq!(
        host.ok("ctr lab exec own -- /usr/bin/stat -c %u /usr/bin/sleep"),
        "0\n"
    );
    assert_eq!(host.ok("stat -c %u /srv/roots/own/usr/bin/sleep"), "0\n");
    host.ok("ctr lab restart own && ctr lab exec own -- /usr/bin/stat /root/marker");
}

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
fn a_nixos_system_boots_from_the_store() {
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
