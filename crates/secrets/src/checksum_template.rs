//! The templates in which Kingfisher's rules say how a checksum is computed: texts with `{{ value | filter: argument }}`.
//!
//! Only what computes a checksum is read. Tags, and filters that ask a clock or sign requests, are refused when the
//! template is read, so a rule never loses findings to a template that cannot be computed.

use sha2::{Digest as _, Sha256};
use testudo_model::hex;

use crate::{
    base32,
    base64::{self, STANDARD, URL},
    checksum::{BASE36, BASE62, crc32, in_base},
};

/// Longest template in bytes.
const MAX_TEMPLATE: usize = 4096;
/// Most filters behind one value.
const MAX_FILTERS: usize = 32;
/// Largest count or width that a filter takes.
const MAX_COUNT: usize = 4096;

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Longer than is reasonable.
    #[error("the template is longer than {MAX_TEMPLATE} bytes")]
    TooLong,
    /// `{% ... %}`.
    #[error("tags (`{{% ... %}}`) are not computed")]
    Tag,
    /// `{{` without an end, an empty value, or text that is none.
    #[error("`{0}` is not of the form `value | filter: argument`")]
    Form(String),
    /// A filter that is not known.
    #[error("filter `{0}` is not computed")]
    Filter(String),
}

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Operand, Vec<(Filter, Vec<Operand>)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    Literal(String),
    Name(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Append,
    Prepend,
    Downcase,
    Upcase,
    Strip,
    Replace,
    Remove,
    Prefix,
    Suffix,
    LstripChars,
    Crc32,
    Crc32Dec,
    Crc32Hex,
    Crc32LeB64,
    Base62,
    Base36,
    Sha256,
    Sha256B32,
    B64Enc,
    B64UrlEnc,
}

const FILTERS: [(&str, Filter); 20] = [
    ("append", Filter::Append),
    ("prepend", Filter::Prepend),
    ("downcase", Filter::Downcase),
    ("upcase", Filter::Upcase),
    ("strip", Filter::Strip),
    ("replace", Filter::Replace),
    ("remove", Filter::Remove),
    ("prefix", Filter::Prefix),
    ("suffix", Filter::Suffix),
    ("lstrip_chars", Filter::LstripChars),
    ("crc32", Filter::Crc32),
    ("crc32_dec", Filter::Crc32Dec),
    ("crc32_hex", Filter::Crc32Hex),
    ("crc32_le_b64", Filter::Crc32LeB64),
    ("base62", Filter::Base62),
    ("base36", Filter::Base36),
    ("sha256", Filter::Sha256),
    ("sha256_b32", Filter::Sha256B32),
    ("b64enc", Filter::B64Enc),
    ("b64url_enc", Filter::B64UrlEnc),
];

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It holds something that is not computed here.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        if source.len() > MAX_TEMPLATE {
            return Err(TemplateError::TooLong);
        }
        if source.contains("{%") {
            return Err(TemplateError::Tag);
        }
        let (mut parts, mut rest) = (Vec::new(), source);
        while let Some(open) = rest.find("{{") {
            parts.push(Part::Text(rest[..open].to_owned()));
            let (inner, after) =
                rest[open + 2..].split_once("}}").ok_or_else(|| TemplateError::Form(rest[open..].to_owned()))?;
            parts.push(value(inner)?);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self { parts })
    }

    /// The text with every value computed; none where a name has no value or an argument is missing.
    #[must_use]
    pub fn render(&self, names: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(operand, filters) => {
                    let mut value = operand.value(names)?;
                    for (filter, arguments) in filters {
                        let arguments: Option<Vec<String>> = arguments.iter().map(|a| a.value(names)).collect();
                        value = apply(*filter, &value, &arguments?)?;
                    }
                    out.push_str(&value);
                }
            }
        }
        Some(out)
    }
}

impl Operand {
    fn value(&self, names: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        match self {
            Self::Literal(text) => Some(text.clone()),
            Self::Name(name) => names(name),
        }
    }
}

fn value(inner: &str) -> Result<Part, TemplateError> {
    let wrong = || TemplateError::Form(inner.trim().to_owned());
    // Whitespace control: `{{- x -}}`.
    let trimmed = inner.strip_prefix('-').unwrap_or(inner);
    let trimmed = trimmed.strip_suffix('-').unwrap_or(trimmed);
    let mut pieces = split_outside_quotes(trimmed, '|').into_iter();
    let operand = operand(pieces.next().unwrap_or_default()).ok_or_else(wrong)?;
    let mut filters = Vec::new();
    for piece in pieces {
        let (name, arguments) = piece.split_once(':').unwrap_or((piece, ""));
        let name = name.trim();
        let filter = FILTERS.iter().find(|(known, _)| *known == name);
        let (_, filter) = filter.ok_or_else(|| TemplateError::Filter(name.to_owned()))?;
        let given = if arguments.trim().is_empty() { Vec::new() } else { split_outside_quotes(arguments, ',') };
        let arguments: Option<Vec<Operand>> = given.into_iter().map(self::operand).collect();
        filters.push((*filter, arguments.ok_or_else(wrong)?));
    }
    if filters.len() > MAX_FILTERS { Err(wrong()) } else { Ok(Part::Value(operand, filters)) }
}

fn operand(text: &str) -> Option<Operand> {
    let text = text.trim();
    let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote));
    if let Some(inner) = quoted('"').or_else(|| quoted('\'')) {
        return Some(Operand::Literal(inner.to_owned()));
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Operand::Literal(text.to_owned()));
    }
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| Operand::Name(text.to_owned()))
}

fn split_outside_quotes(text: &str, at: char) -> Vec<&str> {
    let (mut out, mut start, mut quote) = (Vec::new(), 0, None);
    for (offset, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, _) if c == at => {
                out.push(&text[start..offset]);
                start = offset + c.len_utf8();
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

/// One filter. None where it lacks an argument that it cannot do without.
fn apply(filter: Filter, value: &str, arguments: &[String]) -> Option<String> {
    let first = arguments.first();
    let count = || first.and_then(|a| a.parse::<usize>().ok()).map(|n| n.min(MAX_COUNT));
    let length = value.chars().count();
    let number = || value.parse::<u64>().unwrap_or(0);
    Some(match filter {
        Filter::Append => format!("{value}{}", first?),
        Filter::Prepend => format!("{}{value}", first?),
        Filter::Downcase => value.to_lowercase(),
        Filter::Upcase => value.to_uppercase(),
        Filter::Strip => value.trim().to_owned(),
        Filter::Replace => value.replace(first?.as_str(), arguments.get(1)?),
        Filter::Remove => value.replace(first?.as_str(), ""),
        Filter::Prefix => value.chars().take(count().unwrap_or(length)).collect(),
        Filter::Suffix => value.chars().skip(length.saturating_sub(count().unwrap_or(length))).collect(),
        Filter::LstripChars => {
            let characters = first?;
            value.trim_start_matches(|c| characters.contains(c)).to_owned()
        }
        Filter::Crc32 => crc32(value.as_bytes()).to_string(),
        Filter::Crc32Dec => last_digits(&crc32(value.as_bytes()).to_string(), count().unwrap_or(0)),
        Filter::Crc32Hex => last_digits(&format!("{:08x}", crc32(value.as_bytes())), count().unwrap_or(0)),
        Filter::Crc32LeB64 => {
            let text = base64::encode(&crc32(value.as_bytes()).to_le_bytes(), STANDARD);
            text.chars().take(count().unwrap_or(usize::MAX)).collect()
        }
        Filter::Base62 => in_base(number(), BASE62, count().unwrap_or(1).max(1)),
        Filter::Base36 => in_base(number(), BASE36, count().unwrap_or(1).max(1)),
        Filter::Sha256 => hex(&Sha256::digest(value)),
        Filter::Sha256B32 => {
            let text = base32::encode(&Sha256::digest(value));
            let width = count().unwrap_or(text.len());
            text.chars().chain(std::iter::repeat('=')).take(width).collect()
        }
        Filter::B64Enc => base64::encode(value.as_bytes(), STANDARD),
        Filter::B64UrlEnc => base64::encode(value.as_bytes(), URL).trim_end_matches('=').to_owned(),
    })
}

/// The last digits of a number, with zeros in front where it has fewer; all of it for 0.
fn last_digits(number: &str, digits: usize) -> String {
    let digits = digits.min(38);
    if digits == 0 {
        number.to_owned()
    } else {
        format!("{:0>digits$}", &number[number.len().saturating_sub(digits)..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str) -> Option<String> {
        let names = |name: &str| (name == "BODY").then(|| "hello".to_owned());
        Template::parse(source).unwrap_or_else(|e| panic!("{source}: {e}")).render(&names)
    }

    #[test]
    fn filters_compute_what_their_names_say() {
        for (source, expected) in [
            ("plain", "plain"),
            ("<{{ BODY }}>", "<hello>"),
            ("{{BODY|upcase}}", "HELLO"),
            ("{{ BODY | prefix: 2 }}-{{ BODY | suffix: 3 }}", "he-llo"),
            ("{{ 'a|b' | append: \"}x\" | prepend: BODY }}", "helloa|b}x"),
            ("{{ BODY | crc32 }}", "907060870"),
            ("{{ BODY | crc32 | base62 }}", "zNvy2"),
            ("{{ BODY | crc32 | base62: 6 }}", "0zNvy2"),
            ("{{ 123456 | base36: 6 }}", "002n9c"),
            ("{{ 0 | base36 }}", "0"),
            ("{{ BODY | crc32_dec: 6 }}", "060870"),
            ("{{ BODY | crc32_hex }}", "3610a686"),
            ("{{ BODY | crc32_hex: 4 }}", "a686"),
            ("{{ BODY | crc32_hex: 10 }}", "003610a686"),
            ("{{ BODY | crc32_le_b64: 6 }}", "hqYQNg"),
            ("{{ BODY | sha256_b32: 4 }}", "FTZE"),
            ("{{ BODY | sha256 | prefix: 8 }}", "2cf24dba"),
            ("{{ BODY | b64enc }}", "aGVsbG8="),
            ("{{ BODY | b64url_enc }}", "aGVsbG8"),
            ("{{ BODY | replace: \"l\", \"L\" | remove: 'o' | lstrip_chars: 'eh' }}", "LL"),
        ] {
            assert_eq!(render(source).as_deref(), Some(expected), "{source}");
        }
        assert_eq!(render("{{ OTHER }}"), None);
        assert_eq!(render("{{ BODY | append }}"), None);
    }

    #[test]
    fn what_is_not_computed_is_refused() {
        for (source, expected) in [
            ("{% if x %}", "tags (`{% ... %}`) are not computed"),
            ("{{ BODY", "`{{ BODY` is not of the form `value | filter: argument`"),
            ("{{ }}", "`` is not of the form `value | filter: argument`"),
            ("{{ a.b }}", "`a.b` is not of the form `value | filter: argument`"),
            ("{{ BODY | uuid }}", "filter `uuid` is not computed"),
        ] {
            assert_eq!(Template::parse(source).unwrap_err().to_string(), expected);
        }
    }

    /// Any text is refused or read, and what is read is computed in bounds, the same twice.
    #[test]
    fn any_text_ends() {
        const PIECES: [&str; 12] =
            ["{{", "}}", "|", ":", "BODY", "'", "\"", "é", " base62", " suffix", "99999999999999999999", ", "];
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(PIECES[(seed >> 33) as usize % PIECES.len()]);
            }
            if let Ok(template) = Template::parse(&text) {
                let names = |_: &str| Some("ä".to_owned());
                let first = template.render(&names);
                assert_eq!(first, template.render(&names));
                assert!(first.is_none_or(|out| out.len() < 1 << 16), "{text}");
            }
        }
    }
}
