//! Which specification counts for a device.

use super::error::{CdiError, Wrong};
use super::read::SpecFile;
use super::rules::version;
use super::spec::{Device, Spec};
use crate::model::CdiName;

/// A device in the specification that counts for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'a> {
    pub(super) file: &'a SpecFile,
    pub(super) spec: &'a Spec,
    pub(super) device: &'a Device,
}

/// Finds a device. Of two directories with it the later one counts, and of two specifications in one
/// directory neither (section "Spec conflicts" of the CDI specification).
///
/// Only what is said about this device is judged, so that a bad specification is the problem of those
/// alone who name something of it. Where none has the device, one that could not be read might.
pub(super) fn choose<'a>(
    files: &'a [SpecFile],
    name: &CdiName,
    looked_in: &[std::path::PathBuf],
) -> Result<Chosen<'a>, CdiError> {
    let mut found: Vec<Chosen<'a>> = Vec::new();
    for file in files {
        let Ok(spec) = &file.spec else { continue };
        if spec.kind != name.kind() {
            continue;
        }
        let devices = spec.devices.iter();
        let devices = devices.filter(|device| device.name == name.device());
        found.extend(devices.map(|device| Chosen { file, spec, device }));
    }
    let Some(last) = found.iter().map(|it| it.file.directory).max() else {
        return Err(unknown(files, name, looked_in));
    };
    found.retain(|it| it.file.directory == last);
    if let [first, second, ..] = found.as_slice() {
        let reason = if first.file.path == second.file.path {
            format!("it has the device {name} twice")
        } else {
            format!("{} has the device {name} too", first.file.path.display())
        };
        let hint = "remove one of the two";
        return Err(Wrong::new(reason, hint).of(&second.file.path));
    }
    match found.pop() {
        Some(chosen) => {
            version(&chosen.spec.cdi_version).map_err(|wrong| wrong.of(&chosen.file.path))?;
            Ok(chosen)
        }
        None => Err(unknown(files, name, looked_in)),
    }
}

fn unknown(files: &[SpecFile], name: &CdiName, looked_in: &[std::path::PathBuf]) -> CdiError {
    unreadable(files).unwrap_or_else(|| CdiError::NoDevice {
        name: name.clone(),
        looked_in: looked_in.to_vec(),
    })
}

/// Specifications of this kind in the last directory that has one; none where no directory has.
pub(super) fn of_kind<'a>(
    files: &'a [SpecFile],
    kind: &str,
) -> Result<Vec<(&'a SpecFile, &'a Spec)>, CdiError> {
    let mut found: Vec<(&SpecFile, &Spec)> = files
        .iter()
        .filter_map(|file| Some((file, file.spec.as_ref().ok()?)))
        .filter(|(_, spec)| spec.kind == kind)
        .collect();
    let Some(last) = found.iter().map(|(file, _)| file.directory).max() else {
        return match unreadable(files) {
            Some(refused) => Err(refused),
            None => Ok(found),
        };
    };
    found.retain(|(file, _)| file.directory == last);
    for (file, spec) in &found {
        version(&spec.cdi_version).map_err(|wrong| wrong.of(&file.path))?;
    }
    Ok(found)
}

/// What could not be read of the directory that counts most.
fn unreadable(files: &[SpecFile]) -> Option<CdiError> {
    files.iter().rev().find_map(|file| {
        let wrong = file.spec.as_ref().err()?;
        Some(wrong.clone().of(&file.path))
    })
}
