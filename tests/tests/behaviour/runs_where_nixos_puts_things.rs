//! ctrd works where NixOS puts things: programs in a store, one directory of links to those that all share, what
//! only ctrd needs on its unit's PATH alone; the files for D-Bus and polkit in that same tree; and the declaration
//! behind links that lead into the store. Nothing of it is in /usr.

use ctr_lab::Host;

use crate::guests::{PATIENCE, host_status, lab, running, sleeper};
use crate::people::{NOBODY, OPERATOR, inhabited};

/// Moves everything there. The layout is that of nixpkgs; the programs are this host's. Debian's D-Bus and polkit
/// are told of the tree by their own files, as those of NixOS are when they are built.
const MOVE: &str = r"
set -eu
systemctl stop ctrd
groupadd --force nixbld
install -d -o root -g nixbld -m 1775 /nix/store
mkdir -p /nix/store/{c-ctr,n-nftables,s-systemd,w-system-path}/bin /nix/store/c-ctr/share
cd /nix/store
mv /usr/bin/{ctr,ctrd} c-ctr/bin/
mv /usr/sbin/nft n-nftables/bin/
mv /usr/bin/systemd-nspawn s-systemd/bin/
for kind in dbus-1/system.d polkit-1/actions polkit-1/rules.d; do
    mkdir -p c-ctr/share/$kind
    mv /usr/share/$kind/*{kernelcore,ctr}* c-ctr/share/$kind/ 2>/dev/null || true
    mkdir -p w-system-path/share/$kind
    ln -s /nix/store/c-ctr/share/$kind/* w-system-path/share/$kind/
done
ln -s /nix/store/c-ctr/bin/{ctr,ctrd} /usr/bin/systemctl /usr/bin/journalctl w-system-path/bin/
mkdir -p d-system && ln -s /nix/store/w-system-path d-system/sw
ln -sfn /nix/store/d-system /run/current-system

cat >/etc/dbus-1/system-local.conf <<'END'
<busconfig><includedir>/run/current-system/sw/share/dbus-1/system.d</includedir></busconfig>
END
mkdir -p /etc/polkit-1/actions
ln -s /run/current-system/sw/share/polkit-1/actions/* /etc/polkit-1/actions/
ln -s /run/current-system/sw/share/polkit-1/rules.d/* /etc/polkit-1/rules.d/

mkdir -p e-etc/ctr && mv /etc/ctr/containers.toml f-containers.toml
ln -s /nix/store/f-containers.toml e-etc/ctr/containers.toml
ln -s /nix/store/e-etc /etc/static
rmdir /etc/ctr 2>/dev/null || true
mkdir -p /etc/ctr && ln -s /etc/static/ctr/containers.toml /etc/ctr/containers.toml

mkdir -p /etc/systemd/system/ctrd.service.d
cat >/etc/systemd/system/ctrd.service.d/nixos.conf <<'END'
[Service]
Environment=PATH=/nix/store/n-nftables/bin:/nix/store/s-systemd/bin
ExecStart=
ExecStart=/run/current-system/sw/bin/ctrd run
ExecReload=
ExecReload=/run/current-system/sw/bin/ctr apply
END
systemctl daemon-reload
busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig
systemctl restart polkit
";

const CTR: &str = "/run/current-system/sw/bin/ctr";

/// What `nixos-rebuild switch` does with another declaration: another store path, another /etc, and a reload.
#[track_caller]
fn switch(host: &Host, number: u32, declaration: &str) {
    let file = format!("/nix/store/g{number}-containers.toml");
    host.write(&file, declaration);
    host.ok(&format!(
        "mkdir -p /nix/store/h{number}-etc/ctr && cd /nix/store/h{number}-etc
         ln -s {file} ctr/containers.toml && ln -sfn /nix/store/h{number}-etc /etc/static.new
         mv -T /etc/static.new /etc/static && systemctl reload ctrd"
    ));
}

#[test]
fn runs_where_nixos_puts_things() {
    let published = "ports = [{ port = 8080, publish = { host-port = 18080 } }]\n";
    let web = sleeper("web", 11, published);
    let host = inhabited(&lab(std::slice::from_ref(&web)), |it| it);
    host.ok(MOVE);
    for gone in [
        "/usr/bin/ctr",
        "/usr/bin/ctrd",
        "/usr/sbin/nft",
        "/usr/bin/systemd-nspawn",
    ] {
        host.fails(&format!("test -e {gone}"));
    }
    host.fails(
        "ls /usr/share/dbus-1/system.d/*kernelcore* /usr/share/polkit-1/actions/*kernelcore*",
    );
    // `ctr` by its usual name, for whoever asks below.
    host.ok(&format!(
        "ln -s {CTR} /usr/local/bin/ctr && systemctl start ctrd"
    ));
    let leaders = running(&host, &["web"]);
    let main = host.ok("systemctl show --value --property=MainPID ctrd");
    let program = host.ok(&format!("readlink /proc/{}/exe", main.trim()));
    assert_eq!(program, "/nix/store/c-ctr/bin/ctrd\n");
    host.ok("/nix/store/n-nftables/bin/nft list table inet ctr | grep -q 18080");

    // Sessions, logs and checks find their programs.
    assert_eq!(host.ok("ctr lab exec web -- echo inside"), "inside\n");
    host.ok("ctr lab logs web -n 5 && ctr check /etc/ctr/containers.toml");

    // The bus lets everybody read, and polkit knows who may do what.
    host.ok(&format!("{NOBODY} ctr lab status"));
    let refused = host.fails(&format!("{NOBODY} ctr lab stop web"));
    assert!(refused.stderr.contains("may not"), "{refused:#?}");
    host.ok(&format!("{OPERATOR} ctr lab restart web"));
    let restarted = running(&host, &["web"]);
    assert_ne!(restarted, leaders);
    let unit = host.ok("systemctl show --property=ExecStart ctr-lab-web.service");
    assert!(
        unit.contains("path=/nix/store/s-systemd/bin/systemd-nspawn"),
        "{unit}"
    );

    // Another generation declares another container, and one after it is wrong.
    let two = lab(&[web.clone(), sleeper("db", 12, "")]);
    switch(&host, 1, &two);
    assert!(!host_status(&host).declaration.differs);
    let leaders = running(&host, &["web", "db"]);
    assert_eq!(leaders[0], restarted[0]);
    let file = "/nix/store/g2-containers.toml";
    host.write(file, "schema = 1\n[groups.lab]\n");
    host.ok(&format!(
        "mkdir -p /nix/store/h2-etc/ctr && ln -s {file} /nix/store/h2-etc/ctr/containers.toml
         ln -sfn /nix/store/h2-etc /etc/static"
    ));
    host.fails("systemctl reload ctrd");
    let problems = host_status(&host).declaration.problems;
    assert!(
        problems[0].file.contains("containers.toml"),
        "{problems:#?}"
    );
    assert_eq!(
        running(&host, &["web", "db"]),
        leaders,
        "it keeps the last one"
    );
    switch(&host, 3, &two);

    // Another package, in another store path: guests run on, and their sessions work.
    host.ok(
        "cp -a /nix/store/c-ctr /nix/store/k-ctr && ln -sfn /nix/store/k-ctr/bin/ctrd /nix/store/w-system-path/bin/ctrd
         ln -sfn /nix/store/k-ctr/bin/ctr /nix/store/w-system-path/bin/ctr && rm -r /nix/store/c-ctr/bin
         systemctl restart ctrd",
    );
    host.until("ctr lab exec web -- true", PATIENCE);
    assert_eq!(running(&host, &["web", "db"]), leaders);
}
