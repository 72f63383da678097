//! Files of the host's drivers that a guest sees: mounts of ctrd's own, as its binds are.

use super::RootError;
use super::binds::detach_below;
use super::host_path::{Opened, open_host};
use super::idmap::{attach, copy_of, set_attributes};
use super::mounts::{make_mount_point, private_directory};
use crate::gpu::Mount;
use crate::model::MachineName;
use crate::os::{Paths, failpoint};

/// Makes the mounts afresh, each by its place among them: read-only, and with the owners that the
/// host has, who are nobody in a guest with users of its own. No guest of the machine runs.
pub(super) fn attach_driver_files(
    paths: &Paths,
    machine: &MachineName,
    mounts: &[Mount],
) -> Result<(), RootError> {
    detach_driver_files(paths, machine)?;
    if mounts.is_empty() {
        return Ok(());
    }
    let directory = paths.machine_driver_files(machine);
    private_directory(&paths.driver_files())?;
    private_directory(&directory)?;
    for (index, mount) in mounts.iter().enumerate() {
        let source = open(mount)?;
        let io = |what| RootError::io(what, &mount.host);
        let tree = copy_of(&source.file, false).map_err(io("copy the mount of"))?;
        set_attributes(&tree, None, attributes(mount)).map_err(io("set up the mount of"))?;
        let target = directory.join(index.to_string());
        make_mount_point(&target, source.is_directory())?;
        failpoint("driver file's mount point made");
        attach(&tree, &target).map_err(RootError::io("mount", &target))?;
        failpoint("driver file mounted");
    }
    Ok(())
}

fn attributes(mount: &Mount) -> u64 {
    let never = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    if mount.no_exec {
        never | libc::MOUNT_ATTR_NOEXEC
    } else {
        never
    }
}

/// Whether the mounts could be made; none is.
pub(super) fn try_driver_files(mounts: &[Mount]) -> Result<(), RootError> {
    mounts.iter().try_for_each(|mount| open(mount).map(drop))
}

fn open(mount: &Mount) -> Result<Opened, RootError> {
    open_host(&mount.host).map_err(|source| RootError::DriverFile {
        path: mount.host.clone(),
        source,
    })
}

/// Takes the mounts away; that there are none is no failure.
pub(super) fn detach_driver_files(paths: &Paths, machine: &MachineName) -> Result<(), RootError> {
    detach_below(&paths.machine_driver_files(machine))
}
