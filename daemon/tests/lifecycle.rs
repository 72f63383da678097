//! `docs/development/lifecycle.md` knows every failpoint and every step, and none that is gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_table_of_failpoints_is_that_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = BTreeSet::new();
    for file in sources(&root.join("src")) {
        let text = fs::read_to_string(&file).expect("a source file");
        let text = text.split("#[cfg(all(test").next().unwrap_or_default();
        let calls = text.split("failpoint(\"").skip(1);
        code.extend(calls.filter_map(|it| Some(it.split_once('"')?.0.to_owned())));
    }
    let names = fs::read_to_string(root.join("src/reconcile/step_name.rs")).expect("the names");
    let steps = names.split("=> \"").skip(1);
    code.extend(steps.filter_map(|it| Some(it.split_once('"')?.0.to_owned())));

    let page = root.join("../docs/development/lifecycle.md");
    let page = fs::read_to_string(page).expect("the page");
    let table = page.split("| Steps | Failpoints inside |").nth(1);
    let rows = table.expect("the table").lines().skip(2);
    let mut documented = BTreeSet::new();
    for row in rows.take_while(|row| row.starts_with('|')) {
        let columns = row.split('|').skip(1).take(2);
        let words = columns.flat_map(|column| column.split('`').skip(1).step_by(2));
        documented.extend(words.filter(|it| !it.starts_with("ctr")).map(str::to_owned));
    }
    let missing: Vec<_> = code.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&code).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in docs/development/lifecycle.md: {missing:?}; there, and not in the code: {gone:?}"
    );
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of the source");
    entries
        .flat_map(|entry| {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
