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
///
/// # Errors
/// The output fails.
pub fn write_pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Escaped(PrettyFormatter::new())))?;
    writeln!(out)
}

/// Writes a value on one line, without a line break. Safe inside a `<script>` element.
///
/// # Errors
/// The output fails.
pub fn write_compact(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use testudo_model::ScanReport;

    use crate::sample::{self, written};
    use crate::{Format, Options};

    #[test]
    fn the_document_is_the_report() {
        for report in [sample::report(), sample::hostile(), sample::empty()] {
            let text = written(&report, Format::Json, &Options::default());
            let read: ScanReport = serde_json::from_str(&text).unwrap();
            assert_eq!(read, ScanReport { rules: Vec::new(), ..report });
        }
        let head = "{\n  \"schema\": \"testudo/scan/1\",\n  \"tool\": {\n    \"name\": \"testudo\",\n";
        assert!(written(&sample::empty(), Format::Json, &Options::default()).starts_with(head));
    }

    #[test]
    fn lines_are_the_same_objects() {
        let mut report = sample::report();
        report.findings.truncate(1);
        report.findings[0].properties.clear();
        assert_eq!(
            written(&report, Format::Jsonl, &Options::default()),
            r##"{"type":"scan","schema":"testudo/scan/1","tool":{"name":"testudo","version":"0.1.0"},"started":"2026-01-31T12:00:00Z","targets":["."]}
{"type":"finding","id":"c3c3c3c3","rule":"sql-injection","title":"SQL built from input","message":"The query holds a value that came in with the request.","severity":"high","confidence":"medium","persona":"regular","detector":"code","location":{"path":"src/app.py","span":{"start":{"line":12,"column":5,"offset":1205},"end":{"line":12,"column":9,"offset":1209}}},"fingerprint":"1:c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3","cwe":[89],"owasp":["A05:2025"],"aliases":[],"owner":[],"fix":null,"suppressed":null,"properties":{}}
{"type":"coverage","detector":"secrets","state":"incomplete","rules_digest":"0000000000000000000000000000000000000000000000000000000000000000","rules":3,"scope":["."],"units":120,"bytes":245760,"skipped":{"too-large":1},"counts":{"commits":34}}
{"type":"coverage","detector":"code","state":"complete","rules_digest":"0000000000000000000000000000000000000000000000000000000000000000","rules":3,"scope":["."],"units":40,"bytes":81920,"skipped":{},"counts":{}}
{"type":"coverage","detector":"deps","state":"not-run","rules_digest":"0000000000000000000000000000000000000000000000000000000000000000","rules":3,"scope":["."],"units":0,"bytes":0,"skipped":{},"counts":{}}
{"type":"notice","code":"too-large","level":"gap","message":"is 900 MB, the limit is 256 MB; raise `max-file-size` to read it","detector":"secrets","location":{"path":"data/dump.sql"}}
{"type":"summary","by_severity":{"critical":1,"high":1},"findings":2,"suppressed":1,"hidden":4,"incidents":2,"complete":false}
"##
        );
    }

    #[test]
    fn hidden_characters_are_escaped_and_read_back() {
        let text = "\u{1b}\u{9b}\u{202e}\u{e0041}</script>\u{2028}é";
        let mut out = Vec::new();
        super::write_compact(&text, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, r#""\u001b\u009b\u202e\udb40\udc41\u003c/script>\u2028é""#);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
