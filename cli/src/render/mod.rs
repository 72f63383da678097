//! From wire types to text. Nothing here reads a clock or a terminal: width, colour and time are
//! arguments, so that every rendering can be tested letter by letter.

mod advice;
mod cpu;
mod detail;
mod gpu;
mod gpu_check;
mod leftovers;
mod limits;
mod paint;
mod plan;
mod status;
mod table;
mod units;

pub(crate) use cpu::CpuMeter;
pub(crate) use detail::detail;
pub(crate) use gpu::gpus;
pub(crate) use gpu_check::findings;
pub(crate) use leftovers::leftovers;
pub(crate) use paint::Paint;
pub(crate) use plan::{Depth, applied, changes_something, plan};
pub(crate) use status::status;
use table::wrap;
pub(crate) use units::{clock_time, date_and_time, size};

/// What a rendering depends on besides the data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Colours, or none.
    pub(crate) paint: Paint,
    /// Columns of the terminal; none where it is no terminal, and lines may be as long as they are.
    pub(crate) width: Option<usize>,
    /// Now, in milliseconds since the epoch.
    pub(crate) now_ms: u64,
}
