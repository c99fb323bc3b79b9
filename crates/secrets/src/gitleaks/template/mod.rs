//! Report templates in the language of Go's `text/template`, with the functions of the sprig library that reports use.
//!
//! What is read: fields, variables, pipelines, `if`, `with`, `range`, `break`, `continue`, comments, trim markers, and
//! the functions in `functions`. Named templates (`define`, `template`, `block`) and everything else are refused with
//! their place. Templates are the user's own, yet nothing in them can run for ever: nesting, steps and output have
//! limits. Times are in UTC.

mod eval;
mod functions;
mod lexer;
mod limited;
mod number;
mod parser;
mod print;
mod text;
mod time;
mod value;

#[cfg(test)]
mod tests;

pub use value::Values;

/// Deepest nesting of blocks and brackets.
const MAX_DEPTH: usize = 100;
/// Most bytes that a template may write.
const MAX_OUTPUT: usize = 256 << 20;
/// Most bytes of a text that a function makes.
const MAX_VALUE: usize = 64 << 20;
/// Most steps that a template may take.
const MAX_STEPS: usize = 20_000_000;

/// Why a template cannot be used, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct TemplateError {
    /// Name of the template, as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// A fault before its place is known as line and column: an offset in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    at: usize,
    what: String,
}

impl Fault {
    fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

/// A template that was read.
#[derive(Debug)]
pub struct Template {
    file: String,
    source: String,
    nodes: Vec<parser::Node>,
}

impl Template {
    /// Reads a template. `file` is its name for messages.
    ///
    /// # Errors
    /// It is malformed, or uses something that is not supported.
    pub fn parse(file: &str, source: &str) -> Result<Self, TemplateError> {
        let read = lexer::pieces(source).and_then(parser::parse);
        let nodes = read.map_err(|fault| placed(file, source, fault))?;
        Ok(Self { file: file.to_owned(), source: source.to_owned(), nodes })
    }

    /// Writes the report.
    ///
    /// # Errors
    /// A value does not have a field, a function does not take a value, or a limit is reached.
    pub fn render(&self, values: &Values<'_>) -> Result<String, TemplateError> {
        eval::run(&self.nodes, values).map_err(|fault| placed(&self.file, &self.source, fault))
    }
}

fn placed(file: &str, source: &str, fault: Fault) -> TemplateError {
    let before = &source.as_bytes()[..fault.at.min(source.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    TemplateError { file: file.to_owned(), line, column, what: fault.what }
}
