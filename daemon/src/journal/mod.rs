//! What containers say, for those who cannot read the host's journal themselves.
//!
//! `ctrd` runs `journalctl` and gives the caller the other end of its output. Which lines there are to
//! choose from is decided here alone ([`arguments`], pure); the caller chooses how many of them, since
//! when and how they look.

mod arguments;
mod reader;

pub use arguments::{OptionError, arguments};
pub use reader::{ReaderError, Reading, read};
