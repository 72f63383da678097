//! The secrets that a machine is given: where their content comes from, how a change of it is seen,
//! and the files that the guest reads.
//!
//! A secret is in no command line, no environment and no message. What a unit carries of it is a
//! digest with a key that only root can read; what a guest gets is a file that only the program of
//! the guest can read.

mod delivery;
mod digest_key;
mod error;
mod generated;
mod private_file;
mod source;
mod take;
mod taken;

pub use delivery::{deliver, delivered, withdraw};
pub use digest_key::DigestKey;
pub use error::CredentialError;
pub use generated::{generated_secrets, make_secret};
pub use take::take;
pub use taken::{Credentials, Refusal, Secret, Taken};
