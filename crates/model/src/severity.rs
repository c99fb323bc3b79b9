//! The noise dial: severity x confidence x persona, and the detector names.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A word on the command line or in a file that names no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseLevelError {
    /// What was written.
    pub found: String,
    /// The words that would have been accepted.
    pub expected: &'static [&'static str],
}

impl fmt::Display for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not one of {}", self.found, self.expected.join(", "))
    }
}

impl std::error::Error for ParseLevelError {}

macro_rules! levels {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, lowest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words of [`Self::ALL`], in the same order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word used on the command line and in every output.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }

        impl FromStr for $name {
            type Err = ParseLevelError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(ParseLevelError { found: s.to_owned(), expected: Self::WORDS }),
                }
            }
        }
    };
}

levels! {
    /// How much harm a finding means if it is true.
    #[derive(Default)]
    Severity {
        /// Worth knowing, nothing to fix.
        Info = "info",
        /// Fix when you pass by.
        Low = "low",
        /// Fix in the normal course of work.
        #[default]
        Medium = "medium",
        /// Fix before the next release.
        High = "high",
        /// Fix now.
        Critical = "critical",
    }
}

levels! {
    /// How sure the detector is.
    #[derive(Default)]
    Confidence {
        /// Often wrong; for hunters and audits.
        Low = "low",
        /// Usually right.
        Medium = "medium",
        /// Right, unless proven otherwise.
        #[default]
        High = "high",
    }
}

levels! {
    /// Who wants to see a finding.
    #[derive(Default)]
    Persona {
        /// What a developer should fix today.
        #[default]
        Regular = "regular",
        /// Also what is untidy.
        Pedantic = "pedantic",
        /// Everything that an auditor may ask about.
        Auditor = "auditor",
    }
}

levels! {
    /// The one name of each detector, in `--only`, configuration, coverage and reports.
    DetectorId {
        /// Leaked secrets.
        Secrets = "secrets",
        /// Dependencies with known vulnerabilities.
        Deps = "deps",
        /// Static analysis of source code.
        Code = "code",
        /// Infrastructure as code.
        Iac = "iac",
        /// Continuous-integration configuration.
        Ci = "ci",
        /// Dynamic tests of a running application.
        Probe = "probe",
        /// The host agent.
        Agent = "agent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_order_holds() {
        for (value, word) in Severity::ALL.iter().zip(Severity::WORDS) {
            assert_eq!(word.parse::<Severity>().as_ref(), Ok(value));
        }
        assert!(Severity::Critical > Severity::High && Confidence::High > Confidence::Low);
        assert_eq!(
            "urgent".parse::<Severity>().unwrap_err().to_string(),
            "`urgent` is not one of info, low, medium, high, critical"
        );
    }
}
