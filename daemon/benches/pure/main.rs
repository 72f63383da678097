//! How long the pure parts take for 10, 100 and 1000 containers, and how that grows.
//!
//! ```text
//! cargo bench -q -p ctrd --bench pure               # everything: some minutes
//! cargo bench -q -p ctrd --bench pure -- 'plan'     # those with a name that holds this
//! ```
//!
//! It asserts nothing. Last comes a table with what each costs for one container, and how many times that it is with a
//! thousand beside what it is with ten: 1 is a cost that grows as the number does.

mod declared;
mod growth;
mod host;
mod parts;

use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, Throughput};

use declared::Declared;
use parts::PARTS;

const SIZES: [usize; 3] = [10, 100, 1000];

fn main() {
    let directory = directory();
    let mut criterion = Criterion::default()
        .sample_size(20)
        .output_directory(&directory)
        .configure_from_args();
    for (name, part) in PARTS {
        let mut group = criterion.benchmark_group(name);
        for size in SIZES {
            group.throughput(Throughput::Elements(size as u64));
            // Made only where it is measured.
            let mut declared = None;
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                part(bencher, declared.get_or_insert_with(|| Declared::new(size)));
            });
        }
        group.finish();
    }
    criterion.final_summary();
    growth::print(&directory, PARTS.map(|(name, _)| name));
}

/// Below the build's own directory, as cargo chooses it.
fn directory() -> PathBuf {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target
        .unwrap_or_else(|| PathBuf::from(workspace).join("target"))
        .join("criterion")
}
