//! The short name of a step, which the failpoints around it carry.

use crate::network;

use super::plan::Step;

impl Step {
    /// Its name, the same for every container.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::EnsureGroup => "ensure-group",
            Self::ClaimState => "claim-state",
            Self::GiveState(_) => "give-state",
            Self::Network(step) => of_network(step),
            Self::PrepareRoot => "prepare-root",
            Self::MakeSecrets => "make-secrets",
            Self::GiveCredentials => "give-credentials",
            Self::WithdrawCredentials => "withdraw-credentials",
            Self::WriteFiles => "write-files",
            Self::OpenFirewall => "open-firewall",
            Self::CloseFirewall => "close-firewall",
            Self::UnregisterMachine => "unregister-machine",
            Self::ResetFailed => "reset-failed",
            Self::StartUnit => "start-unit",
            Self::StopUnit => "stop-unit",
            Self::KillUnit => "kill-unit",
            Self::PointProfile => "point-profile",
            Self::SwitchSystem => "switch-system",
            Self::SetLimits => "set-limits",
            Self::SetBounds => "set-bounds",
            Self::SetDevices => "set-devices",
            Self::HoldSystem { .. } => "hold-system",
            Self::LetSystemsGo => "let-systems-go",
            Self::ReleaseRoot => "release-root",
            Self::RemoveFiles => "remove-files",
        }
    }
}

const fn of_network(step: &network::Step) -> &'static str {
    use network::Step as It;
    match step {
        It::SetSysctl { .. } => "set-sysctl",
        It::CreateBridge(_) => "create-bridge",
        It::SetAlias { .. } => "set-alias",
        It::AddAltname { .. } => "add-altname",
        It::AddAddress { .. } => "add-address",
        It::RemoveAddress { .. } => "remove-address",
        It::SetUp { .. } => "set-up",
        It::CreateNamespace { .. } => "create-namespace",
        It::BindNamespace { .. } => "bind-namespace",
        It::Connect(_) => "connect",
        It::SetPort { .. } => "set-port",
        It::SetDefaultRoute { .. } => "set-default-route",
        It::DeleteLink { .. } => "delete-link",
        It::DeleteAllLinks { .. } => "delete-all-links",
        It::DeleteNamespace { .. } => "delete-namespace",
    }
}
