//! Values written as Go's `fmt` writes them: `%v`, and the verbs of `printf`.

use super::{
    MAX_OUTPUT, number, text,
    value::{FIELDS, Value, field},
};

/// A value as an action writes it.
pub(super) fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Nil => "<no value>".to_owned(),
        other => plain(other),
    }
}

/// A value as `%v` writes it.
pub(super) fn plain(value: &Value<'_>) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number::shortest(*number, false),
        Value::Single(number) => number::shortest(f64::from(*number), true),
        Value::Text(text) => text.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(items) => {
            let items: Vec<String> = items.iter().map(|(key, item)| format!("{key}:{}", plain(item))).collect();
            format!("map[{}]", items.join(" "))
        }
        Value::Finding(finding) => {
            // In the order of Go's fields: the line stands before the match.
            let fields = FIELDS[..6].iter().chain(["Line"].iter()).chain(FIELDS[6..].iter());
            let fields: Vec<String> = fields.filter_map(|name| Some(plain(&field(finding, name)?))).collect();
            format!("{{{} <nil> []}}", fields.join(" "))
        }
        Value::Time(seconds) => super::time::formatted("2006-01-02 15:04:05 -0700 MST", *seconds),
    }
}

/// Values with spaces between those of which neither is a text (`fmt.Sprint`).
pub(super) fn joined(values: &[Value<'_>]) -> String {
    let mut out = String::new();
    for (at, value) in values.iter().enumerate() {
        let text = |value: &Value<'_>| matches!(value, Value::Text(_));
        if at > 0 && !text(value) && !text(&values[at - 1]) {
            out.push(' ');
        }
        out.push_str(&plain(value));
    }
    out
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
    let (mut out, mut rest, mut used) = (String::new(), format, 0);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (flags, behind) = flags(&rest[at + 1..])?;
        let Some(verb) = behind.chars().next() else {
            out.push_str("%!(NOVERB)");
            rest = "";
            break;
        };
        rest = &behind[verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        match values.get(used) {
            Some(value) => out.push_str(&one(value, verb, &flags)),
            None => out.push_str(&format!("%!{verb}(MISSING)")),
        }
        used += 1;
        if out.len() > MAX_OUTPUT {
            return Err("the text is too long".to_owned());
        }
    }
    out.push_str(rest);
    if used < values.len() {
        let extra: Vec<String> = values[used..].iter().map(typed).collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(out)
}

/// Widths and precisions beyond this are refused; Go has the same bound.
const MAX_WIDTH: usize = 1_000_000;

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

fn one(value: &Value<'_>, verb: char, flags: &Flags) -> String {
    let number = |digits: String| padded(&signed(digits, flags), flags, flags.zero && !flags.minus);
    let cut = |text: &str| match flags.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    };
    let hex = |text: &str| -> String { text.bytes().map(|b| format!("{b:02x}")).collect() };
    match (verb, value) {
        ('v', Value::Int(n)) | ('d', Value::Int(n)) => number(n.to_string()),
        ('v', Value::Text(text)) if flags.sharp => padded(&text::quoted(text), flags, false),
        ('v', Value::Text(text)) | ('s', Value::Text(text)) => padded(&cut(text), flags, flags.zero && !flags.minus),
        ('v', Value::Float(n)) => number(number::formatted(*n, false, 'g', flags.precision)),
        ('v', Value::Single(n)) => number(number::formatted(f64::from(*n), true, 'g', flags.precision)),
        ('v', other) => padded(&plain(other), flags, false),
        ('q', Value::Text(text)) => padded(&text::quoted(&cut(text)), flags, false),
        ('x', Value::Text(text)) => padded(&hex(&cut(text)), flags, false),
        ('X', Value::Text(text)) => padded(&hex(&cut(text)).to_uppercase(), flags, false),
        ('x', Value::Int(n)) => number(in_base(*n, 16)),
        ('X', Value::Int(n)) => number(in_base(*n, 16).to_uppercase()),
        ('o', Value::Int(n)) => number(in_base(*n, 8)),
        ('b', Value::Int(n)) => number(in_base(*n, 2)),
        ('c', Value::Int(n)) => {
            let c = u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            padded(&c.to_string(), flags, false)
        }
        ('t', Value::Bool(yes)) => padded(&yes.to_string(), flags, false),
        ('f' | 'F' | 'e' | 'g', Value::Float(n)) => number(number::formatted(*n, false, verb, flags.precision)),
        ('f' | 'F' | 'e' | 'g', Value::Single(n)) => {
            number(number::formatted(f64::from(*n), true, verb, flags.precision))
        }
        (_, Value::List(items)) if "sqdxX".contains(verb) => {
            let items: Vec<String> = items.iter().map(|item| one(item, verb, flags)).collect();
            format!("[{}]", items.join(" "))
        }
        ('s', Value::Time(_)) => padded(&plain(value), flags, false),
        (verb, Value::Nil) => format!("%!{verb}(<nil>)"),
        (verb, other) => format!("%!{verb}({})", typed(other)),
    }
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

fn padded(text: &str, flags: &Flags, zeros: bool) -> String {
    let Some(missing) = flags.width.and_then(|width| width.checked_sub(text.chars().count())) else {
        return text.to_owned();
    };
    if flags.minus {
        return text.to_owned() + &" ".repeat(missing);
    }
    if !zeros {
        return " ".repeat(missing) + text;
    }
    let sign = usize::from(text.starts_with(['-', '+', ' ']));
    format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
}

/// A value with the name of its type.
fn typed(value: &Value<'_>) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        other => format!("{}={}", other.kind(), plain(other)),
    }
}
