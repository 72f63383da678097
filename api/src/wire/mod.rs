//! What travels on the bus, and what `ctr --json` prints: plain serde types.
//!
//! Times are milliseconds since the Unix epoch (`…_ms`), sizes are bytes. An optional value that is
//! not known is absent.

mod container;
mod gpu;
mod host;
mod plan;
mod removal;
mod request;
mod state;

pub use container::{
    ActionStatus, ContainerStatus, CredentialStatus, HealthStatus, Limits, OverriddenLimit,
    PortStatus, Usage,
};
pub use gpu::{ContainerGpu, Gpu, GpuFinding, GpuSeverity};
pub use host::{DeclarationStatus, GroupStatus, HostStatus, Leaving, MetricsStatus, Obstacle};
pub use plan::{Action, ApplyReport, ContainerPlan, PlanView, Problem, Severity, Waiting};
pub use removal::{DownReport, Leftover, Leftovers, PruneReport};
pub use request::{ContainersRequest, Outcome, RequestReport, SessionRequest, Verb};
pub use state::State;
