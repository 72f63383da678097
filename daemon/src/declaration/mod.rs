//! The declaration: TOML as written, checked into a [`crate::model::Model`].
//!
//! ```text
//! bytes --syntax--> document --file (shape of every table, one value at a time)--> file::Document
//!                                --validate (rules between values)--> build --> Model
//! ```
//!
//! Every stage records a [`Problem`] and goes on, so that a person sees all of them at once. Only
//! two things end the reading early, because all that follows would be noise: text that is not
//! TOML, and a `schema` that this version does not know. Nothing here looks at the host; [`load`]
//! and [`check`] read the file and nothing else; [`keep`] writes a copy of one that was accepted.

mod build;
mod collect;
mod file;
mod load;
mod parse;
mod place;
mod problem;
mod read;
mod render;
mod suggest;
pub(crate) mod trust;
mod validate;
mod value;

pub(crate) use place::quote;
pub(crate) use value::{is_variable_name, plain_path};

pub use load::{LoadError, check, digest, load, load_again};
pub use parse::{Parsed, SIZE_MAX, TOKENS_MAX, parse};
pub use problem::{Problem, Problems, Related, Source};
pub use render::Colour;
