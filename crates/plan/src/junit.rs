//! JUnit XML: names of tests, and how they ended. Nothing of the file but `testcase`, what stands in it, and `timestamp`.

use std::collections::{BTreeMap, BTreeSet};

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

/// What a file says of the tests of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// How they ended: the worst.
    pub ended: Ended,
    /// When the suites around them began, as the file says it: the earliest, and none where one does not say it.
    pub time: Option<String>,
}

/// A file of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// The file as it was named.
    pub name: String,
    /// What is known by every name that a test goes by, but for names without a class that several classes have.
    pub tests: BTreeMap<String, Named>,
    /// Whether a suite failed as a whole, outside of its tests.
    pub broken: bool,
    /// Names without a class, with the classes that have a test of that name.
    classes: BTreeMap<String, BTreeSet<String>>,
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
        let mut report = Self {
            name: name.to_owned(),
            tests: BTreeMap::new(),
            broken: false,
            classes: BTreeMap::new(),
            cases: Vec::new(),
        };
        report.fill(text).map_err(|why| JunitError { name: name.to_owned(), why })?;
        // A bare name that several classes have says which test is meant only where one of them has no class.
        report.tests.retain(|name, _| report.classes.get(name).is_none_or(|classes| classes.len() < 2));
        Ok(report)
    }

    /// Whether the file has a test that goes by this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.tests.contains_key(name) || self.classes.contains_key(name)
    }

    fn fill(&mut self, text: &str) -> Result<(), String> {
        if text.len() > MAX_BYTES {
            return Err(format!("is larger than {MAX_BYTES} bytes"));
        }
        let mut reader = Reader::from_str(text);
        let (mut suites, mut open): (Suites, Option<Test>) = (Suites::default(), None);
        loop {
            let at = reader.buffer_position();
            match reader.read_event().map_err(|error| format!("is not XML at byte {at}: {error}"))? {
                Event::Start(tag) => {
                    if suites.times.len() >= MAX_DEPTH {
                        return Err(format!("is nested deeper than {MAX_DEPTH}"));
                    }
                    suites.open(&tag)?;
                    self.take(&tag, &mut open)?;
                }
                Event::Empty(tag) => {
                    self.take(&tag, &mut open)?;
                    if tag.local_name().as_ref() == "testcase" {
                        self.close(&mut open, suites.time());
                    }
                }
                Event::End(tag) => {
                    suites.times.pop();
                    if tag.local_name().as_ref() == "testcase" {
                        self.close(&mut open, suites.time());
                    }
                }
                Event::Eof if !suites.times.is_empty() => return Err("ends before its elements do".to_owned()),
                Event::Eof if self.cases.is_empty() => return Err("has no test".to_owned()),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn take(&mut self, tag: &BytesStart<'_>, open: &mut Option<Test>) -> Result<(), String> {
        match (tag.local_name().as_ref(), open) {
            ("testcase", open) => {
                let (class, name) = (attribute(tag, "classname")?, attribute(tag, "name")?);
                // GoogleTest and its kin say it in attributes where a test is disabled.
                let said = [attribute(tag, "status")?, attribute(tag, "result")?];
                let idle = |word: &String| {
                    let word = word.to_ascii_lowercase();
                    ["notrun", "disabled", "suppressed", "skipped", "ignored", "inactive"].contains(&word.as_str())
                };
                let ended = if said.iter().flatten().any(idle) { Ended::Skipped } else { Ended::Passed };
                *open = Some(Test { class, name: name.unwrap_or_default(), ended });
            }
            ("failure" | "error", Some(test)) => test.ended = Ended::Failed,
            // A suite can fail as a whole, outside of its tests.
            ("failure" | "error", None) => {
                self.broken = true;
                self.cases.push(Case { name: "the suite as a whole".to_owned(), ended: Ended::Failed });
            }
            ("skipped", Some(test)) => test.ended = test.ended.max(Ended::Skipped),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, open: &mut Option<Test>, time: Option<&str>) {
        let Some(test) = open.take() else { return };
        let mut names = vec![test.name.clone()];
        let class = test.class.filter(|class| !class.is_empty());
        self.classes.entry(test.name.clone()).or_default().insert(class.clone().unwrap_or_default());
        if let Some(class) = class {
            names.extend([format!("{class}::{}", test.name), format!("{class}.{}", test.name)]);
        }
        self.cases.push(Case { name: names.get(1).unwrap_or(&test.name).clone(), ended: test.ended });
        for name in names {
            let first = || Named { ended: test.ended, time: time.map(str::to_owned) };
            let named = self.tests.entry(name).or_insert_with(first);
            named.ended = named.ended.max(test.ended);
            named.time = named.time.take().zip(time).map(|(known, time)| known.min(time.to_owned()));
        }
    }
}

/// The elements that are open, each with the time that it says.
#[derive(Default)]
struct Suites {
    times: Vec<Option<String>>,
}

impl Suites {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let suite = matches!(tag.local_name().as_ref(), "testsuite" | "testsuites");
        self.times.push(if suite { attribute(tag, "timestamp")? } else { None });
        Ok(())
    }

    /// What the nearest suite says.
    fn time(&self) -> Option<&str> {
        self.times.iter().rev().flatten().next().map(String::as_str)
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
        assert!(report.tests.values().all(|test| test.time.as_deref() == Some("2026-01-02T03:04:05")));
        let tests: Vec<_> = report.tests.iter().map(|(name, test)| (name.as_str(), test.ended)).collect();
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
    fn what_did_not_run_or_is_not_said() {
        let text = r#"<testsuites><testsuite timestamp="2026-01-02T00:00:00"><testcase classname="a" name="locks"/>
            <testcase classname="a" name="off" status="notrun" result="suppressed"/></testsuite>
            <testsuite timestamp="2019-01-02T00:00:00"><testcase classname="b" name="locks"/><testcase name="old"/></testsuite>
            <testsuite><testcase name="when"/><error/></testsuite></testsuites>"#;
        let report = TestReport::parse("a.xml", text).unwrap();
        assert!(report.broken && report.knows("locks") && !report.tests.contains_key("locks"));
        assert_eq!(report.tests["a::off"].ended, Ended::Skipped);
        assert_eq!(report.tests["old"].time.as_deref(), Some("2019-01-02T00:00:00"));
        assert_eq!(report.tests["when"].time, None);
        assert_eq!(report.tests["b::locks"].time.as_deref(), Some("2019-01-02T00:00:00"));
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
