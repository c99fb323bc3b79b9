//! The identity of a finding over time.
//!
//! A fingerprint never contains a position: a finding keeps it when its file is
//! reformatted or lines move, and loses it when the thing found changes.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `VERSION:HEX`, where HEX is 128 bits over rule and identity parts (never line or column).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Version of the scheme; a change of the identity parts raises it.
    pub const VERSION: u32 = 1;

    /// Wraps 16 bytes of digest.
    #[must_use]
    pub fn from_digest(digest: [u8; 16]) -> Self {
        Self(format!("{}:{}", Self::VERSION, crate::hex(&digest)))
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let hex = s.split_once(':').filter(|(v, _)| v.parse::<u32>().is_ok()).map(|(_, h)| h);
        match hex {
            Some(h) if h.len() == 32 && h.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Self(s.to_owned())),
            _ => Err(format!("`{s}` is not a fingerprint (expected `{}:` and 32 hexadecimal digits)", Self::VERSION)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let fp = Fingerprint::from_digest([0xab; 16]);
        assert_eq!(fp.as_str().parse(), Ok(fp.clone()));
        assert!("1:zz".parse::<Fingerprint>().is_err());
        assert!("x".parse::<Fingerprint>().is_err());
    }
}
