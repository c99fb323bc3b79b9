//! Trees: the directories of a commit.

use super::Oid;

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file or an executable.
    File,
    /// A symbolic link: the blob is its target.
    Link,
    /// A directory.
    Tree,
    /// A commit of a submodule.
    Submodule,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// Name in its directory, as bytes.
    pub name: &'a [u8],
    /// The object.
    pub oid: Oid,
}

/// Longest mode, in octal digits.
const MAX_MODE: usize = 7;

/// Iterates over a tree object. Stops at the first malformed entry.
pub fn entries(bytes: &[u8], hash_len: usize) -> impl Iterator<Item = TreeEntry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let space = rest.iter().take(MAX_MODE + 1).position(|b| *b == b' ')?;
        let nul = space + memchr::memchr(0, &rest[space..])?;
        let oid = Oid::from_bytes(rest.get(nul + 1..nul + 1 + hash_len)?)?;
        let kind = match &rest[..space] {
            b"40000" | b"040000" => EntryKind::Tree,
            b"120000" => EntryKind::Link,
            b"160000" => EntryKind::Submodule,
            _ => EntryKind::File,
        };
        let entry = TreeEntry { kind, name: &rest[space + 1..nul], oid };
        rest = &rest[nul + 1 + hash_len..];
        Some(entry)
    })
}

/// Entries of `new`, each with the object of the same name and sort (directory, submodule, or file or link) in `old`.
///
/// Both are read once from front to back, in git's order of names. In a tree that is not in order, which git does not
/// write, some entries have no partner.
pub fn aligned<'a>(
    new: &'a [u8],
    old: &'a [u8],
    hash_len: usize,
) -> impl Iterator<Item = (TreeEntry<'a>, Option<Oid>)> {
    let mut before = entries(old, hash_len).peekable();
    entries(new, hash_len).map(move |entry| {
        while before.next_if(|old| order(old, &entry).is_lt()).is_some() {}
        let same = before.next_if(|old| order(old, &entry).is_eq());
        let sort = |kind| if kind == EntryKind::Link { EntryKind::File } else { kind };
        (entry, same.filter(|old| sort(old.kind) == sort(entry.kind)).map(|old| old.oid))
    })
}

/// The order of entries in a tree: by name, where a directory's name ends in a slash.
fn order(a: &TreeEntry<'_>, b: &TreeEntry<'_>) -> std::cmp::Ordering {
    let shared = a.name.len().min(b.name.len());
    let end = |entry: &TreeEntry<'_>| match (entry.name.get(shared), entry.kind) {
        (Some(byte), _) => *byte,
        (None, EntryKind::Tree) => b'/',
        (None, _) => 0,
    };
    a.name[..shared].cmp(&b.name[..shared]).then_with(|| end(a).cmp(&end(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let entry = |(mode, name, id): &(&str, &str, u8)| [format!("{mode} {name}\0").as_bytes(), &[*id; 20]].concat();
        entries.iter().flat_map(entry).collect()
    }

    #[test]
    fn entries_meet_their_former_selves() {
        let old = tree(&[("100644", "a", 1), ("40000", "b", 2), ("100644", "c.x", 3), ("100644", "d", 4)]);
        let new = tree(&[
            ("120000", "a", 5),
            ("100644", "b", 6),
            ("100644", "bb", 7),
            ("100644", "c.x", 3),
            ("40000", "c", 8),
            ("40000", "d", 9),
        ]);
        let found: Vec<_> = aligned(&new, &old, 20).map(|(e, old)| (e.name, old.map(|o| o.as_bytes()[0]))).collect();
        let expected: [(&[u8], Option<u8>); 6] =
            [(b"a", Some(1)), (b"b", None), (b"bb", None), (b"c.x", Some(3)), (b"c", None), (b"d", None)];
        assert_eq!(found, expected);
    }

    #[test]
    fn cut_trees_end() {
        let whole = tree(&[("100644", "a", 1), ("100644", "b", 2)]);
        for cut in 0..whole.len() {
            assert!(entries(&whole[..cut], 20).count() <= 1);
        }
    }
}
