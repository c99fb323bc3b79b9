//! What can be wrong with what was asked for. Whatever a server does is no error: it is a finding, a notice or a gap.

use testudo_net::NetError;

use crate::OutOfScope;

/// Why there is no run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Nobody answers at the address.
    #[error("the target gives no answer: {0}")]
    Unreachable(NetError),
    /// The address itself is outside of what may be requested.
    #[error("the target itself is {}: check --include and --exclude", .0.as_str())]
    Target(OutOfScope),
    /// The description of the API is none.
    #[error("{name}: {cause}")]
    Description {
        /// File or address.
        name: String,
        /// What is wrong, with the place.
        cause: String,
    },
}
