//! Links between the Markdown files of the repository lead somewhere, and the book lists all of its pages.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::root;

/// Folders that hold no documentation of ours.
const PASSED_OVER: &[&str] = &["target", "book", "tree", "node_modules", "seeds"];

/// Every Markdown file, sorted.
fn documents() -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() && !name.starts_with('.') && !PASSED_OVER.contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(".md") && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text without code: links in there are examples.
fn prose(text: &str) -> String {
    let (mut out, mut in_block) = (String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            out.extend(line.split('`').step_by(2).flat_map(|part| [part, "`"]));
            out.push('\n');
        }
    }
    out
}

/// Targets of the links of a text.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.trim().to_owned()).collect()
}

/// The anchor of each heading, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut in_block = false;
    for line in text.lines() {
        in_block ^= line.starts_with("```");
        let Some(title) = line.strip_prefix('#').filter(|_| !in_block) else { continue };
        let letters = title.trim_start_matches('#').trim().to_lowercase();
        let kept = letters.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let repeated = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone()).chain(repeated).find(|slug| !found.contains(slug));
        found.extend(free);
    }
    found
}

/// What is wrong with a link of a document.
fn fault(document: &Path, target: &str) -> Option<String> {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { document.to_owned() } else { document.with_file_name("").join(file) };
    if Path::new(file).components().any(|part| matches!(part, Component::RootDir | Component::Prefix(_))) {
        return Some(format!("{target}: not relative"));
    }
    if !path.exists() {
        return Some(format!("{target}: no such file"));
    }
    let known = anchor.is_empty() || anchors(&fs::read_to_string(&path).unwrap_or_default()).contains(anchor);
    (!known).then(|| format!("{target}: no such heading"))
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut faults = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let name = document.strip_prefix(root()).unwrap().display().to_string();
        faults.extend(links(&text).iter().filter_map(|l| fault(&document, l)).map(|f| format!("{name}: {f}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn links_and_anchors_are_read_as_they_are_shown() {
    let text = "# Two words\n[a](b.md#c) `[no](no)` [d](#two-words)\n```sh\n# not one\n[no](no)\n```\n## Don't, `x_y`: z\n# Two words\n";
    assert_eq!(links(text), ["b.md#c", "#two-words"]);
    assert_eq!(anchors(text), BTreeSet::from(["two-words", "two-words-1", "dont-x_y-z"].map(str::to_owned)));
    assert!(fault(&root().join("README.md"), "no-such-file.md").is_some());
    assert!(fault(&root().join("README.md"), "STYLE.md#no-such-heading").is_some());
}

#[test]
fn the_book_lists_every_page_once() {
    let book = root().join("docs/src");
    let listed = links(&fs::read_to_string(book.join("SUMMARY.md")).unwrap());
    let unique: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    for page in documents().iter().filter_map(|d| d.strip_prefix(&book).ok()) {
        let name = page.to_string_lossy().replace('\\', "/");
        assert!(name == "SUMMARY.md" || unique.contains(&name), "{name} is not in SUMMARY.md");
    }
}
