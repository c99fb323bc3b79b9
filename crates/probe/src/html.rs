//! A reader of HTML as far as a browser's tokenizer matters here (HTML standard, section 13.2.5): where tags, attributes,
//! comments and texts begin and end. It never fails: like a browser it makes something of any text.

/// Most tokens of one page.
pub const MAX_TOKENS: usize = 100_000;
/// Most attributes of one tag that are kept.
pub const MAX_ATTRIBUTES: usize = 200;

/// Elements whose content is text, whatever it looks like.
const RAW: &[&str] = &["iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"];

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A tag that opens an element.
    Start(Tag),
    /// A tag that closes one; its name in lower case.
    End(String),
    /// Text, with its entities undone.
    Text(String),
    /// The content of an element that holds nothing but text, as it stands.
    Raw {
        /// The element.
        tag: Tag,
        /// Its content.
        text: String,
    },
    /// A comment, and what is read like one.
    Comment(String),
}

/// A tag with its attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// Its name in lower case.
    pub name: String,
    /// Names in lower case and values with their entities undone; the first of a name counts.
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// The pieces of a page, in order.
#[must_use]
pub fn tokens(page: &str) -> Vec<Token> {
    let mut reader = Reader { page, at: 0, tokens: Vec::new() };
    while reader.at < page.len() && reader.tokens.len() < MAX_TOKENS {
        reader.step();
    }
    reader.tokens
}

struct Reader<'a> {
    page: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.page[self.at..]
    }

    fn step(&mut self) {
        let rest = self.rest();
        let second = rest.strip_prefix('<').and_then(|after| after.chars().next());
        match second {
            Some(c) if c.is_ascii_alphabetic() => self.start(),
            Some('/') if rest[2..].starts_with(|c: char| c.is_ascii_alphabetic()) => self.end(),
            Some('!') if rest.starts_with("<!--") => self.comment(),
            Some('!' | '?' | '/') => self.until('>'),
            _ => self.text(),
        }
    }

    /// Text up to what may be a tag; a `<` that begins none is text.
    fn text(&mut self) {
        let rest = self.rest();
        let skip = rest.chars().next().map_or(1, char::len_utf8);
        let end = rest[skip..].find('<').map_or(rest.len(), |at| at + skip);
        self.at += end;
        self.tokens.push(Token::Text(unescape(&rest[..end])));
    }

    /// A comment ends at `-->`, `--!>`, or at once where it begins with `>` or `->`.
    fn comment(&mut self) {
        let body = &self.rest()[4..];
        let (end, length) = if body.starts_with('>') {
            (0, 1)
        } else if body.starts_with("->") {
            (0, 2)
        } else {
            // The rarer mark is looked for within the comment only: a page of nothing but comments is read once.
            let end = body.find("-->");
            let rare = body[..end.unwrap_or(body.len())].find("--!>");
            rare.map(|at| (at, 4)).or(end.map(|at| (at, 3))).unwrap_or((body.len(), 0))
        };
        self.at += 4 + end + length;
        self.tokens.push(Token::Comment(body[..end].to_owned()));
    }

    fn until(&mut self, mark: char) {
        let rest = self.rest();
        let end = rest.find(mark).map_or(rest.len(), |at| at + mark.len_utf8());
        self.at += end;
        self.tokens.push(Token::Comment(rest[..end].to_owned()));
    }

    fn end(&mut self) {
        self.at += 2;
        match self.tag() {
            Some(tag) => self.tokens.push(Token::End(tag.name)),
            None => self.at = self.page.len(),
        }
    }

    fn start(&mut self) {
        self.at += 1;
        let Some(tag) = self.tag() else {
            // A tag without an end is thrown away, and the page with it.
            self.at = self.page.len();
            return;
        };
        if !RAW.contains(&tag.name.as_str()) {
            return self.tokens.push(Token::Start(tag));
        }
        let rest = self.rest();
        let end = raw_end(rest, &tag.name);
        self.at += end;
        self.tokens.push(Token::Start(tag.clone()));
        self.tokens.push(Token::Raw { tag, text: rest[..end].to_owned() });
    }

    /// Name and attributes up to the `>`; none where the page ends before it.
    fn tag(&mut self) -> Option<Tag> {
        let rest = self.rest();
        let end = rest.find(|c: char| is_space(c) || c == '/' || c == '>').unwrap_or(rest.len());
        let mut tag = Tag { name: rest[..end].to_ascii_lowercase(), attributes: Vec::new() };
        self.at += end;
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(|c: char| is_space(c) || c == '/').len();
            match self.rest().chars().next() {
                None => return None,
                Some('>') => {
                    self.at += 1;
                    return Some(tag);
                }
                Some(_) => self.attribute(&mut tag)?,
            }
        }
    }

    fn attribute(&mut self, tag: &mut Tag) -> Option<()> {
        let rest = self.rest();
        // An equals sign at the front belongs to the name.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let stop = |c: char| is_space(c) || matches!(c, '/' | '>' | '=');
        let end = rest[first..].find(stop).map_or(rest.len(), |at| at + first);
        let name = rest[..end].to_ascii_lowercase();
        self.at += end;
        let after = self.rest().trim_start_matches(is_space);
        let value = match after.strip_prefix('=') {
            Some(value) => {
                let value = value.trim_start_matches(is_space);
                self.at = self.page.len() - value.len();
                self.value()?
            }
            None => String::new(),
        };
        if tag.attributes.len() < MAX_ATTRIBUTES && tag.attribute(&name).is_none() {
            tag.attributes.push((name, value));
        }
        Some(())
    }

    fn value(&mut self) -> Option<String> {
        let rest = self.rest();
        let (body, mark) = match rest.chars().next()? {
            quote @ ('"' | '\'') => (&rest[1..], Some(quote)),
            _ => (rest, None),
        };
        let end = match mark {
            Some(quote) => body.find(quote)?,
            None => body.find(|c: char| is_space(c) || c == '>')?,
        };
        self.at += end + if mark.is_some() { 2 } else { 0 };
        Some(unescape(&body[..end]))
    }
}

/// Where the content of a raw element ends: before its closing tag, or with the page.
fn raw_end(rest: &str, name: &str) -> usize {
    let mut at = 0;
    while let Some(found) = rest[at..].find("</") {
        let start = at + found;
        let after = &rest.as_bytes()[start + 2..];
        let same = after.len() > name.len() && after[..name.len()].eq_ignore_ascii_case(name.as_bytes());
        if same && matches!(after[name.len()], b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b'/' | b'>') {
            return start;
        }
        at = start + 2;
    }
    rest.len()
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// A text with the entities undone that characters of markup are written as.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match entity(rest) {
            Some((c, length)) => {
                out.push(c);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// The character and the length of an entity at the beginning of a text.
fn entity(text: &str) -> Option<(char, usize)> {
    const NAMED: &[(&str, char)] = &[
        ("amp", '&'),
        ("apos", '\''),
        ("colon", ':'),
        ("gt", '>'),
        ("lpar", '('),
        ("lt", '<'),
        ("newline", '\n'),
        ("quot", '"'),
        ("rpar", ')'),
        ("tab", '\t'),
    ];
    let body = &text[1..];
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, lead) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16, 3),
            None => (number, 10, 2),
        };
        let count = digits.bytes().take(8).take_while(|byte| char::from(*byte).is_digit(radix)).count();
        let c = char::from_u32(u32::from_str_radix(&digits[..count], radix).ok()?)?;
        let semicolon = usize::from(digits[count..].starts_with(';'));
        return Some((c, lead + count + semicolon));
    }
    let (name, c) = NAMED.iter().find(|(name, _)| {
        body.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && body[name.len()..].starts_with(';')
    })?;
    Some((*c, name.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: &str) -> String {
        let pairs = |tag: &Tag| tag.attributes.iter().map(|(n, v)| format!(" {n}={v}")).collect::<String>();
        let one = |token: &Token| match token {
            Token::Start(tag) => format!("<{}{}>", tag.name, pairs(tag)),
            Token::End(name) => format!("</{name}>"),
            Token::Text(text) => format!("T:{text}"),
            Token::Raw { text, .. } => format!("R:{text}"),
            Token::Comment(text) => format!("C:{text}"),
        };
        tokens(page).iter().map(one).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn pages_are_read_as_browsers_read_them() {
        for (page, expected) in [
            ("a<b>c</b >d", "T:a|<b>|T:c|</b>|T:d"),
            ("<A HREF='x y' b=1 c d = \"e>f\"/>", "<a href=x y b=1 c= d=e>f>"),
            ("1 < 2 <3", "T:1 |T:< 2 |T:<3"),
            ("<!-- a<b> --><i>", "C: a<b> |<i>"),
            ("<!--><i>-->", "C:|<i>|T:-->"),
            ("<!-- x --!><i>", "C: x |<i>"),
            ("<!doctype html><?x?></ x>", "C:<!doctype html>|C:<?x?>|C:</ x>"),
            ("<script a>x<b></scriptx></script >y", "<script a=>|R:x<b></scriptx>|</script>|T:y"),
            ("<textarea><img src=x onerror=y></textarea>", "<textarea>|R:<img src=x onerror=y>|</textarea>"),
            ("<title>a", "<title>|R:a"),
            ("<a b=&quot;x&#39;&#x3c;&amp;lt;>", "<a b=\"x'<&lt;>"),
            ("&lt;b&gt; &nbsp; &", "T:<b> &nbsp; &"),
            ("<a b=c b=d>", "<a b=c>"),
            ("<a b='", ""),
            ("<a =b>", "<a =b=>"),
            ("<img/src=x/onerror=y>", "<img src=x/onerror=y>"),
            ("<img src=\"x\"onerror=y>", "<img src=x onerror=y>"),
        ] {
            assert_eq!(shown(page), expected, "{page}");
        }
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        let parts = [
            "<", ">", "</", "<!--", "-->", "a", "script", "=", "\"", "'", " ", "/", "&", "&#", "é", "<script>",
            "</script", "x", "&#x", ";",
        ];
        let mut seed = 11_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let page: String = (0..next(20)).map(|_| parts[next(parts.len())]).collect();
            assert!(tokens(&page).len() <= page.len() * 2);
        }
        assert!(tokens(&"<a>".repeat(MAX_TOKENS * 2)).len() <= MAX_TOKENS + 1);
    }
}
