//! Whatever bytes a declaration has, they end in a model or in problems.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../daemon/tests/declaration_reading/mod.rs"]
mod declaration_reading;

fuzz_target!(|bytes: &[u8]| declaration_reading::read(bytes));
