//! From text to trees. A comment becomes an entry of the map or list whose column it has; one behind a value on the same
//! line stands before that value, as sops has it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{
    comments::{Comment, Scan},
    plain::{Meaning, meaning},
};
use crate::{Scalar, VaultError, limits, tree::Tree};

/// Reads every document of a text.
///
/// # Errors
/// It is no YAML, a document is no map, a key is no text or stands twice, a number does not fit, there is a tag or a merge
/// key, which such files do not keep, or a limit is exceeded.
pub fn read(text: &str) -> Result<Vec<Tree>, VaultError> {
    limits::check_size(text)?;
    let mut reader = Reader::new(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let mut documents = Vec::new();
    while let Some((event, _)) = reader.next() {
        if matches!(event, Event::DocumentStart(_)) {
            documents.push(reader.document()?);
        }
    }
    Ok(documents)
}

type Entries = Vec<(String, Tree)>;

struct Reader<'t> {
    events: VecDeque<(Event<'t>, Span)>,
    comments: VecDeque<Comment>,
    scan: Scan,
    /// Whole nodes by the number of their anchor.
    anchors: BTreeMap<usize, Tree>,
    depth: usize,
    nodes: usize,
    /// Offset behind what was read last.
    end: usize,
}

/// A list or map that is being read.
#[derive(Clone, Copy)]
struct Open {
    layout: Layout,
    column: isize,
    /// Column of what it is in.
    around: isize,
    anchor: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Block,
    Flow,
}

fn error(span: &Span, why: impl Into<String>) -> VaultError {
    VaultError::Syntax { line: span.start.line(), column: span.start.col() + 1, why: why.into() }
}

fn comment(comment: &Comment) -> Tree {
    Tree::Leaf(Scalar::Comment(comment.text.clone()))
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Result<Self, VaultError> {
        let (mut events, mut found, mut scan) = (VecDeque::new(), Vec::new(), Scan::new(text));
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| VaultError::Syntax {
                line: error.marker().line(),
                column: error.marker().col() + 1,
                why: format!("not YAML: {}", error.info()),
            })?;
            if matches!(event, Event::Scalar(..)) && !span.is_empty() {
                scan.until(span.start.index(), &mut found);
                scan.pass(span.end.index());
            }
            events.push_back((event, span));
        }
        scan.until(usize::MAX, &mut found);
        let comments = found.into();
        Ok(Self { events, comments, scan, anchors: BTreeMap::new(), depth: 0, nodes: 0, end: 0 })
    }

    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.events.pop_front()
    }

    /// The next comment, where it stands before an offset.
    fn comment_before(&mut self, at: usize) -> Option<Comment> {
        self.comments.pop_front_if(|comment| comment.at < at)
    }

    /// The next comment, where it stands on a line.
    fn comment_on(&mut self, line: usize) -> Option<Comment> {
        self.comments.pop_front_if(|comment| comment.line == line)
    }

    fn document(&mut self) -> Result<Tree, VaultError> {
        self.anchors.clear();
        let Some((event, span)) = self.next() else { return Ok(Tree::Map(Vec::new())) };
        let mut root = match event {
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), &span)?;
                let open = self.open(&span, -1, anchor);
                self.map(open)?
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) if meaning(&text) == Meaning::Null => Tree::Map(Vec::new()),
            Event::DocumentEnd => return Ok(Tree::Map(Vec::new())),
            _ => return Err(error(&span, "the document is no map; the top of a SOPS file holds keys with values")),
        };
        let end = self.next_start();
        while let (Some(found), Tree::Map(entries)) = (self.comment_before(end), &mut root) {
            entries.push((String::new(), comment(&found)));
        }
        Ok(root)
    }

    /// Where the next thing begins that is no end.
    fn next_start(&self) -> usize {
        let ends = |event: &Event<'_>| matches!(event, Event::MappingEnd | Event::SequenceEnd);
        self.events.iter().find(|(event, _)| !ends(event)).map_or(usize::MAX, |(_, span)| span.start.index())
    }

    fn open(&mut self, span: &Span, around: isize, anchor: usize) -> Open {
        let flow = !span.is_empty() && self.scan.is_any(span.end.index() - 1, "{[");
        let inner = self.events.front().filter(|_| !span.is_empty()).map_or(span, |(_, inner)| inner);
        let column = isize::try_from(inner.start.col()).unwrap_or(isize::MAX);
        self.end = span.start.index();
        Open { layout: if flow { Layout::Flow } else { Layout::Block }, column, around, anchor }
    }

    fn map(&mut self, open: Open) -> Result<Tree, VaultError> {
        let (mut entries, mut names) = (Entries::new(), BTreeSet::new());
        self.depth += 1;
        while let Some((event, span)) = self.next() {
            if event == Event::MappingEnd {
                let (head, tail) = self.close(open, &span);
                entries.splice(0..0, head.iter().map(|found| (String::new(), comment(found))));
                entries.extend(tail.iter().map(|found| (String::new(), comment(found))));
                break;
            }
            let line = comment_line(&event, &span);
            let key = self.key(event, &span)?;
            if !names.insert(key.clone()) {
                return Err(error(&span, format!("the key `{}` stands twice; remove one", key.escape_debug())));
            }
            while let Some(found) = self.comment_before(span.start.index()) {
                entries.push((String::new(), comment(&found)));
            }
            self.end = span.end.index();
            self.entry(key, line, open, &mut entries)?;
        }
        Ok(self.leave(open, Tree::Map(entries)))
    }

    /// The value of a key, with the comments around it; `line` is that of the key.
    fn entry(&mut self, key: String, line: Option<usize>, open: Open, entries: &mut Entries) -> Result<(), VaultError> {
        let Some((event, span)) = self.next() else { return Ok(()) };
        let nested = matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
        let start = span.start.index();
        // On the line of the key; where one value follows, all that stands before it.
        let mine = |found: &mut Comment| match line == Some(found.line) {
            true => found.at < start || span.is_empty() && !nested,
            false => found.at < start && !nested,
        };
        while let Some(found) = self.comments.pop_front_if(mine) {
            entries.push((String::new(), comment(&found)));
        }
        let behind = comment_line(&event, &span);
        let value = self.value(event, &span, open.column)?;
        while let Some(found) = behind.and_then(|line| self.comment_on(line)) {
            entries.push((String::new(), comment(&found)));
        }
        entries.push((key, value));
        Ok(())
    }

    fn list(&mut self, open: Open) -> Result<Tree, VaultError> {
        let mut items = Vec::new();
        self.depth += 1;
        while let Some((event, span)) = self.next() {
            if event == Event::SequenceEnd {
                let (head, tail) = self.close(open, &span);
                items.splice(0..0, head.iter().map(comment));
                items.extend(tail.iter().map(comment));
                break;
            }
            let nested = matches!(event, Event::MappingStart(..) | Event::SequenceStart(..));
            let start = span.start.index();
            let dash = self.scan.dash(self.end, start).filter(|_| nested && open.layout == Layout::Block);
            while let Some(found) = self.comment_before(dash.unwrap_or(start)) {
                items.push(comment(&found));
            }
            let behind = comment_line(&event, &span);
            let value = self.value(event, &span, open.column)?;
            while let Some(found) = behind.and_then(|line| self.comment_on(line)) {
                items.push(comment(&found));
            }
            items.push(value);
        }
        Ok(self.leave(open, Tree::List(items)))
    }

    fn value(&mut self, event: Event<'t>, span: &Span, around: isize) -> Result<Tree, VaultError> {
        self.count(1, span)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.end = span.end.index();
                let value = scalar(&text, style, tag.as_deref(), span)?;
                self.keep(anchor, &value);
                Ok(value)
            }
            Event::MappingStart(..) | Event::SequenceStart(..) if self.depth >= limits::DEPTH => {
                Err(error(span, format!("lists and maps nest deeper than {} levels", limits::DEPTH)))
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), span)?;
                let open = self.open(span, around, anchor);
                self.map(open)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), span)?;
                let open = self.open(span, around, anchor);
                self.list(open)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Err(error(span, "a value is expected here")),
        }
    }

    /// What an anchor stands for, written out: SOPS files have no aliases.
    fn alias(&mut self, anchor: usize, span: &Span) -> Result<Tree, VaultError> {
        self.end = span.end.index();
        let missing = || error(span, "this alias stands for something that is not finished before it");
        let (depth, size) = self.anchors.get(&anchor).map(|tree| (tree.depth(), tree.count())).ok_or_else(missing)?;
        if self.depth + depth > limits::DEPTH {
            return Err(error(span, format!("with this alias values nest deeper than {} levels", limits::DEPTH)));
        }
        self.count(size, span)?;
        self.anchors.get(&anchor).cloned().ok_or_else(missing)
    }

    fn key(&mut self, event: Event<'t>, span: &Span) -> Result<String, VaultError> {
        self.count(1, span)?;
        let quote = "the key is not text, and SOPS files have no other keys; put quotes around it";
        match event {
            Event::Scalar(text, ScalarStyle::Plain, _, None) => match meaning(&text) {
                Meaning::Text => Ok(text.into_owned()),
                Meaning::Merge => Err(error(span, "a merge (`<<`) is not kept in a SOPS file; write the keys out")),
                _ => Err(error(span, quote)),
            },
            Event::Scalar(text, style, _, tag) => match &scalar(&text, style, tag.as_deref(), span)? {
                Tree::Leaf(Scalar::Text(text)) => Ok(text.clone()),
                _ => Err(error(span, quote)),
            },
            _ => Err(error(span, quote)),
        }
    }

    /// The comments behind an end on its line, which stand first, and those before the end.
    fn close(&mut self, open: Open, span: &Span) -> (Vec<Comment>, Vec<Comment>) {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        if open.layout == Layout::Flow {
            tail.extend(std::iter::from_fn(|| self.comment_before(span.start.index())));
            // A whole document in brackets keeps what is behind it at its end.
            while let Some(found) = (open.around >= 0).then(|| self.comment_on(span.start.line())).flatten() {
                head.push(found);
            }
            self.end = span.start.index() + 1;
            return (head, tail);
        }
        let next = self.next_start();
        let inside = |comment: &mut Comment| {
            let column = isize::try_from(comment.column).unwrap_or(isize::MAX);
            comment.at < next && column >= open.column && column > open.around
        };
        while let Some(found) = self.comments.pop_front_if(inside) {
            tail.push(found);
        }
        (head, tail)
    }

    fn leave(&mut self, open: Open, tree: Tree) -> Tree {
        self.depth -= 1;
        self.keep(open.anchor, &tree);
        tree
    }

    fn keep(&mut self, anchor: usize, tree: &Tree) {
        if anchor > 0 {
            self.anchors.insert(anchor, tree.clone());
        }
    }

    fn count(&mut self, more: usize, span: &Span) -> Result<(), VaultError> {
        self.nodes += more;
        let message = || error(span, format!("more than {} values and keys", limits::VALUES));
        if self.nodes > limits::VALUES { Err(message()) } else { Ok(()) }
    }
}

/// The line behind a value on which a comment belongs to it. What follows a block stands on a line of its own, and what
/// follows a list or map was read with it.
fn comment_line(event: &Event<'_>, span: &Span) -> Option<usize> {
    match event {
        Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => None,
        Event::Scalar(..) | Event::Alias(_) => Some(span.end.line()),
        _ => None,
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Tree, VaultError> {
    let as_text = || Tree::Leaf(Scalar::Text(text.to_owned()));
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { plain(text, span) } else { Ok(as_text()) };
    };
    let wrong = || error(span, format!("the value is no `!!{}`", tag.suffix));
    let core = if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "" };
    match (core, meaning(text)) {
        // So sops writes the text `<<`.
        ("str", _) | ("merge", Meaning::Merge) => Ok(as_text()),
        ("null", Meaning::Null) => Ok(Tree::Null),
        ("float", Meaning::Value(Scalar::Int(number))) => Ok(Tree::Leaf(Scalar::Float(number as f64))),
        ("int", Meaning::Value(value @ Scalar::Int(_)))
        | ("float", Meaning::Value(value @ Scalar::Float(_)))
        | ("bool", Meaning::Value(value @ Scalar::Bool(_)))
        | ("timestamp", Meaning::Value(value @ Scalar::Time(_))) => Ok(Tree::Leaf(value)),
        ("binary", _) => {
            let compact: String = text.split_ascii_whitespace().collect();
            let bytes = STANDARD.decode(compact).map_err(|_| wrong())?;
            let text = String::from_utf8(bytes).map_err(|_| {
                error(span, "bytes that are no text cannot be held; encode them as base64 without a tag")
            })?;
            Ok(Tree::Leaf(Scalar::Text(text)))
        }
        ("int" | "float" | "bool" | "null" | "timestamp", _) => Err(wrong()),
        _ if tag.suffix.is_empty() || tag.suffix == "!" => Ok(as_text()),
        _ => Err(lost_tag(tag, span)),
    }
}

fn plain(text: &str, span: &Span) -> Result<Tree, VaultError> {
    match meaning(text) {
        Meaning::Null => Ok(Tree::Null),
        Meaning::Value(value) => Ok(Tree::Leaf(value)),
        Meaning::TooLarge => {
            Err(error(span, "a whole number above 9223372036854775807 does not fit; put quotes around it"))
        }
        Meaning::Merge | Meaning::Text => Ok(Tree::Leaf(Scalar::Text(text.to_owned()))),
    }
}

fn refuse_tag(tag: Option<&Tag>, span: &Span) -> Result<(), VaultError> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "map" | "seq")) => {
            Err(lost_tag(tag, span))
        }
        _ => Ok(()),
    }
}

fn lost_tag(tag: &Tag, span: &Span) -> VaultError {
    error(
        span,
        format!("the tag `{}` would be lost: a SOPS file holds values without tags", tag.to_string().escape_debug()),
    )
}
