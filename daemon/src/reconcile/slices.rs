//! The slices of groups that are declared no more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::machine::{SystemdError, slice_name};
use crate::model::Model;
use crate::os::failpoint;

use super::real_host::RealHost;

/// Takes them off systemd's list: a slice that systemd made for a unit stays when the unit is gone. One
/// that still holds something is left, since its stop would be the end of that.
pub(super) async fn remove_left(host: &RealHost, model: &Model) -> Result<(), SystemdError> {
    let declared: BTreeSet<String> = model.groups.keys().map(slice_name).collect();
    for slice in host.systemd.slices().await? {
        if declared.contains(&slice) {
            continue;
        }
        let group = host.systemd.control_group_of(&slice).await?;
        if group.is_empty() || is_empty(&host.paths.cgroup, &group) {
            host.systemd.stop(&slice).await?;
            failpoint("slice removed");
        }
    }
    Ok(())
}

/// No control group is below this one, `/machine.slice/…` as systemd writes it.
fn is_empty(root: &Path, group: &str) -> bool {
    let directory = root.join(group.trim_start_matches('/'));
    match fs::read_dir(directory) {
        Ok(entries) => !entries
            .flatten()
            .any(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::is_empty;

    #[test]
    fn a_slice_with_a_unit_is_not_empty() {
        let root = tempfile::tempdir().expect("a directory");
        let slice = "/machine.slice/machine-ctr.slice/machine-ctr-red.slice";
        assert!(is_empty(root.path(), slice));
        let directory = root.path().join(slice.trim_start_matches('/'));
        std::fs::create_dir_all(&directory).expect("made");
        std::fs::write(directory.join("cgroup.procs"), "").expect("written");
        assert!(is_empty(root.path(), slice));
        std::fs::create_dir(directory.join("ctr-red-one.service")).expect("made");
        assert!(!is_empty(root.path(), slice));
    }
}
