//! What the issuer of a secret said when it was asked whether the secret is live.

use std::{fmt, num::NonZeroU16};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a secret opens something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LiveState {
    /// The issuer accepted it.
    Active,
    /// The issuer refused it.
    Inactive,
    /// Nobody knows.
    Unknown,
}

impl LiveState {
    /// The word in outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Unknown => "unknown",
        }
    }
}

/// Why nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownReason {
    /// Not asked: the host is not allowed.
    HostNotAllowed,
    /// Not asked: the address of the host is not public.
    AddressRefused,
    /// Not asked: the value cannot stand in the request.
    Unfit,
    /// Not asked: as many were asked as one scan asks of one issuer.
    LimitReached,
    /// Nobody answers, or the name has no address.
    NoConnection,
    /// No trusted TLS connection.
    Tls,
    /// No answer in time.
    Timeout,
    /// The answer is no HTTP, or too long.
    BadAnswer,
    /// The issuer sent the question elsewhere; that is not followed.
    Redirect,
    /// The issuer asks for fewer requests.
    RateLimited,
    /// The answer says neither.
    UnexpectedStatus,
}

impl UnknownReason {
    /// The word in outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostNotAllowed => "host-not-allowed",
            Self::AddressRefused => "address-refused",
            Self::Unfit => "unfit",
            Self::LimitReached => "limit-reached",
            Self::NoConnection => "no-connection",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::BadAnswer => "bad-answer",
            Self::Redirect => "redirect",
            Self::RateLimited => "rate-limited",
            Self::UnexpectedStatus => "unexpected-status",
        }
    }

    /// For people, to stand after a colon.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::HostNotAllowed => "the host is not allowed",
            Self::AddressRefused => "the address of the host is not public",
            Self::Unfit => "the value cannot be put into the request",
            Self::LimitReached => "too many secrets of one issuer in one scan",
            Self::NoConnection => "no connection",
            Self::Tls => "no trusted TLS connection",
            Self::Timeout => "timeout",
            Self::BadAnswer => "the answer is no valid HTTP",
            Self::Redirect => "the issuer redirects, which is not followed",
            Self::RateLimited => "the issuer asks for fewer requests",
            Self::UnexpectedStatus => "the answer says neither yes nor no",
        }
    }
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What came of asking about one secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// The answer.
    pub state: LiveState,
    /// Who was asked, or would have been.
    pub host: String,
    /// Why nobody knows, where the state is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnknownReason>,
    /// Status code of the answer; none where there was none, or where it is remembered from an earlier scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NonZeroU16>,
}

/// The figures of a live check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerificationSummary {
    /// Hosts to which a request was sent.
    pub issuers: u64,
    /// Distinct secrets that a rule can ask about.
    pub secrets: u64,
    /// Those that are live.
    pub active: u64,
    /// Those that are dead.
    pub inactive: u64,
    /// Those of which nobody knows.
    pub unknown: u64,
    /// Those whose answer was remembered from an earlier scan.
    pub remembered: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_equal_their_serialised_form() {
        for state in [LiveState::Active, LiveState::Inactive, LiveState::Unknown] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for word in [
            "host-not-allowed",
            "address-refused",
            "unfit",
            "limit-reached",
            "no-connection",
            "tls",
            "timeout",
            "bad-answer",
            "redirect",
            "rate-limited",
            "unexpected-status",
        ] {
            let reason: UnknownReason = serde_json::from_value(word.into()).unwrap();
            assert_eq!(reason.as_str(), word);
        }
    }
}
