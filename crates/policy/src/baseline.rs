//! Baselines: what was there when testudo was introduced. The format is that of the ignore file, the reason is `baseline`.
//!
//! A baseline holds no line numbers, no counts and no date, so that two branches that change it rarely conflict and an
//! unchanged tree gives an unchanged file. Lines conflict where both branches add to the same gap: seldom in a file of
//! some hundred entries, nearly always in one that is almost empty. git's `merge=union` attribute joins those too, and
//! the reader accepts what comes out: any order and repeated lines.

use testudo_model::Finding;

use crate::{Entry, EntryKey, IgnoreFile};

/// Reason of every entry of a baseline.
pub const REASON: &str = "baseline";

const HEADER: [&str; 3] = [
    "testudo baseline: findings that were accepted unseen when it was made. Do not edit;",
    "`testudo baseline create` writes it again. One finding a line, sorted, keyed by content and not by place.",
    "In .gitattributes, `merge=union` for this file makes merges free of conflicts.",
];

/// A baseline of the findings that count. What is suppressed otherwise keeps its own suppression.
#[must_use]
pub fn create(findings: &[Finding]) -> IgnoreFile {
    let mut file = IgnoreFile::with_comments(&HEADER);
    file.extend(findings.iter().filter(|finding| finding.suppressed.is_none()).filter_map(entry));
    file
}

fn entry(finding: &Finding) -> Option<Entry> {
    let key = EntryKey::of(finding).next()?;
    Some(Entry {
        key,
        rule: Some(finding.rule.clone()),
        reason: REASON.to_owned(),
        owner: None,
        expires: None,
        place: None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use testudo_model::SuppressionKind;

    use super::*;
    use crate::{
        apply::tests::{finding, secret, suppressed},
        random::Random,
    };

    #[test]
    fn a_baseline_is_sorted_says_what_it_is_and_reads_back() {
        let accepted = suppressed(finding("a", 5), SuppressionKind::Inline);
        let findings = [secret("b", 2), finding("a", 9), secret("b", 2), accepted, finding("a", 1)];
        let file = create(&findings);
        let text = file.to_text();
        let body: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
        assert!(text.starts_with("# testudo baseline"));
        assert_eq!(body.len(), 3, "the same secret twice is one entry:\n{text}");
        assert!(body.is_sorted() && body.iter().all(|l| l.ends_with("reason=\"baseline\"")), "{text}");
        let (read, notices) = IgnoreFile::parse(&text, "");
        assert_eq!((read.to_text(), notices.len()), (text, 0));
    }

    #[test]
    fn what_a_union_merge_leaves_reads_as_both_sides() {
        let (ours, theirs) = (create(&[finding("a", 9), secret("b", 2)]), create(&[finding("a", 9), finding("a", 1)]));
        let merged = format!("{}{}", ours.to_text(), theirs.to_text().replace("# ", "#  "));
        let (read, notices) = IgnoreFile::parse(&merged, "");
        assert_eq!(notices, []);
        let both = create(&[finding("a", 9), secret("b", 2), finding("a", 1)]);
        let entries = |file: &IgnoreFile| file.entries().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(entries(&read), entries(&both));
    }

    /// Whether a three-way line merge has no conflict, for branches that only add lines to a sorted base: both add
    /// different lines between the same two lines of the base.
    fn merges(base: &[String], ours: &[String], theirs: &[String]) -> bool {
        let added = |branch: &[String]| {
            let mut gaps: BTreeMap<usize, Vec<String>> = BTreeMap::new();
            let (mut at, mut known) = (0, base.iter().peekable());
            for line in branch {
                if known.next_if_eq(&line).is_some() {
                    at += 1;
                } else {
                    gaps.entry(at).or_default().push(line.clone());
                }
            }
            assert_eq!(at, base.len(), "a branch kept every line of the base in order");
            gaps
        };
        let (ours, theirs) = (added(ours), added(theirs));
        ours.iter().all(|(gap, lines)| theirs.get(gap).is_none_or(|other| other == lines))
    }

    /// A base of 200 entries, to which each branch adds one to three.
    #[test]
    fn branches_that_add_entries_merge_without_conflict() {
        let mut random = Random::new(11);
        let mut next = || (0..8).fold(0_u128, |n, _| n << 16 | random.below(1 << 16) as u128);
        let mut lines = |seeds: &BTreeSet<u128>, more: usize| {
            let mut all = seeds.clone();
            all.extend((0..more).map(|_| next()));
            all
        };
        let text = |seeds: &BTreeSet<u128>| -> Vec<String> {
            let mut file = IgnoreFile::with_comments(&HEADER);
            let line = |n: &u128| format!("hmac16:{n:032x} rule=generic reason=\"baseline\"\n");
            file.extend(IgnoreFile::parse(&seeds.iter().map(line).collect::<String>(), "").0.entries().to_vec());
            file.to_text().lines().map(str::to_owned).collect()
        };
        let mut clean = 0;
        for round in 0..100 {
            let base = lines(&BTreeSet::new(), 200);
            let (ours, theirs) = (lines(&base, 1 + round % 3), lines(&base, 1 + round / 3 % 3));
            clean += usize::from(merges(&text(&base), &text(&ours), &text(&theirs)));
        }
        assert!(clean >= 90, "{clean} of 100 merges were free of conflicts");
        // The test can fail: additions that are not spread always meet in one gap.
        assert!(!merges(&["a".into()], &["a".into(), "b".into()], &["a".into(), "c".into()]));
    }
}
