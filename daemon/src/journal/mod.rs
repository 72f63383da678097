//! What containers say, and the catalog of what is said of them. Where it is read, and the reading for those who cannot read the host's journal
//! themselves.
//!
//! A guest's root writes journal files as it likes, so whose a line is is told by where it stands and
//! never by its fields alone. `journalctl --directory` reads the journals in a directory, and there is
//! one, of links, for each container and for each group ([`desired_views`], pure; [`put_views`],
//! [`prune_views`]).
//!
//! `ctrd` runs `journalctl` and gives the caller the other end of its output. Which lines there are to
//! choose from is decided here alone ([`arguments`], pure); the caller chooses how many of them, since
//! when and how they look.

mod arguments;
mod catalog;
mod reader;
mod view;
mod view_error;
mod view_links;

pub use arguments::{OptionError, arguments};
pub use catalog::{MESSAGE_IDS, REMOVED, message_id};
pub use reader::{ReaderError, Reading, read};
pub use view::{Journals, Speaker, Views, desired_views};
pub use view_error::ViewError;
pub use view_links::{prune_views, put_views, remove_views};
