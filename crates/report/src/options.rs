//! What the caller may choose about a report, and the verdict that it passes on.

use std::fmt;

/// Whether text may carry terminal colours (SGR sequences).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Color {
    /// Plain text.
    #[default]
    Never,
    /// Colours; the caller knows that a terminal reads them.
    Always,
}

/// How much the terminal format says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// One line a finding.
    Quiet,
    /// Findings in full, the first notices of each kind.
    #[default]
    Normal,
    /// Suppressed findings, every place and every notice too.
    Verbose,
}

/// What a gate decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing speaks against it.
    Passed,
    /// Findings speak against it.
    Failed,
    /// Too little was looked at to decide.
    Incomplete,
}

impl Outcome {
    /// The word in outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A gate's decision as a report shows it; the deciding is not done here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictLine {
    /// The decision.
    pub outcome: Outcome,
    /// Why, one sentence each; may be empty.
    pub reasons: Vec<String>,
}

/// What the caller may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Colours, in the terminal format only.
    pub color: Color,
    /// Columns of the terminal; less than 40 counts as 40.
    pub width: usize,
    /// How much the terminal format says.
    pub verbosity: Verbosity,
    /// Shown by terminal (unless quiet), markdown and html; none where no gate was asked for.
    pub verdict: Option<VerdictLine>,
}

impl Default for Options {
    fn default() -> Self {
        Self { color: Color::Never, width: 100, verbosity: Verbosity::Normal, verdict: None }
    }
}
