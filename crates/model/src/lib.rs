//! The nouns of testudo, and nothing else.
//!
//! Every other crate speaks in these types: a detector turns bytes into a
//! [`Finding`], says what it looked at in a [`Coverage`] and what it could not
//! read in a [`Notice`]. There is no IO, no clock and no policy in here, so the
//! serialised form of these types can be promised to other programs: fields are
//! added, never renamed or removed (`schema.rs` holds the test).

mod artifact;
mod coverage;
mod finding;
mod fingerprint;
mod hex;
mod location;
mod notice;
mod operations;
mod report;
mod rule;
pub mod schema;
mod severity;
mod verification;

pub use artifact::{Artifact, Asset, AssetKind, Owner, Package, Release, ReleaseState};
pub use coverage::{Coverage, CoverageState};
pub use finding::{Edit, Finding, Fix, Snippet, Suppression, SuppressionKind};
pub use fingerprint::Fingerprint;
pub use hex::hex;
pub use location::{Commit, Layer, Location, Position, Span};
pub use notice::{Notice, NoticeCode, NoticeLevel};
pub use operations::{
    AgentBatch, AgentEvent, AgentEventBody, AgentStart, Alert, Concern, ConcernState, Control, ControlState, Response,
    ResponseAction, ResponseState,
};
pub use report::{ScanReport, Summary, ToolInfo};
pub use rule::{Reference, RuleInfo};
pub use severity::{Confidence, DetectorId, ParseLevelError, Persona, Severity};
pub use verification::{LiveState, UnknownReason, Verification, VerificationSummary};
