//! A reader of the XML dialect that rules and decoders are written in. Files of that world are often not well-formed: a
//! bare `<` or `&` in an expression, `\<` for a literal one, several roots, `--` in comments. So this reader takes what no
//! strict one takes, and says the line where nothing can be made of a file.

/// Largest file that is read, in bytes.
pub(crate) const MAX_SIZE: usize = 8 << 20;
const MAX_DEPTH: usize = 16;
const MAX_ELEMENTS: usize = 200_000;

/// One element. Text is all text directly below it, as it is written but for entities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
    /// Line of its opening tag, from 1.
    pub(crate) line: usize,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What nothing can be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlFault {
    pub(crate) line: usize,
    pub(crate) why: String,
}

/// The elements of a file, in order.
pub(crate) fn read(text: &str) -> Result<Vec<Element>, XmlFault> {
    if text.len() > MAX_SIZE {
        return Err(XmlFault { line: 1, why: format!("the file is larger than {MAX_SIZE} bytes") });
    }
    let mut reader = Reader { text, at: 0, line: 1, open: vec![Element::default()], elements: 0 };
    while reader.at < text.len() {
        reader.step()?;
    }
    match reader.open.pop() {
        Some(root) if reader.open.is_empty() => Ok(root.children),
        Some(open) => Err(XmlFault { line: open.line, why: format!("<{}> is never closed", open.name) }),
        None => Ok(Vec::new()),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    /// Elements that are open; the first one stands for the file.
    open: Vec<Element>,
    elements: usize,
}

/// What stands between `<` and `>`.
enum Tag {
    Open { name: String, attributes: Vec<(String, String)>, is_empty: bool },
    Close(String),
}

impl Reader<'_> {
    /// Takes the next piece: text up to a `<`, a comment, or a tag.
    fn step(&mut self) -> Result<(), XmlFault> {
        let rest = &self.text[self.at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = comment.find("-->").ok_or_else(|| self.fault("a comment is never closed"))?;
            self.take(end + 7);
        } else if rest.starts_with("<?") {
            let end = rest.find("?>").ok_or_else(|| self.fault("a declaration is never closed"))?;
            self.take(end + 2);
        } else if rest.starts_with('<') {
            match tag(rest) {
                Some((length, tag)) => self.tag(length, tag)?,
                None => self.literal(1),
            }
        } else if rest.starts_with("\\<") || rest.starts_with(r"\\") {
            // A backslash that is one itself turns no tag into text.
            self.literal(2);
        } else {
            let end = rest.bytes().skip(1).position(|b| matches!(b, b'<' | b'\\')).map_or(rest.len(), |at| at + 1);
            self.literal(end);
        }
        Ok(())
    }

    fn take(&mut self, length: usize) {
        self.line += self.text[self.at..self.at + length].matches('\n').count();
        self.at += length;
    }

    fn literal(&mut self, length: usize) {
        let text = decoded(&self.text[self.at..self.at + length]);
        if let Some(open) = self.open.last_mut() {
            open.text.push_str(&text);
        }
        self.take(length);
    }

    fn tag(&mut self, length: usize, tag: Tag) -> Result<(), XmlFault> {
        match tag {
            Tag::Open { name, attributes, is_empty } => {
                self.elements += 1;
                if self.elements > MAX_ELEMENTS || self.open.len() > MAX_DEPTH {
                    return Err(self.fault("there are too many elements, or they are nested too deeply"));
                }
                self.open.push(Element { name, attributes, line: self.line, ..Element::default() });
                if is_empty {
                    self.close();
                }
            }
            Tag::Close(name) => {
                let open = self.open.last().map_or("", |open| open.name.as_str());
                if self.open.len() < 2 || open != name {
                    return Err(self.fault(&format!("</{name}> closes nothing that is open")));
                }
                self.close();
            }
        }
        self.take(length);
        Ok(())
    }

    fn close(&mut self) {
        if let (Some(done), Some(around)) = (self.open.pop(), self.open.last_mut()) {
            around.children.push(done);
        }
    }

    fn fault(&self, why: &str) -> XmlFault {
        XmlFault { line: self.line, why: why.to_owned() }
    }
}

/// Reads a tag at the beginning of a text, with its length. What is no tag is text.
fn tag(text: &str) -> Option<(usize, Tag)> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let bytes = text.as_bytes();
    let closes = bytes.get(1) == Some(&b'/');
    let start = if closes { 2 } else { 1 };
    let length = bytes[start..].iter().take_while(|b| is_name(b)).count();
    if length == 0 || !bytes[start].is_ascii_alphabetic() {
        return None;
    }
    let name = text[start..start + length].to_owned();
    let mut at = start + length;
    let mut attributes = Vec::new();
    loop {
        at += bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        match bytes.get(at)? {
            b'>' if closes => return Some((at + 1, Tag::Close(name))),
            b'>' => return Some((at + 1, Tag::Open { name, attributes, is_empty: false })),
            b'/' if bytes.get(at + 1) == Some(&b'>') && !closes => {
                return Some((at + 2, Tag::Open { name, attributes, is_empty: true }));
            }
            _ => {}
        }
        let length = bytes[at..].iter().take_while(|b| is_name(b)).count();
        let key = (length > 0 && !closes).then(|| text[at..at + length].to_owned())?;
        at += length;
        at += bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        if bytes.get(at) != Some(&b'=') {
            return None;
        }
        at += 1;
        at += bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let quote = *bytes.get(at).filter(|b| matches!(b, b'"' | b'\''))?;
        let length = bytes[at + 1..].iter().position(|b| *b == quote)?;
        attributes.push((key, decoded(&text[at + 1..at + 1 + length])));
        at += length + 2;
    }
}

/// The five entities of XML; any other `&` is one.
fn decoded(text: &str) -> String {
    const ENTITIES: &[(&str, char)] =
        &[("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"'), ("&apos;", '\'')];
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = ENTITIES.iter().find(|(name, _)| rest.starts_with(name));
        let (length, character) = known.map_or((1, '&'), |(name, character)| (name.len(), *character));
        out.push(character);
        rest = &rest[length..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_strict_reader_takes() {
        for (text, expected) in [
            ("<a>x < 3 & y</a>", "x < 3 & y"),
            (r"<a>\<b></a>", r"\<b>"),
            (r"<a>E:\\</a>", r"E:\\"),
            ("<a>&lt;b&gt; &amp;amp; &x;</a>", "<b> &amp; &x;"),
            ("<!-- a -- b --><?xml version='1'?><a>^<(\\d+)></a>", r"^<(\d+)>"),
            ("<a>é\nü</a>", "é\nü"),
        ] {
            assert_eq!(read(text).unwrap()[0].text, expected, "{text}");
        }
        let two = read("<group name=\"x,\">\n<rule id='1' level = \"0\">t</rule>\n</group><b/>").unwrap();
        assert_eq!(two.len(), 2);
        assert_eq!((two[0].children[0].line, two[0].children[0].attribute("level")), (2, Some("0")));
    }

    #[test]
    fn faults_have_a_line() {
        for (text, line, why) in [
            ("<a>\n<b></a>", 2, "</a> closes nothing"),
            ("\n<a>", 2, "<a> is never closed"),
            ("\n\n<!-- x", 3, "comment"),
            ("</a>", 1, "closes nothing"),
        ] {
            let fault = read(text).unwrap_err();
            assert_eq!(fault.line, line, "{text}");
            assert!(fault.why.contains(why), "{text}: {}", fault.why);
        }
        assert!(read(&"<a>".repeat(100)).is_err());
    }
}
