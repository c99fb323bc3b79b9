//! How far a probe may go.

use std::str::FromStr;

use testudo_net::Method;

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// `GET`, `HEAD` and `OPTIONS` only: what nobody asks for a change with (RFC 9110 section 9.2.1).
    #[default]
    Safe,
    /// Also what the description of the API changes data with, and forms that are posted. For a system whose data may be lost.
    Full,
}

impl Profile {
    /// The words on the command line.
    pub const WORDS: &'static [&'static str] = &["safe", "full"];

    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Full => "full",
        }
    }

    /// Whether a method may be used.
    #[must_use]
    pub const fn admits(self, method: Method) -> bool {
        match self {
            Self::Safe => method.is_safe(),
            Self::Full => true,
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "safe" => Ok(Self::Safe),
            "full" => Ok(Self::Full),
            other => Err(format!("`{other}` is not one of {}", Self::WORDS.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_changes_nothing() {
        let all =
            [Method::Get, Method::Head, Method::Options, Method::Post, Method::Put, Method::Patch, Method::Delete];
        let admitted = |profile: Profile| all.iter().filter(|method| profile.admits(**method)).count();
        assert_eq!((admitted(Profile::Safe), admitted(Profile::Full)), (3, 7));
        assert_eq!(Profile::default(), Profile::Safe);
        assert!("deep".parse::<Profile>().is_err());
    }
}
