//! The functions of templates: those of Go itself, and those of sprig that reports use.
//!
//! Texts are measured in bytes where Go does so. Functions that give what is behind a network, the environment, chance or
//! cryptography are left out on purpose.

use std::{
    collections::{BTreeMap, HashSet},
    rc::Rc,
};

use sha2::{Digest as _, Sha256};
use testudo_model::hex;

use super::{
    MAX_OUTPUT,
    limited::{Limited, checked},
    print,
    text::{self, Html},
    time,
    value::{Value, list, text},
};
use crate::{base64, engine::Pattern};

/// Most elements of a list that a function makes.
pub(super) const MAX_ITEMS: i64 = 1_000_000;

/// A function with its name.
#[derive(Clone, Copy)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) run: for<'c, 'a> fn(&Call<'c, 'a>) -> Outcome<'a>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What a function is called with.
pub(super) struct Call<'c, 'a> {
    pub(super) values: &'c [Value<'a>],
    /// Seconds of 1970 UTC.
    pub(super) now: i64,
}

/// The result, or why there is none.
pub(super) type Outcome<'a> = Result<Value<'a>, String>;

/// The function of this name.
pub(super) fn named(name: &str) -> Option<Function> {
    let found = FUNCTIONS.iter().find(|(known, _)| *known == name)?;
    Some(Function { name: found.0, run: found.1 })
}

/// For `and` and `or`: the truth of the value that decides.
pub(super) fn stops_at(function: Function) -> Option<bool> {
    match function.name {
        "and" => Some(false),
        "or" => Some(true),
        _ => None,
    }
}

impl<'a> Call<'_, 'a> {
    fn exactly<const N: usize>(&self) -> Result<&[Value<'a>; N], String> {
        self.values.try_into().map_err(|_| format!("takes {N} values, and not {}", self.values.len()))
    }

    fn at_least(&self, count: usize) -> Result<(), String> {
        let given = self.values.len();
        if given < count { Err(format!("takes {count} values or more, and not {given}")) } else { Ok(()) }
    }
}

fn string<'v>(value: &'v Value<'_>) -> Result<&'v str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("wants a string, and not a {}", other.kind())),
    }
}

/// A value as text (sprig's `toString`).
fn to_text(value: &Value<'_>) -> Result<String, String> {
    print::plain(value)
}

/// A value as a whole number; what is none is 0, as with sprig.
fn whole(value: &Value<'_>) -> i64 {
    match value {
        Value::Bool(yes) => i64::from(*yes),
        Value::Int(number) => *number,
        Value::Float(number) => *number as i64,
        Value::Single(number) => *number as i64,
        Value::Text(text) => text.trim_start_matches('0').parse().unwrap_or(0),
        _ => 0,
    }
}

fn decimal(value: &Value<'_>) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Single(number) => f64::from(*number),
        Value::Text(text) => text.parse().unwrap_or(0.0),
        other => whole(other) as f64,
    }
}

fn items<'v, 'a>(value: &'v Value<'a>) -> Result<&'v [Value<'a>], String> {
    match value {
        Value::List(items) => Ok(items),
        other => Err(format!("wants a list, and not a {}", other.kind())),
    }
}

fn on_text<'a>(call: &Call<'_, 'a>, change: impl FnOnce(&str) -> String) -> Outcome<'a> {
    let [value] = call.exactly()?;
    // Each of these makes a text at most four times as long as a value, which is checked already.
    made(&change(string(value)?))
}

/// A text as a value, where it is not too long.
fn made<'a>(whole: &str) -> Outcome<'a> {
    checked(whole.len())?;
    Ok(text(whole))
}

fn on_two_texts<'a, T>(call: &Call<'_, 'a>, change: impl FnOnce(&str, &str) -> T) -> Result<T, String> {
    let [first, second] = call.exactly()?;
    Ok(change(string(first)?, string(second)?))
}

fn sum<'a>(call: &Call<'_, 'a>, start: i64) -> Outcome<'a> {
    Ok(Value::Int(call.values.iter().fold(start, |sum, value| sum.wrapping_add(whole(value)))))
}

fn two_numbers<'a>(call: &Call<'_, 'a>, change: impl FnOnce(i64, i64) -> Option<i64>) -> Outcome<'a> {
    let [first, second] = call.exactly()?;
    change(whole(first), whole(second)).map(Value::Int).ok_or_else(|| "divides by zero".to_owned())
}

fn best<'a>(call: &Call<'_, 'a>, better: fn(i64, i64) -> i64) -> Outcome<'a> {
    call.at_least(1)?;
    Ok(Value::Int(call.values.iter().map(whole).reduce(better).unwrap_or(0)))
}

/// What two values are compared by.
fn ordered(first: &Value<'_>, second: &Value<'_>) -> Result<Option<std::cmp::Ordering>, String> {
    Ok(match (first, second) {
        (Value::Bool(a), Value::Bool(b)) => (a == b).then_some(std::cmp::Ordering::Equal),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Float(_) | Value::Single(_), Value::Float(_) | Value::Single(_)) => {
            decimal(first).partial_cmp(&decimal(second))
        }
        (Value::Nil, Value::Nil) => Some(std::cmp::Ordering::Equal),
        (Value::Nil, _) | (_, Value::Nil) => None,
        _ => return Err(format!("cannot compare a {} with a {}", first.kind(), second.kind())),
    })
}

fn equal<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    call.at_least(2)?;
    for other in &call.values[1..] {
        if ordered(&call.values[0], other)?.is_some_and(std::cmp::Ordering::is_eq) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn compared<'a>(call: &Call<'_, 'a>, holds: fn(std::cmp::Ordering) -> bool) -> Outcome<'a> {
    let [first, second] = call.exactly()?;
    if matches!(first, Value::Bool(_) | Value::Nil) {
        return Err(format!("cannot order a {}", first.kind()));
    }
    Ok(Value::Bool(ordered(first, second)?.is_some_and(holds)))
}

fn length<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [value] = call.exactly()?;
    let length = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(items) => items.len(),
        other => return Err(format!("a {} has no length", other.kind())),
    };
    Ok(Value::Int(length as i64))
}

fn index<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    call.at_least(1)?;
    let mut value = call.values[0].clone();
    for key in &call.values[1..] {
        let at = |length: usize| match key {
            Value::Int(at) => {
                usize::try_from(*at).ok().filter(|at| *at < length).ok_or_else(|| format!("{at} is out of range"))
            }
            other => Err(format!("cannot index by a {}", other.kind())),
        };
        value = match &value {
            Value::List(items) => items[at(items.len())?].clone(),
            Value::Text(text) => Value::Int(i64::from(text.as_bytes()[at(text.len())?])),
            Value::Map(items) => items.get(string(key)?).cloned().unwrap_or(Value::Nil),
            other => return Err(format!("cannot index a {}", other.kind())),
        };
    }
    Ok(value)
}

fn slice<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    call.at_least(1)?;
    let bounds: Vec<usize> = call.values[1..].iter().map(|v| usize::try_from(whole(v)).unwrap_or(usize::MAX)).collect();
    let cut = |length: usize| {
        let (from, to) = (bounds.first().copied().unwrap_or(0), bounds.get(1).copied().unwrap_or(length));
        if from <= to && to <= length { Ok(from..to) } else { Err("out of range".to_owned()) }
    };
    Ok(match &call.values[0] {
        Value::List(items) => list(items[cut(items.len())?].to_vec()),
        other => return Err(format!("wants a list, and not a {}", other.kind())),
    })
}

fn join<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [separator, value] = call.exactly()?;
    let parts: &[Value<'a>] = match value {
        Value::List(items) => &items[..],
        Value::Nil => &[],
        other => std::slice::from_ref(other),
    };
    spaced(string(separator)?, parts).map(|whole| text(&whole))
}

/// Values as text, without those that are nothing.
fn spaced(separator: &str, values: &[Value<'_>]) -> Result<String, String> {
    let mut out = Limited::default();
    print::between(&mut out, separator, values.iter().filter(|value| !matches!(value, Value::Nil)), print::write)?;
    Ok(out.done())
}

fn default<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    call.at_least(1)?;
    let given = call.values.get(1).filter(|value| value.holds());
    Ok(given.unwrap_or(&call.values[0]).clone())
}

/// The first or the last so many bytes.
fn truncated<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [count, value] = call.exactly()?;
    let (count, bytes) = (whole(count), string(value)?.as_bytes());
    let most = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(bytes.len());
    let part = if count < 0 { &bytes[bytes.len() - most..] } else { &bytes[..most] };
    Ok(text(&String::from_utf8_lossy(part)))
}

fn substring<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [from, to, value] = call.exactly()?;
    let (from, to, bytes) = (whole(from), whole(to), string(value)?.as_bytes());
    let place = |at: i64| usize::try_from(at).unwrap_or(0).min(bytes.len());
    let range = match (from, to) {
        (from, to) if from < 0 => 0..place(to),
        (from, to) if to < 0 || to > bytes.len() as i64 => place(from)..bytes.len(),
        (from, to) => place(from)..place(to),
    };
    if range.start > range.end {
        return Err("out of range".to_owned());
    }
    Ok(text(&String::from_utf8_lossy(&bytes[range])))
}

fn repeated<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [count, value] = call.exactly()?;
    let (count, value) = (usize::try_from(whole(count)).unwrap_or(0), string(value)?);
    let mut out = Limited::default();
    out.push_times(value, if value.is_empty() { 0 } else { count })?;
    Ok(text(&out.done()))
}

fn replaced<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [old, new, value] = call.exactly()?;
    let (old, new, value) = (string(old)?, string(new)?, string(value)?);
    let count = value.matches(old).count();
    let kept = value.len().saturating_sub(count.saturating_mul(old.len()));
    checked(count.saturating_mul(new.len()).saturating_add(kept))?;
    Ok(text(&value.replace(old, new)))
}

fn indented(value: &str, spaces: i64) -> Result<String, String> {
    let pad = usize::try_from(spaces).ok().filter(|pad| *pad <= 1000).ok_or("indents by up to 1000")?;
    let mut out = Limited::default();
    print::between(&mut out, "\n", value.split('\n'), |out, line| {
        out.push_times(" ", pad)?;
        out.push(line)
    })?;
    Ok(out.done())
}

fn indent<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [spaces, value] = call.exactly()?;
    Ok(text(&indented(string(value)?, whole(spaces))?))
}

fn until<'a>(from: i64, to: i64, step: i64) -> Outcome<'a> {
    // The width of these numbers leaves room for every sum and product below.
    let (first, end, wide) = (i128::from(from), i128::from(to), i128::from(step));
    let count = if step == 0 { 0 } else { (end - first + wide - wide.signum()) / wide };
    if count > i128::from(MAX_ITEMS) {
        return Err(format!("the list would have more than {MAX_ITEMS} elements"));
    }
    Ok(list((0..count.max(0)).filter_map(|at| i64::try_from(first + at * wide).ok()).map(Value::Int).collect()))
}

fn dictionary<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let (mut map, mut keys) = (BTreeMap::new(), 0_usize);
    for pair in call.values.chunks(2) {
        let key = to_text(&pair[0])?;
        keys = keys.saturating_add(key.len());
        checked(keys)?;
        map.insert(key, pair.get(1).cloned().unwrap_or_else(|| text("")));
    }
    Ok(Value::Map(Rc::new(map)))
}

fn of_map<'v, 'a>(call: &'v Call<'_, 'a>) -> Result<(&'v BTreeMap<String, Value<'a>>, &'v str), String> {
    let [map, key] = call.exactly()?;
    match map {
        Value::Map(items) => Ok((items, string(key)?)),
        other => Err(format!("wants a map, and not a {}", other.kind())),
    }
}

/// What two values have in common that are the same, all the way down: a hash, since the values may be large.
type Key = (&'static str, [u8; 32]);

fn key(value: &Value<'_>) -> Result<Key, String> {
    Ok((value.kind(), Sha256::digest(text::json(value, Html::Plain, None)?).into()))
}

/// The elements whose key is taken.
fn kept<'a>(items: &[Value<'a>], mut takes: impl FnMut(Key) -> bool) -> Outcome<'a> {
    let mut out = Vec::new();
    for item in items {
        if takes(key(item)?) {
            out.push(item.clone());
        }
    }
    Ok(list(out))
}

fn unique<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [value] = call.exactly()?;
    let mut seen = HashSet::new();
    kept(items(value)?, |key| seen.insert(key))
}

fn without<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    call.at_least(1)?;
    let others = call.values[1..].iter().map(key).collect::<Result<HashSet<_>, _>>()?;
    kept(items(&call.values[0])?, |key| !others.contains(&key))
}

fn has<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [wanted, value] = call.exactly()?;
    let wanted = key(wanted)?;
    for item in items(value)? {
        if item.kind() == wanted.0 && key(item)? == wanted {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// The elements as texts, which are not too long together.
fn texts(items: &[Value<'_>]) -> Result<Vec<String>, String> {
    let (mut out, mut length) = (Vec::with_capacity(items.len()), 0_usize);
    for item in items {
        let one = to_text(item)?;
        length = length.saturating_add(one.len());
        checked(length)?;
        out.push(one);
    }
    Ok(out)
}

fn strings<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [value] = call.exactly()?;
    Ok(list(texts(items(value)?)?.iter().map(|one| text(one)).collect()))
}

fn sorted<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [value] = call.exactly()?;
    let mut texts = texts(items(value)?)?;
    texts.sort_unstable();
    Ok(list(texts.iter().map(|one| text(one)).collect()))
}

fn split<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [by, whole] = call.exactly()?;
    let (by, whole) = (string(by)?, string(whole)?);
    if whole.split(by).count() > MAX_ITEMS as usize {
        return Err(format!("the list would have more than {MAX_ITEMS} elements"));
    }
    Ok(list(whole.split(by).map(text).collect()))
}

fn quoted<'a>(call: &Call<'_, 'a>, one: impl Fn(String) -> Result<String, String>) -> Outcome<'a> {
    let mut out = Limited::default();
    let given = call.values.iter().filter(|value| !matches!(value, Value::Nil));
    print::between(&mut out, " ", given, |out, value| out.push(&one(to_text(value)?)?))?;
    Ok(text(&out.done()))
}

fn print_line<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let mut out = Limited::default();
    print::between(&mut out, " ", call.values.iter(), print::write)?;
    out.push("\n")?;
    Ok(text(&out.done()))
}

/// A text that a regular expression is looked for in: the list of its matches may take many times its own room.
fn searched<'v>(value: &'v Value<'_>) -> Result<&'v str, String> {
    let whole = string(value)?;
    if whole.len() > MAX_OUTPUT / 16 { Err("the text is too long".to_owned()) } else { Ok(whole) }
}

fn pattern(value: &Value<'_>) -> Result<Pattern, String> {
    Pattern::new(string(value)?).map_err(|error| error.to_string())
}

fn matched<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [regex, value] = call.exactly()?;
    Ok(Value::Bool(pattern(regex)?.is_match(string(value)?.as_bytes())))
}

fn found<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [regex, value] = call.exactly()?;
    let whole = searched(value)?.as_bytes();
    let first = pattern(regex)?.find_all(whole).into_iter().next();
    Ok(text(&first.map(|range| String::from_utf8_lossy(&whole[range]).into_owned()).unwrap_or_default()))
}

/// Every match gets the same text; groups in it are not read, so `$` is refused.
fn regex_replaced<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [regex, value, new] = call.exactly()?;
    let (whole, new) = (searched(value)?, string(new)?);
    if new.contains('$') {
        return Err("groups in the replacement are not supported".to_owned());
    }
    let (mut out, mut at) = (Vec::new(), 0);
    for range in pattern(regex)?.find_all(whole.as_bytes()) {
        checked(out.len() + (range.start - at) + new.len())?;
        out.extend_from_slice(&whole.as_bytes()[at..range.start]);
        out.extend_from_slice(new.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(&whole.as_bytes()[at..]);
    Ok(text(&String::from_utf8_lossy(&out)))
}

fn dated<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [layout, value] = call.exactly()?;
    let seconds = match value {
        Value::Time(seconds) | Value::Int(seconds) => *seconds,
        other => return Err(format!("wants a time, and not a {}", other.kind())),
    };
    made(&time::formatted(string(layout)?, seconds))
}

/// `html` and `js` of Go.
fn escaped<'a>(call: &Call<'_, 'a>, one: fn(char) -> Option<String>) -> Outcome<'a> {
    let mut out = Limited::default();
    for c in print::joined(call.values)?.chars() {
        match one(c) {
            Some(escape) => out.push(&escape)?,
            None => out.push_char(c)?,
        }
    }
    Ok(text(&out.done()))
}

fn html(c: char) -> Option<String> {
    let escaped = match c {
        '<' => "&lt;",
        '>' => "&gt;",
        '&' => "&amp;",
        '\'' => "&#39;",
        '"' => "&#34;",
        '\0' => "\u{fffd}",
        _ => return None,
    };
    Some(escaped.to_owned())
}

fn js(c: char) -> Option<String> {
    match c {
        '\\' => Some("\\\\".to_owned()),
        '\'' => Some("\\'".to_owned()),
        '"' => Some("\\\"".to_owned()),
        '<' | '>' | '&' | '=' => Some(format!("\\u{:04X}", c as u32)),
        c if (c as u32) < 0x20 => Some(format!("\\u{:04X}", c as u32)),
        _ => None,
    }
}

fn url(c: char) -> Option<String> {
    match c {
        c if c.is_ascii_alphanumeric() || "-_.~".contains(c) => None,
        ' ' => Some("+".to_owned()),
        c => Some(c.to_string().bytes().map(|b| format!("%{b:02X}")).collect()),
    }
}

/// Words with a capital first letter.
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut capital = |c: char| {
        let first = before.is_whitespace() || !(before.is_alphanumeric() || before == '_');
        before = c;
        if first { c.to_uppercase().collect::<String>() } else { c.to_string() }
    };
    text.chars().map(&mut capital).collect()
}

/// The last part of a path, and what stands before it (`path.Base`, `path.Dir`).
fn base(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.is_empty()) {
        (true, _) => ".".to_owned(),
        (_, true) => "/".to_owned(),
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed).to_owned(),
    }
}

fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    let whole = format!("{root}{}", parts.join("/"));
    if whole.is_empty() { ".".to_owned() } else { whole }
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map(|at| name[at..].to_owned()).unwrap_or_default()
}

fn ends<'a>(call: &Call<'_, 'a>, one: fn(&[Value<'a>]) -> Value<'a>) -> Outcome<'a> {
    let [value] = call.exactly()?;
    Ok(one(items(value)?))
}

fn json<'a>(call: &Call<'_, 'a>, html: Html, indent: Option<usize>) -> Outcome<'a> {
    let [value] = call.exactly()?;
    text::json(value, html, indent).map(|whole| text(&whole))
}

fn decoded<'a>(call: &Call<'_, 'a>) -> Outcome<'a> {
    let [value] = call.exactly()?;
    match base64::standard_padded(string(value)?.as_bytes()) {
        Some(bytes) => Ok(text(&String::from_utf8_lossy(&bytes))),
        None => Ok(text("illegal base64 data")),
    }
}

type Body = for<'c, 'a> fn(&Call<'c, 'a>) -> Outcome<'a>;

/// Every function, by name.
const FUNCTIONS: &[(&str, Body)] = &[
    // `and` and `or` look at their values one by one, which the walk over the tree does.
    ("and", |_| Ok(Value::Nil)),
    ("or", |_| Ok(Value::Nil)),
    ("not", |c| c.exactly().map(|[v]| Value::Bool(!v.holds()))),
    ("eq", equal),
    ("ne", |c| {
        let [first, second] = c.exactly()?;
        Ok(Value::Bool(!ordered(first, second)?.is_some_and(std::cmp::Ordering::is_eq)))
    }),
    ("lt", |c| compared(c, std::cmp::Ordering::is_lt)),
    ("le", |c| compared(c, std::cmp::Ordering::is_le)),
    ("gt", |c| compared(c, std::cmp::Ordering::is_gt)),
    ("ge", |c| compared(c, std::cmp::Ordering::is_ge)),
    ("len", length),
    ("index", index),
    ("slice", slice),
    ("print", |c| Ok(text(&print::joined(c.values)?))),
    ("println", print_line),
    ("printf", |c| {
        c.at_least(1)?;
        Ok(text(&print::formatted(string(&c.values[0])?, &c.values[1..])?))
    }),
    ("html", |c| escaped(c, html)),
    ("js", |c| escaped(c, js)),
    ("urlquery", |c| escaped(c, url)),
    // Texts.
    ("quote", |c| quoted(c, |one| text::quoted(&one))),
    ("squote", |c| quoted(c, |one| Ok(format!("'{one}'")))),
    ("upper", |c| on_text(c, str::to_uppercase)),
    ("lower", |c| on_text(c, str::to_lowercase)),
    ("title", |c| on_text(c, title)),
    ("trim", |c| on_text(c, |s| s.trim().to_owned())),
    ("trimAll", |c| on_two_texts(c, |cut, s| text(s.trim_matches(|c| cut.contains(c))))),
    ("trimPrefix", |c| on_two_texts(c, |cut, s| text(s.strip_prefix(cut).unwrap_or(s)))),
    ("trimSuffix", |c| on_two_texts(c, |cut, s| text(s.strip_suffix(cut).unwrap_or(s)))),
    ("nospace", |c| on_text(c, |s| s.chars().filter(|c| !c.is_whitespace()).collect())),
    ("contains", |c| on_two_texts(c, |part, s| Value::Bool(s.contains(part)))),
    ("hasPrefix", |c| on_two_texts(c, |part, s| Value::Bool(s.starts_with(part)))),
    ("hasSuffix", |c| on_two_texts(c, |part, s| Value::Bool(s.ends_with(part)))),
    ("replace", replaced),
    ("repeat", repeated),
    ("trunc", truncated),
    ("substr", substring),
    ("indent", indent),
    ("nindent", |c| {
        let [spaces, value] = c.exactly()?;
        made(&format!("\n{}", indented(string(value)?, whole(spaces))?))
    }),
    ("cat", |c| spaced(" ", c.values).map(|whole| text(&whole))),
    ("join", join),
    ("splitList", split),
    ("toString", |c| {
        let [value] = c.exactly()?;
        to_text(value).map(|whole| text(&whole))
    }),
    ("toStrings", strings),
    ("regexMatch", matched),
    ("regexFind", found),
    ("regexReplaceAll", regex_replaced),
    ("b64enc", |c| on_text(c, |s| base64::encode(s.as_bytes(), base64::STANDARD))),
    ("b64dec", decoded),
    ("sha256sum", |c| on_text(c, |s| hex(&Sha256::digest(s.as_bytes())))),
    ("base", |c| on_text(c, base)),
    ("dir", |c| on_text(c, |s| clean(&s[..s.rfind('/').map_or(0, |at| at + 1)]))),
    ("ext", |c| on_text(c, extension)),
    ("clean", |c| on_text(c, clean)),
    // Choices.
    ("default", default),
    ("empty", |c| c.exactly().map(|[v]| Value::Bool(!v.holds()))),
    ("coalesce", |c| Ok(c.values.iter().find(|v| v.holds()).cloned().unwrap_or(Value::Nil))),
    ("ternary", |c| {
        let [yes, no, condition] = c.exactly()?;
        Ok(if matches!(condition, Value::Bool(true)) { yes.clone() } else { no.clone() })
    }),
    ("fail", |c| Err(c.values.first().map(to_text).transpose()?.unwrap_or_default())),
    ("kindOf", |c| c.exactly().map(|[v]| text(if matches!(v, Value::Nil) { "invalid" } else { v.kind() }))),
    // JSON.
    ("toJson", |c| json(c, Html::Escaped, None)),
    ("toPrettyJson", |c| json(c, Html::Escaped, Some(0))),
    ("toRawJson", |c| json(c, Html::Plain, None)),
    // Numbers.
    ("int", |c| c.exactly().map(|[v]| Value::Int(whole(v)))),
    ("int64", |c| c.exactly().map(|[v]| Value::Int(whole(v)))),
    ("float64", |c| c.exactly().map(|[v]| Value::Float(decimal(v)))),
    ("atoi", |c| c.exactly().map(|[v]| Value::Int(whole(v)))),
    ("add", |c| sum(c, 0)),
    ("add1", |c| sum(c, 1)),
    ("sub", |c| two_numbers(c, |a, b| Some(a.wrapping_sub(b)))),
    ("mul", |c| {
        c.at_least(1)?;
        Ok(Value::Int(c.values.iter().fold(1, |product, value| i64::wrapping_mul(product, whole(value)))))
    }),
    ("div", |c| two_numbers(c, |a, b| (b != 0).then(|| a.wrapping_div(b)))),
    ("mod", |c| two_numbers(c, |a, b| (b != 0).then(|| a.wrapping_rem(b)))),
    ("max", |c| best(c, i64::max)),
    ("min", |c| best(c, i64::min)),
    ("floor", |c| c.exactly().map(|[v]| Value::Float(decimal(v).floor()))),
    ("ceil", |c| c.exactly().map(|[v]| Value::Float(decimal(v).ceil()))),
    ("round", |c| {
        let [value, digits] = c.exactly()?;
        let scale = 10_f64.powi(i32::try_from(whole(digits)).unwrap_or(0).clamp(-300, 300));
        Ok(Value::Float((decimal(value) * scale).round() / scale))
    }),
    ("until", |c| c.exactly().and_then(|[n]| until(0, whole(n), if whole(n) < 0 { -1 } else { 1 }))),
    ("untilStep", |c| {
        let [from, to, step] = c.exactly()?;
        let bounded = |v: &Value<'_>| whole(v).clamp(-(1 << 40), 1 << 40);
        until(bounded(from), bounded(to), bounded(step))
    }),
    // Lists and maps.
    ("list", |c| Ok(list(c.values.to_vec()))),
    ("tuple", |c| Ok(list(c.values.to_vec()))),
    ("first", |c| ends(c, |items| items.first().cloned().unwrap_or(Value::Nil))),
    ("last", |c| ends(c, |items| items.last().cloned().unwrap_or(Value::Nil))),
    ("rest", |c| ends(c, |items| list(items.iter().skip(1).cloned().collect()))),
    ("initial", |c| ends(c, |items| list(items[..items.len().saturating_sub(1)].to_vec()))),
    ("reverse", |c| ends(c, |items| list(items.iter().rev().cloned().collect()))),
    ("compact", |c| ends(c, |items| list(items.iter().filter(|item| item.holds()).cloned().collect()))),
    ("uniq", unique),
    ("sortAlpha", sorted),
    ("append", |c| {
        let [value, item] = c.exactly()?;
        Ok(list(items(value)?.iter().chain([item]).cloned().collect()))
    }),
    ("prepend", |c| {
        let [value, item] = c.exactly()?;
        Ok(list([item].into_iter().chain(items(value)?).cloned().collect()))
    }),
    ("has", has),
    ("without", without),
    ("dict", dictionary),
    ("get", |c| of_map(c).map(|(items, key)| items.get(key).cloned().unwrap_or_else(|| text("")))),
    ("hasKey", |c| of_map(c).map(|(items, key)| Value::Bool(items.contains_key(key)))),
    // Time.
    ("now", |c| c.exactly::<0>().map(|[]| Value::Time(c.now))),
    ("date", dated),
    ("unixEpoch", |c| match c.exactly()? {
        [Value::Time(seconds)] => Ok(text(&seconds.to_string())),
        [other] => Err(format!("wants a time, and not a {}", other.kind())),
    }),
];
