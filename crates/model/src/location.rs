//! Where something was found: a file span, and the commit, archive member, image layer, URL or host around it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place in a text, for people and for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters (Unicode scalar values), counted from 1.
    pub column: u32,
    /// Byte offset from the start of the unit, counted from 0.
    pub offset: u64,
}

/// A half-open range of a text: `end` is the first position after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// First position inside.
    pub start: Position,
    /// First position behind.
    pub end: Position,
}

/// The commit that introduced what was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Full hexadecimal object id.
    pub id: String,
    /// Author name as recorded.
    pub author: String,
    /// Author e-mail address as recorded.
    pub email: String,
    /// Author date, RFC 3339 in UTC.
    pub date: String,
    /// First line of the message.
    pub subject: String,
    /// Whether the current `HEAD` still holds the value at some path.
    pub in_head: bool,
}

/// One layer of a container image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Layer {
    /// Digest of the layer, `sha256:...`.
    pub digest: String,
    /// Position in the image, counted from 0 at the base.
    pub index: u32,
    /// Whether a later layer removes the file again.
    pub deleted_later: bool,
}

/// Where a finding or notice is. Absent parts do not apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// Path of the file, `/`-separated, relative to the working directory where the target is below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Members of nested archives below `path`, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// The place inside the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// The commit, for findings in history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The image layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Layer>,
    /// The URL that was probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The host that an agent watches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl Location {
    /// A location that is a whole file.
    #[must_use]
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// A place in a file.
    #[must_use]
    pub fn span(path: impl Into<String>, span: Span) -> Self {
        Self { path: Some(path.into()), span: Some(span), ..Self::default() }
    }

    /// Path and archive members as one text, members joined with `!`; empty where there is no path.
    #[must_use]
    pub fn display_path(&self) -> String {
        let mut out = self.path.clone().or_else(|| self.url.clone()).or_else(|| self.host.clone()).unwrap_or_default();
        for member in &self.members {
            out.push('!');
            out.push_str(member);
        }
        out
    }

    /// First line, or 0 where the location is not a place in a text.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.span.map_or(0, |s| s.start.line)
    }
}
