//! Which mounts, links and variables of a specification a guest may have.

use std::path::{Path, PathBuf};

use super::edits::Link;
use super::error::Wrong;
use super::nodes::not_the_guests_own;
use super::spec;
use crate::declaration::{is_variable_name, plain_path, quote};
use crate::gpu::Mount;

/// Something that may be given, and what of it is not done: each the end of a sentence that begins with
/// what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged<T> {
    pub(super) value: Option<T>,
    pub(super) unapplied: Vec<String>,
}

impl<T> Judged<T> {
    fn not(why: impl Into<String>) -> Self {
        Self {
            value: None,
            unapplied: vec![why.into()],
        }
    }
}

/// What a guest's own programs and libraries are in, below its top directories: whatever is mounted
/// over one of them hides all of it.
const GUESTS_OWN: [&str; 17] = [
    "/etc/systemd",
    "/lib/aarch64-linux-gnu",
    "/lib/systemd",
    "/lib/x86_64-linux-gnu",
    "/nix/store",
    "/run/systemd",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/systemd",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var/lib",
    "/var/log",
];

/// What ctrd and systemd-nspawn give every guest.
const GIVEN: [&str; 4] = [
    "/etc/hosts",
    "/etc/resolv.conf",
    "/run/credentials",
    "/run/host",
];

/// File systems that are the kernel's.
const KERNELS: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Judges a mount. `private` are directories that only ctrd has any business with.
pub(super) fn mount(written: &spec::Mount, private: &[&Path]) -> Result<Judged<Mount>, Wrong> {
    let host = path(&written.host_path)?;
    let guest = path(&written.container_path)?;
    guest_place(&host, &guest)?;
    host_place(&host, private)?;
    if let Some(kernels) = below_any(&guest, &KERNELS).or_else(|| below_any(&host, &KERNELS)) {
        return Ok(Judged::not(format!(
            "a guest has a {kernels} of its own, and gets device nodes one by one"
        )));
    }
    let kind = written.kind.as_deref().unwrap_or_default();
    if !matches!(kind, "" | "bind" | "none") {
        let kind = quote(kind);
        return Ok(Judged::not(format!(
            "only files and directories of the host are mounted, not the type {kind}"
        )));
    }
    let mut no_exec = false;
    let mut unapplied = Vec::new();
    for option in &written.options {
        match option.as_str() {
            // What every mount is, and what nobody can see from the inside.
            "ro" | "nosuid" | "nodev" | "bind" | "rbind" | "private" | "rprivate" | "slave"
            | "rslave" | "exec" | "" => {}
            "noexec" => no_exec = true,
            "rw" => unapplied.push("it is mounted read-only, and not with `rw`".to_owned()),
            other => {
                let other = quote(other);
                unapplied.push(format!("it is mounted without the option {other}"));
            }
        }
    }
    let value = Some(Mount {
        guest,
        host,
        no_exec,
    });
    Ok(Judged { value, unapplied })
}

fn guest_place(host: &Path, guest: &Path) -> Result<(), Wrong> {
    let elsewhere = "mount the single files that programs need";
    if guest.components().count() <= 2 || GUESTS_OWN.iter().any(|own| guest == Path::new(own)) {
        let reason = format!("a mount onto {} would hide all of it", shown(guest));
        return Err(Wrong::new(reason, elsewhere));
    }
    if let Some(given) = GIVEN.iter().find(|given| guest.starts_with(given)) {
        let reason = format!(
            "a mount onto {} would hide what every guest is given in {given}",
            shown(guest)
        );
        return Err(Wrong::new(reason, elsewhere));
    }
    if guest.starts_with("/nix/store") && guest != host {
        let reason = format!(
            "a mount would put another file in the place of {}",
            shown(guest)
        );
        let hint = "mount a path of /nix/store onto itself, or onto a path outside";
        return Err(Wrong::new(reason, hint));
    }
    Ok(())
}

fn host_place(host: &Path, private: &[&Path]) -> Result<(), Wrong> {
    if host.components().count() <= 2 {
        let reason = format!(
            "a mount would show a guest all of the host's {}",
            shown(host)
        );
        return Err(Wrong::new(reason, "mount the files that programs need"));
    }
    let private = private
        .iter()
        .find(|it| host.starts_with(it) || it.starts_with(host));
    if let Some(private) = private {
        let reason = format!(
            "a mount of {} would show a guest what only ctrd has any business with, {}",
            shown(host),
            private.display()
        );
        return Err(Wrong::new(reason, "mount the files that programs need"));
    }
    Ok(())
}

/// Judges a link.
pub(super) fn link(target: &str, place: &str) -> Result<Judged<Link>, Wrong> {
    let path = path(place)?;
    if path.components().count() <= 2 || GUESTS_OWN.iter().any(|own| path == Path::new(own)) {
        let reason = format!(
            "a link in the place of {} would hide all of it",
            shown(&path)
        );
        return Err(Wrong::new(reason, "link to single files"));
    }
    if let Some(given) = GIVEN.iter().find(|given| path.starts_with(given)) {
        let reason = format!(
            "a link in the place of {} would hide what every guest is given in {given}",
            shown(&path)
        );
        return Err(Wrong::new(reason, "link to single files"));
    }
    not_the_guests_own(&path)?;
    if target.is_empty() || target.len() > 4095 || target.chars().any(char::is_control) {
        let reason = format!("a link cannot lead to {}", quote(target));
        return Err(Wrong::new(reason, "link to a path"));
    }
    if below_any(&path, &["/proc", "/sys", "/nix/store"]).is_some() {
        return Ok(Judged::not("no guest can have a link there"));
    }
    let value = Some(Link {
        path,
        target: PathBuf::from(target),
    });
    Ok(Judged {
        value,
        unapplied: Vec::new(),
    })
}

/// Judges a folder of libraries.
pub(super) fn folder(text: &str) -> Result<PathBuf, Wrong> {
    let path = path(text)?;
    // It goes into lists that have these between their folders, `LD_LIBRARY_PATH` (ld.so(8)).
    if text.contains([':', ';']) {
        let reason = format!("the folder of libraries {} has a `:` or `;`", quote(text));
        return Err(Wrong::new(reason, "give it another name"));
    }
    Ok(path)
}

/// Judges a variable, `NAME=value`.
pub(super) fn variable(text: &str) -> Result<(String, String), Wrong> {
    let Some((name, value)) = text.split_once('=') else {
        let reason = format!("the variable {} has no value", quote(text));
        return Err(Wrong::new(reason, "write it as NAME=value"));
    };
    if !is_variable_name(name) {
        let reason = format!("{} cannot be the name of a variable", quote(name));
        let hint = "use A to Z, a to z, 0 to 9 and _, and no digit first";
        return Err(Wrong::new(reason, hint));
    }
    if value.chars().any(char::is_control) {
        let reason = format!("the value of the variable {name} has a control character");
        return Err(Wrong::new(reason, "write it without"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A version of the interface whose files are read: 0.3.0, the first, to 1.x.
pub(super) fn version(text: &str) -> Result<(), Wrong> {
    // Some writers put a `v` before it, which the interface's own library takes too.
    let plain = text.strip_prefix('v').unwrap_or(text);
    let mut numbers = plain.splitn(3, '.').map(str::parse::<u16>);
    let major = numbers.next().and_then(Result::ok);
    let minor = numbers.next().and_then(Result::ok);
    match (major, minor) {
        (Some(0), Some(3..)) | (Some(1), Some(_)) => Ok(()),
        _ => Err(Wrong::new(
            format!("its cdiVersion is {}", quote(text)),
            "generate it with a tool that writes version 0.3.0 to 1.x of the interface",
        )),
    }
}

/// An absolute path without `..`.
pub(super) fn path(text: &str) -> Result<PathBuf, Wrong> {
    plain_path(text).map_err(|(reason, hint)| Wrong::new(reason, hint))
}

/// A path within a sentence.
pub(super) fn shown(path: &Path) -> String {
    quote(&path.to_string_lossy())
}

fn below_any<'a>(path: &Path, directories: &[&'a str]) -> Option<&'a str> {
    directories
        .iter()
        .copied()
        .find(|directory| path.starts_with(directory))
}
