//! `json` (the report as one document) and `jsonl` (the same objects, one a line).
//!
//! The shapes are the serialised model and a promise to other programs. Hidden
//! characters are written as `\u` escapes: the values stay what they are, and a
//! terminal or a page that shows the raw text stays unharmed.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use testudo_model::{Coverage, Finding, Notice, ScanReport, Summary, ToolInfo};

use crate::escape;

pub(crate) fn write_document(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    write_pretty(report, out)
}

/// One line of `jsonl`. The kind is the field `type`, beside the object's own fields.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Scan { schema: &'a str, tool: &'a ToolInfo, started: &'a str, targets: &'a [String] },
    Finding(&'a Finding),
    Coverage(&'a Coverage),
    Notice(&'a Notice),
    Summary(&'a Summary),
}

pub(crate) fn write_lines(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let ScanReport { schema, tool, started, targets, .. } = report;
    let scan = std::iter::once(Line::Scan { schema, tool, started, targets });
    let lines = scan
        .chain(report.findings.iter().map(Line::Finding))
        .chain(report.coverage.iter().map(Line::Coverage))
        .chain(report.notices.iter().map(Line::Notice))
        .chain(std::iter::once(Line::Summary(&report.summary)));
    for line in lines {
        write_compact(&line, out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Writes a value indented, with a final line break.
pub(crate) fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Escaped(PrettyFormatter::new())))?;
    writeln!(out)
}

/// Writes a value on one line, without a line break. Safe inside a `<script>` element.
pub(crate) fn write_compact(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(&mut *out, Escaped(CompactFormatter)))?)
}

/// Any layout, with hidden characters and `<` escaped inside strings.
struct Escaped<F>(F);

impl<F: Formatter> Formatter for Escaped<F> {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c| c == '<' || escape::is_hidden(c)) {
            let (plain, tail) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut characters = tail.chars();
            for unit in characters.next().into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}
