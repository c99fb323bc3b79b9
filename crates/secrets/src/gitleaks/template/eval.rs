//! Walking the tree and writing the report.

use std::{ops::ControlFlow, rc::Rc};

use super::{
    Fault, MAX_DEPTH, MAX_OUTPUT, MAX_STEPS, functions,
    parser::{Branch, Node, Operand, Pipe, Term},
    print,
    value::{self, Value, Values},
};

/// Writes a template over values.
pub(super) fn run(nodes: &[Node], values: &Values<'_>) -> Result<String, Fault> {
    let findings = value::list(values.findings.iter().map(Value::Finding).collect());
    let mut machine =
        Machine { out: String::new(), variables: vec![("", findings.clone())], steps: 0, now: values.now };
    // `break` and `continue` are only read inside of a range, which takes them: nothing is left out at the top.
    machine.nodes(nodes, &findings).map(|_| machine.out)
}

/// Bytes of text that a step stands for. Variables hold what functions made, so with the most steps this is also how much
/// memory they can take: 1.3 GB.
const BYTES_PER_STEP: usize = 64;

struct Machine<'n, 'a> {
    out: String,
    variables: Vec<(&'n str, Value<'a>)>,
    steps: usize,
    now: i64,
}

/// Whether the nodes behind are left out, and whether the range goes on.
enum Left {
    Break,
    Continue,
}

type Flow = ControlFlow<Left>;

impl<'n, 'a> Machine<'n, 'a> {
    /// Counts what it costs to look at all of a value.
    fn look(&mut self, at: usize, value: &Value<'_>) -> Result<(), Fault> {
        if measure(value, 0, &mut self.steps) {
            return Ok(());
        }
        self.step(at)?;
        Err(Fault::new(at, format!("a value nests deeper than {MAX_DEPTH}")))
    }

    fn step(&mut self, at: usize) -> Result<(), Fault> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Fault::new(at, format!("the template takes more than {MAX_STEPS} steps")));
        }
        Ok(())
    }

    fn write(&mut self, at: usize, text: &str) -> Result<(), Fault> {
        if self.out.len() + text.len() > MAX_OUTPUT {
            return Err(Fault::new(at, format!("the report is longer than {MAX_OUTPUT} bytes")));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn nodes(&mut self, nodes: &'n [Node], dot: &Value<'a>) -> Result<Flow, Fault> {
        for node in nodes {
            let known = self.variables.len();
            let flow = match node {
                Node::Text(text) => {
                    self.step(0)?;
                    self.write(0, text)?;
                    Flow::Continue(())
                }
                Node::Action(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        self.look(pipe.at, &value)?;
                        let shown = print::shown(&value).map_err(|what| Fault::new(pipe.at, what))?;
                        self.write(pipe.at, &shown)?;
                    } else {
                        self.set(pipe, value);
                    }
                    continue;
                }
                Node::If(branch) | Node::With(branch) => {
                    let value = self.pipe(&branch.pipe, dot)?;
                    self.set(&branch.pipe, value.clone());
                    let inner = if matches!(node, Node::With(_)) { &value } else { dot };
                    if value.holds() { self.nodes(&branch.body, inner)? } else { self.nodes(&branch.otherwise, dot)? }
                }
                Node::Range(branch) => self.range(branch, dot)?,
                Node::Break => Flow::Break(Left::Break),
                Node::Continue => Flow::Break(Left::Continue),
            };
            self.variables.truncate(known);
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue(()))
    }

    /// Sets the variable of a pipeline, a new one or the last one of its name.
    fn set(&mut self, pipe: &'n Pipe, value: Value<'a>) {
        let Some(name) = pipe.variables.last() else { return };
        self.set_one(name, pipe.declares, value);
    }

    fn set_one(&mut self, name: &'n str, declares: bool, value: Value<'a>) {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, old)) if !declares => *old = value,
            _ => self.variables.push((name, value)),
        }
    }

    fn range(&mut self, branch: &'n Branch, dot: &Value<'a>) -> Result<Flow, Fault> {
        let value = self.pipe(&branch.pipe, dot)?;
        let items: Vec<(Value<'a>, Value<'a>)> = match &value {
            Value::Nil => Vec::new(),
            Value::List(items) => {
                items.iter().enumerate().map(|(at, item)| (Value::Int(at as i64), item.clone())).collect()
            }
            Value::Int(count) if *count <= functions::MAX_ITEMS => {
                (0..*count).map(|at| (Value::Int(at), Value::Int(at))).collect()
            }
            Value::Map(items) => items.iter().map(|(key, item)| (value::text(key), item.clone())).collect(),
            other => return Err(Fault::new(branch.pipe.at, format!("range can't iterate over a {}", other.kind()))),
        };
        if items.is_empty() {
            return self.nodes(&branch.otherwise, dot);
        }
        for (key, item) in items {
            self.step(branch.pipe.at)?;
            let known = self.variables.len();
            match &branch.pipe.variables[..] {
                [one] => self.set_one(one, branch.pipe.declares, item.clone()),
                [first, second, ..] => {
                    self.set_one(first, branch.pipe.declares, key);
                    self.set_one(second, branch.pipe.declares, item.clone());
                }
                [] => {}
            }
            let flow = self.nodes(&branch.body, &item)?;
            self.variables.truncate(known);
            if matches!(flow, Flow::Break(Left::Break)) {
                break;
            }
        }
        Ok(Flow::Continue(()))
    }

    fn pipe(&mut self, pipe: &'n Pipe, dot: &Value<'a>) -> Result<Value<'a>, Fault> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.unwrap_or(Value::Nil))
    }

    fn command(
        &mut self,
        operands: &'n [Operand],
        dot: &Value<'a>,
        piped: Option<Value<'a>>,
    ) -> Result<Value<'a>, Fault> {
        let Some((first, rest)) = operands.split_first() else { return Ok(Value::Nil) };
        self.step(first.at)?;
        if let Term::Function(function) = first.term {
            let called = self.call(function, first.at, (rest, piped), dot)?;
            return self.fields(called, first);
        }
        if !rest.is_empty() || piped.is_some() {
            return Err(Fault::new(first.at, "a value that is no function takes no arguments"));
        }
        self.operand(first, dot)
    }

    fn call(
        &mut self,
        function: functions::Function,
        at: usize,
        (operands, piped): (&'n [Operand], Option<Value<'a>>),
        dot: &Value<'a>,
    ) -> Result<Value<'a>, Fault> {
        if let Some(stops) = functions::stops_at(function) {
            return self.chosen(stops, at, (operands, piped), dot);
        }
        let mut values = Vec::with_capacity(operands.len() + 1);
        for operand in operands {
            values.push(self.operand(operand, dot)?);
        }
        values.extend(piped);
        for value in &values {
            self.look(at, value)?;
        }
        let call = functions::Call { values: &values, now: self.now };
        let value = (function.run)(&call).map_err(|what| Fault::new(at, format!("{}: {what}", function.name)))?;
        self.look(at, &value)?;
        Ok(value)
    }

    /// `and` and `or`: the first value that decides. What stands behind it is not looked at.
    fn chosen(
        &mut self,
        stops: bool,
        at: usize,
        (operands, piped): (&'n [Operand], Option<Value<'a>>),
        dot: &Value<'a>,
    ) -> Result<Value<'a>, Fault> {
        let mut last = None;
        for operand in operands {
            let value = self.operand(operand, dot)?;
            if value.holds() == stops {
                return Ok(value);
            }
            last = Some(value);
        }
        piped.or(last).ok_or_else(|| Fault::new(at, "at least one value is needed"))
    }

    fn operand(&mut self, operand: &'n Operand, dot: &Value<'a>) -> Result<Value<'a>, Fault> {
        self.step(operand.at)?;
        let value = match &operand.term {
            Term::Dot => dot.clone(),
            Term::Nil => Value::Nil,
            Term::Bool(yes) => Value::Bool(*yes),
            Term::Int(number) => Value::Int(*number),
            Term::Float(number) => Value::Float(*number),
            Term::Text(text) => Value::Text(Rc::from(text.as_str())),
            Term::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| Fault::new(operand.at, format!("undefined variable `${name}`")))?
            }
            Term::Function(function) => self.call(*function, operand.at, (&[], None), dot)?,
            Term::Pipe(pipe) => self.pipe(pipe, dot)?,
        };
        self.fields(value, operand)
    }

    fn fields(&self, value: Value<'a>, operand: &Operand) -> Result<Value<'a>, Fault> {
        let mut value = value;
        for name in &operand.fields {
            let no_field = |kind: &str| Fault::new(operand.at, format!("can't evaluate field {name} in a {kind}"));
            value = match &value {
                Value::Finding(finding) => value::field(finding, name).ok_or_else(|| no_field("finding"))?,
                Value::Map(items) => items.get(name).cloned().unwrap_or(Value::Nil),
                other => return Err(no_field(other.kind())),
            };
        }
        Ok(value)
    }
}

/// Adds to `steps` what it costs to look at a value. False where that is too much, or the value nests too deep: lists in
/// lists share their elements, so that a small one can stand for a huge one.
fn measure(value: &Value<'_>, depth: usize, steps: &mut usize) -> bool {
    *steps += 1;
    let mut inner = |value: &Value<'_>| measure(value, depth + 1, steps);
    let all = match value {
        Value::Text(text) => {
            *steps += text.len() / BYTES_PER_STEP;
            true
        }
        Value::List(items) => items.iter().all(&mut inner),
        Value::Map(items) => items.values().all(&mut inner),
        _ => true,
    };
    all && depth <= MAX_DEPTH && *steps <= MAX_STEPS
}
