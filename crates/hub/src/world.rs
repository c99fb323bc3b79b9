//! What the hub needs of the machine it runs on: the time and random numbers. They come as an argument, so that a test has
//! its own.

use std::fmt;

use crate::HubError;

/// A moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub seconds: i64,
    /// The same as RFC 3339 in UTC, `2026-01-31T12:00:00Z`.
    pub text: String,
}

impl Moment {
    /// The day, `2026-01-31`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.text.get(..10).unwrap_or_default()
    }
}

/// The machine.
pub trait World: fmt::Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Moment;

    /// Random bytes for keys.
    ///
    /// # Errors
    /// The system has none.
    fn random(&self) -> Result<[u8; 32], HubError>;
}
