//! Values written as Go's `fmt` writes them: `%v`, and the verbs of `printf`.

use super::{
    limited::{Limited, checked},
    number, text,
    value::{FIELDS, Value, field},
};

/// A value as an action writes it.
///
/// # Errors
/// The text would be too long.
pub(super) fn shown(value: &Value<'_>) -> Result<String, String> {
    match value {
        Value::Nil => Ok("<no value>".to_owned()),
        other => plain(other),
    }
}

/// A value as `%v` writes it.
///
/// # Errors
/// The text would be too long: lists can share their elements, so that a small one stands for a long text.
pub(super) fn plain(value: &Value<'_>) -> Result<String, String> {
    let mut out = Limited::default();
    write(&mut out, value)?;
    Ok(out.done())
}

/// Adds a value as `%v` writes it.
pub(super) fn write(out: &mut Limited, value: &Value<'_>) -> Result<(), String> {
    match value {
        Value::Nil => out.push("<nil>"),
        Value::Bool(yes) => out.push(if *yes { "true" } else { "false" }),
        Value::Int(number) => out.push(&number.to_string()),
        Value::Float(number) => out.push(&number::shortest(*number, false)),
        Value::Single(number) => out.push(&number::shortest(f64::from(*number), true)),
        Value::Text(text) => out.push(text),
        Value::List(items) => {
            out.push("[")?;
            between(out, " ", items.iter(), write)?;
            out.push("]")
        }
        Value::Map(items) => {
            out.push("map[")?;
            between(out, " ", items.iter(), |out, (key, item)| {
                out.push(key)?;
                out.push(":")?;
                write(out, item)
            })?;
            out.push("]")
        }
        Value::Finding(finding) => {
            // In the order of Go's fields: the line stands before the match.
            let fields = FIELDS[..6].iter().chain(["Line"].iter()).chain(FIELDS[6..].iter());
            out.push("{")?;
            between(out, " ", fields.filter_map(|name| field(finding, name)), |out, value| write(out, &value))?;
            out.push(" <nil> []}")
        }
        Value::Time(seconds) => out.push(&super::time::formatted("2006-01-02 15:04:05 -0700 MST", *seconds)),
    }
}

/// Adds each of some things, and a text between two of them.
pub(super) fn between<T>(
    out: &mut Limited,
    separator: &str,
    things: impl Iterator<Item = T>,
    mut one: impl FnMut(&mut Limited, T) -> Result<(), String>,
) -> Result<(), String> {
    for (at, thing) in things.enumerate() {
        if at > 0 {
            out.push(separator)?;
        }
        one(out, thing)?;
    }
    Ok(())
}

/// Values with spaces between those of which neither is a text (`fmt.Sprint`).
///
/// # Errors
/// The text would be too long.
pub(super) fn joined(values: &[Value<'_>]) -> Result<String, String> {
    let mut out = Limited::default();
    for (at, value) in values.iter().enumerate() {
        let text = |value: &Value<'_>| matches!(value, Value::Text(_));
        if at > 0 && !text(value) && !text(&values[at - 1]) {
            out.push(" ")?;
        }
        write(&mut out, value)?;
    }
    Ok(out.done())
}

/// Signs before a verb.
#[derive(Default)]
struct Flags {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// `printf`.
///
/// # Errors
/// A width is too large, or is taken from an argument.
pub(super) fn formatted(format: &str, values: &[Value<'_>]) -> Result<String, String> {
    let (mut out, mut rest, mut used) = (Limited::default(), format, 0);
    while let Some(at) = rest.find('%') {
        out.push(&rest[..at])?;
        let (flags, behind) = flags(&rest[at + 1..])?;
        let Some(verb) = behind.chars().next() else {
            out.push("%!(NOVERB)")?;
            rest = "";
            break;
        };
        rest = &behind[verb.len_utf8()..];
        if verb == '%' {
            out.push("%")?;
            continue;
        }
        match values.get(used) {
            Some(value) => one(&mut out, value, verb, &flags)?,
            None => out.push(&format!("%!{verb}(MISSING)"))?,
        }
        used += 1;
    }
    out.push(rest)?;
    if used < values.len() {
        out.push("%!(EXTRA ")?;
        between(&mut out, ", ", values[used..].iter(), typed)?;
        out.push(")")?;
    }
    Ok(out.done())
}

/// Widths and precisions beyond this are refused; Go has the same bound.
const MAX_WIDTH: usize = 1_000_000;
/// Most digits of a float: none has more that are not 0, and the standard library panics far beyond this.
const MAX_DIGITS: usize = 10_000;

fn flags(text: &str) -> Result<(Flags, &str), String> {
    let (mut flags, mut rest) = (Flags::default(), text);
    while let Some(c) = rest.chars().next().filter(|c| "-+ 0#".contains(*c)) {
        match c {
            '-' => flags.minus = true,
            '+' => flags.plus = true,
            ' ' => flags.space = true,
            '0' => flags.zero = true,
            _ => flags.sharp = true,
        }
        rest = &rest[1..];
    }
    (flags.width, rest) = digits(rest)?;
    if let Some(behind) = rest.strip_prefix('.') {
        let (precision, behind) = digits(behind)?;
        flags.precision = Some(precision.unwrap_or(0));
        rest = behind;
    }
    if rest.starts_with(['*', '[']) {
        return Err("widths and positions that are arguments are not supported".to_owned());
    }
    Ok((flags, rest))
}

fn digits(text: &str) -> Result<(Option<usize>, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = match &text[..end] {
        "" => None,
        digits => Some(digits.parse().ok().filter(|n| *n <= MAX_WIDTH).ok_or("the width is too large")?),
    };
    Ok((number, &text[end..]))
}

fn one(out: &mut Limited, value: &Value<'_>, verb: char, flags: &Flags) -> Result<(), String> {
    let zeros = flags.zero && !flags.minus;
    match (verb, value) {
        ('v' | 'd' | 'x' | 'X' | 'o' | 'b', Value::Int(n)) => {
            let digits = match verb {
                'x' => in_base(*n, 16),
                'X' => in_base(*n, 16).to_uppercase(),
                'o' => in_base(*n, 8),
                'b' => in_base(*n, 2),
                _ => n.to_string(),
            };
            padded(out, &signed(digits, flags), flags, zeros)
        }
        ('v', Value::Text(text)) if flags.sharp => padded(out, &text::quoted(text)?, flags, false),
        ('v' | 's', Value::Text(text)) => padded(out, cut(text, flags), flags, zeros),
        ('q', Value::Text(text)) => padded(out, &text::quoted(cut(text, flags))?, flags, false),
        ('x', Value::Text(text)) => padded(out, &hex(cut(text, flags))?, flags, false),
        ('X', Value::Text(text)) => padded(out, &hex(cut(text, flags))?.to_uppercase(), flags, false),
        ('v' | 'f' | 'F' | 'e' | 'g', Value::Float(n)) => float(out, (*n, false), verb, flags),
        ('v' | 'f' | 'F' | 'e' | 'g', Value::Single(n)) => float(out, (f64::from(*n), true), verb, flags),
        ('v', other) => padded(out, &plain(other)?, flags, false),
        ('c', Value::Int(n)) => {
            let c = u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            padded(out, &c.to_string(), flags, false)
        }
        ('t', Value::Bool(yes)) => padded(out, &yes.to_string(), flags, false),
        (_, Value::List(items)) if "sqdxX".contains(verb) => {
            out.push("[")?;
            between(out, " ", items.iter(), |out, item| one(out, item, verb, flags))?;
            out.push("]")
        }
        ('s', Value::Time(_)) => padded(out, &plain(value)?, flags, false),
        (verb, Value::Nil) => out.push(&format!("%!{verb}(<nil>)")),
        (verb, other) => {
            out.push(&format!("%!{verb}("))?;
            typed(out, other)?;
            out.push(")")
        }
    }
}

fn float(out: &mut Limited, (n, single): (f64, bool), verb: char, flags: &Flags) -> Result<(), String> {
    if flags.precision.is_some_and(|digits| digits > MAX_DIGITS) {
        return Err("the precision is too large".to_owned());
    }
    let verb = if verb == 'v' { 'g' } else { verb };
    let digits = signed(number::formatted(n, single, verb, flags.precision), flags);
    padded(out, &digits, flags, flags.zero && !flags.minus)
}

/// As many characters of a text as the precision allows.
fn cut<'t>(text: &'t str, flags: &Flags) -> &'t str {
    let end = flags.precision.and_then(|most| text.char_indices().nth(most));
    end.map_or(text, |(end, _)| &text[..end])
}

fn hex(text: &str) -> Result<String, String> {
    checked(text.len().saturating_mul(2))?;
    Ok(text.bytes().flat_map(|b| [b >> 4, b & 15]).map(|b| char::from(b"0123456789abcdef"[usize::from(b)])).collect())
}

fn in_base(number: i64, base: u64) -> String {
    let (mut left, mut digits) = (number.unsigned_abs(), Vec::new());
    loop {
        digits.push(b"0123456789abcdef"[(left % base) as usize]);
        left /= base;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push(b'-');
    }
    digits.iter().rev().map(|b| char::from(*b)).collect()
}

fn signed(digits: String, flags: &Flags) -> String {
    match digits.starts_with(['-', '+']) {
        false if flags.plus => format!("+{digits}"),
        false if flags.space => format!(" {digits}"),
        _ => digits,
    }
}

fn padded(out: &mut Limited, text: &str, flags: &Flags, zeros: bool) -> Result<(), String> {
    let missing = flags.width.map_or(0, |width| width.saturating_sub(text.chars().count()));
    if flags.minus {
        out.push(text)?;
        return out.push_times(" ", missing);
    }
    if !zeros {
        out.push_times(" ", missing)?;
        return out.push(text);
    }
    let sign = usize::from(missing > 0 && text.starts_with(['-', '+', ' ']));
    out.push(&text[..sign])?;
    out.push_times("0", missing)?;
    out.push(&text[sign..])
}

/// Adds a value with the name of its type.
fn typed(out: &mut Limited, value: &Value<'_>) -> Result<(), String> {
    if !matches!(value, Value::Nil) {
        out.push(value.kind())?;
        out.push("=")?;
    }
    write(out, value)
}
