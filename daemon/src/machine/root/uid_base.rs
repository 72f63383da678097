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
    /// The first of all, to try with what no range is needed for.
    pub const LOWEST: Self = Self(Self::FIRST);
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

    /// One of the guest's ids.
    pub const fn has(self, id: u32) -> bool {
        id >= self.0 && id - self.0 < Self::RANGE
    }

    /// Every base, in the order in which a machine tries them: its own by its name first, then the
    /// next ones.
    pub fn candidates(machine: &MachineName) -> impl Iterator<Item = Self> + use<> {
        let hash = Sha256::digest(machine.as_str().as_bytes());
        let start = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % Self::SLOTS;
        (0..Self::SLOTS)
            .map(move |step| Self(Self::FIRST + (start + step) % Self::SLOTS * Self::RANGE))
    }
}

#[cfg(test)]
mod tests {
    use super::UidBase;

    #[test]
    fn every_range_is_tried_once_and_always_in_the_same_order() {
        let machine = "ml-ollama".parse().expect("valid");
        let all: Vec<UidBase> = UidBase::candidates(&machine).collect();
        assert!(
            all.iter()
                .all(|base| UidBase::new(base.get()) == Some(*base))
        );
        assert!(UidBase::candidates(&machine).eq(all.iter().copied()));
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(all.len(), 28_663);
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
