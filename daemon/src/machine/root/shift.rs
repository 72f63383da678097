//! What becomes of the ids in a machine's files when its users change: pure.

use super::UidBase;

/// From the host's users to a range of its own, or back.
///
/// The two are far apart, so an id says by itself whether it has been shifted: doing it twice does no
/// more than doing it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    /// The range.
    pub(super) base: UidBase,
    /// Into the range, or out of it.
    pub(super) into: bool,
}

/// `VFS_CAP_REVISION_MASK`, `…_2` and `…_3` of linux/capability.h, and the sizes of the latter two.
const REVISION: u32 = 0xff00_0000;
const REVISION_2: u32 = 0x0200_0000;
const REVISION_3: u32 = 0x0300_0000;
const SIZE_2: usize = 20;
const SIZE_3: usize = 24;

/// `ACL_USER` and `ACL_GROUP` of `linux/posix_acl.h`: the entries that name somebody.
const NAMED: [u16; 2] = [0x02, 0x08];

impl Shift {
    /// A user or group id.
    pub(super) fn id(self, id: u32) -> u32 {
        let base = self.base.get();
        if self.into {
            if id < UidBase::RANGE { id + base } else { id }
        } else {
            id.checked_sub(base)
                .filter(|id| *id < UidBase::RANGE)
                .unwrap_or(id)
        }
    }

    /// The value of `system.posix_acl_access` or `…_default`: a version and entries of tag,
    /// permissions and id, in little endian (`linux/posix_acl_xattr.h`).
    pub(super) fn acl(self, value: &[u8]) -> Vec<u8> {
        let mut out = value.to_vec();
        for entry in out.get_mut(4..).unwrap_or_default().chunks_exact_mut(8) {
            let tag = u16::from_le_bytes([entry[0], entry[1]]);
            if NAMED.contains(&tag) {
                let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
                entry[4..].copy_from_slice(&self.id(id).to_le_bytes());
            }
        }
        out
    }

    /// The value of `security.capability`: file capabilities that count for the root of the host
    /// (revision 2), or for whoever is root in a user namespace that begins at an id (revision 3;
    /// capabilities(7), "Namespaced file capabilities").
    pub(super) fn capability(self, value: &[u8]) -> Vec<u8> {
        let Some(magic) = word(value, 0) else {
            return value.to_vec();
        };
        let root = match (magic & REVISION, value.len()) {
            (REVISION_2, SIZE_2) => 0,
            (REVISION_3, SIZE_3) => word(value, SIZE_2).unwrap_or_default(),
            _ => return value.to_vec(),
        };
        let root = self.id(root);
        let revision = if root == 0 { REVISION_2 } else { REVISION_3 };
        let mut out = (magic & !REVISION | revision).to_le_bytes().to_vec();
        out.extend(&value[4..SIZE_2]);
        if root != 0 {
            out.extend(root.to_le_bytes());
        }
        out
    }
}

fn word(value: &[u8], at: usize) -> Option<u32> {
    let bytes = value.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Shift;
    use crate::machine::root::UidBase;

    const BASE: u32 = 524_288;

    fn shift(into: bool) -> Shift {
        let base = UidBase::new(BASE).expect("a base");
        Shift { base, into }
    }

    #[test]
    fn an_id_is_shifted_once_however_often_it_is_tried() {
        let (into, out) = (shift(true), shift(false));
        for id in [0, 33, 65_535] {
            assert_eq!(into.id(id), BASE + id);
            assert_eq!(into.id(into.id(id)), BASE + id);
            assert_eq!(out.id(into.id(id)), id);
            assert_eq!(out.id(id), id);
        }
        for stranger in [65_536, BASE - 1, BASE + 65_536, u32::MAX] {
            assert_eq!((into.id(stranger), out.id(stranger)), (stranger, stranger));
        }
    }

    #[test]
    fn capabilities_count_for_the_root_they_counted_for() {
        // cap_net_raw, permitted and effective, as setcap(8) writes it.
        let mut plain = vec![1, 0, 0, 2, 0, 0x20, 0, 0];
        plain.resize(20, 0);
        let mut owned = plain.clone();
        owned[3] = 3;
        owned.extend(BASE.to_le_bytes());
        assert_eq!(shift(true).capability(&plain), owned);
        assert_eq!(shift(true).capability(&owned), owned);
        assert_eq!(shift(false).capability(&owned), plain);
        assert_eq!(shift(false).capability(&plain), plain);
        assert_eq!(shift(true).capability(b"odd"), b"odd");
    }

    #[test]
    fn named_entries_of_an_acl_are_shifted_and_others_have_no_id() {
        let entry = |tag: u16, id: u32| {
            let mut entry = tag.to_le_bytes().to_vec();
            entry.extend([6, 0]);
            entry.extend(id.to_le_bytes());
            entry
        };
        let acl = |user: u32| {
            let mut acl = vec![2, 0, 0, 0];
            for (tag, id) in [(1, u32::MAX), (2, user), (4, u32::MAX), (8, user), (16, 7)] {
                acl.extend(entry(tag, id));
            }
            acl
        };
        assert_eq!(shift(true).acl(&acl(33)), acl(BASE + 33));
        assert_eq!(shift(false).acl(&acl(BASE + 33)), acl(33));
        assert_eq!(shift(true).acl(&[2, 0]), [2, 0]);
    }
}
