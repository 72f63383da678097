//! The names systemd knows a machine by.

use crate::model::{GroupName, MachineName};

/// The unit that runs a machine.
pub fn unit_name(machine: &MachineName) -> String {
    format!("ctr-{machine}.service")
}

/// The machine that a unit of ours runs.
pub fn machine_of_unit(unit: &str) -> Option<MachineName> {
    unit.strip_prefix("ctr-")?
        .strip_suffix(".service")?
        .parse()
        .ok()
}

/// The slice of all groups, below `machine.slice`.
pub const ALL_SLICE: &str = "machine-ctr.slice";

/// The slices of the groups, as systemd's patterns are written.
pub(super) const SLICES: &str = "machine-ctr-*.slice";

/// The slice of a group, below `machine.slice`.
///
/// In a slice's name every `-` is a step down the tree (systemd.slice(5)), so a dash of the group's
/// own is escaped as in systemd.unit(5).
pub fn slice_name(group: &GroupName) -> String {
    format!("machine-ctr-{}.slice", group.as_str().replace('-', "\\x2d"))
}

/// The object path of a unit: every byte but letters and digits as `_xx` (`bus_label_escape` in
/// systemd).
pub fn unit_path(unit: &str) -> String {
    format!(
        "/org/freedesktop/systemd1/unit/{}",
        ctr_api::escape_path_element(unit)
    )
}

#[cfg(test)]
mod tests {
    use super::{machine_of_unit, slice_name, unit_name, unit_path};

    #[test]
    fn a_dash_in_a_group_is_no_step_down_the_slice_tree() {
        let group = "my-lab".parse().expect("valid");
        assert_eq!(slice_name(&group), "machine-ctr-my\\x2dlab.slice");
    }

    #[test]
    fn a_unit_leads_back_to_its_machine() {
        let machine = "dev-chat-ui".parse().expect("valid");
        assert_eq!(machine_of_unit(&unit_name(&machine)), Some(machine));
        assert_eq!(machine_of_unit("ctrd.service"), None);
    }

    #[test]
    fn a_unit_path_is_escaped_as_systemd_does() {
        assert_eq!(
            unit_path("ctr-ml-a.service"),
            "/org/freedesktop/systemd1/unit/ctr_2dml_2da_2eservice"
        );
    }
}
