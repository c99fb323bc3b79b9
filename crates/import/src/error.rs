//! Why a report cannot be read at all. What is wrong with one entry of it is a notice, and the rest counts.

use crate::MAX_BYTES;

/// A report that gives nothing. Each says the file, the cause and the next step; none quotes the report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Larger than what is read.
    #[error("{file}: is {bytes} bytes, more than the limit of {MAX_BYTES}; import the report of a part of the project")]
    TooLarge {
        /// The report.
        file: String,
        /// Its size.
        bytes: usize,
    },
    /// Not a text.
    #[error("{file}: is not UTF-8 text from byte {at} on; write the report again, or check that it is the right file")]
    NotText {
        /// The report.
        file: String,
        /// Offset of the first byte that is no text.
        at: usize,
    },
    /// Broken JSON or XML.
    #[error("{file}:{line}:{column}: {cause}; the report is cut off or damaged: write it again")]
    Syntax {
        /// The report.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Column in bytes, counted from 1.
        column: usize,
        /// What the reader stumbled over.
        cause: String,
    },
    /// Nobody knows the format.
    #[error(
        "{file}: is no report that is known; known are {known}. Name one with FORMAT={file} to see what is missing"
    )]
    Unknown {
        /// The report.
        file: String,
        /// Names of the formats.
        known: String,
    },
    /// Several formats look like this, and the content does not say which.
    #[error(
        "{file}: an empty list, which several tools write where they find nothing; say whose it is, such as gitleaks={file}"
    )]
    Ambiguous {
        /// The report.
        file: String,
    },
    /// The format is known and something that every report of it has is not there.
    #[error("{file}: {cause}")]
    Shape {
        /// The report.
        file: String,
        /// What is missing, and what to do.
        cause: String,
    },
}
