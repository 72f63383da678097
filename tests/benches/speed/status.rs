//! What people look at most: `ctr status`, beside what `machinectl list` takes for the same machines.

use std::time::Duration;

use anyhow::{Context, Result};
use ctr_lab::Options;

use crate::PATIENCE;
use crate::declaration::{Kind, containers};
use crate::sample::{Sample, ratio};

/// Each command in turn, from its start to its end, in microseconds: neither has the quieter moment.
const LOOK: &str = r#"
import subprocess, time
looks = [["ctr", "status"], ["machinectl", "list", "--no-pager"]]
for turn in range(21):
    for number, words in enumerate(looks):
        begun = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        print(number, int((time.perf_counter() - begun) * 1e6))
"#;

/// With so many that run.
pub(crate) fn tables(sizes: &[usize]) -> Result<()> {
    sizes.iter().try_for_each(|size| table(*size))
}

fn table(size: usize) -> Result<()> {
    let host = Options::new()
        .with_ctr(&containers(size, Kind::Sleeps))
        .boot()?;
    host.bash("ctr g0 wait").timeout(PATIENCE).output()?;
    host.write("/root/look.py", LOOK);
    let output = host
        .bash("python3 /root/look.py")
        .timeout(PATIENCE)
        .output()?;
    let of = |number: &str| -> Result<Sample> {
        let lines = output.stdout.lines();
        let times = lines.filter_map(|line| line.strip_prefix(number));
        times
            .map(|it| it.trim().parse().map(Duration::from_micros))
            .collect::<Result<_, _>>()
            .context("a time is a number")
    };
    let (ours, theirs) = (of("0 ")?, of("1 ")?);
    println!("\n{size} that run");
    println!("  ctr status       {ours}");
    println!("  machinectl list  {theirs}");
    println!(
        "  ratio            {:>9.2}",
        ratio(ours.median(), theirs.median())
    );
    Ok(())
}
