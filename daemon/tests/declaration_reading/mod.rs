//! Reads a declaration to its end and checks what holds for every input: one oracle for the tests,
//! the kept corpus and the fuzz target.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ctr_api::wire::Severity;
use ctrd::declaration::{Colour, Parsed, parse};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The most that reading and showing a declaration may hold at once, in bytes.
const MEMORY_MAX: usize = 64 * 1024 * 1024;
/// Far above what any declaration takes, far below what a quadratic walk over a megabyte takes.
const TIME_MAX: Duration = Duration::from_secs(60);
/// The allocator counts for the whole process: one is read at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Reads and renders everything, within the bounds of memory and time.
///
/// # Panics
/// Where one of the things that hold for every input does not.
pub(crate) fn read(bytes: &[u8]) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let start = Instant::now();
    ALLOCATED.reset_peak_usage();
    let before = ALLOCATED.current_usage();
    read_and_show(bytes);
    let taken = ALLOCATED.peak_usage().saturating_sub(before);
    assert!(taken < MEMORY_MAX, "{taken} bytes of memory at once");
    let took = start.elapsed();
    assert!(took < TIME_MAX, "{took:?}");
}

fn read_and_show(bytes: &[u8]) {
    let problems = match parse("declaration.toml", bytes) {
        Ok(Parsed { warnings, .. }) => {
            assert!(
                warnings
                    .iter()
                    .all(|problem| problem.severity == Severity::Warning)
            );
            warnings
        }
        Err(problems) => {
            assert!(
                problems
                    .iter()
                    .any(|problem| problem.severity == Severity::Error)
            );
            problems
        }
    };
    assert_eq!(
        problems.is_empty(),
        problems.render(Colour::Always).is_empty()
    );
    let wire = problems.to_wire();
    assert_eq!(wire.len(), problems.iter().count());
    assert!(
        wire.len() <= 400,
        "more than a person reads: {}",
        wire.len()
    );
    for problem in wire {
        assert!(problem.line >= 1 && problem.column >= 1, "{problem:?}");
        assert!(problem.message.len() < 1000, "{}", problem.message);
        let place = format!("declaration.toml:{}:{}", problem.line, problem.column);
        assert!(
            problem.rendered.contains(&place),
            "{place}\n{}",
            problem.rendered
        );
        assert!(!problem.rendered.contains('\u{1b}'), "{}", problem.rendered);
    }
}
