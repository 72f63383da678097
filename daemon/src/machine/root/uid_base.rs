//! The user ids of a guest on the host.

use sha2::{Digest, Sha256};

use crate::model::MachineName;

/// The first user and group id of a guest; its 65536 ids follow.
///
/// The ids are systemd's container range (the "Container UIDs" of UIDS-GIDS in systemd's
/// documentation): 524288 to 1878982655, in steps of 65536.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidBase(u32);

impl UidBase {
    /// How many ids a guest has.
    pub const RANGE: u32 = 65_536;
    const FIRST: u32 = 524_288;
    const LAST: u32 = 1_878_982_655;
    const SLOTS: u32 = (Self::LAST - Self::FIRST + 1) / Self::RANGE;

    /// A base, if `id` can be one.
    pub const fn new(id: u32) -> Option<Self> {
        if id >= Self::FIRST && id <= Self::LAST && id.is_multiple_of(Self::RANGE) {
            Some(Self(id))
        } else {
            None
        }
    }

    /// The id on the host.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// A base for a machine that no other has: the machine's own by its name, or the next free one.
    ///
    /// `None` when all of them are taken.
    pub fn choose(machine: &MachineName, taken: &[Self]) -> Option<Self> {
        let hash = Sha256::digest(machine.as_str().as_bytes());
        let start = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % Self::SLOTS;
        (0..Self::SLOTS)
            .map(|step| Self(Self::FIRST + (start + step) % Self::SLOTS * Self::RANGE))
            .find(|base| !taken.contains(base))
    }
}

#[cfg(test)]
mod tests {
    use super::UidBase;

    #[test]
    fn two_machines_never_share_a_range() {
        let machine = "ml-ollama".parse().expect("valid");
        let first = UidBase::choose(&machine, &[]).expect("free");
        let second = UidBase::choose(&machine, &[first]).expect("free");
        assert_ne!(first, second);
        assert!(first.get().abs_diff(second.get()) >= UidBase::RANGE);
        assert_eq!(
            UidBase::choose(&machine, &[]),
            Some(first),
            "the same at every start"
        );
    }

    #[test]
    fn only_container_ids_are_a_base() {
        assert_eq!(UidBase::new(0), None);
        assert_eq!(UidBase::new(1000), None);
        assert_eq!(UidBase::new(524_289), None);
        assert!(UidBase::new(524_288).is_some());
        assert!(UidBase::new(1_878_917_120).is_some());
        assert_eq!(UidBase::new(1_878_982_656), None);
    }
}
