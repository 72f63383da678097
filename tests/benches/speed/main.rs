//! How long ctrd takes, on a booted host: medians of calls over a held bus connection.
//!
//! ```text
//! cargo bench -p ctr-lab                       # everything: some minutes
//! cargo bench -p ctr-lab -- nothing 10 100     # nothing to do, for ten and for a hundred containers
//! cargo bench -p ctr-lab -- declared 1000      # the same for containers that are declared and do not run
//! cargo bench -p ctr-lab -- port 10            # one more published port beside ten containers
//! cargo bench -p ctr-lab -- status 50          # `ctr status` beside `machinectl list`
//! cargo bench -p ctr-lab -- start 10 50        # that many guests that boot, by ctrd and by systemd alone
//! cargo bench -p ctr-lab -- probes 100         # that many guests that are probed every ten seconds
//! cargo bench -p ctr-lab -- gpu                # a node that appears, until a guest can open it
//! ```
//!
//! It asserts nothing: figures of one machine are compared with figures of the same run only.

mod bus;
mod declaration;
mod gpu;
mod nothing;
mod port;
mod probes;
mod sample;
mod start;
mod status;

use std::time::Duration;

use anyhow::{Result, bail};

/// Longer than a thousand guests take to start.
pub(crate) const PATIENCE: Duration = Duration::from_secs(900);

fn main() -> Result<()> {
    // cargo adds `--bench`.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| it != "--bench")
        .collect();
    let Some((what, sizes)) = words.split_first() else {
        nothing::running(&[10, 100])?;
        nothing::declared(&[1000])?;
        port::published(&[10, 100])?;
        probes::probed(&[100])?;
        status::tables(&[50])?;
        gpu::late()?;
        return start::guests(&[10, 50]);
    };
    let sizes: Vec<usize> = sizes
        .iter()
        .map(|it| it.parse())
        .collect::<Result<_, _>>()?;
    match what.as_str() {
        "nothing" => nothing::running(&sizes),
        "declared" => nothing::declared(&sizes),
        "port" => port::published(&sizes),
        "status" => status::tables(&sizes),
        "start" => start::guests(&sizes),
        "probes" => probes::probed(&sizes),
        "gpu" => gpu::late(),
        other => bail!("{other} is none of: nothing, declared, port, status, start, probes, gpu"),
    }
}
