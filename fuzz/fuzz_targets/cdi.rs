//! Whatever bytes a CDI specification has, they end in what a container is given or in a sentence.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../daemon/tests/cdi_reading/mod.rs"]
mod cdi_reading;

fuzz_target!(|bytes: &[u8]| cdi_reading::read(bytes));
