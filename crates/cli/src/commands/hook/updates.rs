//! What git tells pre-push and pre-receive on standard input, and the commits that it means.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use testudo_source::git::{Oid, Repository};

use super::Hook;

/// One reference that changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Update {
    /// What the other side has now; none for a new reference.
    old: Option<Oid>,
    /// What it is to have.
    new: Oid,
}

/// Reads the lines. References that are deleted bring nothing and are left out.
///
/// pre-push: `<local ref> <local id> <remote ref> <remote id>`; pre-receive: `<old id> <new id> <ref>` (githooks(5)).
pub(super) fn read(hook: Hook, text: &str) -> Result<Vec<Update>> {
    let mut updates = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let ids = match (hook, words.as_slice()) {
            (Hook::PrePush, [_, new, _, old]) | (Hook::PreReceive, [old, new, _]) => {
                Oid::from_hex(old.as_bytes()).zip(Oid::from_hex(new.as_bytes()))
            }
            _ => None,
        };
        let Some((old, new)) = ids else {
            bail!("standard input, line {}: not what git gives a {} hook", number + 1, hook.name());
        };
        if !new.is_zero() {
            updates.push(Update { old: (!old.is_zero()).then_some(old), new });
        }
    }
    Ok(updates)
}

/// The commits that updates bring, as `--range` takes it: `OLD..NEW` where one known reference moves, otherwise the new
/// ids, each id that the other side is known to have behind a `^`. None where nothing comes.
pub(super) fn range(hook: Hook, updates: &[Update], repository: &Repository) -> Option<String> {
    // An id that somebody else pushed and this clone never fetched says nothing here.
    let known = |oid: &Oid| repository.objects().contains(oid);
    match updates {
        [] => return None,
        [Update { old: Some(old), new }] if known(old) => return Some(format!("{old}..{new}")),
        _ => {}
    }
    let mut there: Vec<Oid> = updates.iter().filter_map(|u| u.old).collect();
    if updates.iter().any(|u| u.old.is_none_or(|old| !known(&old))) {
        // The server's own references still stand as they were: a hook runs before they move.
        let counts = |name: &str| hook == Hook::PreReceive || name.starts_with("refs/remotes/");
        there.extend(repository.references().into_iter().filter(|r| counts(&r.name)).map(|r| r.target));
    }
    there.retain(known);
    there.sort_unstable();
    there.dedup();
    let news: BTreeSet<String> = updates.iter().map(|u| u.new.to_string()).collect();
    let words: Vec<String> = news.into_iter().chain(there.iter().map(|oid| format!("^{oid}"))).collect();
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn lines_of_git_are_read_and_deletions_left_out() {
        let oid = |text: &str| Oid::from_hex(text.as_bytes()).unwrap();
        let update = |old: Option<&str>, new: &str| Update { old: old.map(oid), new: oid(new) };
        for (hook, text, expected) in [
            (Hook::PrePush, format!("refs/heads/x {A} refs/heads/x {B}\n"), vec![update(Some(B), A)]),
            (Hook::PrePush, format!("refs/heads/x {A} refs/heads/x {ZERO}\n"), vec![update(None, A)]),
            (Hook::PrePush, format!("(delete) {ZERO} refs/heads/x {B}\n"), vec![]),
            (
                Hook::PreReceive,
                format!("{A} {B} refs/heads/x\n{ZERO} {A} refs/tags/y\n"),
                vec![update(Some(A), B), update(None, A)],
            ),
            (Hook::PreReceive, String::new(), vec![]),
        ] {
            assert_eq!(read(hook, &text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn other_lines_are_an_error_with_their_number() {
        for (hook, text) in [
            (Hook::PrePush, format!("refs/heads/x {A} refs/heads/x {B}\n{A} {B} refs/heads/x\n")),
            (Hook::PreReceive, format!("{A} {B} refs/heads/x\nnone {B} refs/heads/x\n")),
        ] {
            let message = read(hook, &text).unwrap_err().to_string();
            assert!(message.contains("line 2") && message.contains(hook.name()), "{message}");
        }
    }
}
