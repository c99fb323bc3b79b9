//! The expression language of Betterleaks rule files, a dialect of expr-lang: filters that say whether a
//! finding is dropped, and checks that say whether a secret still works.
//!
//! Reading and evaluating an expression touches nothing outside it. Functions that reach the network, the
//! clock or the environment go to [`Effects`], which only a caller that wants them gives.

mod ast;
mod digest;
mod encoding;
mod eval;
mod function;
mod functions;
mod lexer;
mod number;
mod parser;
mod value;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use value::{List, Map, Value};

use testudo_model::Confidence;

use crate::engine::pattern::Pattern;

/// Longest text of an expression, in bytes.
pub const MAX_SIZE: usize = 256 << 10;
/// Deepest nesting of an expression.
pub const MAX_DEPTH: usize = 100;
/// Steps that suffice for any filter over a fragment of a few megabytes.
pub const DEFAULT_FUEL: u64 = 4_000_000;
/// Patterns made at run time that one expression keeps compiled.
const MAX_PATTERNS: usize = 64;

/// Text that is no expression, and where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct ExprError {
    /// The cause and what would be right.
    pub message: String,
    /// Line of the expression, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
}

impl ExprError {
    /// An error about a byte offset of `text`.
    fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { message: message.into(), line, column }
    }
}

/// Why an expression has no value here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The expression reaches outside and the caller did not allow it.
    #[error("{function} reaches outside the expression; this is only done where live checks are switched on")]
    EffectForbidden {
        /// Name of the function.
        function: &'static str,
    },
    /// Something outside went wrong.
    #[error("{function}: {message}")]
    EffectFailed {
        /// Name of the function.
        function: &'static str,
        /// What went wrong.
        message: String,
    },
    /// A part that this build does not have; treat a finding as if no filter spoke about it.
    #[error("{function} needs data that is not loaded; the result is unknown")]
    Unavailable {
        /// Name of the function.
        function: &'static str,
    },
    /// The expression takes too many steps.
    #[error("the expression takes more than {limit} steps; simplify it")]
    Fuel {
        /// Steps allowed.
        limit: u64,
    },
    /// A value of the wrong kind.
    #[error("{place} needs {expected}, not {found}")]
    Kind {
        /// Function or operator.
        place: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What it was given.
        found: &'static str,
    },
    /// A value of the right kind that makes no sense.
    #[error("{place}: {message}")]
    Argument {
        /// Function or operator.
        place: &'static str,
        /// What is wrong.
        message: String,
    },
    /// Lists or maps within each other too many times.
    #[error("a value nests deeper than {limit} levels")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
}

/// What expressions may do outside themselves. The names of functions are `http.get`, `http.post`,
/// `env.get`, `env.getOrDefault`, `time.nowUnix`, `time.nowRFC3339`, `strings.obfuscate`, `aws.validate`,
/// `gcp.validate` and `azure.*`; aliases are already resolved and the number of arguments is checked.
pub trait Effects {
    /// Calls a function.
    ///
    /// # Errors
    /// What went wrong, in words for the user.
    fn call(&self, function: &'static str, arguments: &[Value]) -> Result<Value, String>;
}

/// The knowledge behind `failsTokenEfficiency`: a byte-pair vocabulary and a word list.
pub trait TokenCounter {
    /// Number of tokens that the `cl100k_base` vocabulary splits the text into.
    fn tokens(&self, text: &str) -> usize;
    /// Whether an English word of at least `length` bytes occurs in the lower-case text.
    fn has_word(&self, text: &str, length: usize) -> bool;
}

/// What an expression is evaluated on.
#[derive(Clone)]
pub struct Env<'a> {
    /// About the match: `secret`, `match`, `line`, `rule_id`, `description`, `context`, `entropy`,
    /// `fragment_raw` (text), `match_start_idx`, `match_end_idx`, `match_line_start_idx`,
    /// `match_line_end_idx` (byte offsets in `fragment_raw`).
    pub finding: Map,
    /// About where the text is from: `path`, `git.sha` and others.
    pub attributes: Map,
    /// Named groups of the match, and secrets of other rules found near it, by rule id.
    pub captures: Map,
    /// What may be done outside; nothing where none.
    pub effects: Option<&'a dyn Effects>,
    /// The vocabulary for `failsTokenEfficiency` and `tokenRatio`, where there is one.
    pub tokens: Option<&'a dyn TokenCounter>,
    /// Where `setConfidence` leaves its level.
    pub confidence: Option<&'a Cell<Option<Confidence>>>,
    /// Steps allowed.
    pub fuel: u64,
}

impl Default for Env<'_> {
    fn default() -> Self {
        let none = Map::of_fields([]);
        Self {
            finding: none.clone(),
            attributes: none.clone(),
            captures: none,
            effects: None,
            tokens: None,
            confidence: None,
            fuel: DEFAULT_FUEL,
        }
    }
}

/// A parsed expression. Its constant patterns compile on first use and stay compiled.
#[derive(Debug)]
pub struct Expr {
    root: ast::Node,
    patterns: Patterns,
}

impl Expr {
    /// Parses an expression.
    ///
    /// # Errors
    /// The text is no expression, names something that does not exist, has a pattern that is not RE2
    /// syntax, or exceeds [`MAX_SIZE`] or [`MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        Ok(Self { root: parser::parse(text)?, patterns: Patterns::default() })
    }

    /// The value of the expression.
    ///
    /// # Errors
    /// See [`EvalError`].
    pub fn eval(&self, env: &Env<'_>) -> Result<Value, EvalError> {
        eval::eval(self, env)
    }

    /// The value of a filter: true drops the finding.
    ///
    /// # Errors
    /// See [`EvalError`]; also where the value is not true or false. Keep the finding then.
    pub fn matches(&self, env: &Env<'_>) -> Result<bool, EvalError> {
        match self.eval(env)? {
            Value::Bool(flag) => Ok(flag),
            other => Err(EvalError::Kind { place: "a filter", expected: "bool", found: other.kind() }),
        }
    }
}

/// Patterns that are not constants of the expression, by their text.
#[derive(Debug, Default)]
struct Patterns {
    known: Mutex<BTreeMap<String, Arc<Pattern>>>,
}

impl Patterns {
    /// The compiled pattern, and its fault where it is no pattern.
    fn get(&self, text: &str) -> Result<Arc<Pattern>, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pattern) = known.get(text) {
            return Ok(Arc::clone(pattern));
        }
        let pattern = Arc::new(Pattern::new(text).map_err(|e| e.to_string())?);
        if known.len() < MAX_PATTERNS {
            known.insert(text.to_owned(), Arc::clone(&pattern));
        }
        Ok(pattern)
    }
}

#[cfg(test)]
mod tests;
