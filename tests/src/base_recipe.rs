//! What is in the base tree: Debian packages, and the edits that make one tree fit many hosts.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

/// The Debian release every lab host and guest runs.
pub(crate) const SUITE: &str = "trixie";

/// Counts up whenever the edits below change, so that an older tree is not used any more.
pub(crate) const VERSION: u32 = 1;

/// A host with what ctr needs at run time, and what the demo's guests serve.
pub(crate) const PACKAGES: [&str; 24] = [
    "bash-completion",
    "caddy",
    "curl",
    "dbus",
    "firewalld",
    "iproute2",
    "iptables",
    "iputils-ping",
    "jupyter-server",
    "less",
    "libpam-systemd",
    "netcat-openbsd",
    "network-manager",
    "nftables",
    "polkitd",
    "postgresql",
    "procps",
    "python3",
    "socat",
    "systemd",
    "systemd-container",
    "systemd-sysv",
    "ufw",
    "util-linux",
];

/// Files dpkg leaves out: nobody reads them here, and `PostgreSQL` only needs LLVM for its JIT.
pub(crate) const LEFT_OUT: [&str; 6] = [
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/lib/*/libLLVM*",
];

/// Turns a fresh installation into a tree that any number of hosts and guests boot at once.
pub(crate) fn finish(tree: &Path) -> Result<()> {
    write(
        &tree.join("etc/postgresql/17/main/conf.d/no-jit.conf"),
        "# The tree leaves LLVM out.\njit = off\n",
    )?;
    belong_to_nobody(tree)
}

/// Takes away what an installation knows of itself, and what it would do by itself.
pub(crate) fn belong_to_nobody(tree: &Path) -> Result<()> {
    enable_nothing(tree)?;
    let at = |path: &str| tree.join(path);
    // Empty, not absent: absent means "first boot", which asks questions and presets every unit.
    write(&at("etc/machine-id"), "")?;
    write(&at("etc/hostname"), "debian\n")?;
    write(&at("etc/resolv.conf"), "")?;
    // Guests get their addresses from outside; the machine that built the tree is no part of it.
    write(&at("etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n")?;
    let _ = fs::remove_file(at("etc/apt/sources.list"));
    let shadow = fs::read_to_string(at("etc/shadow")).context("failed to read etc/shadow")?;
    write(&at("etc/shadow"), &shadow.replace("root:*:", "root::"))?;
    mark_up_to_date(tree)
}

/// Debian's packages enable themselves. Every guest of the tree would run them all, and a test
/// could not tell what the declaration started from what the package did.
fn enable_nothing(tree: &Path) -> Result<()> {
    let units = tree.join("etc/systemd/system");
    for entry in fs::read_dir(&units).context("failed to list enabled units")? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".wants") || name.ends_with(".requires") {
            fs::remove_dir_all(entry.path())?;
        }
    }
    // systemd turns these old start links into units of their own.
    for level in ["rc2.d", "rc3.d", "rc4.d", "rc5.d"] {
        let _ = fs::remove_dir_all(tree.join("etc").join(level));
    }
    // A getty has no terminal here, and a desktop's tmpfs size no meaning.
    for unit in ["getty.target", "console-getty.service", "tmp.mount"] {
        symlink("/dev/null", units.join(unit)).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })?;
    }
    Ok(())
}

/// Tells systemd that /etc and /var already match /usr: it rebuilds catalogues and users otherwise,
/// in every guest, at every start.
fn mark_up_to_date(tree: &Path) -> Result<()> {
    let modified = fs::metadata(tree.join("usr"))?.modified()?;
    for stamp in ["etc/.updated", "var/.updated"] {
        let path = tree.join(stamp);
        write(&path, "")?;
        fs::File::options()
            .append(true)
            .open(&path)?
            .set_modified(modified)?;
    }
    Ok(())
}

/// Writes a file of the tree.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    // Some of these are links into /run or /proc: the link is replaced, never followed.
    if path.is_symlink() {
        fs::remove_file(path)?;
    }
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
}
