//! Tree to value. Every step takes fuel and everything that copies takes fuel by its length, so that an
//! expression ends soon whatever it says.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Call, Each, Global, Link, Node, Operator, Presence, Quantifier, Step, Take};
use super::function::Function;
use super::functions;
use super::number::{arithmetic, is_order, negated, order};
use super::value::{List, MAX_VALUE_DEPTH, Map, Value};
use super::{Env, EvalError, Expr};
use crate::engine::pattern::Pattern;

/// Bytes of text that cost one step to copy or search.
const BYTES_A_STEP: usize = 16;

pub(super) fn eval(expr: &Expr, env: &Env<'_>) -> Result<Value, EvalError> {
    let mut machine = Machine { expr, env, left: env.fuel, locals: Vec::new(), items: Vec::new() };
    machine.eval(&expr.root)
}

/// One evaluation under way.
pub(super) struct Machine<'e> {
    expr: &'e Expr,
    pub(super) env: &'e Env<'e>,
    /// Steps left.
    left: u64,
    /// Values of the `let` bindings around the current place.
    locals: Vec<Value>,
    /// Items of the predicates around the current place, with their places in their lists.
    items: Vec<(Value, usize)>,
}

impl<'e> Machine<'e> {
    fn eval(&mut self, node: &'e Node) -> Result<Value, EvalError> {
        self.spend(1)?;
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Global(global) => Ok(self.global(*global)),
            Node::Local(slot) => Ok(self.locals.get(*slot).cloned().unwrap_or_default()),
            Node::Item => Ok(self.items.last().map(|(item, _)| item.clone()).unwrap_or_default()),
            Node::ItemIndex => Ok(Value::Int(self.items.last().map_or(0, |(_, index)| *index as i64))),
            Node::List(nodes) => self.list(nodes),
            Node::Map(pairs) => self.map(pairs),
            Node::Path(base, steps) => self.path(base, steps),
            Node::Not(inner) => Ok(Value::Bool(!self.flag("not", inner)?)),
            Node::Negate(inner) => negated(&self.eval(inner)?),
            Node::And(nodes) => self.connect("and", nodes, false),
            Node::Or(nodes) => self.connect("or", nodes, true),
            Node::Coalesce(nodes) => self.coalesce(nodes),
            Node::Fold(first, links) => self.fold(first, links),
            Node::Choose(parts) => {
                let [condition, first, second] = &**parts;
                let chosen = if self.flag("a choice", condition)? { first } else { second };
                self.eval(chosen)
            }
            Node::Let(values, body) => self.bind(values, body),
            Node::Call(call) => self.call(call),
            Node::Each(each) => self.each(each),
        }
    }

    /// Takes fuel for a number of steps.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), EvalError> {
        match self.left.checked_sub(steps as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(EvalError::Fuel { limit: self.env.fuel }),
        }
    }

    /// Takes fuel for handling a number of bytes.
    pub(super) fn spend_bytes(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.spend(bytes / BYTES_A_STEP)
    }

    fn global(&self, global: Global) -> Value {
        match global {
            Global::Finding => Value::Map(self.env.finding.clone()),
            Global::Attributes => Value::Map(self.env.attributes.clone()),
            Global::Captures => Value::Map(self.env.captures.clone()),
            Global::Secret => self.env.finding.member("secret"),
        }
    }

    fn list(&mut self, nodes: &'e [Node]) -> Result<Value, EvalError> {
        let items = nodes.iter().map(|node| self.eval(node)).collect::<Result<Vec<_>, _>>()?;
        self.shallow(Value::list(items))
    }

    fn map(&mut self, pairs: &'e [(Node, Node)]) -> Result<Value, EvalError> {
        let mut fields = BTreeMap::new();
        for (key, node) in pairs {
            let key = self.eval(key)?;
            let Value::Text(name) = key else { return Err(kind("a map key", "string", &key)) };
            fields.insert(name, self.eval(node)?);
        }
        self.shallow(Value::Map(Map::new(fields)))
    }

    /// Refuses values that nest too deep to be handled by recursion.
    pub(super) fn shallow(&self, value: Value) -> Result<Value, EvalError> {
        if value.depth() > MAX_VALUE_DEPTH { Err(EvalError::TooDeep { limit: MAX_VALUE_DEPTH }) } else { Ok(value) }
    }

    fn bind(&mut self, values: &'e [Node], body: &'e Node) -> Result<Value, EvalError> {
        let outer = self.locals.len();
        for node in values {
            let value = self.eval(node)?;
            self.locals.push(value);
        }
        let out = self.eval(body);
        self.locals.truncate(outer);
        out
    }

    fn flag(&mut self, place: &'static str, node: &'e Node) -> Result<bool, EvalError> {
        match self.eval(node)? {
            Value::Bool(flag) => Ok(flag),
            other => Err(kind(place, "bool", &other)),
        }
    }

    /// `and`, `or`: ends at the first part that decides. A part whose value is not known decides nothing,
    /// but the whole is unknown then unless another part decides.
    fn connect(&mut self, place: &'static str, nodes: &'e [Node], deciding: bool) -> Result<Value, EvalError> {
        let mut unknown = None;
        for node in nodes {
            match self.flag(place, node) {
                Ok(flag) if flag == deciding => return Ok(Value::Bool(deciding)),
                Ok(_) => {}
                Err(error @ EvalError::Unavailable { .. }) => unknown = Some(error),
                Err(error) => return Err(error),
            }
        }
        unknown.map_or(Ok(Value::Bool(!deciding)), Err)
    }

    fn coalesce(&mut self, nodes: &'e [Node]) -> Result<Value, EvalError> {
        let mut value = Value::Nil;
        for node in nodes {
            value = self.eval(node)?;
            if value != Value::Nil {
                break;
            }
        }
        Ok(value)
    }

    fn path(&mut self, base: &'e Node, steps: &'e [Step]) -> Result<Value, EvalError> {
        let mut value = self.eval(base)?;
        for step in steps {
            self.spend(1)?;
            if value == Value::Nil && step.presence == Presence::Optional {
                return Ok(Value::Nil);
            }
            value = match &step.take {
                Take::Member(name) => member(&value, name)?,
                Take::Index(node) => {
                    let index = self.eval(node)?;
                    item(&value, &index)?
                }
                Take::Slice(from, to) => self.slice(&value, from.as_ref(), to.as_ref())?,
            };
        }
        Ok(value)
    }

    fn slice(&mut self, value: &Value, from: Option<&'e Node>, to: Option<&'e Node>) -> Result<Value, EvalError> {
        let length = match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.items().len(),
            other => return Err(kind("a slice", "string, bytes or array", other)),
        };
        let from = self.bound(from, 0, length)?;
        let to = self.bound(to, length, length)?;
        let from = from.min(to);
        match value {
            Value::List(list) => {
                self.spend(to - from)?;
                Ok(Value::List(List::new(list.items()[from..to].to_vec())))
            }
            Value::Bytes(bytes) => {
                self.spend_bytes(to - from)?;
                Ok(Value::Bytes(Arc::from(&bytes[from..to])))
            }
            Value::Text(text) => {
                self.spend_bytes(to - from)?;
                Ok(Value::text(functions::inside(text, from..to)))
            }
            other => Err(kind("a slice", "string, bytes or array", other)),
        }
    }

    /// One end of a slice: negative numbers count from the end, numbers outside mean the nearest end.
    fn bound(&mut self, node: Option<&'e Node>, default: usize, length: usize) -> Result<usize, EvalError> {
        let Some(node) = node else { return Ok(default) };
        match self.eval(node)? {
            Value::Int(number) => Ok(from_end(number, length).clamp(0, length as i64) as usize),
            other => Err(kind("a slice", "int", &other)),
        }
    }

    fn fold(&mut self, first: &'e Node, links: &'e [Link]) -> Result<Value, EvalError> {
        let mut left = self.eval(first)?;
        // `a < b < c` compares neighbours: the right side of the last comparison, kept for the next one.
        let mut neighbour = None;
        for link in links {
            self.spend(1)?;
            let right = self.eval(&link.right)?;
            let chained = neighbour.take().filter(|_| is_order(link.operator));
            left = match (chained, left) {
                (Some(_), Value::Bool(false)) => Value::Bool(false),
                (Some(before), _) => self.apply(link, &before, &right)?,
                (None, left) => self.apply(link, &left, &right)?,
            };
            neighbour = is_order(link.operator).then_some(right);
        }
        Ok(left)
    }

    fn apply(&mut self, link: &Link, left: &Value, right: &Value) -> Result<Value, EvalError> {
        use Operator as Op;
        let flag = match link.operator {
            Op::Equal => self.equal(left, right)?,
            Op::Unequal => !self.equal(left, right)?,
            Op::Less => order("<", left, right)? == Some(Ordering::Less),
            Op::LessEqual => order("<=", left, right)?.is_some_and(Ordering::is_le),
            Op::Greater => order(">", left, right)? == Some(Ordering::Greater),
            Op::GreaterEqual => order(">=", left, right)?.is_some_and(Ordering::is_ge),
            Op::In => self.contained(left, right)?,
            Op::NotIn => !self.contained(left, right)?,
            Op::Contains => self.texts("contains", left, right, |a, b| a.contains(b))?,
            Op::NotContains => !self.texts("contains", left, right, |a, b| a.contains(b))?,
            Op::StartsWith => self.texts("startsWith", left, right, |a, b| a.starts_with(b))?,
            Op::NotStartsWith => !self.texts("startsWith", left, right, |a, b| a.starts_with(b))?,
            Op::EndsWith => self.texts("endsWith", left, right, |a, b| a.ends_with(b))?,
            Op::NotEndsWith => !self.texts("endsWith", left, right, |a, b| a.ends_with(b))?,
            Op::Matches => self.matched(link, left, right)?,
            Op::NotMatches => !self.matched(link, left, right)?,
            Op::Range => return self.range(left, right),
            Op::Add => return self.add(left, right),
            Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder | Op::Power => {
                return arithmetic(link.operator, left, right);
            }
        };
        Ok(Value::Bool(flag))
    }

    /// Whether two values are the same; numbers of both kinds compare by their worth.
    fn equal(&mut self, left: &Value, right: &Value) -> Result<bool, EvalError> {
        self.spend(1)?;
        Ok(match (left, right) {
            (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => *a as f64 == *b,
            (Value::Text(a), Value::Text(b)) => {
                self.spend_bytes(a.len().min(b.len()))?;
                a == b
            }
            (Value::Bytes(a), Value::Bytes(b)) => {
                self.spend_bytes(a.len().min(b.len()))?;
                a == b
            }
            (Value::List(a), Value::List(b)) => {
                if a.items().len() != b.items().len() {
                    return Ok(false);
                }
                for (a, b) in a.items().iter().zip(b.items()) {
                    if !self.equal(a, b)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Map(a), Value::Map(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for ((name_a, a), (name_b, b)) in a.iter().zip(b.iter()) {
                    if name_a != name_b || !self.equal(a, b)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => left == right,
        })
    }

    fn contained(&mut self, part: &Value, whole: &Value) -> Result<bool, EvalError> {
        match whole {
            Value::Nil => Ok(false),
            Value::List(list) => {
                for item in list.items() {
                    if self.equal(part, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Map(map) => match part {
                Value::Text(name) => Ok(map.get(name).is_some()),
                other => Err(kind("in", "string before a map", other)),
            },
            other => Err(kind("in", "array or map", other)),
        }
    }

    fn texts(
        &mut self,
        place: &'static str,
        left: &Value,
        right: &Value,
        test: impl Fn(&str, &str) -> bool,
    ) -> Result<bool, EvalError> {
        let (left, right) = (text(place, left)?, text(place, right)?);
        self.spend_bytes(left.len() + right.len())?;
        Ok(test(left, right))
    }

    fn matched(&mut self, link: &Link, left: &Value, right: &Value) -> Result<bool, EvalError> {
        let left = text("matches", left)?;
        let pattern = match &link.pattern {
            Some(pattern) => Arc::clone(pattern),
            None => self.pattern("matches", text("matches", right)?)?,
        };
        self.spend_bytes(left.len())?;
        Ok(pattern.is_match(left.as_bytes()))
    }

    /// The compiled form of a pattern that is not a constant.
    pub(super) fn pattern(&mut self, place: &'static str, source: &str) -> Result<Arc<Pattern>, EvalError> {
        // Compiling is dear; a hundred steps a byte keep the making of patterns in loops short.
        self.spend(100 + 100 * source.len())?;
        self.expr.patterns.get(source).map_err(|message| EvalError::Argument { place, message })
    }

    fn range(&mut self, left: &Value, right: &Value) -> Result<Value, EvalError> {
        let (Value::Int(from), Value::Int(to)) = (left, right) else {
            return Err(kind("..", "int on both sides", if matches!(left, Value::Int(_)) { right } else { left }));
        };
        let count = to.checked_sub(*from).and_then(|n| n.checked_add(1)).map_or(usize::MAX, |n| n.max(0) as usize);
        self.spend(count)?;
        Ok(Value::list((*from..=*to).map(Value::Int).collect()))
    }

    fn add(&mut self, left: &Value, right: &Value) -> Result<Value, EvalError> {
        let (Value::Text(a), Value::Text(b)) = (left, right) else { return arithmetic(Operator::Add, left, right) };
        self.spend_bytes(a.len() + b.len())?;
        let mut sum = String::with_capacity(a.len() + b.len());
        sum.push_str(a);
        sum.push_str(b);
        Ok(Value::Text(sum.into()))
    }

    fn call(&mut self, call: &'e Call) -> Result<Value, EvalError> {
        let arguments = call.arguments.iter().map(|node| self.eval(node)).collect::<Result<Vec<_>, _>>()?;
        if let Function::Effect(name) = call.function {
            let Some(effects) = self.env.effects else { return Err(EvalError::EffectForbidden { function: name }) };
            let value = effects.call(name, &arguments);
            return self.shallow(value.map_err(|message| EvalError::EffectFailed { function: name, message })?);
        }
        functions::call(self, call.function, &arguments, call.pattern.as_ref())
    }

    fn each(&mut self, each: &'e Each) -> Result<Value, EvalError> {
        let list = match self.eval(&each.list)? {
            Value::List(list) => list,
            other => return Err(kind("a predicate", "array", &other)),
        };
        let mut kept = Vec::new();
        let mut count = 0;
        for (index, item) in list.items().iter().enumerate() {
            self.spend(1)?;
            let answer = self.answer(each, item, index)?;
            if each.quantifier == Quantifier::Map {
                kept.push(answer);
                continue;
            }
            let Value::Bool(holds) = answer else { return Err(kind("a predicate", "bool", &answer)) };
            match each.quantifier {
                Quantifier::All if !holds => return Ok(Value::Bool(false)),
                Quantifier::Any if holds => return Ok(Value::Bool(true)),
                Quantifier::None if holds => return Ok(Value::Bool(false)),
                Quantifier::Find if holds => return Ok(item.clone()),
                Quantifier::FindIndex if holds => return Ok(Value::Int(index as i64)),
                Quantifier::Filter if holds => kept.push(item.clone()),
                _ => count += i64::from(holds),
            }
        }
        Ok(match each.quantifier {
            Quantifier::All | Quantifier::None => Value::Bool(true),
            Quantifier::Any => Value::Bool(false),
            Quantifier::One => Value::Bool(count == 1),
            Quantifier::Count => Value::Int(count),
            Quantifier::Find | Quantifier::FindIndex => Value::Nil,
            Quantifier::Filter | Quantifier::Map => return self.shallow(Value::list(kept)),
        })
    }

    fn answer(&mut self, each: &'e Each, item: &Value, index: usize) -> Result<Value, EvalError> {
        let Some(predicate) = &each.predicate else { return Ok(item.clone()) };
        self.items.push((item.clone(), index));
        let answer = self.eval(predicate);
        self.items.pop();
        answer
    }
}

pub(super) fn kind(place: &'static str, expected: &'static str, found: &Value) -> EvalError {
    EvalError::Kind { place, expected, found: found.kind() }
}

pub(super) fn text<'v>(place: &'static str, value: &'v Value) -> Result<&'v str, EvalError> {
    value.as_text().ok_or_else(|| kind(place, "string", value))
}

fn member(value: &Value, name: &str) -> Result<Value, EvalError> {
    match value {
        Value::Map(map) => Ok(map.member(name)),
        other => Err(kind("a member", "map", other)),
    }
}

fn item(value: &Value, index: &Value) -> Result<Value, EvalError> {
    let (length, found): (usize, &dyn Fn(usize) -> Value) = match (value, index) {
        (Value::Map(map), Value::Text(name)) => return Ok(map.member(name)),
        (Value::Map(_), other) => return Err(kind("an index of a map", "string", other)),
        (Value::List(list), _) => (list.items().len(), &|at| list.items()[at].clone()),
        (Value::Text(text), _) => (text.len(), &|at| Value::Int(i64::from(text.as_bytes()[at]))),
        (Value::Bytes(bytes), _) => (bytes.len(), &|at| Value::Int(i64::from(bytes[at]))),
        (other, _) => return Err(kind("an index", "array, map or string", other)),
    };
    let Value::Int(number) = index else { return Err(kind("an index", "int", index)) };
    match usize::try_from(from_end(*number, length)) {
        Ok(at) if at < length => Ok(found(at)),
        _ => Err(EvalError::Argument { place: "an index", message: format!("{number} is outside 0..{length}") }),
    }
}

/// An index in which negative numbers count from the end.
fn from_end(number: i64, length: usize) -> i64 {
    if number < 0 { number.saturating_add(length as i64) } else { number }
}
