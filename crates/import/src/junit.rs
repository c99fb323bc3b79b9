//! JUnit XML, which any tool writes and none owns: failures and errors of test cases become findings.
//!
//! A report says nothing about what its tests are for. So one without a failure is only an account of clean checks where the
//! user named the format; else its coverage is incomplete. A report without any test is an error in both cases.
//!
//! Cases of Checkov (`[SEVERITY][CKV_X_1] title`) are known by their form and keep their rule. Other rules are named after
//! the class of the case. Severity is `high` for an error or a failure.

use std::collections::BTreeMap;

use testudo_model::{DetectorId, Severity};

use crate::{
    Document, ImportError, Input, Named, checkov,
    draft::{Account, Draft, Ended, Identity, Place, span},
    scale, secret, xml,
    xml::Step,
};

pub(crate) fn detect(document: &Document) -> bool {
    matches!(xml::root(document.xml()).as_str(), "testsuites" | "testsuite")
}

/// A test case while it is read.
#[derive(Debug, Default)]
struct Case {
    attributes: BTreeMap<String, String>,
    suite: String,
    /// Kind, message and text of each failure and error.
    faults: Vec<(BTreeMap<String, String>, String)>,
    skipped: bool,
}

/// The state of reading.
#[derive(Debug, Default)]
struct Suites {
    open: Vec<String>,
    names: Vec<String>,
    cases: Vec<Case>,
    done: Vec<Case>,
    tests: u64,
    /// Failures and errors that the suites count.
    counted: u64,
}

pub(crate) fn read(input: &Input<'_>) -> Result<Vec<Account>, ImportError> {
    let text = input.document.xml();
    if !detect(input.document) {
        return Err(input.lacks("is no JUnit XML: its first element is neither testsuites nor testsuite"));
    }
    let mut suites = Suites::default();
    xml::walk(input.file, text, |step| suites.take(step))?;
    if suites.tests == 0 {
        return Err(input.lacks(
            "holds no test case, so nothing says that anything was looked at; check that the tool ran and found its targets",
        ));
    }
    Ok(accounts(suites, input.named))
}

impl Suites {
    fn take(&mut self, step: Step) {
        match step {
            Step::Open { name, attributes } => self.open(name, attributes),
            Step::Text(text) => {
                let inside = matches!(self.open.last().map(String::as_str), Some("failure" | "error"));
                let fault = self.cases.last_mut().and_then(|case| case.faults.last_mut());
                if let Some((_, said)) = fault.filter(|_| inside) {
                    said.push_str(&text);
                }
            }
            Step::Close => match self.open.pop().as_deref() {
                Some("testsuite") => {
                    self.names.pop();
                    self.close();
                }
                Some("testcase") => self.close(),
                _ => {}
            },
        }
    }

    fn close(&mut self) {
        let wanted = |case: &Case| !case.faults.is_empty() || case.skipped;
        self.done.extend(self.cases.pop().filter(wanted));
    }

    fn open(&mut self, name: String, attributes: BTreeMap<String, String>) {
        match (name.as_str(), self.cases.last_mut()) {
            // A suite can fail as a whole, outside of its cases.
            ("testsuite", _) => {
                let number =
                    |key: &str| attributes.get(key).and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
                self.counted = self.counted.max(number("failures").saturating_add(number("errors")));
                let suite = attributes.get("name").cloned().unwrap_or_default();
                self.names.push(suite.clone());
                let attributes = BTreeMap::from([("name".to_owned(), "the suite as a whole".to_owned())]);
                self.cases.push(Case { attributes, suite, ..Case::default() });
            }
            ("testcase", _) => {
                self.tests += 1;
                let suite = self.names.last().cloned().unwrap_or_default();
                self.cases.push(Case { attributes, suite, ..Case::default() });
            }
            ("failure" | "error", Some(case)) => case.faults.push((attributes, String::new())),
            ("skipped", Some(case)) => case.skipped = true,
            _ => {}
        }
        self.open.push(name);
    }
}

fn accounts(suites: Suites, named: Named) -> Vec<Account> {
    let read = suites.done.iter().filter(|case| !case.faults.is_empty()).count();
    let (checkov, others): (Vec<Case>, Vec<Case>) =
        suites.done.into_iter().partition(|case| of_checkov(case).is_some());
    let failed = |cases: &[Case]| cases.iter().any(|case| !case.faults.is_empty());
    let passed = !failed(&checkov) && !failed(&others);
    // Skipped cases alone do not say whose report it is.
    let (tool, cases) = if others.is_empty() && !checkov.is_empty() {
        ("checkov", checkov)
    } else {
        ("junit", others.into_iter().chain(checkov).collect())
    };
    let mut account = Account::new(tool, None);
    let home = if tool == "checkov" { DetectorId::Iac } else { DetectorId::Code };
    account.count(home, "tests", suites.tests);
    let skipped = cases.iter().filter(|case| case.skipped).count() as u64;
    if skipped > 0 {
        account.count(home, "skipped_tests", skipped);
    }
    // Some count a case that failed in two ways twice; none counts what it does not list.
    account.expect("failures and errors", Some(u64::from(read == 0) * suites.counted), read);
    if skipped > 0 && skipped == suites.tests {
        account.stopped("every test was skipped");
    }
    for case in &cases {
        for (attributes, text) in &case.faults {
            account.add(String::new, || Ok(draft(case, attributes, text)));
        }
    }
    if passed && named == Named::No {
        account.ended = Ended::Early;
        let message =
            "no test failed, and nothing says that these tests check security; if they do, name the format: junit=FILE";
        account.gap(None, message);
    }
    vec![account]
}

/// Severity, id and title of a case that Checkov wrote.
fn of_checkov(case: &Case) -> Option<(&str, &str, &str)> {
    let (severity, rest) = case.attributes.get("name")?.strip_prefix('[')?.split_once("][")?;
    let (id, title) = rest.split_once(']')?;
    id.starts_with("CKV").then(|| (severity, id, title.trim()))
}

fn draft(case: &Case, fault: &BTreeMap<String, String>, text: &str) -> Draft {
    let of = |name: &str| case.attributes.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let (name, class) = (of("name").unwrap_or("a test without a name"), of("classname").unwrap_or(&case.suite));
    let said = fault.get("message").map(|text| text.trim()).filter(|text| !text.is_empty());
    let number = |name: &str| of(name).and_then(|text| text.parse().ok()).filter(|line| *line > 0);
    let place = Place::file(of("file")).at(span((number("line"), None), (None, None)));
    if let Some((severity, id, title)) = of_checkov(case) {
        let mut draft = Draft::new(checkov::detector(id), id, title);
        draft.severity = scale::severity(severity).filter(|_| severity != "NONE").unwrap_or_default();
        draft.message = said.unwrap_or(title).to_owned();
        draft.place = checkov::from_root(place);
        draft.identity = Identity::Own(vec![class.to_owned()]);
        return draft;
    }
    let rule = if class.is_empty() { name } else { class };
    let mut draft = Draft::new(DetectorId::Code, rule, name);
    let message = said.unwrap_or_else(|| if text.trim().is_empty() { name } else { text.trim() });
    draft.message =
        if secret::is_about(&[rule, name], &[]) { secret::message(message, &[name]) } else { message.to_owned() };
    draft.severity = Severity::High;
    draft.place = place;
    draft.identity = Identity::Own(vec![class.to_owned(), name.to_owned()]);
    draft
}

#[cfg(test)]
mod tests {
    use testudo_model::CoverageState;

    use crate::test::{import, import_as, lines};

    const SAMPLE: &str = r#"<?xml version="1.0"?><testsuites><testsuite name="acme checks">
        <testcase classname="acme.tls" name="no old TLS" file="src/tls.py" line="7"><failure message="TLS 1.0 &lt; 1.2">x</failure></testcase>
        <testcase classname="acme.tls" name="certificate"><error>it ended
        early</error></testcase>
        <testcase classname="acme.secret" name="leak"><failure message="found hunter9"/></testcase>
        <testcase classname="acme.ok" name="fine"/><testcase classname="acme.off" name="off"><skipped/></testcase>
        </testsuite></testsuites>"#;

    #[test]
    fn failures_and_errors_become_findings() {
        let imported = import(SAMPLE);
        assert_eq!(
            lines(&imported),
            [
                "code high junit/acme.secret report:0 the message of the report is left out, because it may hold the secret; \
                 look at the place itself",
                "code high junit/acme.tls report:0 it ended\n        early",
                "code high junit/acme.tls src/tls.py:7 TLS 1.0 < 1.2",
            ]
        );
        let coverage = &imported.coverage[0];
        assert_eq!(
            (coverage.state, coverage.counts["tests"], coverage.counts["skipped_tests"]),
            (CoverageState::Complete, 5, 1)
        );
    }

    #[test]
    fn cases_of_checkov_keep_their_rule() {
        let text = r#"<testsuite name="kubernetes scan"><testcase name="[NONE][CKV_K8S_21] Namespace" classname="/a.yml.Service.x" file="/a.yml">
            <failure type="failure" message="Namespace">Resource: x</failure></testcase></testsuite>"#;
        assert_eq!(lines(&import(text)), ["iac medium checkov/CKV_K8S_21 a.yml:0 Namespace"]);
    }

    #[test]
    fn passing_is_nothing_only_where_the_user_says_so_and_no_test_is_an_error() {
        let text = "<testsuite><testcase name='a'/></testsuite>";
        assert_eq!(import(text).coverage[0].state, CoverageState::Incomplete);
        let named = import_as(text, "junit").unwrap().remove(0);
        assert_eq!((named.coverage[0].state, named.notices.len()), (CoverageState::Complete, 0));
        for format in ["", "junit"] {
            let error = import_as("<testsuites tests='0'/>", format).unwrap_err().to_string();
            assert!(error.contains("no test case"), "{error}");
        }
    }
}
