//! Report templates.

use testudo_secrets::gitleaks::{
    CompatFinding,
    template::{Template, Values},
};

use crate::input::text;

/// A template over two findings: it is read and written, or refused with a place in it, and always the same.
pub fn report_template(data: &[u8]) {
    let source = text(data);
    let findings = [finding("a/b.txt", ""), finding("c \"d\" <é>", "0123456789abcdef")];
    let render = || {
        let template = Template::parse("t", &source)?;
        template.render(&Values::of(&findings, 1_700_000_000))
    };
    let written = render();
    assert_eq!(written, render());
    if let Err(error) = written {
        let lines = source.split('\n').count();
        assert!((1..=lines).contains(&error.line) && error.column >= 1, "{error}");
    }
}

fn finding(file: &str, commit: &str) -> CompatFinding {
    let owned = str::to_owned;
    CompatFinding {
        rule: owned("rule"),
        description: owned("Rule"),
        start_line: 3,
        end_line: 4,
        start_column: 1,
        end_column: 9,
        line: "\nx = y".into(),
        matched: owned("x = y"),
        secret: owned("y"),
        file: owned(file),
        symlink: String::new(),
        commit: owned(commit),
        entropy: 1.5,
        author: owned("Ada"),
        email: owned("ada@example.org"),
        date: owned("2024-05-31T12:00:00Z"),
        message: owned("a\n\nb"),
        tags: vec![owned("one"), owned("two")],
        link: String::new(),
        required: Vec::new(),
    }
}
