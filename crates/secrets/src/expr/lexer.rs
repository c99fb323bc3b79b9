//! Text to tokens. Words such as `in` and `let` stay names here: the parser knows where they are operators.

use super::ExprError;

/// A token and the byte offset where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) at: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'t> {
    Name(&'t str),
    Symbol(&'static str),
    Int(i64),
    Float(f64),
    Text(String),
    End,
}

/// Symbols, longest first where one begins another.
const SYMBOLS: [&str; 33] = [
    "?.", "??", "..", "**", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ",", ";", ":", "?", "|",
    "%", "+", "-", "^", "!", "=", "*", "<", ">", "/", ".", "#",
];

/// All tokens of `text`, the last of kind [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ExprError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut out = Vec::new();
    loop {
        lexer.skip_blank()?;
        let at = lexer.at;
        let kind = lexer.token()?;
        let last = kind == Kind::End;
        out.push(Token { kind, at });
        if last {
            return Ok(out);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn error(&self, at: usize, message: impl Into<String>) -> ExprError {
        ExprError::at(self.text, at, message)
    }

    /// Passes white space and comments.
    fn skip_blank(&mut self) -> Result<(), ExprError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(self.error(self.at, "the comment is not closed; write `*/` at its end"));
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Kind<'t>, ExprError> {
        let rest = self.rest();
        match rest.chars().next() {
            None => Ok(Kind::End),
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Kind::Text),
            Some('`') => self.raw().map(Kind::Text),
            Some(c) if c.is_ascii_digit() => self.number(),
            Some('.') if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            Some(c) if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                self.at += end;
                Ok(Kind::Name(&rest[..end]))
            }
            Some(c) => match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                // `a?.5:1` is a choice of numbers, not a member.
                Some(&"?.") if rest[2..].starts_with(|c: char| c.is_ascii_digit()) => {
                    self.at += 1;
                    Ok(Kind::Symbol("?"))
                }
                Some(symbol) => {
                    self.at += symbol.len();
                    Ok(Kind::Symbol(symbol))
                }
                None => Err(self.error(self.at, format!("`{}` has no meaning here", c.escape_default()))),
            },
        }
    }

    /// Text between back quotes, where nothing is escaped but a doubled back quote.
    fn raw(&mut self) -> Result<String, ExprError> {
        let start = self.at;
        let mut out = String::new();
        loop {
            let inner = &self.text[self.at + 1..];
            let Some(end) = inner.find('`') else {
                return Err(self.error(start, "the string is not closed; write a back quote at its end"));
            };
            out.push_str(&inner[..end]);
            self.at += end + 2;
            if !self.rest().starts_with('`') {
                return Ok(out);
            }
            out.push('`');
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, ExprError> {
        let start = self.at;
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = self.rest();
            let plain = rest.find([quote, '\\', '\n']).unwrap_or(rest.len());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match rest[plain..].chars().next() {
                Some('\\') => out.push(self.escape()?),
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(out);
                }
                _ => return Err(self.error(start, format!("the string is not closed; write {quote} on the same line"))),
            }
        }
    }

    /// The character that an escape at the current place stands for.
    fn escape(&mut self) -> Result<char, ExprError> {
        let start = self.at;
        let rest = &self.rest()[1..];
        let letter = rest.chars().next().unwrap_or('\n');
        self.at += 1 + letter.len_utf8();
        let plain = match letter {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\\' | '\'' | '"' | '`' => letter,
            'x' | 'X' => return self.code_point(start, 2, 16),
            'u' => return self.code_point(start, 4, 16),
            'U' => return self.code_point(start, 8, 16),
            '0'..='3' => {
                self.at = start + 1;
                return self.code_point(start, 3, 8);
            }
            _ => return Err(self.error(start, "unknown escape; write `\\\\` for a backslash, or use back quotes")),
        };
        Ok(plain)
    }

    fn code_point(&mut self, start: usize, digits: usize, radix: u32) -> Result<char, ExprError> {
        let code = self
            .rest()
            .get(..digits)
            .filter(|text| text.bytes().all(|b| char::from(b).is_digit(radix)))
            .and_then(|text| u32::from_str_radix(text, radix).ok())
            .and_then(char::from_u32);
        self.at += digits;
        code.ok_or_else(|| self.error(start, format!("this escape needs {digits} digits of a character's number")))
    }

    fn number(&mut self) -> Result<Kind<'t>, ExprError> {
        let rest = self.rest();
        let radix = match rest.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => 16,
            Some("0o") => 8,
            Some("0b") => 2,
            _ => 10,
        };
        let end = if radix == 10 {
            decimal_end(rest)
        } else {
            2 + run(&rest[2..], |c| c.is_ascii_alphanumeric() || c == '_')
        };
        let digits = rest[..end].replace('_', "");
        let start = self.at;
        self.at += end;
        let value = match radix {
            10 if digits.contains(['.', 'e', 'E']) => {
                digits.parse().ok().filter(|f: &f64| f.is_finite()).map(Kind::Float)
            }
            10 => digits.parse().ok().map(Kind::Int),
            _ => i64::from_str_radix(&digits[2..], radix).ok().map(Kind::Int),
        };
        let glued = self.rest().starts_with(is_word);
        value.filter(|_| !glued).ok_or_else(|| self.error(start, "not a number, or one too large for 64 bits"))
    }
}

/// Length of a decimal number: digits, one point unless it begins `..`, an exponent.
fn decimal_end(text: &str) -> usize {
    let digit = |c: char| c.is_ascii_digit() || c == '_';
    let mut end = run(text, digit);
    if text[end..].starts_with('.') && !text[end..].starts_with("..") {
        end += 1 + run(&text[end + 1..], digit);
    }
    if text[end..].starts_with(['e', 'E']) {
        let signed = usize::from(text[end + 1..].starts_with(['+', '-']));
        end += 1 + signed + run(&text[end + 1 + signed..], digit);
    }
    end
}

fn run(text: &str, member: impl Fn(char) -> bool) -> usize {
    text.find(|c| !member(c)).unwrap_or(text.len())
}

fn is_word(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        tokens(text).unwrap_or_else(|e| panic!("{text}: {e}")).into_iter().map(|t| t.kind).collect()
    }

    #[test]
    fn literals() {
        for (text, expected) in [
            (r#""a\"b\n\x41\u00e4\101""#, Kind::Text("a\"b\nAäA".to_owned())),
            (r"'it\'s'", Kind::Text("it's".to_owned())),
            (r"`\d``x`", Kind::Text(r"\d`x".to_owned())),
            ("``", Kind::Text(String::new())),
            ("1_000", Kind::Int(1000)),
            ("0xff", Kind::Int(255)),
            ("0b101", Kind::Int(5)),
            ("0o17", Kind::Int(15)),
            ("1.5e3", Kind::Float(1500.0)),
            (".5", Kind::Float(0.5)),
            ("/* a */ x // b", Kind::Name("x")),
        ] {
            assert_eq!(kinds(text)[0], expected, "{text}");
        }
    }

    #[test]
    fn symbols_are_the_longest_there_are() {
        let symbols = ["a", "?.", "b", "??", "1", "..", "2"];
        let read: Vec<String> = kinds("a?.b??1..2")
            .into_iter()
            .filter_map(|kind| match kind {
                Kind::Name(name) => Some(name.to_owned()),
                Kind::Symbol(symbol) => Some(symbol.to_owned()),
                Kind::Int(number) => Some(number.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(read, symbols);
        assert_eq!(kinds("a?.5:1")[1], Kind::Symbol("?"));
    }

    #[test]
    fn errors_say_where() {
        for (text, line, column) in
            [("a\n  \"b", 2, 3), ("/*", 1, 1), ("`x", 1, 1), ("\"\\q\"", 1, 2), ("9x", 1, 1), ("ä @", 1, 3)]
        {
            let error = tokens(text).expect_err(text);
            assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
        }
    }
}
