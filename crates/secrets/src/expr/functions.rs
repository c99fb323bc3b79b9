//! What the functions do that need nothing from outside.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::eval::{Machine, kind, text};
use super::function::Function;
use super::number::float;
use super::value::Value;
use super::{EvalError, TokenCounter, digest, encoding};
use crate::engine::pattern::Pattern;

/// Calls a function; `pattern` is its second argument where that was constant and is something to search.
pub(super) fn call(
    machine: &mut Machine<'_>,
    function: Function,
    arguments: &[Value],
    pattern: Option<&Arc<Pattern>>,
) -> Result<Value, EvalError> {
    // Nearly all functions look at all of their text once.
    let bytes = arguments.iter().map(byte_length).sum();
    machine.spend_bytes(bytes)?;
    match function {
        Function::MatchesAny | Function::ContainsAny | Function::FindMatch => {
            search(machine, function, arguments, pattern)
        }
        Function::Entropy => Ok(Value::Float(entropy(text("entropy", &arguments[0])?))),
        Function::FailsTokenEfficiency | Function::TokenRatio => efficiency(machine, function, &arguments[0]),
        Function::SetConfidence => {
            let level = text("setConfidence", &arguments[0])?;
            let level = level.parse().map_err(|_| EvalError::Argument {
                place: "setConfidence",
                message: format!("`{level}` is none of low, medium, high"),
            })?;
            if let Some(confidence) = machine.env.confidence {
                confidence.set(Some(level));
            }
            Ok(Value::Bool(true))
        }
        Function::Get | Function::GetPath | Function::First | Function::Last | Function::Keys | Function::Values => {
            pick(machine, function, arguments)
        }
        Function::Len | Function::Size | Function::TypeName => Ok(measure(function, &arguments[0])?),
        Function::ToText | Function::ToInt | Function::ToFloat => convert(function, &arguments[0]),
        Function::Abs | Function::Ceil | Function::Floor | Function::Round => round(function, &arguments[0]),
        Function::Max | Function::Min | Function::Sum => total(machine, function, arguments),
        Function::Unknown => unknown(&arguments[0]),
        Function::Md5 | Function::Sha1 | Function::HmacSha1 | Function::HmacSha256 => keyed(function, arguments),
        Function::HexEncode | Function::Base64Encode | Function::Base64Decode | Function::Bytes => {
            coded(function, &arguments[0])
        }
        Function::Split | Function::Join => pieces(machine, function, arguments),
        Function::Replace | Function::Repeat => grown(machine, function, arguments),
        _ => simple_text(function, arguments),
    }
}

fn byte_length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

/// One pattern that matches where any of the patterns or terms of a constant argument does; none where
/// the function does not search or the argument does not hold texts.
pub(super) fn joined_pattern(function: Function, value: &Value) -> Option<String> {
    let items = match value {
        Value::List(list) => list.items().iter().map(Value::as_text).collect::<Option<Vec<_>>>()?,
        Value::Text(text) if function == Function::FindMatch => vec![&**text],
        _ => return None,
    };
    let parts: Vec<String> = match function {
        Function::MatchesAny | Function::FindMatch => items.iter().map(|part| format!("(?:{part})")).collect(),
        Function::ContainsAny => {
            items.iter().filter(|term| !term.is_empty()).map(|term| regex_syntax::escape(term)).collect()
        }
        _ => return None,
    };
    (!parts.is_empty()).then(|| parts.join("|"))
}

/// Terms are compared with the text in lower case, so a term with capitals is never found.
fn search(
    machine: &mut Machine<'_>,
    function: Function,
    arguments: &[Value],
    pattern: Option<&Arc<Pattern>>,
) -> Result<Value, EvalError> {
    let place = match function {
        Function::MatchesAny => "matchesAny",
        Function::ContainsAny => "containsAny",
        _ => "filter.findMatch",
    };
    let subject = text(place, &arguments[0])?;
    let pattern = match pattern {
        Some(pattern) => Arc::clone(pattern),
        None => match joined_pattern(function, &arguments[1]) {
            Some(source) => machine.pattern(place, &source)?,
            None if function != Function::FindMatch && is_empty_list(&arguments[1]) => return Ok(Value::Bool(false)),
            None => return Err(kind(place, "string, or an array of strings", &arguments[1])),
        },
    };
    Ok(match function {
        Function::FindMatch => {
            let found = pattern.captures(subject.as_bytes()).and_then(|groups| groups.into_iter().next().flatten());
            Value::text(found.map_or("", |range| inside(subject, range)))
        }
        Function::ContainsAny => Value::Bool(pattern.is_match(subject.to_lowercase().as_bytes())),
        _ => Value::Bool(pattern.is_match(subject.as_bytes())),
    })
}

fn is_empty_list(value: &Value) -> bool {
    matches!(value, Value::List(list) if list.items().iter().all(|item| item.as_text() == Some("")))
}

/// The part of a text between two byte offsets, without characters that lie across one of them.
pub(super) fn inside(text: &str, range: Range<usize>) -> &str {
    let end = text.floor_char_boundary(range.end);
    let start = text.ceil_char_boundary(range.start).min(end);
    &text[start..end]
}

/// Shannon entropy of the bytes, in bits a byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let total = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// What tells language from generated text: a verdict, or bytes a token.
fn efficiency(machine: &mut Machine<'_>, function: Function, value: &Value) -> Result<Value, EvalError> {
    let place = if function == Function::TokenRatio { "tokenRatio" } else { "failsTokenEfficiency" };
    let counter = machine.env.tokens.ok_or(EvalError::Unavailable { function: place })?;
    let secret = text(place, value)?;
    // Words of every length are looked for at every place.
    machine.spend(secret.len())?;
    if function == Function::FailsTokenEfficiency {
        return Ok(Value::Bool(is_plain_language(counter, secret)));
    }
    let joined = without_breaks(secret);
    let tokens = counter.tokens(&joined);
    Ok(Value::Float(if tokens == 0 { 0.0 } else { joined.len() as f64 / tokens as f64 }))
}

/// Short values are counted without the line breaks in them.
fn without_breaks(secret: &str) -> Cow<'_, str> {
    if secret.len() < 20 { secret.replace(['\n', '\r'], "").into() } else { secret.into() }
}

/// Whether a value holds a word, or needs so few tokens for its length that it looks like language.
fn is_plain_language(counter: &dyn TokenCounter, secret: &str) -> bool {
    let joined = without_breaks(secret);
    let tokens = counter.tokens(&joined);
    if tokens == 0 {
        return false;
    }
    let lower = joined.to_lowercase();
    if counter.has_word(&lower, 5) {
        return true;
    }
    let bytes_a_token = if joined.len() < 12 && counter.has_word(&lower, 4) { 2.1 } else { 2.5 };
    joined.len() as f64 / tokens as f64 >= bytes_a_token
}

/// What a container holds under a name; in lists names are numbers.
fn lookup(container: &Value, name: &str) -> Option<Value> {
    match container {
        Value::Map(map) => map.get(name).cloned(),
        Value::List(list) => name.parse::<usize>().ok().and_then(|at| list.items().get(at).cloned()),
        _ => None,
    }
    .filter(|value| *value != Value::Nil)
}

fn pick(machine: &mut Machine<'_>, function: Function, arguments: &[Value]) -> Result<Value, EvalError> {
    let container = &arguments[0];
    match (function, container) {
        (Function::Get, _) => {
            let found = match &arguments[1] {
                Value::Int(at) => lookup(container, &at.to_string()),
                name => lookup(container, text("get", name)?),
            };
            Ok(found.or_else(|| arguments.get(2).cloned()).unwrap_or_default())
        }
        (Function::GetPath, _) => {
            let mut names = text("getPath", &arguments[1])?.split('.');
            let found = names.try_fold(container.clone(), |at, name| lookup(&at, name));
            Ok(found.unwrap_or_else(|| arguments[2].clone()))
        }
        (Function::First, Value::List(list)) => Ok(list.items().first().cloned().unwrap_or_default()),
        (Function::Last, Value::List(list)) => Ok(list.items().last().cloned().unwrap_or_default()),
        (Function::Keys, Value::Map(map)) => {
            machine.spend(map.len())?;
            Ok(Value::list(map.iter().map(|(name, _)| Value::Text(Arc::clone(name))).collect()))
        }
        (Function::Values, Value::Map(map)) => {
            machine.spend(map.len())?;
            Ok(Value::list(map.iter().map(|(_, value)| value.clone()).collect()))
        }
        (Function::Keys | Function::Values, other) => Err(kind("keys, values", "map", other)),
        (_, other) => Err(kind("first, last", "array", other)),
    }
}

/// `len` counts characters of a text, `size` bytes; `size` of something without size is 0.
fn measure(function: Function, value: &Value) -> Result<Value, EvalError> {
    let length = match (function, value) {
        (Function::TypeName, value) => return Ok(Value::text(value.kind())),
        (Function::Len, Value::Text(text)) => text.chars().count(),
        (_, Value::Text(text)) => text.len(),
        (_, Value::Bytes(bytes)) => bytes.len(),
        (_, Value::List(list)) => list.items().len(),
        (_, Value::Map(map)) => map.len(),
        (Function::Size, _) => 0,
        (_, other) => return Err(kind("len", "string, bytes, array or map", other)),
    };
    Ok(Value::Int(length as i64))
}

fn convert(function: Function, value: &Value) -> Result<Value, EvalError> {
    let bad =
        |place: &'static str| EvalError::Argument { place, message: "the string is not such a number".to_owned() };
    match (function, value) {
        (Function::ToText, Value::Text(_))
        | (Function::ToInt, Value::Int(_))
        | (Function::ToFloat, Value::Float(_)) => Ok(value.clone()),
        (Function::ToText, Value::Nil) => Ok(Value::text("nil")),
        (Function::ToText, Value::Bool(flag)) => Ok(Value::text(&flag.to_string())),
        (Function::ToText, Value::Int(number)) => Ok(Value::text(&number.to_string())),
        (Function::ToText, Value::Float(number)) => Ok(Value::text(&number.to_string())),
        (Function::ToText, Value::Bytes(bytes)) => Ok(Value::text(&String::from_utf8_lossy(bytes))),
        (Function::ToInt, Value::Float(number)) => Ok(Value::Int(*number as i64)),
        (Function::ToInt, Value::Text(text)) => text.parse().map(Value::Int).map_err(|_| bad("int")),
        (Function::ToFloat, Value::Int(number)) => Ok(Value::Float(*number as f64)),
        (Function::ToFloat, Value::Text(text)) => text.parse().map(Value::Float).map_err(|_| bad("float")),
        (_, other) => Err(kind("string, int, float", "a plain value", other)),
    }
}

fn round(function: Function, value: &Value) -> Result<Value, EvalError> {
    if let (Function::Abs, Value::Int(number)) = (function, value) {
        return Ok(Value::Int(number.saturating_abs()));
    }
    let number = float("abs, ceil, floor, round", value)?;
    Ok(Value::Float(match function {
        Function::Abs => number.abs(),
        Function::Ceil => number.ceil(),
        Function::Floor => number.floor(),
        _ => number.round(),
    }))
}

/// The largest, smallest or sum of numbers, given one by one or as arrays.
fn total(machine: &mut Machine<'_>, function: Function, arguments: &[Value]) -> Result<Value, EvalError> {
    let mut best: Option<Value> = None;
    for argument in arguments {
        let items = match argument {
            Value::List(list) => list.items(),
            single => std::slice::from_ref(single),
        };
        machine.spend(items.len())?;
        for item in items {
            let worth = float("max, min, sum", item)?;
            let Some(before) = &best else {
                best = Some(item.clone());
                continue;
            };
            let known = float("max, min, sum", before)?;
            best = match (function, before, item) {
                (Function::Sum, Value::Int(a), Value::Int(b)) => Some(Value::Int(a.saturating_add(*b))),
                (Function::Sum, ..) => Some(Value::Float(known + worth)),
                (Function::Max, ..) if worth > known => Some(item.clone()),
                (Function::Min, ..) if worth < known => Some(item.clone()),
                _ => best,
            };
        }
    }
    match (best, function) {
        (Some(value), _) => Ok(value),
        (None, Function::Sum) => Ok(Value::Int(0)),
        (None, _) => Err(EvalError::Argument { place: "max, min", message: "the array is empty".to_owned() }),
    }
}

/// The verdict of a check whose response fits no expectation.
fn unknown(response: &Value) -> Result<Value, EvalError> {
    let Value::Map(map) = response else { return Err(kind("validate.unknown", "the map of a response", response)) };
    let reason = map.get("status").map(|status| match status {
        Value::Int(429) => Ok(Value::text("rate limited")),
        Value::Nil => Ok(Value::text("HTTP nil")),
        status => text("validate.unknown", &convert(Function::ToText, status)?)
            .map(|code| Value::text(&format!("HTTP {code}"))),
    });
    let mut fields = vec![("result", Value::text("unknown"))];
    if let Some(reason) = reason {
        fields.push(("reason", reason?));
    }
    Ok(Value::map(fields))
}

fn raw<'v>(place: &'static str, value: &'v Value) -> Result<&'v [u8], EvalError> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        other => Err(kind(place, "bytes, as bytes(text) makes them", other)),
    }
}

fn keyed(function: Function, arguments: &[Value]) -> Result<Value, EvalError> {
    let first = raw("a crypto function", &arguments[0])?;
    let digest = match (function, arguments.get(1)) {
        (Function::HmacSha1, Some(message)) => digest::hmac(digest::sha1, first, raw("crypto.hmacSha1", message)?),
        (Function::HmacSha256, Some(message)) => {
            digest::hmac(digest::sha256, first, raw("crypto.hmacSha256", message)?)
        }
        (Function::Sha1, _) => digest::sha1(first),
        _ => digest::md5(first),
    };
    Ok(Value::Bytes(digest.into()))
}

fn coded(function: Function, value: &Value) -> Result<Value, EvalError> {
    match function {
        Function::HexEncode => Ok(Value::text(&encoding::hex(raw("hex.encode", value)?))),
        Function::Base64Encode => Ok(Value::text(&encoding::base64(raw("base64.encode", value)?))),
        Function::Bytes => Ok(Value::Bytes(text("bytes", value)?.as_bytes().into())),
        _ => {
            let place = "base64.decode";
            let bytes = encoding::from_base64(text(place, value)?);
            let bytes = bytes.ok_or_else(|| EvalError::Argument {
                place,
                message: "the string is not base64 with padding".to_owned(),
            })?;
            Ok(Value::Bytes(bytes.into()))
        }
    }
}

fn pieces(machine: &mut Machine<'_>, function: Function, arguments: &[Value]) -> Result<Value, EvalError> {
    if function == Function::Join {
        let Value::List(list) = &arguments[0] else { return Err(kind("join", "array", &arguments[0])) };
        let between = arguments.get(1).map_or(Ok(""), |value| text("join", value))?;
        let items = list.items().iter().map(|item| text("join", item)).collect::<Result<Vec<_>, _>>()?;
        machine.spend_bytes(items.iter().map(|item| item.len() + between.len() + 16).sum())?;
        return Ok(Value::text(&items.join(between)));
    }
    let (whole, between) = (text("split", &arguments[0])?, text("split", &arguments[1])?);
    let most = match arguments.get(2) {
        None => usize::MAX,
        Some(Value::Int(number)) => usize::try_from(*number).unwrap_or(usize::MAX),
        Some(other) => return Err(kind("split", "int", other)),
    };
    machine.spend(whole.len())?;
    let parts: Vec<Value> = if between.is_empty() {
        whole.chars().take(most).map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()
    } else {
        whole.splitn(most, between).map(Value::text).collect()
    };
    Ok(Value::list(parts))
}

/// Functions whose result can be longer than all their arguments.
fn grown(machine: &mut Machine<'_>, function: Function, arguments: &[Value]) -> Result<Value, EvalError> {
    let whole = text("replace, repeat", &arguments[0])?;
    if function == Function::Repeat {
        let Value::Int(times) = arguments[1] else { return Err(kind("repeat", "int", &arguments[1])) };
        let times = usize::try_from(times).unwrap_or(0);
        machine.spend_bytes(whole.len().saturating_mul(times))?;
        return Ok(Value::text(&whole.repeat(times)));
    }
    let (old, new) = (text("replace", &arguments[1])?, text("replace", &arguments[2])?);
    machine.spend_bytes(whole.matches(old).count().saturating_mul(new.len()))?;
    Ok(Value::text(&whole.replace(old, new)))
}

fn simple_text(function: Function, arguments: &[Value]) -> Result<Value, EvalError> {
    let subject = text("a text function", &arguments[0])?;
    if function == Function::Substring {
        let Value::Int(start) = arguments[1] else { return Err(kind("substring", "int", &arguments[1])) };
        let start = usize::try_from(start).unwrap_or(0).min(subject.len());
        return Ok(Value::text(inside(subject, start..subject.len())));
    }
    let other = arguments.get(1).map_or(Ok(""), |value| text("a text function", value))?;
    let place = |found: Option<usize>| Value::Int(found.map_or(-1, |at| at as i64));
    Ok(match function {
        Function::IndexOf => place(subject.find(other)),
        Function::LastIndexOf => place(subject.rfind(other)),
        Function::HasPrefix => Value::Bool(subject.starts_with(other)),
        Function::HasSuffix => Value::Bool(subject.ends_with(other)),
        Function::Lower => Value::text(&subject.to_lowercase()),
        Function::Upper => Value::text(&subject.to_uppercase()),
        Function::Trim if arguments.len() == 1 => Value::text(subject.trim()),
        Function::Trim => Value::text(subject.trim_matches(|c| other.contains(c))),
        Function::TrimPrefix => Value::text(subject.strip_prefix(other).unwrap_or(subject)),
        Function::TrimSuffix => Value::text(subject.strip_suffix(other).unwrap_or(subject)),
        Function::JsonText => Value::text(&encoding::json(subject)),
        _ => Value::text(&encoding::query(subject)),
    })
}
