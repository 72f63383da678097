//! What several containers say, line by line, each with the name of who says it: from what
//! `journalctl --output=json` writes (systemd's `JOURNAL_EXPORT_FORMATS.md`).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};

use clap::builder::styling::AnsiColor;
use ctr_api::wire::ContainerStatus;
use serde::Deserialize;
use serde_json::Value;

use crate::render::{Paint, date_and_time};
use crate::visible::visible;

/// The look that journalctl writes for this.
pub(crate) const OUTPUT: &str = "json";

/// One after the other, and again from the first; what means good or bad elsewhere is left out.
const COLOURS: [AnsiColor; 8] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Yellow,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightBlue,
    AnsiColor::BrightYellow,
];

/// Who says a line, and how it is shown.
#[derive(Debug)]
pub(crate) struct Names {
    speakers: Vec<Speaker>,
    width: usize,
    paint: Paint,
    /// Somebody looks at it: what a guest wrote is shown and not obeyed.
    terminal: bool,
}

#[derive(Debug)]
struct Speaker {
    name: String,
    machine: String,
    machine_id: String,
    unit: String,
}

/// An entry of the journal. A field that stands there twice, or is no text, is no name.
#[derive(Debug, Default, Deserialize)]
struct Entry {
    #[serde(default, rename = "__REALTIME_TIMESTAMP")]
    time: Value,
    #[serde(default, rename = "MESSAGE")]
    message: Value,
    #[serde(default, rename = "SYSLOG_IDENTIFIER")]
    identifier: Value,
    #[serde(default, rename = "_PID")]
    process: Value,
    #[serde(default, rename = "_MACHINE_ID")]
    machine_id: Value,
    #[serde(default, rename = "_SYSTEMD_UNIT")]
    unit: Value,
    #[serde(default, rename = "UNIT")]
    about: Value,
}

impl Names {
    /// Names for the lines of these.
    pub(crate) fn of(containers: &[&ContainerStatus], paint: Paint, terminal: bool) -> Self {
        let speakers: Vec<Speaker> = containers
            .iter()
            .map(|it| Speaker {
                name: it.name.clone(),
                machine: it.machine.clone(),
                machine_id: it.machine_id.clone(),
                unit: it.unit.clone(),
            })
            .collect();
        let widths = speakers.iter().map(|it| it.name.chars().count());
        Self {
            width: widths.max().unwrap_or(0),
            speakers,
            paint,
            terminal,
        }
    }

    /// Writes each entry as soon as it is there.
    pub(crate) fn copy(&self, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line)? > 0 {
            to.write_all(self.shown(&line).as_bytes())?;
            to.flush()?;
            line.clear();
        }
        Ok(())
    }

    /// `2026-11-20 21:04:07 ollama   listening on 11434`, one such line for each line of the message.
    fn shown(&self, line: &[u8]) -> String {
        let Ok(entry) = serde_json::from_slice::<Entry>(line) else {
            let text = String::from_utf8_lossy(line);
            return self.plain(&text).into_owned();
        };
        let says = |value: &Value, word: &str| value.as_str() == Some(word);
        let speaker = self.speakers.iter().position(|it| {
            says(&entry.machine_id, &it.machine_id)
                || says(&entry.unit, &it.unit)
                || says(&entry.about, &it.unit)
        });
        let (name, machine) = speaker.map_or(("?", ""), |index| {
            let speaker = &self.speakers[index];
            (speaker.name.as_str(), speaker.machine.as_str())
        });
        let colour = COLOURS[speaker.unwrap_or(0) % COLOURS.len()].on_default();
        let padded = format!("{name:<width$}", width = self.width);
        let time = entry.time.as_str().and_then(|it| it.parse::<u64>().ok());
        let head = format!(
            "{} {}",
            self.paint.faint(&date_and_time(time.unwrap_or(0) / 1000)),
            self.paint.apply(colour, &padded)
        );
        // A unit's own output goes by the machine's name, which stands there already.
        let by = entry.identifier.as_str().filter(|it| *it != machine);
        let by = by.map_or_else(String::new, |identifier| match entry.process.as_str() {
            Some(process) => format!("{identifier}[{process}]: "),
            None => format!("{identifier}: "),
        });
        let mut shown = String::new();
        for line in message(&entry.message).lines() {
            let text = self.plain(line);
            let _ = writeln!(shown, "{head}  {}{text}", self.plain(&by));
        }
        shown
    }

    fn plain<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.terminal {
            visible(text)
        } else {
            Cow::Borrowed(text)
        }
    }
}

/// A message as it was written: text, or the numbers of its bytes where it is no text. journalctl leaves
/// out one of more than 4096 bytes.
fn message(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(numbers) => {
            let bytes = numbers.iter().map(|it| it.as_u64().unwrap_or(0));
            let bytes: Vec<u8> = bytes.map(|it| u8::try_from(it).unwrap_or(b'?')).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => "[a long message: `-o cat` shows it]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::render::Paint;
    use crate::{sample, screens};

    #[test]
    fn the_reference_shows_the_logs_of_several() {
        let (ollama, jupyter) = (
            sample::running("ml", "ollama"),
            sample::running("ml", "jupyter"),
        );
        let names = Names::of(&[&ollama, &jupyter], Paint::plain(), false);
        let at = |seconds: u64| format!("{}000000", sample::NOW_MS / 1000 + seconds);
        let lines = format!(
            r#"{{"__REALTIME_TIMESTAMP":"{}","MESSAGE":"listening on 11434","SYSLOG_IDENTIFIER":"ml-ollama","_PID":"7","_SYSTEMD_UNIT":"ctr-ml-ollama.service"}}
{{"__REALTIME_TIMESTAMP":"{}","MESSAGE":"Server listening on 0.0.0.0 port 22.","SYSLOG_IDENTIFIER":"sshd","_PID":"212","_MACHINE_ID":"{}"}}
{{"__REALTIME_TIMESTAMP":"{}","MESSAGE":"Stopping ctr-ml-ollama.service - ctr container ml/ollama...","SYSLOG_IDENTIFIER":"systemd","_PID":"1","UNIT":"ctr-ml-ollama.service"}}
"#,
            at(0),
            at(1),
            jupyter.machine_id,
            at(9),
        );
        let mut to = Vec::new();
        names.copy(&mut lines.as_bytes(), &mut to).expect("copied");
        let mut text = String::from("$ ctr ml logs ollama jupyter\n");
        text += &String::from_utf8(to).expect("text");
        for (second, date) in [
            (0, "2026-11-20 21:04:07"),
            (1, "2026-11-20 21:04:08"),
            (9, "2026-11-20 21:04:16"),
        ] {
            let shown = crate::render::date_and_time(sample::NOW_MS + second * 1000);
            text = text.replace(&shown, date);
        }
        screens::assert_shown("ctr ml logs", &text);
    }

    fn shown(terminal: bool, lines: &str) -> String {
        let (ollama, web) = (
            sample::running("ml", "ollama"),
            sample::running("ml", "web"),
        );
        let names = Names::of(&[&ollama, &web], Paint::new(terminal), terminal);
        let mut to = Vec::new();
        names.copy(&mut lines.as_bytes(), &mut to).expect("copied");
        let text = String::from_utf8(to).expect("text");
        // The date is local.
        let cut = |line: &str| line.chars().skip(if terminal { 0 } else { 20 }).collect();
        let lines: Vec<String> = text.lines().map(cut).collect();
        lines.join("\n")
    }

    #[test]
    fn each_line_has_the_name_of_who_says_it() {
        let lines = r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":"of the unit","SYSLOG_IDENTIFIER":"ml-ollama","_PID":"7","_SYSTEMD_UNIT":"ctr-ml-ollama.service"}
{"MESSAGE":"Started it","SYSLOG_IDENTIFIER":"systemd","_PID":"1","UNIT":"ctr-ml-web.service"}
{"MESSAGE":"two\nlines","SYSLOG_IDENTIFIER":"sshd","_PID":"9","_MACHINE_ID":"4d000000000000000000000000000003"}
{"MESSAGE":[27,91,72,226,130,172],"_MACHINE_ID":"4d000000000000000000000000000006"}
{"MESSAGE":null,"_SYSTEMD_UNIT":["a","b"]}
no JSON
"#;
        assert_eq!(
            shown(false, lines),
            "ollama  of the unit\n\
             web     systemd[1]: Started it\n\
             web     sshd[9]: two\n\
             web     sshd[9]: lines\n\
             ollama  \u{1b}[H\u{20ac}\n\
             ?       [a long message: `-o cat` shows it]\n"
        );
    }

    #[test]
    fn a_terminal_obeys_our_colours_and_nobody_elses() {
        let line = "{\"MESSAGE\":\"\\u001b[2J\",\"UNIT\":\"ctr-ml-web.service\"}\n";
        let text = shown(true, line);
        assert!(
            text.contains("\u{1b}[35mweb   \u{1b}[0m  ^[[2J"),
            "{text:?}"
        );
    }
}
