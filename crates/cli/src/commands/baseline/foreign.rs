//! Files in which other tools keep what was accepted: by place, where we accept by value.
//!
//! gitleaks and Betterleaks: a line `FILE:RULE:LINE` or `COMMIT:FILE:RULE:LINE` each, or a report in JSON. detect-secrets:
//! a JSON document with `results`, by file. All name the place; none holds the value in a form that can be used here.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Shortest text that counts as the start of a commit id; gitleaks writes 7 or 40 characters.
const MIN_COMMIT: usize = 7;

/// Which of our files takes the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The ignore file: somebody decided one by one.
    Ignore,
    /// The baseline: whatever was there.
    Baseline,
}

/// One accepted place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Where it was read, `FILE:LINE` or the file.
    pub(super) origin: String,
    /// Path as the other tool wrote it, `/`-separated.
    pub(super) file: String,
    /// Line, counted from 1.
    pub(super) line: u32,
    /// Id of the rule there; none where the tool names kinds of secrets only.
    pub(super) rule: Option<String>,
    /// Start of the commit's id.
    pub(super) commit: Option<String>,
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) role: Role,
    pub(super) accepted: Vec<Accepted>,
    /// Lines and entries that name no place, with why.
    pub(super) unread: Vec<String>,
}

/// Reads the text of a file; its form shows in its first character.
pub(super) fn parse(name: &str, text: &str) -> Result<Foreign> {
    match text.trim_start_matches('\u{feff}').trim_start().chars().next() {
        Some('[' | '{') => {
            let value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
                .with_context(|| format!("{name}: not valid JSON"))?;
            document(name, &value)
        }
        _ => Ok(lines(name, text)),
    }
}

fn lines(name: &str, text: &str) -> Foreign {
    let mut foreign = Foreign { role: Role::Ignore, accepted: Vec::new(), unread: Vec::new() };
    for (number, line) in text.lines().enumerate() {
        // A comment may follow an entry behind a blank.
        let entry = line.split(" #").next().unwrap_or_default().trim();
        if entry.is_empty() || entry.starts_with('#') {
            continue;
        }
        let origin = format!("{name}:{}", number + 1);
        match fingerprint(entry, &origin) {
            Some(accepted) => foreign.accepted.push(accepted),
            None => foreign.unread.push(format!("{origin}: not FILE:RULE:LINE or COMMIT:FILE:RULE:LINE")),
        }
    }
    foreign
}

/// Reads from the right: only a path may hold further colons.
fn fingerprint(text: &str, origin: &str) -> Option<Accepted> {
    let mut parts = text.rsplitn(3, ':');
    let (line, rule, place) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
    let is_commit = |word: &str| word.len() >= MIN_COMMIT && word.bytes().all(|b| b.is_ascii_hexdigit());
    let (commit, file) = match place.split_once(':') {
        Some((commit, file)) if is_commit(commit) => (Some(commit.to_ascii_lowercase()), file),
        _ => (None, place),
    };
    let whole = !file.is_empty() && !rule.is_empty();
    whole.then(|| Accepted {
        origin: origin.to_owned(),
        file: slashes(file),
        line,
        rule: Some(rule.to_owned()),
        commit,
    })
}

fn document(name: &str, value: &Value) -> Result<Foreign> {
    let (role, mut accepted, mut unread) = (Role::Baseline, Vec::new(), Vec::new());
    let mut take = |found: Option<Accepted>, place: String| match found {
        Some(found) => accepted.push(found),
        None => unread.push(format!("{place}: names no file and line")),
    };
    match (value, value.get("results")) {
        (Value::Array(findings), _) => {
            for (at, finding) in findings.iter().enumerate() {
                take(gitleaks(finding, name), format!("{name}: entry {}", at + 1));
            }
        }
        (_, Some(Value::Object(files))) => {
            for (file, secrets) in files {
                for (at, secret) in secrets.as_array().into_iter().flatten().enumerate() {
                    take(detect_secrets(file, secret, name), format!("{name}: {file}, entry {}", at + 1));
                }
            }
        }
        _ => bail!("{name}: neither a gitleaks report (a list) nor a detect-secrets baseline (with `results` by file)"),
    }
    Ok(Foreign { role, accepted, unread })
}

fn gitleaks(finding: &Value, name: &str) -> Option<Accepted> {
    let text = |key: &str| finding[key].as_str().filter(|text| !text.is_empty());
    Some(Accepted {
        origin: name.to_owned(),
        file: slashes(text("File")?),
        line: line(&finding["StartLine"])?,
        rule: text("RuleID").map(str::to_owned),
        commit: text("Commit").map(str::to_ascii_lowercase),
    })
}

fn detect_secrets(file: &str, secret: &Value, name: &str) -> Option<Accepted> {
    // The kind (`type`) is a title and not an id of a rule; the value is there as SHA-1 only, which no finding holds.
    Some(Accepted {
        origin: name.to_owned(),
        file: slashes(file),
        line: line(&secret["line_number"])?,
        rule: None,
        commit: None,
    })
}

fn line(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok().filter(|line| *line > 0)
}

fn slashes(path: &str) -> String {
    path.replace('\\', "/").trim_start_matches("./").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(origin: &str, file: &str, line: u32, rule: Option<&str>, commit: Option<&str>) -> Accepted {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Accepted { origin: origin.to_owned(), file: file.to_owned(), line, rule: owned(rule), commit: owned(commit) }
    }

    #[test]
    fn lines_name_places_with_or_without_a_commit() {
        let text =
            "# why\n\nsrc/a.rs:aws:3\nABCDEF1:dir\\b:c.txt:generic:12 # old\nz.zip!in/x.env:k:1\nsha256:00\nx:y:z\n";
        let foreign = parse(".gitleaksignore", text).unwrap();
        assert_eq!(foreign.role, Role::Ignore);
        assert_eq!(
            foreign.accepted,
            [
                accepted(".gitleaksignore:3", "src/a.rs", 3, Some("aws"), None),
                accepted(".gitleaksignore:4", "dir/b:c.txt", 12, Some("generic"), Some("abcdef1")),
                accepted(".gitleaksignore:5", "z.zip!in/x.env", 1, Some("k"), None),
            ]
        );
        assert_eq!(foreign.unread.len(), 2, "{:?}", foreign.unread);
        assert!(foreign.unread[0].starts_with(".gitleaksignore:6: "));
    }

    #[test]
    fn reports_and_baselines_are_told_apart() {
        let report = r#"[{"RuleID":"aws","File":"./a","StartLine":2,"Commit":"ABC1234"},{"File":"b","StartLine":0}]"#;
        let foreign = parse("r.json", report).unwrap();
        assert_eq!(foreign.accepted, [accepted("r.json", "a", 2, Some("aws"), Some("abc1234"))]);
        assert_eq!((foreign.role, foreign.unread.len()), (Role::Baseline, 1));
        let baseline =
            r#"{"version":"1.5.0","results":{"c":[{"type":"Secret Keyword","hashed_secret":"00","line_number":7}]}}"#;
        assert_eq!(
            parse(".secrets.baseline", baseline).unwrap().accepted,
            [accepted(".secrets.baseline", "c", 7, None, None)]
        );
        for wrong in ["[", "{}", "{\"results\": 1}"] {
            assert!(parse("x", wrong).unwrap_err().to_string().starts_with("x: "), "{wrong}");
        }
    }

    #[test]
    fn hostile_text_is_read_without_panic() {
        let pieces = [
            ":",
            "a",
            "\\",
            "[",
            "{",
            "\"results\"",
            "}",
            "]",
            ",",
            "1",
            "4294967296",
            "#",
            " ",
            "\n",
            "ü",
            "null",
            "\u{feff}",
        ];
        let mut state = 7_u64;
        for _ in 0..5_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            if let Ok(foreign) = parse("x", &text) {
                assert!(foreign.accepted.iter().all(|a| !a.file.is_empty() || a.rule.is_none()), "{text:?}");
            }
        }
    }
}
