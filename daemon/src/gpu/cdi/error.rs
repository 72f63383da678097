//! Why a container does not get what it names.

use std::path::{Path, PathBuf};

use crate::model::CdiName;

/// Why a container does not get the devices that it names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CdiError {
    /// No specification has the device; one may come.
    #[error("no CDI specification in {} has the device {name}", listed(.looked_in))]
    NoDevice {
        /// The device.
        name: CdiName,
        /// The directories of specifications.
        looked_in: Vec<PathBuf>,
    },
    /// A device node is not there; it may come.
    #[error("the device node {} is not there; {} gives it with {name}", .path.display(), .file.display())]
    NoNode {
        /// The device.
        name: CdiName,
        /// The node on the host, as the specification has it: `/dev/nvidia0`.
        path: PathBuf,
        /// The specification.
        file: PathBuf,
    },
    /// A specification is one that cannot be followed, or must not be.
    #[error("the CDI specification {} is refused: {reason}", .file.display())]
    Refused {
        /// The specification.
        file: PathBuf,
        /// What is wrong with it: a part of a sentence.
        reason: String,
        /// What a person can do about it.
        hint: String,
    },
}

impl CdiError {
    /// What is waited for, where waiting can help: `nvidia.com/gpu=0`, `nvidia-uvm`.
    pub fn waits_for(&self) -> Option<String> {
        match self {
            Self::NoDevice { name, .. } => Some(name.to_string()),
            Self::NoNode { path, .. } => {
                let short = path.strip_prefix("/dev").unwrap_or(path);
                Some(short.display().to_string())
            }
            Self::Refused { .. } => None,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoDevice { name, looked_in } => {
                let directory = looked_in
                    .first()
                    .map_or("/etc/cdi".into(), |it| it.display().to_string());
                match name.kind().split_once('/').map(|(vendor, _)| vendor) {
                    Some("nvidia.com") => {
                        format!("nvidia-ctk cdi generate --output={directory}/nvidia.yaml")
                    }
                    Some("amd.com") => {
                        format!("amd-ctk cdi generate --output={directory}/amd.json")
                    }
                    _ => format!("write the specification of the vendor into {directory}"),
                }
            }
            Self::NoNode { .. } => "load the driver that makes it".to_owned(),
            Self::Refused { hint, .. } => hint.clone(),
        }
    }
}

fn listed(directories: &[PathBuf]) -> String {
    let directories: Vec<String> = directories
        .iter()
        .map(|it| it.display().to_string())
        .collect();
    directories.join(" and ")
}

/// What is wrong with a part of a specification, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) reason: String,
    pub(super) hint: String,
}

impl Wrong {
    pub(super) fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            hint: hint.into(),
        }
    }

    /// In this file.
    pub(super) fn of(self, file: &Path) -> CdiError {
        CdiError::Refused {
            file: file.to_owned(),
            reason: self.reason,
            hint: self.hint,
        }
    }
}
