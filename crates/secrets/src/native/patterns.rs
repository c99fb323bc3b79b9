//! Expressions that bring candidates to the classifier, and how a match is read.

use std::ops::Range;

use super::classify::{Assignment, Quoting, Syntax};
use crate::engine::Pattern;

/// A form in which values are given names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `name = value` and its kin; the last group is the value.
    Assign,
    /// `<name>value</name>`.
    Element,
    /// `key="name" value="value"`.
    Attribute,
    /// `setName("value")`.
    Call,
    /// `IDENTIFIED BY 'value'`, `PASSWORD 'value'`.
    Sql,
    /// A literal behind `?:`, `||`, `??` or a comma.
    Default,
    /// White space instead of an operator.
    Space,
    /// A name and its value as two fields.
    Pair,
    /// Base64 of a gzip or zlib stream, to be looked into.
    Packed,
    /// Holds no value itself: says that a reader of structured files has something to do.
    Marker,
}

macro_rules! words {
    () => {
        "(?:pass|pwd|_pw|psk|secret|token|key|auth|cred|salt|kennwort|senha|contrase)"
    };
}

/// The forms with their expressions, in the order in which the engine numbers them.
pub(super) const FORMS: &[(Form, &str)] = &[
    (
        Form::Assign,
        concat!(
            r"(?i)[\w.\-/]{0,40}?",
            words!(),
            r#"[\w.\-]{0,40}(?:\\?["'`]|\]|\)){0,3}[ \t]{0,24}(?:=>|:=|->|={1,3}|:[ \t]{0,4}[&a-z][\w<>\[\]?.|&' ]{0,30}=|:|,)[ \t]{0,24}"#,
            r#"(?:(?:\[\]byte|bytes?|new [\w.]{1,30}|[\w.]{0,30}(?:decode|encode|base64string|buffer\.from|decodestring|getbytes|string))\([ \t]{0,4})?"#,
            r#"((?:[brufl@$]{1,2})?\\?"[^"\r\n]{1,300}"|(?:[brufl]{1,2})?\\?'[^'\r\n]{1,300}'|`[^`\r\n]{1,300}`|[^\s"'`,;<>(){}\[\]=][^\s"'`,;<>]{2,300})"#
        ),
    ),
    (
        Form::Element,
        concat!(
            r"(?i)[\w.:\-<]{0,31}?",
            words!(),
            r#"[\w.\-]{0,30}(?:[ \t][^<>\r\n]{0,80})?>[ \t]{0,4}([^<>\s][^<>\r\n]{1,200})</"#
        ),
    ),
    (
        Form::Attribute,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]{0,40}["'][ \t]{1,10}(?:[\w:]{1,20}="[^"\r\n]{0,60}"[ \t]{1,10}){0,3}value[ \t]{0,3}=[ \t]{0,3}("[^"\r\n]{1,300}"|'[^'\r\n]{1,300}')"#
        ),
    ),
    (
        Form::Call,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w]{0,30}\([ \t]{0,4}("[^"\r\n]{1,300}"|'[^'\r\n]{1,300}')[ \t]{0,4}\)"#
        ),
    ),
    (Form::Sql, r"(?i)(?:identified[ \t]{1,4}by|password)[ \t]{1,4}('[^'\r\n]{1,100}')"),
    // The value that is used where nothing is configured.
    (
        Form::Default,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]{0,40}["'\]]{0,2}[ \t]{0,12}(?:=>|:=|=|:)[ \t]{0,4}(?:[\w.:\[\]()'"$>\-]{3,80}(?:[ \t]{0,4}(?:\?:|\|\||\?\?)|[ \t]{1,4}or)|[\w.]{2,40}\([^()\r\n]{1,60},)[ \t]{0,4}("[^"\r\n]{1,200}"|'[^'\r\n]{1,200}')"#
        ),
    ),
    // `#define NAME "value"` and settings whose names and values are separated by white space.
    (
        Form::Space,
        concat!(r"(?i)[\w.\-]{0,40}?", words!(), r#"[\w.\-]{0,40}[ \t]{1,24}("[^"\r\n]{1,200}"|'[^'\r\n]{1,200}')"#),
    ),
    // `name: NAME` on one line and `value: value` on the next, or both in one element.
    (
        Form::Pair,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]{0,40}["']?,?[ \t]{0,4}(?:\r?\n[ \t]{0,40})?["']?value["']?[ \t]{0,4}[:=][ \t]{0,4}("[^"\r\n]{1,300}"|'[^'\r\n]{1,300}'|[^\s"'`,;<>(){}\[\]=][^\s"'`,;<>]{2,300})"#
        ),
    ),
    // The first bytes of a gzip or zlib stream in base64.
    (Form::Packed, r"(?:H4sI|eJ[wxyz]|eN[opqr]|eA[EFGH]|eF[4567])[0-9A-Za-z+/_\-]{20,}={0,2}"),
    (Form::Marker, r#"kind"?[ \t]{0,4}:[ \t]{0,4}"?Secret\b"#),
];

/// Words of which one must be in the text.
pub(super) const KEYWORDS: &[&str] = &[
    "pass",
    "pwd",
    "_pw",
    "psk",
    "secret",
    "token",
    "key",
    "auth",
    "cred",
    "salt",
    "kennwort",
    "senha",
    "contrase",
    "identified",
    "kind",
    "h4si",
    "ejw",
    "ejx",
    "ejy",
    "ejz",
    "eno",
    "enp",
    "enq",
    "enr",
    "eae",
    "eaf",
    "eag",
    "eah",
    "ef4",
    "ef5",
    "ef6",
    "ef7",
];

/// A value with its name, located in the text.
#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) assignment: Assignment<'a>,
    pub(super) range: Range<usize>,
    /// Whether the form alone is a weak sign.
    pub(super) doubtful: bool,
    /// Whether name and value are only neighbours in a list.
    pub(super) listed: bool,
}

/// Reads a match of a form. `start..end` is the match in `text`.
pub(super) fn read<'a>(
    text: &'a [u8],
    found: Range<usize>,
    form: Form,
    pattern: &Pattern,
    syntax: Syntax,
) -> Option<Named<'a>> {
    let matched = &text[found.clone()];
    let groups = pattern.captures(matched)?;
    let value = groups.get(1)?.clone()?;
    let head = std::str::from_utf8(&matched[..value.start]).ok()?;
    let (value, quoted) = unquote(matched, value);
    // Where the form says that something is a value, quotes need not.
    let quoted =
        if matches!(form, Form::Element | Form::Attribute | Form::Call | Form::Sql) { Quoting::Quoted } else { quoted };
    let range = found.start + value.start..found.start + value.end;
    let name = name(head, form)?;
    let value = std::str::from_utf8(text.get(range.clone())?).ok()?;
    let comma = head.trim_end_matches([' ', '\t', '"', '\'', '`', '\\']).ends_with(',');
    let listed = form == Form::Assign && comma && !follows_bracket(text, found.start);
    let doubtful = comma || matches!(form, Form::Call | Form::Default | Form::Space);
    Some(Named { assignment: Assignment { name, value, quoted, syntax }, range, doubtful, listed })
}

/// The value's range without its quotes (escaped ones too), or without what ends a bare word.
fn unquote(matched: &[u8], mut range: Range<usize>) -> (Range<usize>, Quoting) {
    // The letters before a literal (`b"..."`) are part of the match and not of the value.
    let letters = matched[range.clone()]
        .iter()
        .take(2)
        .take_while(|b| matches!(b.to_ascii_lowercase(), b'b' | b'r' | b'u' | b'f' | b'l' | b'@' | b'$'))
        .count();
    if matches!(matched.get(range.start + letters), Some(b'"' | b'\'' | b'\\')) {
        range.start += letters;
    }
    let escaped = matched[range.start] == b'\\';
    let open = range.start + usize::from(escaped);
    if !matches!(matched.get(open), Some(b'"' | b'\'' | b'`')) {
        while range.end > range.start
            && matches!(matched[range.end - 1], b')' | b']' | b'}' | b'\\' | b'.' | b'|' | b':')
        {
            range.end -= 1;
        }
        return (range, Quoting::Bare);
    }
    range.start = open + 1;
    range.end -= 1;
    // A value in an escaped literal ends at the escape, not at the outer quote.
    if let Some(escape) = matched[range.clone()].iter().position(|b| *b == b'\\').filter(|_| escaped) {
        range.end = range.start + escape;
    }
    (range, Quoting::Quoted)
}

/// Whether an argument list begins before a name: `put("password", ...` and not `["password", ...`.
fn follows_bracket(text: &[u8], start: usize) -> bool {
    let before = text[..start].iter().rev().take(8).find(|b| !matches!(b, b'"' | b'\'' | b'`' | b' ' | b'\\'));
    before == Some(&b'(')
}

/// The name in front of a value.
fn name(head: &str, form: Form) -> Option<&str> {
    let member = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let head = head.trim_start_matches(['<', ':', '.', '-', '/']);
    let end = head.find(|c: char| !member(c)).unwrap_or(head.len());
    let (name, rest) = head.split_at(end);
    // `ns:password` of an element, where the first part is a name space.
    let (name, rest) = match rest.strip_prefix(':').filter(|_| form == Form::Element) {
        Some(local) => local.split_at(local.find(|c: char| !member(c)).unwrap_or(local.len())),
        None => (name, rest),
    };
    let separator = rest.trim_start_matches(['"', '\'', '`', ']', ')', '\\', ' ', '\t']);
    match form {
        // A comma separates a name from its value only where the name is a literal, as in `put("password", "x")`.
        Form::Assign if separator.starts_with(',') => {
            let constant = name.len() > 4 && !name.bytes().any(|b| b.is_ascii_lowercase());
            (constant && rest.trim_start().starts_with(',') || rest.starts_with(['"', '\'', '`', '\\'])).then_some(name)
        }
        Form::Call => {
            let lower = name.to_ascii_lowercase();
            let last = lower.rsplit('.').next().unwrap_or(&lower);
            (last.starts_with("set")
                || last.starts_with("with")
                || matches!(last, "password" | "secret" | "token" | "apikey" | "passwd"))
            .then_some(name)
        }
        Form::Sql => Some("password"),
        Form::Marker | Form::Packed => None,
        Form::Assign | Form::Element | Form::Attribute | Form::Default | Form::Space | Form::Pair => Some(name),
    }
}
