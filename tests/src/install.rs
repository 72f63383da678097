//! Installs this build's ctrd and ctr into a host, as a package would.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};

use crate::cache;
use crate::spec::{Content, File};

/// Names a directory with finished programs, so that nothing is built.
const PROGRAMS_VARIABLE: &str = "CTR_LAB_BIN_DIR";

const PROGRAMS: [&str; 2] = ["ctrd", "ctr"];

const UNIT: &str = "/usr/lib/systemd/system/ctrd.service";

/// Where the files of `dist/` belong on a host, by the end of their names.
const PLACES: [(&str, &str); 7] = [
    (".service", "/usr/lib/systemd/system"),
    (".catalog", "/usr/lib/systemd/catalog"),
    (".conf", "/usr/share/dbus-1/system.d"),
    (".policy", "/usr/share/polkit-1/actions"),
    (".rules", "/usr/share/polkit-1/rules.d"),
    (".sysctl.conf", "/usr/lib/sysctl.d"),
    (".sysusers.conf", "/usr/lib/sysusers.d"),
];

/// How cargo builds them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the lab itself was built.
    #[default]
    OfTheLab,
    /// As they are installed.
    Release,
}

impl Profile {
    fn is_release(self) -> bool {
        self == Self::Release || !cfg!(debug_assertions)
    }

    /// Where the programs that it builds are.
    fn directory(self) -> PathBuf {
        let name = if self.is_release() {
            "release"
        } else {
            "debug"
        };
        cache::target_directory().join(name)
    }
}

/// Everything of the product that a host needs, ctrd enabled.
pub(crate) fn files(profile: Profile, say: &dyn Fn(&str)) -> Result<Vec<File>> {
    let programs = programs(profile, say)?;
    let mut files: Vec<File> = PROGRAMS
        .iter()
        .map(|name| copy(&programs.join(name), &Path::new("/usr/bin").join(name)))
        .collect();
    let dist = cache::workspace().join("dist");
    for entry in dist.read_dir().context("failed to list dist")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(place) = place(&name) {
            files.push(copy(&entry.path(), &place));
        }
    }
    if !files.iter().any(|file| file.path == Path::new(UNIT)) {
        bail!("{} has no ctrd.service to install", dist.display());
    }
    files.push(File {
        path: "/etc/systemd/system/multi-user.target.wants/ctrd.service".into(),
        content: Content::Link(UNIT.to_owned()),
    });
    Ok(files)
}

/// `ctr.sysctl.conf` is `/usr/lib/sysctl.d/ctr.conf`: the longest end that fits decides.
fn place(name: &str) -> Option<PathBuf> {
    let (end, directory) = PLACES.iter().rev().find(|(end, _)| name.ends_with(end))?;
    let installed = match name.strip_suffix(end) {
        // What stands before `.conf` only says which of the directories it belongs in.
        Some(stem) if matches!(*end, ".sysctl.conf" | ".sysusers.conf") => format!("{stem}.conf"),
        _ => name.to_owned(),
    };
    Some(Path::new(directory).join(installed))
}

fn copy(source: &Path, path: &Path) -> File {
    File {
        path: path.to_owned(),
        content: Content::CopyOf(source.to_owned()),
    }
}

/// The directory with the programs of this profile, brought up to date once in a process.
fn programs(profile: Profile, say: &dyn Fn(&str)) -> Result<PathBuf> {
    // One for each profile.
    static BUILT: [OnceLock<Result<PathBuf, String>>; 2] = [OnceLock::new(), OnceLock::new()];
    if let Some(directory) = env::var_os(PROGRAMS_VARIABLE) {
        return Ok(directory.into());
    }
    let built = &BUILT[usize::from(profile.is_release())];
    let built = built.get_or_init(|| build(profile, say).map_err(|error| format!("{error:#}")));
    built.clone().map_err(|error| anyhow!(error))
}

/// A program that only tests put on a host, one of `daemon/examples`, brought up to date.
pub fn program_for_tests(name: &str) -> Result<PathBuf> {
    let profile = Profile::OfTheLab;
    cargo_build(profile, &["--package", "ctrd", "--example", name])?;
    Ok(profile.directory().join("examples").join(name))
}

/// cargo gave its lock back before it ran us, so that another cargo may build here.
fn build(profile: Profile, say: &dyn Fn(&str)) -> Result<PathBuf> {
    say("building ctrd and ctr");
    cargo_build(profile, &["--package", "ctrd", "--package", "ctr"])?;
    Ok(profile.directory())
}

fn cargo_build(profile: Profile, what: &[&str]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet"]).args(what);
    if profile.is_release() {
        command.arg("--release");
    }
    let output = command
        .current_dir(cache::workspace())
        .stdin(Stdio::null())
        .output()
        .context("failed to start cargo")?;
    if !output.status.success() {
        bail!(
            "failed to build {}\n{}",
            what.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_file_has_its_place() {
        let placed = |name| place(name).map(|path| path.display().to_string());
        assert_eq!(
            placed("ctrd.service").as_deref(),
            Some("/usr/lib/systemd/system/ctrd.service")
        );
        assert_eq!(
            placed("ctr.sysctl.conf").as_deref(),
            Some("/usr/lib/sysctl.d/ctr.conf")
        );
        assert_eq!(
            placed("org.x.conf").as_deref(),
            Some("/usr/share/dbus-1/system.d/org.x.conf")
        );
        assert_eq!(
            placed("ctr.sysusers.conf").as_deref(),
            Some("/usr/lib/sysusers.d/ctr.conf")
        );
        assert_eq!(
            placed("10-x.rules").as_deref(),
            Some("/usr/share/polkit-1/rules.d/10-x.rules")
        );
        assert_eq!(placed("README.md"), None);
    }
}
