//! Tokens to a tree.

use std::vec::IntoIter;

use super::{
    Fault, MAX_DEPTH, functions,
    lexer::{Kind, Piece, Token},
};

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// A pipeline whose value is written, unless it only sets a variable.
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Break,
    Continue,
}

/// A block with a condition, and what holds otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Commands, each of which gives its value to the next one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipe {
    pub(super) at: usize,
    pub(super) variables: Vec<String>,
    /// Whether the variables are new.
    pub(super) declares: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

/// A term with the fields that are taken of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operand {
    pub(super) at: usize,
    pub(super) term: Term,
    pub(super) fields: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Variable(String),
    Function(functions::Function),
    Pipe(Box<Pipe>),
}

/// Why a list of nodes ended.
enum Ended {
    WithTheTemplate,
    Here,
    ByElse(Tokens),
}

/// Most variables that can be used at one place: each use looks through them.
const MAX_VARIABLES: usize = 500;

/// Tokens that are not read yet. Those ahead are looked at as a slice, so that none of them is copied.
type Tokens = IntoIter<Token>;

/// Builds the tree of a template.
pub(super) fn parse(pieces: Vec<Piece>) -> Result<Vec<Node>, Fault> {
    let mut parser = Parser { pieces: pieces.into_iter(), at: 0, depth: 0, ranges: 0, variables: vec![String::new()] };
    match parser.list()? {
        (nodes, Ended::WithTheTemplate) => Ok(nodes),
        _ => Err(Fault::new(parser.at, "`end` or `else` without a block")),
    }
}

struct Parser {
    pieces: IntoIter<Piece>,
    /// Where the last action began.
    at: usize,
    depth: usize,
    /// How many `range` are open.
    ranges: usize,
    /// Names that can be used; the empty one is `$`.
    variables: Vec<String>,
}

impl Parser {
    fn list(&mut self) -> Result<(Vec<Node>, Ended), Fault> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let tokens = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(tokens) => tokens,
            };
            let mut tokens = tokens.into_iter();
            let Some(first) = peek(&tokens) else {
                return Err(Fault::new(self.at, "an action behind this place is empty"));
            };
            self.at = first.at;
            let word = match &first.kind {
                Kind::Word(word) => word.clone(),
                _ => String::new(),
            };
            match word.as_str() {
                "end" | "else" => {
                    tokens.next();
                    if word == "else" {
                        return Ok((nodes, Ended::ByElse(tokens)));
                    }
                    self.nothing_left(tokens)?;
                    return Ok((nodes, Ended::Here));
                }
                "if" | "with" | "range" => {
                    tokens.next();
                    nodes.push(self.block(&word, tokens)?);
                }
                "break" | "continue" => {
                    if self.ranges == 0 {
                        return Err(Fault::new(self.at, format!("`{word}` outside of a range")));
                    }
                    tokens.next();
                    self.nothing_left(tokens)?;
                    nodes.push(if word == "break" { Node::Break } else { Node::Continue });
                }
                "define" | "template" | "block" => {
                    return Err(Fault::new(self.at, format!("`{word}`: named templates are not supported")));
                }
                _ => nodes.push(Node::Action(self.whole_pipe(tokens)?)),
            }
        }
        Ok((nodes, Ended::WithTheTemplate))
    }

    fn nothing_left(&self, mut tokens: Tokens) -> Result<(), Fault> {
        match tokens.next() {
            Some(token) => Err(Fault::new(token.at, "unexpected here")),
            None => Ok(()),
        }
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(self.at, format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(())
    }

    fn block(&mut self, word: &str, tokens: Tokens) -> Result<Node, Fault> {
        self.deeper()?;
        let (opened, known) = (self.at, self.variables.len());
        let pipe = self.whole_pipe(tokens)?;
        if pipe.variables.len() > 1 && word != "range" {
            return Err(Fault::new(pipe.at, "only `range` sets two variables"));
        }
        self.ranges += usize::from(word == "range");
        let (body, end) = self.list()?;
        self.ranges -= usize::from(word == "range");
        let otherwise = match end {
            Ended::Here => Vec::new(),
            Ended::WithTheTemplate => return Err(Fault::new(opened, format!("`{word}` without an `end`"))),
            Ended::ByElse(tokens) => self.otherwise(word, opened, tokens)?,
        };
        self.variables.truncate(known);
        self.depth -= 1;
        let branch = Branch { pipe, body, otherwise };
        Ok(match word {
            "if" => Node::If(branch),
            "with" => Node::With(branch),
            _ => Node::Range(branch),
        })
    }

    /// What stands behind `else`: another condition, or nodes up to the end.
    fn otherwise(&mut self, word: &str, opened: usize, mut tokens: Tokens) -> Result<Vec<Node>, Fault> {
        if let Some(Token { kind: Kind::Word(next), .. }) = peek(&tokens)
            && next == word
            && word != "range"
        {
            tokens.next();
            return Ok(vec![self.block(word, tokens)?]);
        }
        self.nothing_left(tokens)?;
        match self.list()? {
            (nodes, Ended::Here) => Ok(nodes),
            _ => Err(Fault::new(opened, format!("`{word}` without an `end`"))),
        }
    }

    fn whole_pipe(&mut self, mut tokens: Tokens) -> Result<Pipe, Fault> {
        let pipe = self.pipe(&mut tokens)?;
        self.nothing_left(tokens)?;
        Ok(pipe)
    }

    fn pipe(&mut self, tokens: &mut Tokens) -> Result<Pipe, Fault> {
        let at = peek(tokens).map_or(self.at, |token| token.at);
        let (variables, declares) = self.declaration(tokens)?;
        let mut pipe = Pipe { at, variables, declares, commands: Vec::new() };
        loop {
            let command = self.command(tokens)?;
            if command.is_empty() {
                return Err(Fault::new(at, "a value is missing"));
            }
            if command[0].term == Term::Nil {
                return Err(Fault::new(command[0].at, "nil is no value to begin with"));
            }
            if !pipe.commands.is_empty() && !matches!(command[0].term, Term::Function(_) | Term::Pipe(_)) {
                return Err(Fault::new(command[0].at, "only a function can take a value from `|`"));
            }
            pipe.commands.push(command);
            if !next_is(tokens, '|') {
                break;
            }
            tokens.next();
        }
        if declares {
            self.variables.extend(pipe.variables.iter().cloned());
        }
        if self.variables.len() > MAX_VARIABLES {
            return Err(Fault::new(at, format!("more than {MAX_VARIABLES} variables")));
        }
        Ok(pipe)
    }

    /// `$a :=`, `$a =` or `$i, $e :=`, where one of them stands.
    fn declaration(&mut self, tokens: &mut Tokens) -> Result<(Vec<String>, bool), Fault> {
        let Some((names, declares)) = declared(tokens.as_slice()) else { return Ok((Vec::new(), false)) };
        if let Some((name, at)) = names.iter().find(|(name, _)| !declares && !self.variables.contains(name)) {
            return Err(Fault::new(*at, format!("undefined variable `${name}`")));
        }
        // A name and a sign for each variable.
        tokens.nth(names.len() * 2 - 1);
        Ok((names.into_iter().map(|(name, _)| name).collect(), declares))
    }

    fn command(&mut self, tokens: &mut Tokens) -> Result<Vec<Operand>, Fault> {
        let mut operands = Vec::new();
        while let Some(Token { at, kind, .. }) = next_if(tokens, |t| !matches!(t.kind, Kind::Sign('|' | ')'))) {
            let mut fields = Vec::new();
            let term = match kind {
                Kind::Dot => Term::Dot,
                Kind::Field(name) => {
                    fields.push(name);
                    Term::Dot
                }
                Kind::Variable(name) if self.variables.contains(&name) => Term::Variable(name),
                Kind::Variable(name) => return Err(Fault::new(at, format!("undefined variable `${name}`"))),
                Kind::Text(text) => Term::Text(text),
                Kind::Int(number) => Term::Int(number),
                Kind::Float(number) => Term::Float(number),
                Kind::Word(word) => word_term(&word, at)?,
                Kind::Sign('(') => self.brackets(tokens)?,
                Kind::Sign(sign) => return Err(Fault::new(at, format!("unexpected `{sign}`"))),
                Kind::Declare => return Err(Fault::new(at, "unexpected `:=`")),
            };
            while let Some(token) = next_if(tokens, |t| !t.apart && matches!(t.kind, Kind::Field(_))) {
                if let Kind::Field(name) = token.kind {
                    fields.push(name);
                }
            }
            if !fields.is_empty()
                && matches!(term, Term::Nil | Term::Bool(_) | Term::Int(_) | Term::Float(_) | Term::Text(_))
            {
                return Err(Fault::new(at, "a constant has no fields"));
            }
            operands.push(Operand { at, term, fields });
        }
        Ok(operands)
    }

    fn brackets(&mut self, tokens: &mut Tokens) -> Result<Term, Fault> {
        self.deeper()?;
        let pipe = self.pipe(tokens)?;
        if !next_is(tokens, ')') {
            return Err(Fault::new(pipe.at, "a bracket is not closed"));
        }
        tokens.next();
        self.depth -= 1;
        Ok(Term::Pipe(Box::new(pipe)))
    }
}

/// The names at the start of a declaration with their places, and whether they are new.
fn declared(tokens: &[Token]) -> Option<(Vec<(String, usize)>, bool)> {
    let named = |at: usize| match tokens.get(at) {
        Some(Token { kind: Kind::Variable(name), at, .. }) => Some((name.clone(), *at)),
        _ => None,
    };
    let sign = |at: usize| tokens.get(at).map(|token| &token.kind);
    let (names, sign) = match sign(1)? {
        Kind::Sign(',') => (vec![named(0)?, named(2)?], sign(3)?),
        sign => (vec![named(0)?], sign),
    };
    match sign {
        Kind::Declare => Some((names, true)),
        Kind::Sign('=') => Some((names, false)),
        _ => None,
    }
}

fn peek(tokens: &Tokens) -> Option<&Token> {
    tokens.as_slice().first()
}

fn next_if(tokens: &mut Tokens, wanted: impl FnOnce(&Token) -> bool) -> Option<Token> {
    if peek(tokens).is_some_and(wanted) { tokens.next() } else { None }
}

fn next_is(tokens: &Tokens, sign: char) -> bool {
    peek(tokens).is_some_and(|token| token.kind == Kind::Sign(sign))
}

fn word_term(word: &str, at: usize) -> Result<Term, Fault> {
    Ok(match word {
        "true" => Term::Bool(true),
        "false" => Term::Bool(false),
        "nil" => Term::Nil,
        _ => match functions::named(word) {
            Some(function) => Term::Function(function),
            None => return Err(Fault::new(at, format!("the function `{word}` is not supported"))),
        },
    })
}
