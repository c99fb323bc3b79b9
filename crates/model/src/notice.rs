//! What could not be read, and why. Bad input is a notice, not a crash.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DetectorId, Location};

/// How much a notice matters to a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeLevel {
    /// Worth knowing; nothing was left out.
    Info,
    /// Something was left out on purpose or by a limit; a strict gate refuses.
    Gap,
    /// Something in scope could not be looked at; a gate refuses.
    Error,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $level:ident;)+) => {
        /// The stable code of each kind of notice.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum NoticeCode { $($(#[$doc])* $variant,)+ }

        impl NoticeCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in outputs and in the documentation.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $code,)+ } }

            /// How much it matters.
            #[must_use]
            pub const fn level(self) -> NoticeLevel { match self { $(Self::$variant => NoticeLevel::$level,)+ } }
        }
    };
}

codes! {
    /// A file or folder could not be opened or read.
    Unreadable = "unreadable", Error;
    /// A symbolic link was not followed.
    SymlinkNotFollowed = "symlink-not-followed", Info;
    /// A pipe, socket or device, which has no content of its own.
    SpecialFile = "special-file", Info;
    /// A file is larger than the limit and was read in part or not at all.
    TooLarge = "too-large", Gap;
    /// Content is an LFS pointer; the real bytes are elsewhere.
    LfsPointer = "lfs-pointer", Gap;
    /// A submodule is not checked out.
    SubmoduleMissing = "submodule-missing", Gap;
    /// An archive is damaged.
    ArchiveDamaged = "archive-damaged", Error;
    /// An archive is encrypted.
    ArchiveEncrypted = "archive-encrypted", Gap;
    /// An archive limit (size, ratio, depth, members) was reached.
    ArchiveLimit = "archive-limit", Gap;
    /// An object is missing from the repository (shallow or partial clone).
    ObjectMissing = "object-missing", Error;
    /// The repository is a shallow clone.
    ShallowClone = "shallow-clone", Gap;
    /// An object is damaged.
    ObjectDamaged = "object-damaged", Error;
    /// A form of repository storage that is not read.
    RepositoryUnsupported = "repository-unsupported", Error;
    /// A unit used up its fuel.
    FuelExhausted = "fuel-exhausted", Error;
    /// A detector failed on a unit.
    DetectorFailed = "detector-failed", Error;
    /// A decoding budget was reached.
    DecodeLimit = "decode-limit", Gap;
    /// A text could not be parsed in full.
    ParseGap = "parse-gap", Gap;
    /// A configuration of another tool was found and not used.
    ForeignConfig = "foreign-config", Info;
    /// A suppression matched nothing.
    UnusedSuppression = "unused-suppression", Info;
    /// A suppression is past its date.
    ExpiredSuppression = "expired-suppression", Info;
    /// A suppression is malformed.
    InvalidSuppression = "invalid-suppression", Gap;
    /// Nothing was in scope.
    EmptyScope = "empty-scope", Info;
    /// A limit of an output format was reached.
    OutputLimit = "output-limit", Gap;
    /// Of some secrets nobody knows whether they are live.
    VerificationIncomplete = "verification-incomplete", Info;
    /// A setting of the live check stands where a scanned tree could have put it, and was not followed.
    VerificationSetting = "verification-setting", Info;
    /// A rule was left out.
    RuleSkipped = "rule-skipped", Error;
    /// A key of a rule file was read and has no effect.
    RuleKeyUnapplied = "rule-key-unapplied", Info;
    /// An entry of an imported report could not be read.
    ImportSkipped = "import-skipped", Error;
    /// Another tool says in its report that it did not look at something.
    ImportGap = "import-gap", Gap;
    /// A probe of a running application ended before everything in scope was tried.
    ProbeEnded = "probe-ended", Error;
    /// Requests of a probe got no answer that can be read.
    ProbeUnanswered = "probe-unanswered", Gap;
    /// There is more than one probe looks at.
    ProbeLimit = "probe-limit", Gap;
    /// Something was not tried, because the profile or the scope leaves it out, or nothing is known to send.
    ProbeSkipped = "probe-skipped", Gap;
    /// Credentials were not sent over a connection that is not trusted.
    ProbeCredentials = "probe-credentials", Error;
}

impl std::fmt::Display for NoticeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something the reader of a result must know about how it came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Kind.
    pub code: NoticeCode,
    /// How much it matters.
    pub level: NoticeLevel,
    /// What happened and what to do, for people. Never holds a secret.
    pub message: String,
    /// Who noticed; none for the source itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorId>,
    /// Where.
    #[serde(default)]
    pub location: Location,
}

impl Notice {
    /// A notice with the level of its code.
    #[must_use]
    pub fn new(code: NoticeCode, location: Location, message: impl Into<String>) -> Self {
        Self { code, level: code.level(), message: message.into(), detector: None, location }
    }

    /// The same, said by a detector.
    #[must_use]
    pub fn by(mut self, detector: DetectorId) -> Self {
        self.detector = Some(detector);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_equal_their_serialised_form() {
        let words: BTreeSet<_> = NoticeCode::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(words.len(), NoticeCode::ALL.len());
        for code in NoticeCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
