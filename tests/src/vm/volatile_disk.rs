//! A disk that forgets what was not flushed when its power is cut, as a real one may.
//!
//! A disk has a cache. It says that a write is done when the cache has it, and keeps its promise only
//! for what a flush came after. Until then it writes in any order, or not at all; what it writes whole
//! is a sector. With qemu's own caching modes a killed machine keeps more than that: whatever it had
//! handed to qemu is in the memory of a computer whose power was not cut, or on its disk. So every
//! guest that forgets a flush would pass.
//!
//! Here a write stays in memory until the next flush. A cut keeps some of these sectors and loses
//! the others, by chance that a seed repeats. With a write-through cache nothing that the machine's
//! kernel has written could be lost: this is harder in every way.
//!
//! Who waits for an answer of the machine and then pulls the plug, pulls it just after a flush, when there
//! is little to lose. So the power fails some writes later, and the disk answers nothing from then on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::vm::nbd::Device;

/// In bytes: the least that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What a power cut did to a machine's disk, in sectors of 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The machine had written them, and not told the disk to keep them yet.
    pub unflushed: usize,
    /// As many of these are as they were before.
    pub lost: usize,
}

/// How many writes there are at most between the word and the cut.
const WRITES: u64 = 16;

/// The power of a disk, and how it goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Supply(Arc<(Mutex<Power>, Condvar)>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Power {
    #[default]
    On,
    /// It fails with the last of so many further writes.
    Failing(u64),
    Gone,
}

impl Supply {
    /// Fails with one of the next writes, as `seed` has it, or after `patience` where there are none.
    pub(crate) fn fail(&self, seed: u64, patience: Duration) {
        let (_, changed) = &*self.0;
        *self.power() = Power::Failing(1 + mixed(seed) % WRITES);
        let waited = changed.wait_timeout_while(self.power(), patience, |it| *it != Power::Gone);
        let (mut power, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *power = Power::Gone;
    }

    /// A write has reached the disk.
    fn written(&self) {
        let (_, changed) = &*self.0;
        let mut power = self.power();
        *power = match *power {
            Power::Failing(0 | 1) => Power::Gone,
            Power::Failing(left) => Power::Failing(left - 1),
            other => other,
        };
        changed.notify_all();
    }

    /// Nothing is answered any more.
    fn check(&self) -> io::Result<()> {
        match *self.power() {
            Power::Gone => Err(ErrorKind::BrokenPipe.into()),
            Power::On | Power::Failing(_) => Ok(()),
        }
    }

    fn power(&self) -> MutexGuard<'_, Power> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The disk's image, and what it has not written there yet, by the number of the sector.
#[derive(Debug)]
pub(crate) struct VolatileDisk {
    image: File,
    size: u64,
    unwritten: BTreeMap<u64, [u8; SECTOR]>,
    supply: Supply,
}

impl VolatileDisk {
    /// The disk with this image.
    pub(crate) fn open(image: &Path, supply: Supply) -> io::Result<Self> {
        let image = File::options().read(true).write(true).open(image)?;
        let size = image.metadata()?.len();
        Ok(Self {
            image,
            size,
            unwritten: BTreeMap::new(),
            supply,
        })
    }

    /// Its power is gone: of what was not flushed a share is on the disk, as `seed` has it.
    pub(crate) fn lose_power(&mut self, seed: u64) -> io::Result<Loss> {
        let share = mixed(seed) & 0xff;
        let unflushed = self.unwritten.len();
        self.unwritten
            .retain(|sector, _| mixed(seed ^ mixed(*sector)) & 0xff < share);
        let lost = unflushed - self.unwritten.len();
        self.keep()?;
        Ok(Loss { unflushed, lost })
    }

    /// Writes all of it to the image.
    fn keep(&mut self) -> io::Result<()> {
        for (number, sector) in &self.unwritten {
            self.image.write_all_at(sector, number * SECTOR as u64)?;
        }
        self.unwritten.clear();
        Ok(())
    }

    /// The sectors of a request, which is made of whole ones.
    fn sectors(&self, offset: u64, length: usize) -> io::Result<Range<u64>> {
        let (sector, end) = (SECTOR as u64, offset.saturating_add(length as u64));
        let whole = offset.is_multiple_of(sector) && end.is_multiple_of(sector);
        if !whole || end > self.size {
            return Err(ErrorKind::InvalidInput.into());
        }
        Ok(offset / sector..end / sector)
    }
}

impl Device for VolatileDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.supply.check()?;
        let sectors = self.sectors(offset, bytes.len())?;
        self.image.read_exact_at(bytes, offset)?;
        for (number, sector) in self.unwritten.range(sectors) {
            let Ok(at) = usize::try_from(number * SECTOR as u64 - offset) else {
                return Err(ErrorKind::InvalidInput.into());
            };
            bytes[at..at + SECTOR].copy_from_slice(sector);
        }
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.supply.check()?;
        let sectors = self.sectors(offset, bytes.len())?;
        let (chunks, _) = bytes.as_chunks::<SECTOR>();
        self.unwritten.extend(sectors.zip(chunks.iter().copied()));
        self.supply.written();
        self.supply.check()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.supply.check()?;
        self.keep()
    }
}

/// A number that looks like chance and is always the same (`SplitMix64`, Steele and others, 2014).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTORS: usize = 256;
    const BYTES: usize = SECTORS * SECTOR;

    fn disk() -> (tempfile::NamedTempFile, VolatileDisk) {
        disk_on(Supply::default())
    }

    fn disk_on(supply: Supply) -> (tempfile::NamedTempFile, VolatileDisk) {
        let image = tempfile::NamedTempFile::new().expect("a file");
        image.as_file().set_len(BYTES as u64).expect("a size");
        let disk = VolatileDisk::open(image.path(), supply).expect("opened");
        (image, disk)
    }

    fn read(disk: &mut VolatileDisk) -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        disk.read(0, &mut bytes).expect("read");
        bytes
    }

    /// How many sectors have the new bytes.
    fn new_sectors(disk: &mut VolatileDisk) -> usize {
        let whole = |sector: &[u8]| sector.iter().all(|byte| *byte == 2);
        read(disk)
            .chunks(SECTOR)
            .filter(|sector| whole(sector))
            .count()
    }

    #[test]
    fn what_was_flushed_is_there_whatever_happens() {
        for seed in 0..20 {
            let (_image, mut disk) = disk();
            disk.write(0, &vec![1; BYTES]).expect("written");
            disk.flush().expect("flushed");
            disk.lose_power(seed).expect("cut");
            assert_eq!(read(&mut disk), vec![1; BYTES]);
        }
    }

    #[test]
    fn what_was_not_flushed_is_there_until_the_cut_and_then_in_part() {
        let mut left = Vec::new();
        for seed in 0..20 {
            let (_image, mut disk) = disk();
            disk.write(0, &vec![2; BYTES]).expect("written");
            assert_eq!(new_sectors(&mut disk), SECTORS);
            disk.lose_power(seed).expect("cut");
            left.push(new_sectors(&mut disk));
            // The same chance once more.
            let (_image, mut again) = self::disk();
            again.write(0, &vec![2; BYTES]).expect("written");
            again.lose_power(seed).expect("cut");
            assert_eq!(read(&mut again), read(&mut disk));
        }
        assert!(left.iter().any(|count| *count < SECTORS / 4), "{left:?}");
        assert!(
            left.iter().any(|count| *count > SECTORS * 3 / 4),
            "{left:?}"
        );
    }

    #[test]
    fn the_power_fails_with_a_write_that_nobody_has_flushed() {
        let supply = Supply::default();
        let (_image, mut disk) = disk_on(supply.clone());
        disk.write(0, &vec![1; BYTES]).expect("written");
        disk.flush().expect("flushed");
        let failing = std::thread::spawn(move || supply.fail(3, Duration::from_secs(60)));
        let refused = (0..1_000_000).find(|_| {
            let refused = disk.write(0, &[2; SECTOR]).is_err();
            assert_eq!(disk.flush().is_err(), refused);
            refused
        });
        assert!(refused.is_some(), "it never fails");
        failing.join().expect("it ends");
        assert_eq!(disk.unwritten.len(), 1);
    }

    #[test]
    fn the_power_of_a_disk_that_nobody_writes_to_fails_too() {
        let supply = Supply::default();
        let (_image, mut disk) = disk_on(supply.clone());
        supply.fail(3, Duration::ZERO);
        disk.flush().expect_err("no power");
    }

    #[test]
    fn a_request_beyond_the_end_or_of_half_a_sector_is_refused() {
        let (_image, mut disk) = disk();
        let end = BYTES as u64;
        for (offset, length) in [(end, SECTOR), (0, 100), (100, SECTOR)] {
            disk.write(offset, &vec![0; length])
                .expect_err("not on the disk");
        }
    }
}
