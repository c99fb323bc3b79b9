//! What is wrong with the configuration, with file, line, column, source line and a caret.

use std::{fmt, ops::Range, path::Path};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Whether a rendered text has colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Text only.
    Plain,
    /// With ANSI colours.
    Styled,
}

/// Why a configuration is not used. One wrong key refuses the whole file: a setting that is silently left out is worse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is wrong; every problem that was found, in the order of their places, never empty.
    #[error("{}", lines(.0))]
    File(Vec<FileProblem>),
    /// An environment variable is wrong.
    #[error("environment variable {name}: {message}")]
    Environment {
        /// Name of the variable.
        name: String,
        /// Cause and next step.
        message: String,
    },
    /// A command-line flag is wrong.
    #[error("flag for `{key}`: {message}")]
    Flag {
        /// Key that the flag sets, such as `view.persona`.
        key: String,
        /// Cause and next step.
        message: String,
    },
}

impl ConfigError {
    /// The error for a terminal, with the source line and a caret where it is in a file. Ends without a line break.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let renderer = match paint {
            Paint::Plain => Renderer::plain(),
            Paint::Styled => Renderer::styled(),
        };
        let (title, help) = match self {
            Self::File(problems) => {
                let parts: Vec<String> = problems.iter().map(|p| renderer.render(&[p.group()])).collect();
                return parts.join("\n\n");
            }
            Self::Environment { name, message } => (
                format!("environment variable {name}: {message}"),
                format!("correct {name}, or unset it to use the configuration file"),
            ),
            Self::Flag { key, message } => {
                (format!("flag for `{key}`: {message}"), "correct the flag and run again".to_owned())
            }
        };
        renderer.render(&[Level::ERROR.primary_title(title).element(Level::HELP.message(help))])
    }
}

fn lines(problems: &[FileProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// One wrong place of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// The file as it was named.
    pub path: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// The whole line, without its line break.
    pub source: String,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
    /// Byte range of `source` to point at, on character boundaries.
    pub(super) highlight: Range<usize>,
}

/// A problem before it knows its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Byte range of the file; none means the value as a whole.
    pub(super) span: Option<Range<usize>>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, help: Option<String>) -> Self {
        Self { message: message.into(), help, span: None }
    }

    /// The same at a place, unless it has one already.
    pub(super) fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// Message and help as one text, for sources without lines.
    pub(super) fn sentence(self) -> String {
        match self.help {
            Some(help) => format!("{}; {help}", self.message),
            None => self.message,
        }
    }

    pub(super) fn in_file(self, text: &str, path: &Path) -> FileProblem {
        let span = self.span.unwrap_or(0..0);
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let source = text[line_start..line_end].trim_end_matches('\r');
        let highlight = (start - line_start).min(source.len())..(end - line_start).min(source.len());
        FileProblem {
            path: path.display().to_string(),
            line: line_number(text, start),
            column: column_number(&source[..highlight.start]),
            source: source.to_owned(),
            message: self.message,
            help: self.help,
            highlight,
        }
    }
}

/// Line of a byte offset, counted from 1.
pub(super) fn line_number(text: &str, offset: usize) -> u32 {
    let breaks = text.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}

fn column_number(before: &str) -> u32 {
    u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX)
}

/// The character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl FileProblem {
    fn group(&self) -> Group<'_> {
        let mark = AnnotationKind::Primary.span(self.highlight.clone());
        let snippet = Snippet::source(&self.source).line_start(self.line as usize).path(&self.path).annotation(mark);
        let group = Level::ERROR.primary_title(&self.message).element(snippet);
        match &self.help {
            Some(help) => group.element(Level::HELP.message(help)),
            None => group,
        }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// A word of the user inside a message: control characters visible, long words cut.
pub(super) fn quoted(word: &str) -> String {
    const LONGEST: usize = 60;
    let cut: String = word.chars().take(LONGEST).collect();
    let more = if cut.len() < word.len() { "…" } else { "" };
    format!("`{}{more}`", cut.escape_debug())
}
