//! What the fuzzer found worth keeping, read again: files that each take another way through the
//! reader, and those that once did harm.
//!
//! docs/development/testing.md says how the folder is made.

mod declaration_reading;

use std::path::Path;

#[test]
fn every_kept_input_is_read_to_the_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/declaration_corpus");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = file.expect("it is readable").path();
        let bytes = std::fs::read(&path).expect("it is a file");
        println!("{}", path.display());
        declaration_reading::read(&bytes);
        count += 1;
    }
    assert!(count >= 50, "only {count} inputs were found");
}
