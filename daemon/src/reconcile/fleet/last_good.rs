//! What is in force where the declaration in place is refused as ctrd starts: the one before it.

use std::sync::Arc;

use ctr_api::wire::Outcome;

use super::Fleet;
use crate::declaration::{LoadError, Parsed};
use crate::error_text::with_causes;
use crate::os::durable;
use crate::reconcile::kept_declaration::{keep, load_kept};

impl Fleet {
    /// Reads the declaration in place. Where it is refused, reads the last one that was accepted, and
    /// returns why with it.
    ///
    /// A file that is not there is no broken one: somebody may have taken it away so that nothing
    /// starts.
    pub(super) fn load_or_last(&self) -> Result<(Parsed, Option<Arc<LoadError>>), Arc<LoadError>> {
        let refused = match self.load() {
            Ok(parsed) => return Ok((parsed, None)),
            Err(refused) if refused.is_missing() => return Err(refused),
            Err(refused) => refused,
        };
        match load_kept(&self.shared.paths.kept_declaration()) {
            Ok(Some(parsed)) => {
                tracing::error!(
                    "the declaration is refused, and the one before it stays in force:\n{refused}"
                );
                Ok((parsed, Some(refused)))
            }
            Ok(None) => Err(refused),
            Err(error) => {
                tracing::warn!(
                    "the declaration before it is no help: {}",
                    with_causes(&error)
                );
                Err(refused)
            }
        }
    }

    /// Keeps a copy of the declaration that is put in force; returns what stands in the way.
    pub(super) async fn keep_declaration(&self, text: String) -> Option<Outcome> {
        let path = self.shared.paths.kept_declaration();
        // It waits for the disk.
        let kept = tokio::task::spawn_blocking(move || keep(&path, &text)).await;
        let error = match kept {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => with_causes(&error),
            Err(error) => with_causes(&error),
        };
        let hint = "all of it is in force; should the file break before the next `ctr apply`, ctrd \
                    would start without it";
        Some(Outcome {
            group: String::new(),
            name: "declaration".to_owned(),
            error: Some(error),
            hint: Some(hint.to_owned()),
        })
    }

    /// Keeps no copy any more; returns what stands in the way.
    pub(super) fn forget_declaration(&self) -> Option<String> {
        let removed = durable::remove(&self.shared.paths.kept_declaration());
        removed.err().map(|error| with_causes(&error))
    }
}
