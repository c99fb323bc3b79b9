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

/// Iterates over a tree object. Stops at the first malformed entry.
pub fn entries(bytes: &[u8], hash_len: usize) -> impl Iterator<Item = TreeEntry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let space = rest.iter().position(|b| *b == b' ')?;
        let nul = space + rest[space..].iter().position(|b| *b == 0)?;
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
