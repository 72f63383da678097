//! The declaration: TOML as written, checked into a [`crate::model::Model`].
