//! Targets: configuration, ignore files, owners, and the files of other tools.

use std::path::Path;

use testudo_policy::{Config, Date, Effective, IgnoreFile, Owners, config::Layers, problem::Paint};

use crate::{
    foreign,
    input::{halves, text},
};

/// `testudo.toml`: an error names places inside the text, and what is accepted can be shown.
pub fn configuration(data: &[u8]) {
    let text = text(data);
    let path = Path::new("testudo.toml");
    if let Err(error) = Config::parse(&text, path) {
        assert!(!error.render(Paint::Plain).contains('\u{1b}') || text.contains('\u{1b}'));
        assert!(!error.render(Paint::Styled).is_empty());
        return;
    }
    let layers = Layers { file: Some((&text, path)), environment: &[], flags: &[] };
    let shown = Effective::resolve(layers).map(|effective| effective.origins().len());
    assert!(shown.is_ok_and(|keys| keys > 0), "what was parsed is refused");
}

/// `[release.ENV]`: a pipeline that is accepted has one deployment, and every problem has a place in the text.
pub fn pipeline(data: &[u8]) {
    let text = text(data);
    let reading = testudo_release::read(&text, Path::new("testudo.toml"), "prod");
    if let Some(pipeline) = &reading.pipeline {
        assert!(reading.problems.is_empty() && !pipeline.deploy().probe.is_empty() && !pipeline.digest().is_empty());
    }
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    assert!(reading.problems.iter().all(|problem| problem.line <= lines.saturating_add(1)));
}

/// The ignore file, which is also the baseline: what is written reads back as the same.
pub fn ignore_file(data: &[u8]) {
    let text = text(data);
    let (file, notices) = IgnoreFile::parse(&text, ".testudo-ignore");
    let lines = text.lines().count() as u32 + 1;
    assert!(notices.iter().all(|n| n.location.line() <= lines));
    let written = file.to_text();
    let (again, problems) = IgnoreFile::parse(&written, ".testudo-ignore");
    assert_eq!(problems.len(), notices.len(), "lines that are no entries are kept: {written:?}");
    let keys = |file: &IgnoreFile| -> Vec<String> { file.entries().iter().map(ToString::to_string).collect() };
    assert_eq!(keys(&again), keys(&file));
    assert_eq!(again.to_text(), written, "a second writing differs");
}

/// CODEOWNERS before the separator, paths behind it. Its patterns are our globs.
pub fn owners(data: &[u8]) {
    let (file, paths) = halves(data);
    let file = text(file);
    for name in [".github/CODEOWNERS", ".gitlab/CODEOWNERS"] {
        let (owners, _) = Owners::parse(&file, name);
        for path in text(paths).lines().take(30) {
            let found = owners.of(path);
            assert!(found.iter().all(|owner| !owner.is_empty()));
            assert_eq!(found, owners.of(path));
        }
    }
}

/// A date.
pub fn date(data: &[u8]) {
    let text = text(data);
    if let Ok(date) = text.parse::<Date>() {
        assert_eq!(date.to_string(), text);
        assert_eq!(date.days_until(date), 0);
    }
}

/// `.gitleaksignore`, a report of gitleaks, a baseline of detect-secrets.
pub fn foreign_baseline(data: &[u8]) {
    let text = text(data);
    let read = || foreign::parse("a", &text);
    let Ok(read_once) = read() else { return };
    assert_eq!(read().ok().as_ref(), Some(&read_once));
    assert!(matches!(read_once.role, foreign::Role::Ignore | foreign::Role::Baseline));
    for accepted in &read_once.accepted {
        assert!(!accepted.origin.is_empty() && !accepted.file.starts_with("./"), "{accepted:?}");
        assert!(accepted.line > 0 || read_once.role == foreign::Role::Ignore, "{accepted:?}");
        assert!(accepted.rule.as_ref().is_none_or(|rule| !rule.is_empty()), "{accepted:?}");
        assert!(accepted.commit.as_ref().is_none_or(|commit| !commit.is_empty()), "{accepted:?}");
    }
    assert!(read_once.unread.iter().all(|line| !line.is_empty()));
}
