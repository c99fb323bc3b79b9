//! Tokens to tree, by precedence climbing. Names are resolved here, so that a misspelt function or field is
//! an error of the rule file and not of a scan.

use std::sync::Arc;

use super::ast::{Call, Each, Global, Link, Node, Operator, Presence, Quantifier, Step, Take};
use super::function::{self, Arity, Function};
use super::functions::joined_pattern;
use super::lexer::{self, Kind, Token};
use super::value::Value;
use super::{ExprError, MAX_DEPTH, MAX_SIZE};
use crate::engine::pattern::Pattern;

/// Sides of operators within each other, of which every level has at least one. More would not fit the
/// stack of a thread.
const MAX_SIDES: usize = 3 * MAX_DEPTH;

/// Precedence of what binds weakest.
const PIPE: u8 = 0;
const OR: u8 = 10;
const AND: u8 = 15;
const RELATION: u8 = 20;
const RANGE: u8 = 25;
const SUM: u8 = 30;
const NOT: u8 = 50;
const PRODUCT: u8 = 60;
const SIGN: u8 = 90;
const POWER: u8 = 100;
const COALESCE: u8 = 200;

/// What a binary operator does with its sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Infix {
    Pipe,
    Or,
    And,
    Coalesce,
    Plain(Operator),
}

pub(super) fn parse(text: &str) -> Result<Node, ExprError> {
    if text.len() > MAX_SIZE {
        return Err(ExprError::at(
            text,
            0,
            format!("the expression has {} bytes; at most {MAX_SIZE} are read", text.len()),
        ));
    }
    let tokens = lexer::tokens(text)?;
    let mut parser = Parser { text, tokens, next: 0, depth: 0, sides: 0, wraps: 0, predicates: 0, scope: Vec::new() };
    let root = parser.expression()?;
    match parser.peek() {
        Kind::End => Ok(root),
        _ => Err(parser.unexpected("the end of the expression or an operator")),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
    /// Sides of operators around the current place.
    sides: usize,
    /// Pipes and methods so far, which nest the tree without nesting in the text.
    wraps: usize,
    /// Predicates around the current place, in which `#` has a meaning.
    predicates: usize,
    /// Names bound by `let` around the current place.
    scope: Vec<&'t str>,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> &Kind<'t> {
        &self.tokens[self.next].kind
    }

    /// The kind after the next one.
    fn peek_second(&self) -> &Kind<'t> {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].kind
    }

    fn place(&self) -> usize {
        self.tokens[self.next].at
    }

    fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Kind::Symbol(s) if *s == symbol)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Kind::Name(name) if *name == word);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ExprError> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn error(&self, at: usize, message: impl Into<String>) -> ExprError {
        ExprError::at(self.text, at, message)
    }

    fn unexpected(&self, expected: &str) -> ExprError {
        let found = match self.peek() {
            Kind::Name(name) => format!("`{name}`"),
            Kind::Symbol(symbol) => format!("`{symbol}`"),
            Kind::Int(_) | Kind::Float(_) => "a number".to_owned(),
            Kind::Text(_) => "a string".to_owned(),
            Kind::End => "the end of the expression".to_owned(),
        };
        self.error(self.place(), format!("expected {expected}, found {found}"))
    }

    fn name(&mut self) -> Result<&'t str, ExprError> {
        match *self.peek() {
            Kind::Name(name) => {
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn too_deep(&self) -> ExprError {
        self.error(self.place(), format!("the expression nests deeper than {MAX_DEPTH} levels; use `let`"))
    }

    /// Runs a parse one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, ExprError>) -> Result<T, ExprError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let out = inner(self);
        self.depth -= 1;
        out
    }

    /// Counts a pipe or method.
    fn wrap(&mut self) -> Result<(), ExprError> {
        self.wraps += 1;
        if self.wraps > MAX_DEPTH {
            return Err(self.error(self.place(), format!("more than {MAX_DEPTH} pipes and methods; use `let`")));
        }
        Ok(())
    }

    /// `let` bindings, then a choice.
    fn expression(&mut self) -> Result<Node, ExprError> {
        self.nested(|parser| {
            let outer = parser.scope.len();
            let mut values = Vec::new();
            while parser.take_word("let") {
                values.push(parser.binding()?);
            }
            let body = parser.choice()?;
            parser.scope.truncate(outer);
            Ok(if values.is_empty() { body } else { Node::Let(values, Box::new(body)) })
        })
    }

    fn binding(&mut self) -> Result<Node, ExprError> {
        let at = self.place();
        let name = self.name()?;
        if self.scope.contains(&name) || global(name).is_some() || is_reserved(name) {
            return Err(self.error(at, format!("`{name}` already means something; choose another name")));
        }
        self.expect("=")?;
        let value = self.expression()?;
        self.expect(";")?;
        self.scope.push(name);
        Ok(value)
    }

    fn choice(&mut self) -> Result<Node, ExprError> {
        let condition = self.binary(PIPE)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let first = self.expression()?;
        self.expect(":")?;
        let second = self.expression()?;
        Ok(Node::Choose(Box::new([condition, first, second])))
    }

    /// The operator at the current place with the number of its tokens.
    fn infix(&self) -> Option<(Infix, u8, usize)> {
        use Operator as Op;
        let plain = |operator, precedence| Some((Infix::Plain(operator), precedence, 1));
        match *self.peek() {
            Kind::Symbol(symbol) => match symbol {
                "|" => Some((Infix::Pipe, PIPE, 1)),
                "||" => Some((Infix::Or, OR, 1)),
                "&&" => Some((Infix::And, AND, 1)),
                "??" => Some((Infix::Coalesce, COALESCE, 1)),
                "==" => plain(Op::Equal, RELATION),
                "!=" => plain(Op::Unequal, RELATION),
                "<" => plain(Op::Less, RELATION),
                "<=" => plain(Op::LessEqual, RELATION),
                ">" => plain(Op::Greater, RELATION),
                ">=" => plain(Op::GreaterEqual, RELATION),
                ".." => plain(Op::Range, RANGE),
                "+" => plain(Op::Add, SUM),
                "-" => plain(Op::Subtract, SUM),
                "*" => plain(Op::Multiply, PRODUCT),
                "/" => plain(Op::Divide, PRODUCT),
                "%" => plain(Op::Remainder, PRODUCT),
                "**" | "^" => plain(Op::Power, POWER),
                _ => None,
            },
            Kind::Name("or") => Some((Infix::Or, OR, 1)),
            Kind::Name("and") => Some((Infix::And, AND, 1)),
            Kind::Name("not") => match *self.peek_second() {
                Kind::Name(word) => relation(word).map(|(_, negated)| (Infix::Plain(negated), RELATION, 2)),
                _ => None,
            },
            Kind::Name(word) => relation(word).and_then(|(operator, _)| plain(operator, RELATION)),
            _ => None,
        }
    }

    /// Operators of at least this precedence, right sides within right sides counted.
    fn binary(&mut self, least: u8) -> Result<Node, ExprError> {
        if self.sides >= MAX_SIDES {
            return Err(self.too_deep());
        }
        self.sides += 1;
        let out = self.operators(least);
        self.sides -= 1;
        out
    }

    fn operators(&mut self, least: u8) -> Result<Node, ExprError> {
        let mut left = self.prefix()?;
        // What the tree on the left was last extended by; further operators of the same kind join it.
        let mut last = None;
        while let Some((infix, precedence, tokens)) = self.infix() {
            if precedence < least {
                break;
            }
            (0..tokens).for_each(|_| self.advance());
            if infix == Infix::Pipe {
                self.wrap()?;
                left = self.pipe(left)?;
                last = None;
                continue;
            }
            let right = if precedence == POWER {
                self.nested(|parser| parser.binary(POWER))?
            } else {
                self.binary(precedence + 1)?
            };
            left = self.extend(left, infix, right, last == Some(precedence))?;
            last = Some(precedence);
        }
        Ok(left)
    }

    /// Adds an operator and its right side to a tree, flat where `joins` the operator before it.
    fn extend(&self, left: Node, infix: Infix, right: Node, joins: bool) -> Result<Node, ExprError> {
        Ok(match (infix, left) {
            (Infix::Or, Node::Or(nodes)) if joins => Node::Or(append(nodes, right)),
            (Infix::Or, left) => Node::Or(append(vec![left], right)),
            (Infix::And, Node::And(nodes)) if joins => Node::And(append(nodes, right)),
            (Infix::And, left) => Node::And(append(vec![left], right)),
            (Infix::Coalesce, Node::Coalesce(nodes)) if joins => Node::Coalesce(append(nodes, right)),
            (Infix::Coalesce | Infix::Pipe, left) => Node::Coalesce(append(vec![left], right)),
            (Infix::Plain(operator), left) => {
                let link = self.link(operator, right)?;
                match left {
                    Node::Fold(first, mut links) if joins => {
                        links.push(link);
                        Node::Fold(first, links)
                    }
                    left => Node::Fold(Box::new(left), vec![link]),
                }
            }
        })
    }

    fn link(&self, operator: Operator, right: Node) -> Result<Link, ExprError> {
        let searched = matches!(operator, Operator::Matches | Operator::NotMatches);
        let pattern = match &right {
            Node::Literal(Value::Text(text)) if searched => Some(self.pattern(text)?),
            _ => None,
        };
        Ok(Link { operator, right, pattern })
    }

    fn pattern(&self, text: &str) -> Result<Arc<Pattern>, ExprError> {
        Pattern::new(text).map(Arc::new).map_err(|e| {
            let at = self.tokens[self.next.saturating_sub(1)].at;
            self.error(at, format!("not a regular expression before this place: {e}; RE2 syntax is expected"))
        })
    }

    /// `value | function(arguments)`
    fn pipe(&mut self, left: Node) -> Result<Node, ExprError> {
        let at = self.place();
        let name = self.name()?;
        let node = self.function(at, name, Some(left))?;
        self.postfix(node)
    }

    fn prefix(&mut self) -> Result<Node, ExprError> {
        let unary = match *self.peek() {
            Kind::Symbol("!") | Kind::Name("not") => Some(NOT),
            Kind::Symbol("-" | "+") => Some(SIGN),
            _ => None,
        };
        let Some(precedence) = unary else { return self.primary() };
        let negative = self.is("-");
        self.advance();
        let operand = self.nested(|parser| parser.binary(precedence))?;
        Ok(match (precedence, negative, operand) {
            (NOT, _, operand) => Node::Not(Box::new(operand)),
            (_, true, Node::Literal(Value::Int(number))) => Node::Literal(Value::Int(-number)),
            (_, true, Node::Literal(Value::Float(number))) => Node::Literal(Value::Float(-number)),
            (_, true, operand) => Node::Negate(Box::new(operand)),
            (_, false, operand) => operand,
        })
    }

    fn primary(&mut self) -> Result<Node, ExprError> {
        let at = self.place();
        let node = match self.peek().clone() {
            Kind::Int(number) => self.literal(Value::Int(number)),
            Kind::Float(number) => self.literal(Value::Float(number)),
            Kind::Text(text) => self.literal(Value::text(&text)),
            Kind::Name(name) => {
                self.advance();
                self.named(at, name)?
            }
            Kind::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                self.expect(")")?;
                inner
            }
            Kind::Symbol("[") => self.list()?,
            Kind::Symbol("{") => self.map()?,
            Kind::Symbol("#" | ".") => self.item(at)?,
            _ => return Err(self.unexpected("a value")),
        };
        self.postfix(node)
    }

    fn literal(&mut self, value: Value) -> Node {
        self.advance();
        Node::Literal(value)
    }

    /// `#`, `#index`, or the `.` of a member of `#`, which stays for the steps after it.
    fn item(&mut self, at: usize) -> Result<Node, ExprError> {
        if self.predicates == 0 {
            return Err(self.error(at, "`#` and a leading `.` mean the item of a predicate, as in `any(list, # > 1)`"));
        }
        self.take("#");
        Ok(if self.take_word("index") { Node::ItemIndex } else { Node::Item })
    }

    fn named(&mut self, at: usize, name: &'t str) -> Result<Node, ExprError> {
        match name {
            "true" => return Ok(Node::Literal(Value::Bool(true))),
            "false" => return Ok(Node::Literal(Value::Bool(false))),
            "nil" | "null" => return Ok(Node::Literal(Value::Nil)),
            _ => {}
        }
        if self.is("(") {
            return self.function(at, name, None);
        }
        if let Some(slot) = self.scope.iter().position(|known| *known == name) {
            return Ok(Node::Local(slot));
        }
        if let Some(global) = global(name) {
            return Ok(Node::Global(global));
        }
        if function::is_namespace(name) && self.take(".") {
            let member = self.name()?;
            return self.function(at, &format!("{name}.{member}"), None);
        }
        Err(self.error(
            at,
            format!(
                "`{name}` is not defined; known are finding, attributes, captures, secret and names bound by `let`"
            ),
        ))
    }

    /// A call whose name was just read; `first` is an argument written before the name.
    fn function(&mut self, at: usize, name: &str, first: Option<Node>) -> Result<Node, ExprError> {
        if let Some(quantifier) = Quantifier::named(name) {
            return self.each(quantifier, first);
        }
        let Some((function, arity)) = function::named(name) else {
            return Err(self.error(at, format!("there is no function `{name}`")));
        };
        let mut arguments: Vec<Node> = first.into_iter().collect();
        self.expect("(")?;
        self.items(")", |parser| {
            arguments.push(parser.expression()?);
            Ok(())
        })?;
        check_arity(&arity, arguments.len())
            .map_err(|wanted| self.error(at, format!("`{name}` takes {wanted}, not {}", arguments.len())))?;
        let pattern = self.constant_pattern(function, &arguments)?;
        Ok(Node::Call(Box::new(Call { function, arguments, pattern })))
    }

    /// Compiles the patterns or terms of a search, where they are constant.
    fn constant_pattern(&self, function: Function, arguments: &[Node]) -> Result<Option<Arc<Pattern>>, ExprError> {
        match arguments.get(1) {
            Some(Node::Literal(value)) => match joined_pattern(function, value) {
                Some(text) => self.pattern(&text).map(Some),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// `any(list, predicate)` and its like.
    fn each(&mut self, quantifier: Quantifier, first: Option<Node>) -> Result<Node, ExprError> {
        self.expect("(")?;
        let (list, more) = match first {
            Some(list) => (list, !self.is(")")),
            None => (self.expression()?, self.take(",") && !self.is(")")),
        };
        let predicate = if more {
            let closing = self.take("{");
            self.predicates += 1;
            let predicate = self.expression()?;
            self.predicates -= 1;
            if closing {
                self.expect("}")?;
            }
            self.take(",");
            Some(predicate)
        } else if quantifier == Quantifier::Count {
            None
        } else {
            return Err(self.unexpected("a predicate, such as `# > 1`"));
        };
        self.expect(")")?;
        Ok(Node::Each(Box::new(Each { quantifier, list, predicate })))
    }

    /// Items between commas up to the closing symbol; a comma may follow the last one.
    fn items(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<(), ExprError>,
    ) -> Result<(), ExprError> {
        while !self.is(close) {
            item(self)?;
            if !self.take(",") {
                break;
            }
        }
        if self.take(close) { Ok(()) } else { Err(self.unexpected(&format!("`,` or `{close}`"))) }
    }

    fn list(&mut self) -> Result<Node, ExprError> {
        let mut nodes = Vec::new();
        self.expect("[")?;
        self.items("]", |parser| {
            nodes.push(parser.expression()?);
            Ok(())
        })?;
        if nodes.iter().all(|node| matches!(node, Node::Literal(_))) {
            let values = nodes.into_iter().filter_map(|node| match node {
                Node::Literal(value) => Some(value),
                _ => None,
            });
            return Ok(Node::Literal(Value::list(values.collect())));
        }
        Ok(Node::List(nodes))
    }

    fn map(&mut self) -> Result<Node, ExprError> {
        let mut pairs = Vec::new();
        self.expect("{")?;
        self.items("}", |parser| {
            let key = match parser.peek().clone() {
                Kind::Name(name) => parser.literal(Value::text(name)),
                Kind::Text(text) => parser.literal(Value::text(&text)),
                Kind::Int(number) => parser.literal(Value::text(&number.to_string())),
                Kind::Symbol("(") => parser.primary()?,
                _ => return Err(parser.unexpected("a name, a string or `(` before a map key")),
            };
            parser.expect(":")?;
            pairs.push((key, parser.expression()?));
            Ok(())
        })?;
        Ok(Node::Map(pairs))
    }

    /// Members, indexes, slices and methods behind a value.
    fn postfix(&mut self, mut node: Node) -> Result<Node, ExprError> {
        let mut steps = Vec::new();
        loop {
            let presence = if self.is("?.") { Presence::Optional } else { Presence::Required };
            let at = self.place();
            if self.take("[") {
                steps.push(Step { take: self.index()?, presence });
            } else if self.take("?.") || self.take(".") {
                if presence == Presence::Optional && self.take("[") {
                    steps.push(Step { take: self.index()?, presence });
                    continue;
                }
                let name = self.name()?;
                if self.is("(") {
                    self.wrap()?;
                    node = self.method(at, path(node, std::mem::take(&mut steps)), name)?;
                } else {
                    steps.push(Step { take: Take::Member(name.into()), presence });
                }
            } else {
                return Ok(path(node, steps));
            }
        }
    }

    /// `text.contains(part)`: an operator or function written as a method of its first argument.
    fn method(&mut self, at: usize, receiver: Node, name: &str) -> Result<Node, ExprError> {
        match relation(name) {
            Some((operator, _)) if operator != Operator::In => {
                self.expect("(")?;
                let right = self.expression()?;
                self.expect(")")?;
                self.extend(receiver, Infix::Plain(operator), right, false)
            }
            _ => self.function(at, name, Some(receiver)),
        }
    }

    /// An index or slice, behind its `[`.
    fn index(&mut self) -> Result<Take, ExprError> {
        let from = if self.is(":") { None } else { Some(self.expression()?) };
        let take = match from {
            Some(index) if self.is("]") => Take::Index(index),
            from => {
                self.expect(":")?;
                let to = if self.is("]") { None } else { Some(self.expression()?) };
                Take::Slice(from, to)
            }
        };
        self.expect("]")?;
        Ok(take)
    }
}

fn append(mut nodes: Vec<Node>, last: Node) -> Vec<Node> {
    nodes.push(last);
    nodes
}

fn path(node: Node, steps: Vec<Step>) -> Node {
    if steps.is_empty() { node } else { Node::Path(Box::new(node), steps) }
}

fn global(name: &str) -> Option<Global> {
    Some(match name {
        "finding" => Global::Finding,
        "attributes" => Global::Attributes,
        "captures" => Global::Captures,
        "secret" => Global::Secret,
        _ => return None,
    })
}

/// Whether a name cannot be bound because the language uses it.
fn is_reserved(name: &str) -> bool {
    let word =
        matches!(name, "true" | "false" | "nil" | "null" | "not" | "and" | "or" | "let") || relation(name).is_some();
    word || Quantifier::named(name).is_some() || function::named(name).is_some() || function::is_namespace(name)
}

/// Word operators with their negations.
fn relation(word: &str) -> Option<(Operator, Operator)> {
    Some(match word {
        "in" => (Operator::In, Operator::NotIn),
        "contains" => (Operator::Contains, Operator::NotContains),
        "startsWith" => (Operator::StartsWith, Operator::NotStartsWith),
        "endsWith" => (Operator::EndsWith, Operator::NotEndsWith),
        "matches" => (Operator::Matches, Operator::NotMatches),
        _ => return None,
    })
}

/// What number of arguments would be right, where this one is wrong.
fn check_arity(arity: &Arity, given: usize) -> Result<(), String> {
    if arity.contains(&given) {
        return Ok(());
    }
    let (least, most) = (*arity.start(), *arity.end());
    Err(if least == most { format!("{least} arguments") } else { format!("{least} to {most} arguments") })
}
