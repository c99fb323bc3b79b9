//! Targets: a security plan with what is said about it, what a project says about itself, and results of tests.

use testudo_plan::{
    Source, check, codes,
    discover::{ProjectFile, discover},
    draft::{Answers, draft},
    junit::TestReport,
    located,
    nouns::Class,
    read, risk,
};

use crate::input::{halves, text};

/// The main file before the separator, an included one behind it. Every problem has a code and a place in its file, and a
/// plan without one has a risk for every component.
pub fn file(bytes: &[u8]) {
    let (main, more) = halves(bytes);
    let (main, more) = (text(main), text(more));
    let sources = [Source { name: "plan.toml", text: &main }, Source { name: "more.toml", text: &more }];
    let reading = read(&sources);
    let mut problems = reading.problems.clone();
    problems.extend(check::consistency(&reading.plan, &sources));
    problems.extend(check::due(&reading.plan, "2030-01-01".parse().expect("this is a day")));
    assert!(problems.iter().all(|problem| problem.fault.code.is_some_and(|code| codes::code(code).is_some())));
    for (problem, found) in problems.iter().zip(located(&problems, &sources)) {
        let lines = sources[problem.file].text.matches('\n').count() + 1;
        assert!((1..=lines).contains(&(found.line as usize)));
    }
    for risk in risk::risks(&reading.plan) {
        assert!((1..=16).contains(&risk.number()));
    }
}

/// JUnit XML: what is read has a test, and is read the same again.
pub fn junit(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(report) = TestReport::parse("results.xml", &text) {
        assert!(!report.tests.is_empty());
        assert_eq!(TestReport::parse("results.xml", &text).as_ref(), Ok(&report));
    }
}

/// A name and what it is a file of: whatever is found makes a plan without a problem.
pub fn discovery(bytes: &[u8]) {
    let (name, content) = halves(bytes);
    let (name, content) = (text(name), text(content));
    let found = discover(&name, &[ProjectFile { path: &name, text: &content }]);
    let answers = Answers {
        product: format!("p{name}"),
        owner: "a".to_owned(),
        people: vec!["b".to_owned()],
        channel: "c".to_owned(),
        data: vec![("d".to_owned(), Class::Internal)],
        review_by: "2030-01-01".parse().expect("this is a day"),
    };
    let text = draft(&found, &answers);
    let sources = [Source { name: "plan.toml", text: &text }];
    let reading = read(&sources);
    assert!(reading.problems.is_empty() && check::consistency(&reading.plan, &sources).is_empty(), "{text}");
}
