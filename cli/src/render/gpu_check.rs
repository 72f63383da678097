//! The text of `ctr gpu check`.

use ctr_api::wire::{GpuFinding, GpuSeverity};

use super::{View, wrap};

/// Every finding: a sentence each, and what to do below it.
pub(crate) fn findings(findings: &[GpuFinding], view: View) -> String {
    let mut text = String::new();
    for finding in findings {
        let (word, painted) = match finding.severity {
            GpuSeverity::Ok => ("ok:", view.paint.strong("ok:")),
            GpuSeverity::Hint => ("note:", view.paint.warning("note:")),
            GpuSeverity::Problem => ("problem:", view.paint.error("problem:")),
        };
        let sentence = format!("{word} {} {}", finding.subject, finding.what);
        push(&mut text, &sentence, word, &painted, view);
        if let Some(hint) = &finding.hint {
            let hint = format!("hint: {hint}");
            push(&mut text, &hint, "hint:", &view.paint.hint("hint:"), view);
        }
    }
    text
}

fn push(text: &mut String, paragraph: &str, word: &str, painted: &str, view: View) {
    for (place, line) in wrap(paragraph, view.width).into_iter().enumerate() {
        match line.strip_prefix(word).filter(|_| place == 0) {
            Some(rest) => {
                text.push_str(painted);
                text.push_str(rest);
            }
            None => text.push_str(&line),
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::findings;
    use crate::render::{Paint, View};
    use crate::sample;
    use crate::screens::assert_shown;

    #[test]
    fn the_reference_shows_what_is_missing_and_what_to_do() {
        let view = View {
            paint: Paint::plain(),
            width: Some(100),
            now_ms: sample::NOW_MS,
        };
        let text = findings(&sample::gpu_findings(), view);
        assert_shown("ctr gpu check", &format!("$ ctr gpu check\n{text}"));
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }
}
