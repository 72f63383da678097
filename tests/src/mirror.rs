//! Where this machine gets Debian from, asked of its own apt.
//!
//! apt reads every form of sources file and its proxy settings; asking it means that the lab goes
//! where the machine's administrator already sends it, and nowhere else.

use std::process::Command;

/// The machine's Debian archive and what apt needs to reach it.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// The archive's address; none where apt knows no Debian archive, as on another distribution.
    pub(crate) archive: Option<String>,
    /// Settings of the machine's apt that decide how an archive is reached.
    pub(crate) options: Vec<String>,
}

impl Mirror {
    /// Asks the machine's apt.
    pub(crate) fn of_this_machine() -> Self {
        let targets = apt(
            "apt-get",
            &[
                "indextargets",
                "--format",
                "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
                "Created-By: Packages",
            ],
        );
        let settings = apt("apt-config", &["dump", "Acquire"]);
        Self {
            archive: archive(&targets),
            options: settings
                .lines()
                .filter(|line| reaches(line))
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// What apt answers; nothing where there is no apt, which leaves mmdebstrap its own default.
fn apt(program: &str, arguments: &[&str]) -> String {
    Command::new(program)
        .args(arguments)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

/// Without downloaded lists apt knows addresses only; Debian's mirrors all end in the same name.
fn archive(targets: &str) -> Option<String> {
    let named = |line: &str| {
        let (_, archive) = line.rsplit_once('|')?;
        let archive = archive.trim_end_matches('/');
        archive.ends_with("/debian").then(|| archive.to_owned())
    };
    targets
        .lines()
        .find_map(debian_archive)
        .or_else(|| targets.lines().find_map(named))
}

/// The security archive has the same origin, but not a whole suite: the label tells them apart.
fn debian_archive(target: &str) -> Option<String> {
    let archive = target.strip_prefix("Debian|Debian|")?;
    Some(archive.trim_end_matches('/').to_owned())
}

fn reaches(setting: &str) -> bool {
    ["Acquire::http", "Acquire::https", "Acquire::Check-"]
        .iter()
        .any(|prefix| setting.starts_with(prefix) && !setting.ends_with("\"\";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_archive_and_not_the_security_updates() {
        assert_eq!(
            debian_archive("Debian|Debian-Security|http://mirror.test/security/"),
            None
        );
        assert_eq!(
            debian_archive("Debian|Debian|http://mirror.test/debian/"),
            Some("http://mirror.test/debian".to_owned())
        );
    }

    #[test]
    fn takes_the_address_where_no_list_was_ever_downloaded() {
        let targets = "$(ORIGIN)|$(LABEL)|http://mirror.test/debian-security/\n\
                       $(ORIGIN)|$(LABEL)|http://mirror.test/debian/\n";
        assert_eq!(
            archive(targets),
            Some("http://mirror.test/debian".to_owned())
        );
        assert_eq!(archive(""), None);
    }

    #[test]
    fn takes_proxies_and_no_empty_settings() {
        assert!(reaches("Acquire::http::Proxy \"http://proxy.test:3128\";"));
        assert!(!reaches("Acquire::http \"\";"));
        assert!(!reaches("Acquire::Languages:: \"none\";"));
    }
}
