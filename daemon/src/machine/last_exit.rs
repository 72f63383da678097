//! How a run ended, in the words of `ctr status`: pure.

use super::Ended;

/// What is said of the end of a run: `ended` is `None` for a clean one, `asked` where ctrd stopped it,
/// `boots` for a guest with an init of its own.
pub fn last_exit(ended: Option<&Ended>, asked: bool, boots: bool) -> String {
    match (ended, asked) {
        (None, true) => "stopped".to_owned(),
        // What was asked for, and how it came: a command that a signal ends has a status other than 0.
        (Some(ended), true) => format!("stopped ({ended})"),
        (None, false) if boots => "it powered itself off".to_owned(),
        (None, false) => "exit status 0".to_owned(),
        (Some(ended), false) => ended.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::last_exit;
    use crate::machine::Ended;

    #[test]
    fn an_end_says_whose_doing_it_was() {
        let status = Ended::Status(255);
        let table = [
            (None, true, true, "stopped"),
            (Some(&status), true, false, "stopped (exit status 255)"),
            (
                Some(&Ended::StopTimeout),
                true,
                true,
                "stopped (killed, because it did not end in time)",
            ),
            (None, false, true, "it powered itself off"),
            (None, false, false, "exit status 0"),
            (
                Some(&Ended::Reboot),
                false,
                true,
                "its init asked for a reboot",
            ),
            (Some(&status), false, false, "exit status 255"),
            (Some(&Ended::OutOfMemory), false, true, "killed for memory"),
        ];
        for (ended, asked, boots, words) in table {
            assert_eq!(last_exit(ended, asked, boots), words);
        }
    }
}
