//! A stream of XML elements with their attributes and texts, within limits. Entities are the five of XML 1.0 and characters
//! by number: a document type with others is not expanded.

use std::collections::BTreeMap;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use crate::ImportError;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 64;
/// Attributes of one element that are read: the parser compares each with all before it.
const MAX_ATTRIBUTES: usize = 100;
/// Most characters of one text.
const MAX_TEXT: usize = 64 << 10;

/// One step through a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An element begins.
    Open { name: String, attributes: BTreeMap<String, String> },
    /// Text of the innermost open element.
    Text(String),
    /// The innermost open element ends.
    Close,
}

/// Gives each step of a document to `take`, without namespaces.
pub(crate) fn walk(file: &str, text: &str, mut take: impl FnMut(Step)) -> Result<(), ImportError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut depth = 0_usize;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|_| fault(file, text, at, "this is not valid XML"))?;
        match event {
            Event::Start(tag) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(fault(file, text, at, "the XML is nested deeper than 64 levels"));
                }
                let attributes =
                    attributes(&tag).ok_or_else(|| fault(file, text, at, "an attribute is not valid XML"))?;
                take(Step::Open { name: local(tag.local_name().as_ref()), attributes });
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                take(Step::Close);
            }
            Event::Text(part) => take(Step::Text(cut(&part.xml_content(XmlVersion::Implicit1_0)))),
            Event::CData(part) => take(Step::Text(cut(&part.xml_content(XmlVersion::Implicit1_0)))),
            Event::GeneralRef(name) => take(Step::Text(entity(&name))),
            Event::Eof if depth > 0 => return Err(fault(file, text, text.len(), "the XML ends too early")),
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => {}
        }
    }
}

fn attributes(tag: &BytesStart<'_>) -> Option<BTreeMap<String, String>> {
    tag.attributes()
        .take(MAX_ATTRIBUTES)
        .map(|attribute| {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            Some((local(attribute.key.local_name().as_ref()), cut(&value)))
        })
        .collect()
}

fn local(name: impl AsRef<str>) -> String {
    name.as_ref().to_owned()
}

fn entity(name: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = name.as_ref();
    match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "apos" => "'",
        "quot" => "\"",
        _ => "\u{fffd}",
    }
    .to_owned()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn fault(file: &str, text: &str, at: usize, cause: &str) -> ImportError {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    ImportError::Syntax {
        file: file.to_owned(),
        line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
        column: 1 + before.len() - line_start,
        cause: cause.to_owned(),
    }
}

/// Name of the first element; empty where there is none.
pub(crate) fn root(text: &str) -> String {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => return local(tag.local_name().as_ref()),
            Ok(Event::Eof) | Err(_) => return String::new(),
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_entities() {
        let mut steps = Vec::new();
        walk("x", "<?xml version=\"1.0\"?><a x:b=\"1 &lt; 2\"><c/>t&amp;&#65;<![CDATA[<]]></a>", |step| {
            steps.push(step)
        })
        .unwrap();
        let open = |name: &str, attributes: &[(&str, &str)]| Step::Open {
            name: name.to_owned(),
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let text = |text: &str| Step::Text(text.to_owned());
        assert_eq!(
            steps,
            [
                open("a", &[("b", "1 < 2")]),
                open("c", &[]),
                Step::Close,
                text("t"),
                text("&"),
                text("A"),
                text("<"),
                Step::Close
            ]
        );
    }

    #[test]
    fn errors_have_places() {
        for (text, place, cause) in [
            ("<a>\n <b></a>", "x:2:5", "not valid"),
            ("<a>", "x:1:4", "too early"),
            (&"<a>".repeat(65), "x:1:193", "deeper"),
            ("<a b='1' b='2'/>", "x:1:1", "attribute"),
        ] {
            let error = walk("x", text, |_| {}).unwrap_err().to_string();
            assert!(error.starts_with(place) && error.contains(cause), "{error}");
        }
    }
}
