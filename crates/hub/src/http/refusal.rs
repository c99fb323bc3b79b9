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
    #[error("this method is not possible here; {0} is")]
    Method(String),
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
    /// A handler ended in a way that nobody meant.
    #[error("the hub could not do this")]
    Failed,
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
            Self::Method(_) => 405,
            Self::Malformed(_) => 400,
            Self::MediaType(_) => 415,
            Self::TooLarge(_) => 413,
            Self::Conflict { .. } => 409,
            Self::TooMany(_) => 429,
            Self::Busy(_) => 503,
            Self::Hub(_) | Self::Failed => 500,
        }
    }

    /// What kind of refusal it is, in two words.
    pub(crate) const fn title(&self) -> &'static str {
        match self.status() {
            401 => "Sign in",
            403 => "Not allowed",
            404 => "Not found",
            409 => "Not done",
            503 => "Busy",
            500.. => "Something went wrong",
            _ => "Not understood",
        }
    }

    /// As an answer to a program: problem details (RFC 9457). `error` is the same as `detail`; agents read it.
    pub(crate) fn to_json(&self) -> Response {
        let said = self.to_string();
        let mut body = json!({
            "type": "about:blank", "title": self.title(), "status": self.status(), "detail": said, "error": said
        });
        if let Self::Conflict { next: Some(next), .. } = self {
            body["next"] = json!(next);
        }
        self.with_headers(Response::problem(&body).with_status(self.status()))
    }

    /// With what the status asks for: the time to wait, the methods that are possible.
    pub(crate) fn with_headers(&self, response: Response) -> Response {
        match self {
            Self::TooMany(seconds) | Self::Busy(seconds) => response.with_header("retry-after", seconds.to_string()),
            Self::Method(possible) => response.with_header("allow", possible.clone()),
            _ => response,
        }
    }
}
