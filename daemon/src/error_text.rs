//! Errors as text.

use std::error::Error;

/// An error and its causes, in one line. A cause that the text before it ends with already is not
/// said twice.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::with_causes;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: std::fmt::Error,
    }

    #[test]
    fn a_cause_is_said_once() {
        let source = std::fmt::Error;
        let cause = source.to_string();
        let plain = with_causes(&Layer {
            text: "failed to write",
            source,
        });
        assert_eq!(plain, format!("failed to write: {cause}"));
        let text: &'static str = Box::leak(format!("failed: {cause}").into_boxed_str());
        assert_eq!(with_causes(&Layer { text, source }), text);
    }
}
