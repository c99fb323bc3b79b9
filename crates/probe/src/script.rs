//! Just enough of JavaScript to tell code from texts and comments (ECMAScript, section 12): does a name that was put into a
//! script stand where it is run?

/// Whether `name` is called somewhere in the code, that is outside of strings, comments, regular expressions, and the texts
/// of templates.
#[must_use]
pub fn calls(code: &str, name: &str) -> bool {
    let mut scanner = Scanner { bytes: code.as_bytes(), at: 0, before: b' ', templates: Vec::new() };
    while scanner.at < scanner.bytes.len() {
        if scanner.is_call(name.as_bytes()) {
            return true;
        }
        scanner.step();
    }
    false
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The last byte of code that is no space.
    before: u8,
    /// Open braces within each `${` that is open.
    templates: Vec<usize>,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is_call(&self, name: &[u8]) -> bool {
        let rest = &self.bytes[self.at..];
        let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
        let free = self.at == 0 || !part(self.bytes[self.at - 1]);
        free && rest.starts_with(name) && rest[name.len()..].first() == Some(&b'(')
    }

    /// One step in code.
    fn step(&mut self) {
        let byte = self.peek(0);
        match (byte, self.peek(1)) {
            (b'"' | b'\'', _) => self.string(byte),
            (b'`', _) => {
                self.at += 1;
                self.template();
            }
            (b'/', b'/') => self.skip_past(b"\n"),
            (b'/', b'*') => self.skip_past(b"*/"),
            (b'/', _) if self.begins_expression() => self.expression(),
            (b'}', _) if self.templates.last() == Some(&0) => {
                self.templates.pop();
                self.at += 1;
                self.template();
            }
            _ => {
                if let Some(open) = self.templates.last_mut() {
                    *open = match byte {
                        b'{' => *open + 1,
                        b'}' => open.saturating_sub(1),
                        _ => *open,
                    };
                }
                self.at += 1;
                if !byte.is_ascii_whitespace() {
                    self.before = byte;
                }
                return;
            }
        }
        // Whatever was passed over is a value: a slash behind it divides.
        self.before = b')';
    }

    /// A string ends at its mark, or at the end of the line, where the script is broken and does not run at all.
    fn string(&mut self, mark: u8) {
        self.at += 1;
        loop {
            match self.peek(0) {
                0 if self.at >= self.bytes.len() => return,
                b'\\' => self.at += 2,
                b'\n' => {
                    self.at = self.bytes.len();
                    return;
                }
                byte => {
                    self.at += 1;
                    if byte == mark {
                        return;
                    }
                }
            }
        }
    }

    /// The text of a template, up to its end or to code within it.
    fn template(&mut self) {
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'\\', _) => self.at += 2,
                (b'`', _) => {
                    self.at += 1;
                    return;
                }
                (b'$', b'{') => {
                    self.at += 2;
                    self.templates.push(0);
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    fn skip_past(&mut self, mark: &[u8]) {
        let rest = &self.bytes[self.at..];
        let found = rest.windows(mark.len()).skip(2).position(|window| window == mark);
        self.at = found.map_or(self.bytes.len(), |at| self.at + 2 + at + mark.len());
    }

    /// Whether a slash begins a regular expression: it does where a value may begin.
    fn begins_expression(&self) -> bool {
        matches!(
            self.before,
            b' ' | b'(' | b',' | b'=' | b':' | b'[' | b'!' | b'&' | b'|' | b'?' | b'{' | b'}' | b';' | b'+'
        )
    }

    fn expression(&mut self) {
        let mut class = false;
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'\n' => return,
                b'/' if !class => {
                    self.at += 1;
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_where_it_is_code() {
        for (code, called) in [
            ("tq()", true),
            ("x=1;tq()", true),
            ("var a='tq()'", false),
            ("var a=''-tq()-''", true),
            (r"var a='\'-tq()-\''", false),
            (r#"var a="\\"-tq()-"""#, true),
            ("var a=\"'-tq()-'\"", false),
            ("// tq()\nx", false),
            ("/* tq() */", false),
            ("/* */tq()", true),
            ("a=`tq()`", false),
            ("a=`${tq()}`", true),
            ("a=`${{b:1}.b}tq()`", false),
            (r"a=`\${tq()}`", false),
            ("a=/'/;b='tq()'", false),
            ("a=/[/']/.test(x);tq()", true),
            ("a=1/2;b='/tq()'", false),
            ("xtq()", false),
            ("tq", false),
            ("'open\ntq()", false),
            ("", false),
        ] {
            assert_eq!(calls(code, "tq"), called, "{code}");
        }
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        let parts = ["'", "\"", "`", "${", "}", "{", "/", "*", "\\", "\n", "tq()", "a", "[", "]", "é"];
        let mut seed = 5_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let code: String = (0..next(16)).map(|_| parts[next(parts.len())]).collect();
            assert!(!calls(&code, "tq") || code.contains("tq("), "{code}");
        }
    }
}
