//! JUnit XML: names of tests, and how they ended. Nothing of the file but `testcase`, what stands in it, and `timestamp`.

use std::collections::BTreeMap;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

/// Largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// Deepest nesting of elements.
const MAX_DEPTH: usize = 64;

/// How a test ended. The worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// It passed.
    Passed,
    /// It did not run.
    Skipped,
    /// It failed.
    Failed,
}

/// One test that a file lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// `classname` and `name` joined with `::`, or the name alone.
    pub name: String,
    /// How it ended.
    pub ended: Ended,
}

/// A file of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// The file as it was named.
    pub name: String,
    /// When the first suite began, as the file says it.
    pub time: Option<String>,
    /// How each test ended, by every name that it goes by; the worst where a name occurs twice.
    pub tests: BTreeMap<String, Ended>,
    /// Every test in the order of the file.
    pub cases: Vec<Case>,
}

/// A file that is no JUnit XML, or exceeds a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}; give a file of test results in JUnit XML")]
pub struct JunitError {
    /// The file as it was named.
    pub name: String,
    /// What is wrong.
    pub why: String,
}

impl TestReport {
    /// Reads a file.
    ///
    /// A test goes by its `name`, and by `classname` and `name` joined with `::` or `.`.
    ///
    /// # Errors
    /// The text is no XML, is not closed, has no test, or exceeds a limit.
    pub fn parse(name: &str, text: &str) -> Result<Self, JunitError> {
        let mut report = Self { name: name.to_owned(), time: None, tests: BTreeMap::new(), cases: Vec::new() };
        report.fill(text).map_err(|why| JunitError { name: name.to_owned(), why })?;
        Ok(report)
    }

    fn fill(&mut self, text: &str) -> Result<(), String> {
        if text.len() > MAX_BYTES {
            return Err(format!("is larger than {MAX_BYTES} bytes"));
        }
        let mut reader = Reader::from_str(text);
        let (mut depth, mut open): (usize, Option<Test>) = (0, None);
        loop {
            let at = reader.buffer_position();
            match reader.read_event().map_err(|error| format!("is not XML at byte {at}: {error}"))? {
                Event::Start(tag) => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(format!("is nested deeper than {MAX_DEPTH}"));
                    }
                    self.take(&tag, &mut open)?;
                }
                Event::Empty(tag) => {
                    self.take(&tag, &mut open)?;
                    if tag.local_name().as_ref() == "testcase" {
                        self.close(&mut open);
                    }
                }
                Event::End(tag) => {
                    depth = depth.saturating_sub(1);
                    if tag.local_name().as_ref() == "testcase" {
                        self.close(&mut open);
                    }
                }
                Event::Eof if depth > 0 => return Err("ends before its elements do".to_owned()),
                Event::Eof if self.cases.is_empty() => return Err("has no test".to_owned()),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn take(&mut self, tag: &BytesStart<'_>, open: &mut Option<Test>) -> Result<(), String> {
        match (tag.local_name().as_ref(), open) {
            ("testsuite" | "testsuites", _) if self.time.is_none() => self.time = attribute(tag, "timestamp")?,
            ("testcase", open) => {
                let (class, name) = (attribute(tag, "classname")?, attribute(tag, "name")?);
                *open = Some(Test { class, name: name.unwrap_or_default(), ended: Ended::Passed });
            }
            ("failure" | "error", Some(test)) => test.ended = Ended::Failed,
            // A suite can fail as a whole, outside of its tests.
            ("failure" | "error", None) => {
                self.cases.push(Case { name: "the suite as a whole".to_owned(), ended: Ended::Failed });
            }
            ("skipped", Some(test)) => test.ended = test.ended.max(Ended::Skipped),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, open: &mut Option<Test>) {
        let Some(test) = open.take() else { return };
        let mut names = vec![test.name.clone()];
        if let Some(class) = test.class.filter(|class| !class.is_empty()) {
            names.extend([format!("{class}::{}", test.name), format!("{class}.{}", test.name)]);
        }
        self.cases.push(Case { name: names.get(1).unwrap_or(&test.name).clone(), ended: test.ended });
        for name in names {
            let ended = self.tests.entry(name).or_insert(test.ended);
            *ended = (*ended).max(test.ended);
        }
    }
}

struct Test {
    class: Option<String>,
    name: String,
    ended: Ended,
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = tag.try_get_attribute(name).map_err(|error| format!("has a broken attribute: {error}"))?;
    let value = found.map(|found| found.normalized_value(XmlVersion::Implicit1_0).map(|value| value.into_owned()));
    value.transpose().map_err(|error| format!("has a broken attribute: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = r#"<?xml version="1.0"?>
<testsuites><testsuite name="auth" timestamp="2026-01-02T03:04:05">
<testcase classname="auth" name="expires"/>
<testcase classname="auth" name="locks &amp; waits"><failure message="no">text</failure></testcase>
<testcase name="later"><skipped/></testcase>
<testcase classname="auth" name="again"><error/></testcase>
<testcase classname="auth" name="again"></testcase>
</testsuite></testsuites>"#;

    #[test]
    fn names_and_endings() {
        let report = TestReport::parse("a.xml", SUITE).unwrap();
        assert_eq!(report.time.as_deref(), Some("2026-01-02T03:04:05"));
        let tests: Vec<_> = report.tests.iter().map(|(name, ended)| (name.as_str(), *ended)).collect();
        assert_eq!(
            tests,
            [
                ("again", Ended::Failed),
                ("auth.again", Ended::Failed),
                ("auth.expires", Ended::Passed),
                ("auth.locks & waits", Ended::Failed),
                ("auth::again", Ended::Failed),
                ("auth::expires", Ended::Passed),
                ("auth::locks & waits", Ended::Failed),
                ("expires", Ended::Passed),
                ("later", Ended::Skipped),
                ("locks & waits", Ended::Failed),
            ]
        );
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for (text, why) in [
            ("", "has no test"),
            ("<testsuite><testcase name=\"a\"/>", "ends before its elements do"),
            ("<a></b>", "is not XML"),
            ("<testcase name=\"&unknown;\"/>", "has a broken attribute"),
            (&"<a>".repeat(70), "is nested deeper than 64"),
        ] {
            let error = TestReport::parse("a.xml", text).unwrap_err().to_string();
            assert!(error.starts_with("a.xml: ") && error.contains(why), "{error}");
        }
        for end in 0..SUITE.len() {
            drop(TestReport::parse("a.xml", &SUITE[..end]));
        }
    }
}
