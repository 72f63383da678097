//! Whose files a bind shows to whom: pure. The rules and their reasons are decision 0012.

use std::path::{Path, PathBuf};

use super::UidBase;

/// The first id of systemd's foreign range (UIDS-GIDS in systemd's documentation): 65536 ids that
/// files on a disk may belong to and that no process ever runs as.
pub(super) const FOREIGN: u32 = 2_147_352_576;

/// A run of ids: `disk` as the file system has it is shown to the kernel as `shown`, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdMap {
    /// The first id on the disk.
    pub(super) disk: u32,
    /// What it is shown as.
    pub(super) shown: u32,
    /// How many.
    pub(super) count: u32,
}

impl IdMap {
    const fn one(disk: u32, shown: u32) -> Self {
        Self {
            disk,
            shown,
            count: 1,
        }
    }

    /// Every id of a guest, from `disk` on.
    pub(super) const fn whole(disk: u32, base: u32) -> Self {
        Self {
            disk,
            shown: base,
            count: UidBase::RANGE,
        }
    }
}

/// How the owners in a bind are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mapping {
    /// As they are.
    Plain,
    /// These ids, and no others.
    Shifted {
        /// The users.
        users: IdMap,
        /// The groups.
        groups: IdMap,
        /// Where the file system cannot shift owners, it does as it is.
        or_plain: bool,
    },
}

/// What was found on the host and is declared of one bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ownership<'a> {
    /// The declared path on the host.
    pub(super) path: &'a Path,
    /// Who owns the source.
    pub(super) uid: u32,
    /// The source's group.
    pub(super) gid: u32,
    /// The group that the owner's own files have, by the host's user database.
    pub(super) primary_group: Option<u32>,
    /// The guest cannot write to it.
    pub(super) read_only: bool,
    /// The declared `host-owner`.
    pub(super) host_owner: Option<u32>,
    /// The user and group of the guest that stand for the owner.
    pub(super) guest: (u32, u32),
}

/// A bind whose owners cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// A guest could leave programs there that run as the host's root.
    #[error(
        "{path} belongs to the host's root: the guest could leave programs in it that run as the host's root"
    )]
    HostRoot {
        /// The path on the host.
        path: PathBuf,
    },
    /// It belongs to another user than declared.
    #[error(
        "{path} belongs to user {found} of the host, and its `host-owner` is declared to be user {declared}"
    )]
    OtherOwner {
        /// The path on the host.
        path: PathBuf,
        /// Who owns it.
        found: u32,
        /// Who should.
        declared: u32,
    },
    /// The only group there is to map is root's.
    #[error(
        "{path} belongs to user {uid}, who has no account on the host, and to the group of root"
    )]
    RootsGroup {
        /// The path on the host.
        path: PathBuf,
        /// Who owns it.
        uid: u32,
    },
}

impl OwnerError {
    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            // No command: whoever typed the wrong path would give away what the host needs.
            Self::HostRoot { .. } => {
                "declare `read-only = true` for the bind, or bind a directory \
                 that belongs to a user of the host, or one that `create` makes; `host-owner = \
                 \"root\"` accepts it"
                    .to_owned()
            }
            Self::OtherOwner {
                path,
                found,
                declared,
            } => format!(
                "declare `host-owner = \"{found}\"`, or give {} to {declared} (`chown`)",
                path.display()
            ),
            Self::RootsGroup { path, .. } => {
                format!("give {} a group of its own (`chgrp`)", path.display())
            }
        }
    }
}

/// Whether an id is one of the foreign range.
pub(super) const fn is_foreign(id: u32) -> bool {
    id >= FOREIGN && id - FOREIGN < UidBase::RANGE
}

/// How the owners of a bind are shown to a guest with users from `base` on, or with the host's.
pub(super) fn mapping(it: &Ownership<'_>, base: Option<UidBase>) -> Result<Mapping, OwnerError> {
    let path = || it.path.to_owned();
    if let Some(declared) = it.host_owner.filter(|declared| *declared != it.uid) {
        return Err(OwnerError::OtherOwner {
            path: path(),
            found: it.uid,
            declared,
        });
    }
    if is_foreign(it.uid) {
        let whole = IdMap::whole(FOREIGN, base.map_or(0, UidBase::get));
        return Ok(Mapping::Shifted {
            users: whole,
            groups: whole,
            or_plain: false,
        });
    }
    let Some(base) = base.map(UidBase::get) else {
        return Ok(Mapping::Plain);
    };
    if it.uid == 0 && it.read_only {
        let whole = IdMap::whole(0, base);
        return Ok(Mapping::Shifted {
            users: whole,
            groups: whole,
            or_plain: true,
        });
    }
    if it.uid == 0 && it.host_owner.is_none() {
        return Err(OwnerError::HostRoot { path: path() });
    }
    // Not the directory's group: its owner may be no member of that, and could then not have left a
    // setgid program of it either.
    let group = match it.primary_group {
        Some(group) => group,
        None if it.gid == 0 && !it.read_only && it.uid != 0 => {
            return Err(OwnerError::RootsGroup {
                path: path(),
                uid: it.uid,
            });
        }
        None => it.gid,
    };
    Ok(Mapping::Shifted {
        users: IdMap::one(it.uid, base + it.guest.0),
        groups: IdMap::one(group, base + it.guest.1),
        or_plain: false,
    })
}

#[cfg(test)]
mod tests {
    use super::{FOREIGN, IdMap, Mapping, OwnerError, Ownership, mapping};
    use crate::machine::root::UidBase;
    use std::path::Path;

    fn of(uid: u32, gid: u32) -> Ownership<'static> {
        Ownership {
            path: Path::new("/srv/data"),
            uid,
            gid,
            primary_group: Some(gid),
            read_only: false,
            host_owner: None,
            guest: (33, 34),
        }
    }

    fn base() -> Option<UidBase> {
        UidBase::new(524_288)
    }

    fn pair(uid: u32, gid: u32) -> Mapping {
        Mapping::Shifted {
            users: IdMap::one(uid, 524_288 + 33),
            groups: IdMap::one(gid, 524_288 + 34),
            or_plain: false,
        }
    }

    #[test]
    fn a_persons_files_are_one_pair() {
        assert_eq!(mapping(&of(1000, 1001), base()), Ok(pair(1000, 1001)));
        // A group that the person is no member of is not handed out.
        let docker = Ownership {
            primary_group: Some(1000),
            ..of(1000, 999)
        };
        assert_eq!(mapping(&docker, base()), Ok(pair(1000, 1000)));
        let nobodys = Ownership {
            primary_group: None,
            ..of(4242, 0)
        };
        assert!(matches!(
            mapping(&nobodys, base()),
            Err(OwnerError::RootsGroup { .. })
        ));
    }

    #[test]
    fn roots_files_are_written_only_where_that_is_accepted() {
        assert!(matches!(
            mapping(&of(0, 0), base()),
            Err(OwnerError::HostRoot { .. })
        ));
        let accepted = Ownership {
            host_owner: Some(0),
            ..of(0, 0)
        };
        assert_eq!(mapping(&accepted, base()), Ok(pair(0, 0)));
        let read = Ownership {
            read_only: true,
            ..of(0, 0)
        };
        let whole = IdMap::whole(0, 524_288);
        assert_eq!(
            mapping(&read, base()),
            Ok(Mapping::Shifted {
                users: whole,
                groups: whole,
                or_plain: true
            })
        );
    }

    #[test]
    fn what_belongs_to_nobody_on_the_host_has_every_user_of_the_guest() {
        for (base, shown) in [(base(), 524_288), (None, 0)] {
            let whole = IdMap::whole(FOREIGN, shown);
            let expected = Mapping::Shifted {
                users: whole,
                groups: whole,
                or_plain: false,
            };
            assert_eq!(mapping(&of(FOREIGN + 33, FOREIGN + 33), base), Ok(expected));
        }
        assert_eq!(mapping(&of(FOREIGN + 65_536, 1), None), Ok(Mapping::Plain));
        assert_eq!(mapping(&of(FOREIGN - 1, 1), None), Ok(Mapping::Plain));
    }

    #[test]
    fn a_declared_owner_has_to_be_the_owner() {
        for uid in [0, 1001, FOREIGN] {
            let other = Ownership {
                host_owner: Some(1000),
                ..of(uid, 1000)
            };
            assert!(
                matches!(mapping(&other, base()), Err(OwnerError::OtherOwner { found, .. }) if found == uid)
            );
        }
    }

    #[test]
    fn the_hosts_users_need_no_shift() {
        assert_eq!(mapping(&of(0, 0), None), Ok(Mapping::Plain));
        assert_eq!(mapping(&of(1000, 1000), None), Ok(Mapping::Plain));
    }
}
