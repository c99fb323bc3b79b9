//! What is wrong with files of rules and decoders: file, line, rule and key, so that nothing is passed over in silence.

use std::fmt;

use super::{
    expression::{Dialect, Expression},
    xml::Element,
};

/// Problems that are kept; more do not help anybody.
const MAX_PROBLEMS: usize = 10_000;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// The rule or decoder, where it is about one.
    pub part: Option<String>,
    /// What.
    pub what: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(part) = &self.part {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// What a problem is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'p> {
    File,
    Decoder(&'p str),
    Rule(&'p str),
}

/// Where problems of one file go.
#[derive(Debug)]
pub(crate) struct Told<'f> {
    file: &'f str,
    problems: &'f mut Vec<RuleProblem>,
}

impl<'f> Told<'f> {
    pub(crate) fn new(file: &'f str, problems: &'f mut Vec<RuleProblem>) -> Self {
        Self { file, problems }
    }

    pub(crate) fn count(&self) -> usize {
        self.problems.len()
    }

    pub(crate) fn add(&mut self, line: usize, part: Part<'_>, what: &str) {
        let part = match part {
            Part::File => None,
            Part::Decoder(name) => Some(format!("decoder {name}")),
            Part::Rule(id) => Some(format!("rule {id}")),
        };
        if self.problems.len() < MAX_PROBLEMS {
            let what = what.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
            self.problems.push(RuleProblem { file: self.file.to_owned(), line, part, what });
        }
    }

    /// Compiles the expression of an element; its attributes name the dialect and turn the answer around.
    pub(crate) fn expression(
        &mut self,
        element: &Element,
        usual: Dialect,
        text: &str,
        part: Part<'_>,
    ) -> Option<Expression> {
        let dialect = match element.attribute("type") {
            None => usual,
            Some(name) => match Dialect::named(&name.to_ascii_lowercase()) {
                Some(dialect) => dialect,
                None => {
                    self.add(element.line, part, &format!("`{name}` is no type of an expression"));
                    return None;
                }
            },
        };
        let negated = element.attribute("negate").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        match Expression::new(dialect, text) {
            Ok(expression) if negated => Some(expression.negated()),
            Ok(expression) => Some(expression),
            Err(why) => {
                self.add(element.line, part, &format!("the expression of `{}` cannot be used: {why}", element.name));
                None
            }
        }
    }
}
