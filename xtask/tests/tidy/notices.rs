//! The codes that other programs read are documented, each once.

use std::{collections::BTreeSet, fs};

use testudo_model::NoticeCode;

use crate::root;

/// First cells of the table rows of a page of the reference, without their backquotes.
fn rows(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/src/reference").join(page)).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next().map(str::trim));
    let named = cells.filter(|cell| !cell.is_empty() && !cell.starts_with('-'));
    named.skip(1).map(|cell| cell.trim_matches('`').to_owned()).collect()
}

#[test]
fn every_notice_code_has_one_row() {
    let documented = rows("notices.md");
    let unique: BTreeSet<&str> = documented.iter().map(String::as_str).collect();
    assert_eq!(unique.len(), documented.len(), "a code is documented twice");
    let codes: BTreeSet<&str> = NoticeCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), NoticeCode::ALL.len(), "two notices share a code");
    assert_eq!(unique, codes, "left: docs/src/reference/notices.md; right: crates/model/src/notice.rs");
}

#[test]
fn every_row_says_the_level_of_its_code() {
    let text = fs::read_to_string(root().join("docs/src/reference/notices.md")).unwrap();
    for code in NoticeCode::ALL {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{code}` |"))).unwrap();
        let level = format!("{:?}", code.level()).to_lowercase();
        assert!(row.split('|').any(|cell| cell.trim() == level), "{code}: its level is {level}: {row}");
    }
}
