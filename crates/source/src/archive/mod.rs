//! Archives and compressed streams, expanded in memory and never to disk.
//!
//! [`expand`] hands every member of an archive, and of the archives inside it, to a visitor. Archives are taken for
//! hostile: [`Limits`] bound what is produced, damage ends only what it touches, and what was not read is told as a
//! [`Problem`]. The readers of tar, ar, zip and 7z are our own; compression methods come from libraries.

mod ar;
mod budget;
mod codec;
mod expansion;
mod kind;
mod limits;
mod names;
mod readers;
mod seven_zip;
mod tar;
mod zip;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod samples;

pub use kind::{HEAD_BYTES, Kind};
pub use limits::{DEPTH_MAX, Limits, RATIO_FREE_BYTES};

use expansion::Expansion;

/// A file that was found in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// Names from the outermost archive's member to the innermost; `/`-separated, relative, without control
    /// characters. Not unique: an archive may have one name twice.
    pub path: &'a [String],
    /// The content; cut short where a [`Problem`] says so.
    pub bytes: Vec<u8>,
}

/// Why something was not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The archive is damaged; what was readable was given.
    #[error("damaged: {0}; what could be read of it was scanned")]
    Damaged(String),
    /// The content is encrypted.
    #[error("encrypted, and not scanned; scan it where it is decrypted")]
    Encrypted,
    /// The format or compression method cannot be read.
    #[error("not scanned: {0}; unpack it and scan the directory")]
    Unsupported(String),
    /// One of [`Limits`] was reached, by its field name; `problems`, where further problems are not listed, and
    /// `overlap`, where members of a zip share their data.
    #[error("the limit `{0}` was reached, and the rest was not scanned; unpack it and scan the directory")]
    Limit(&'static str),
}

/// Something that was not read, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Names as in [`Member::path`]; empty for the outermost archive itself.
    pub path: Vec<String>,
    /// Why.
    pub kind: ProblemKind,
}

/// What came of an expansion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What was not read, in the order it was met.
    pub problems: Vec<Problem>,
}

/// Decompresses one stream of a known format, whatever is in it. None as the problem means that all of it was read.
#[must_use]
pub fn decompress(kind: Kind, bytes: &[u8], limits: &Limits) -> (Vec<u8>, Option<ProblemKind>) {
    expansion::decompress(kind, bytes, limits)
}

/// Expands an archive, and the archives in it, and gives every file to `visit` in the order they are stored.
///
/// Nested archives are given as their members. Where not one member of a nested archive could be read, its own bytes
/// are given instead. Directories, links and devices have no content and are passed over. `name` is the file name of
/// the archive; it decides the format only where the bytes do not.
pub fn expand(name: &str, bytes: &[u8], limits: &Limits, visit: &mut dyn FnMut(Member<'_>)) -> Outcome {
    let mut expansion = Expansion::new(name, limits, visit);
    expansion.outermost(bytes);
    Outcome { problems: expansion.into_problems() }
}
