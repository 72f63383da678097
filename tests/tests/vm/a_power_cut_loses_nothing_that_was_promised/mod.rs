//! After a power cut at any moment what is declared comes up by itself, `PostgreSQL` has every row that
//! it had acknowledged, no secret has changed, and nothing is left of what was being done.
//!
//! One machine, cut again and again. Before each cut somebody inserts rows, one at a time, and each
//! acknowledged one is noted here, outside of the machine. The moment is one of progress, seen on the
//! machine, and then some rows more: the seed says how many, and what the disk loses.

mod after;
mod declared;
mod moments;

use std::env;
use std::time::Instant;

use ctr_lab::Vm;

use self::after::Kept;
use self::moments::{CUTS, Cut};

/// The seed of a run; another one with `CTR_LAB_SEED`.
const SEED: u64 = 4;

#[test]
#[ignore = "boots a virtual machine: cargo test -p ctr-lab --test vm -- --ignored"]
fn a_power_cut_loses_nothing_that_was_promised() {
    let seed = number("CTR_LAB_SEED").map_or(SEED, |seed| seed as u64);
    println!("CTR_LAB_SEED={seed}");
    // Where an earlier run has got to: what is declared by then is declared at first.
    let first = number("CTR_LAB_FIRST_CUT").map_or(0, |first| first.saturating_sub(1));
    let mut declared = declared::at_first();
    for cut in &CUTS[..first] {
        (cut.edit)(&mut declared);
    }
    declared.once.clear();
    let mut vm = Vm::with_ctr(&declared.text());
    let mut kept = Kept::default();
    after::wait_until_all_run(&vm, &declared);
    after::make_tables(&vm);
    after::check(&vm, &declared, &mut kept);

    let (mut sectors_lost, mut settled) = (0, true);
    for (number, cut) in CUTS.iter().enumerate().skip(first) {
        let chance = seed.wrapping_mul(1000).wrapping_add(number as u64);
        (cut.edit)(&mut declared);
        vm.write("/root/next.toml", declared.text());
        let more = cut.rows + if settled { chance % 7 } else { 0 };
        let rows = until_the_moment(&vm, cut, settled, more, &mut kept);
        let began = Instant::now();
        let loss = vm.cut_power(chance).expect("the machine boots again");
        let boot = began.elapsed().as_secs();
        sectors_lost += loss.lost;
        (cut.then)(&vm, &declared);
        settled = cut.settles;
        if settled {
            after::wait_until_all_run(&vm, &declared);
            after::check(&vm, &declared, &mut kept);
        }
        println!(
            "cut {:2}  {:44}  {rows:3} rows noted, {:4} of {:5} unflushed sectors lost, \
             booted in {boot} s, all well after {} s",
            number + 1,
            cut.moment,
            loss.lost,
            loss.unflushed,
            began.elapsed().as_secs(),
        );
    }
    // The control: what nobody asked the disk to keep was not simply there again.
    assert_ne!(sectors_lost, 0, "no cut lost anything");
}

fn number(variable: &str) -> Option<usize> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Returns when it is the moment to cut the power, with how many rows were noted meanwhile: `more` of
/// them after the progress that was waited for.
fn until_the_moment(vm: &Vm, cut: &Cut, settled: bool, more: u64, kept: &mut Kept) -> u64 {
    let (mut noted, mut since, mut seen) = (0, 0, false);
    vm.run_until(&cut.script(settled), |line| {
        if let Some(row) = line.strip_prefix("row ") {
            kept.note(cut.writer.name(), row.parse().expect("a row's number"));
            noted += 1;
            since += u64::from(seen);
        }
        seen |= line == "now";
        seen && since >= more
    });
    noted
}
