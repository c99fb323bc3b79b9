//! Why a request is not done: a status and a sentence that says what to do.

use serde_json::json;

use super::Response;
use crate::HubError;

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody who is known asks.
    #[error("sign in with a link: `testudo hub link` prints one")]
    Unknown,
    /// The token is no token, or was taken back.
    #[error("this token is not known; make one with `testudo hub token create`")]
    BadToken,
    /// The one who asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("there is nothing here")]
    Absent,
    /// The path is there, not with this method.
    #[error("this method is not possible here")]
    Method,
    /// The request cannot be understood.
    #[error("{0}")]
    Malformed(String),
    /// The body has another type than the route takes.
    #[error("send this as {0}")]
    MediaType(&'static str),
    /// The body is larger than the route takes.
    #[error("this is larger than the {0} bytes that are taken here")]
    TooLarge(u64),
    /// What is kept says otherwise.
    #[error("{said}")]
    Conflict {
        /// Why.
        said: String,
        /// The number that has to come next, where that is known.
        next: Option<u64>,
    },
    /// Too many failures.
    #[error("too many attempts that failed; wait {0} s")]
    TooMany(i64),
    /// Too much at once: seconds after which to come again.
    #[error("the hub has too much to do at the moment; try again in {0} s")]
    Busy(i64),
    /// The hub could not.
    #[error("the hub could not do this; its own output says why")]
    Hub(#[from] HubError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Hub(error.into())
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Hub(error.into())
    }
}

impl Refusal {
    /// A request that cannot be understood.
    pub(crate) fn malformed(said: impl Into<String>) -> Self {
        Self::Malformed(said.into())
    }

    /// The status of the answer (RFC 9110).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unknown | Self::BadToken => 401,
            Self::Forbidden(_) => 403,
            Self::Absent => 404,
            Self::Method => 405,
            Self::Malformed(_) => 400,
            Self::MediaType(_) => 415,
            Self::TooLarge(_) => 413,
            Self::Conflict { .. } => 409,
            Self::TooMany(_) => 429,
            Self::Busy(_) => 503,
            Self::Hub(_) => 500,
        }
    }

    /// As an answer to a program.
    pub(crate) fn to_json(&self) -> Response {
        let mut body = json!({ "error": self.to_string(), "status": self.status() });
        if let Self::Conflict { next: Some(next), .. } = self {
            body["next"] = json!(next);
        }
        self.with_wait(Response::json(&body).with_status(self.status()))
    }

    /// With the time to wait, where there is one.
    pub(crate) fn with_wait(&self, response: Response) -> Response {
        match self {
            Self::TooMany(seconds) | Self::Busy(seconds) => response.with_header("retry-after", seconds.to_string()),
            _ => response,
        }
    }
}
