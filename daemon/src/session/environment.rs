//! The environment of a session: of the guest, of its user, and what the caller set. Pure.
//!
//! Nothing of the host's environment is in it.

use super::account::Account;

/// Where a guest keeps its programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Which kind of system the guest is, as far as its programs' places depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Programs are where the file system hierarchy has them.
    Usual,
    /// Programs are behind /run/current-system.
    NixOs,
}

/// The variables of a session. The caller's own come last, so they win over ours.
pub(super) fn variables(
    account: &Account,
    system: System,
    terminal: bool,
    callers: &[String],
) -> Vec<(String, String)> {
    let mut variables = vec![
        ("PATH".to_owned(), path(account, system)),
        ("HOME".to_owned(), account.home.clone()),
        ("USER".to_owned(), account.name.clone()),
        ("LOGNAME".to_owned(), account.name.clone()),
        ("SHELL".to_owned(), account.shell.clone()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
    ];
    if terminal {
        variables.push(("TERM".to_owned(), "xterm-256color".to_owned()));
    }
    for variable in callers {
        if let Some((name, value)) = variable.split_once('=') {
            variables.retain(|(known, _)| known != name);
            variables.push((name.to_owned(), value.to_owned()));
        }
    }
    variables
}

/// The value of one variable.
pub(super) fn value<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    variables
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// In NixOS's own order: the wrappers with rights first, or `sudo` would be found without them.
fn path(account: &Account, system: System) -> String {
    match system {
        System::Usual => PATH.to_owned(),
        System::NixOs => format!(
            "/run/wrappers/bin:{}/.nix-profile/bin:/etc/profiles/per-user/{}/bin:\
             /nix/var/nix/profiles/default/bin:/run/current-system/sw/bin:{PATH}",
            account.home, account.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::account::look_up;

    fn of(system: System, terminal: bool, callers: &[&str]) -> Vec<(String, String)> {
        let account = look_up("ann", "ann:x:1000:100::/home/ann:/bin/zsh\n", "").unwrap();
        let callers: Vec<String> = callers.iter().map(ToString::to_string).collect();
        variables(&account, system, terminal, &callers)
    }

    #[test]
    fn names_the_user_and_no_terminal_where_there_is_none() {
        let variables = of(System::Usual, false, &[]);
        let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG"]);
        assert_eq!(value(&variables, "HOME"), Some("/home/ann"));
        assert_eq!(value(&variables, "SHELL"), Some("/bin/zsh"));
    }

    #[test]
    fn the_caller_has_the_last_word() {
        let variables = of(
            System::Usual,
            true,
            &["TERM=foot", "A=1", "A=2=3", "EMPTY="],
        );
        assert_eq!(value(&variables, "TERM"), Some("foot"));
        assert_eq!(value(&variables, "A"), Some("2=3"));
        assert_eq!(value(&variables, "EMPTY"), Some(""));
        assert_eq!(
            variables.iter().filter(|(name, _)| name == "TERM").count(),
            1
        );
    }

    #[test]
    fn finds_the_programs_of_nixos() {
        let variables = of(System::NixOs, true, &[]);
        let path = value(&variables, "PATH").unwrap();
        assert!(
            path.starts_with("/run/wrappers/bin:/home/ann/.nix-profile/bin:"),
            "{path}"
        );
        assert!(path.contains(":/etc/profiles/per-user/ann/bin:"), "{path}");
        assert!(path.contains(":/run/current-system/sw/bin:"), "{path}");
    }
}
