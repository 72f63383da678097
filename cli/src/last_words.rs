//! What containers said that are declared no more: the host's journal has it for as long as it has anything.

use std::process::{Command, Stdio};

use crate::program;

/// The command that shows what `group`/`name` said, where the host's journal has a word of it.
pub(crate) fn of(group: &str, name: &str) -> Option<String> {
    let words = words(group, name)?;
    let heard = Command::new(program::of_the_system("journalctl").ok()?)
        .args(["--quiet", "--no-pager", "--lines=1", "--output=cat"])
        .args(&words)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    (!heard.stdout.is_empty()).then(|| format!("journalctl {}", words.join(" ")))
}

/// The words of `journalctl` that choose it: the output of its unit and what systemd said of that, and the
/// journal of the guest, whose host name is the name of its machine. For a person: another guest's root could
/// have written the like. Nothing for what can be no name.
fn words(group: &str, name: &str) -> Option<Vec<String>> {
    let is_name = |it: &str| {
        let rule = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !it.is_empty() && it.bytes().all(rule)
    };
    if !is_name(group) || !is_name(name) {
        return None;
    }
    let machine = if name.starts_with(&format!("{group}-")) {
        name.to_owned()
    } else {
        format!("{group}-{name}")
    };
    Some(vec![
        "--merge".to_owned(),
        format!("_SYSTEMD_UNIT=ctr-{machine}.service"),
        "+".to_owned(),
        format!("UNIT=ctr-{machine}.service"),
        "+".to_owned(),
        format!("_HOSTNAME={machine}"),
    ])
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_machine_is_named_as_ctrd_names_it_and_nothing_else_is_a_name() {
        for (group, name) in [("dev", "ml"), ("dev", "dev-ml")] {
            let words = words(group, name).expect("names");
            assert_eq!(words[5], "_HOSTNAME=dev-ml");
            assert_eq!(words[1], "_SYSTEMD_UNIT=ctr-dev-ml.service");
        }
        assert_eq!(words("ml", "old web"), None);
        assert_eq!(words("ml", "--all`"), None);
        assert_eq!(words("", "web"), None);
    }
}
