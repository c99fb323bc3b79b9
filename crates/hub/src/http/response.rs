//! An answer. Headers that protect whoever reads it are on every one.

use serde::Serialize;

/// What a page may load: its own style sheet and its own script, nothing else from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A page.
    Html,
    /// JSON.
    Json,
    /// Why something was not done, as JSON (RFC 9457).
    Problem,
    /// The style sheet.
    Css,
    /// The script.
    Script,
}

impl Kind {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Problem => "application/problem+json",
            Self::Css => "text/css; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// Status.
    pub(crate) status: u16,
    /// Headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    fn new(kind: Kind, body: Vec<u8>) -> Self {
        let cache = match kind {
            // A new program has a new style, so nothing is kept without asking.
            Kind::Css | Kind::Script => "no-cache",
            Kind::Html | Kind::Json | Kind::Problem => "no-store",
        };
        let headers = vec![
            ("content-type", kind.media_type().to_owned()),
            ("cache-control", cache.to_owned()),
            ("content-security-policy", POLICY.to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
            ("cross-origin-opener-policy", "same-origin".to_owned()),
            ("cross-origin-resource-policy", "same-origin".to_owned()),
            ("x-frame-options", "DENY".to_owned()),
        ];
        Self { status: 200, headers, body }
    }

    /// A page.
    pub(crate) fn page(html: String) -> Self {
        Self::new(Kind::Html, html.into_bytes())
    }

    /// A file of the hub itself.
    pub(crate) fn asset(kind: Kind, text: &str) -> Self {
        Self::new(kind, text.as_bytes().to_vec())
    }

    /// JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::new(Kind::Json, line(value))
    }

    /// Why something was not done, for a program.
    pub(crate) fn problem(value: &impl Serialize) -> Self {
        Self::new(Kind::Problem, line(value))
    }

    /// "See there" after a form was sent, so that loading again does not send it again.
    pub(crate) fn see_other(path: &str) -> Self {
        Self::new(Kind::Html, Vec::new()).with_status(303).with_header("location", path.to_owned())
    }

    /// With another status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more header.
    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Types of this program have names as keys, so there is nothing that JSON cannot say.
    let mut body = serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec());
    body.push(b'\n');
    body
}
