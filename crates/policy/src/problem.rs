//! What is wrong with a file that a person wrote, with file, line, column, source line and a caret. The one snippet renderer.

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

impl Paint {
    pub(crate) fn renderer(self) -> Renderer {
        match self {
            Self::Plain => Renderer::plain(),
            Self::Styled => Renderer::styled(),
        }
    }
}

/// Problems for a terminal, each with its source line and a caret. Ends without a line break.
#[must_use]
pub fn render(problems: &[FileProblem], paint: Paint) -> String {
    let renderer = paint.renderer();
    let parts: Vec<String> = problems.iter().map(|p| renderer.render(&[p.group()])).collect();
    parts.join("\n\n")
}

/// One wrong place of a file.
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
    /// Stable code of the problem, where its file has such codes.
    pub code: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
    /// Byte range of `source` to point at, on character boundaries.
    pub(crate) highlight: Range<usize>,
}

/// A problem before it knows its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable code, where there are such codes.
    pub code: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
    /// Byte range of the file; none means the value as a whole.
    pub span: Option<Range<usize>>,
}

impl Fault {
    /// A problem without code and place.
    #[must_use]
    pub fn new(message: impl Into<String>, help: Option<String>) -> Self {
        Self { code: None, message: message.into(), help, span: None }
    }

    /// The same with a code.
    #[must_use]
    pub fn coded(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same at a place, unless it has one already.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// Message and help as one text, for sources without lines.
    pub(crate) fn sentence(self) -> String {
        match self.help {
            Some(help) => format!("{}; {help}", self.message),
            None => self.message,
        }
    }

    /// The same in its file.
    #[must_use]
    pub fn in_file(self, text: &str, path: &Path) -> FileProblem {
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
            code: self.code,
            message: self.message,
            help: self.help,
            highlight,
        }
    }
}

/// Line of a byte offset, counted from 1.
#[must_use]
pub fn line_number(text: &str, offset: usize) -> u32 {
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
        let title = Level::ERROR.primary_title(&self.message);
        let group = match self.code {
            Some(code) => title.id(code).element(snippet),
            None => title.element(snippet),
        };
        match &self.help {
            Some(help) => group.element(Level::HELP.message(help)),
            None => group,
        }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.path, self.line, self.column)?;
        if let Some(code) = self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// A word of the user inside a message: control characters visible, long words cut.
#[must_use]
pub fn quoted(word: &str) -> String {
    const LONGEST: usize = 60;
    let cut: String = word.chars().take(LONGEST).collect();
    let more = if cut.len() < word.len() { "…" } else { "" };
    format!("`{}{more}`", cut.escape_debug())
}
