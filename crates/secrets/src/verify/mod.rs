//! Asking the issuer of a secret whether the secret is live. Nothing is asked without `--verify`.
//!
//! The detector keeps the values of findings whose rule has a [`Request`] in memory while it scans, and hands them to
//! nobody. [`SecretsDetector::verify`](crate::native::SecretsDetector::verify) asks about them through crate `net`, one
//! question for each rule and value, and writes the answers into the findings. What leaves this module are states,
//! host names and digests.

mod ask;
mod cache;
mod kept;
mod template;

pub(crate) use ask::Subject;
pub use ask::{Asked, Asking, PAUSE};
pub use cache::Cache;
pub(crate) use kept::Kept;
pub use template::RequestError;

/// One harmless request; `{{secret}}` in path, query, headers, `basic` or `body` stands for the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// HTTP method: `GET`, `HEAD` or `POST`.
    pub method: String,
    /// Address.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// `user:password` for HTTP basic authentication.
    pub basic: Option<String>,
    /// Request body: JSON, with `{{secret}}` inside of its texts.
    pub body: Option<String>,
    /// Status codes that prove the value live.
    pub active: Vec<u16>,
    /// Status codes that prove it dead.
    pub inactive: Vec<u16>,
}

impl Request {
    /// Whether the request can be sent at all.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn check(&self) -> Result<(), RequestError> {
        template::Template::new(self).map(drop)
    }

    /// The host that is asked; none for a request that cannot be sent.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        template::Template::new(self).ok().map(|template| template.host().to_string())
    }

    /// Every text and number of the request, in a form that two different requests never share.
    fn identity(&self) -> String {
        format!("{self:?}")
    }
}
