//! The index: what `git commit` would record (gitformat-index, versions 2 to 4).

use std::{fs, path::Path};

use super::{GitError, Oid, tree::EntryKind};

/// One staged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    /// Path from the root of the work tree, as bytes.
    pub path: Vec<u8>,
    /// Its content.
    pub oid: Oid,
    /// What it is; a directory in a sparse index, which stands for all files below it.
    pub kind: EntryKind,
    /// Size of the file in the work tree when it was staged, in bytes modulo 2^32.
    pub size: u32,
    /// When that file was last changed: seconds and nanoseconds since 1970, modulo 2^32.
    pub modified: (u32, u32),
}

/// The tree that a directory of the index would become, where that is known (extension TREE).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CachedTree {
    /// Files below it, and its id; none where the directory changed since the last commit.
    pub known: Option<(usize, Oid)>,
    /// Its directories by name.
    pub children: Vec<(Vec<u8>, Self)>,
}

/// An index file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Its files in order of paths.
    pub files: Vec<StagedFile>,
    /// What is known of the trees.
    pub tree: CachedTree,
}

/// Deepest directory of a cached tree that is followed; deeper ones count as unknown.
const MAX_DEPTH: usize = 512;

/// Reads an index file. A missing file is an empty index.
///
/// # Errors
/// The file is damaged, or split over a shared index.
pub fn read(path: &Path, hash_len: usize) -> Result<Index, GitError> {
    match fs::read(path) {
        Ok(bytes) => parse(&bytes, hash_len).map_err(|what| GitError::damaged(path, what)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Index::default()),
        Err(error) => Err(GitError::io(path)(error)),
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// Parses the content of an index file.
///
/// # Errors
/// What is wrong with it.
pub fn parse(bytes: &[u8], hash_len: usize) -> Result<Index, String> {
    if bytes.get(..4) != Some(b"DIRC") {
        return Err("not an index file".to_owned());
    }
    let version = be32(bytes, 4).unwrap_or(0);
    if !(2..=4).contains(&version) {
        return Err(format!("index version {version} is not known"));
    }
    let count = be32(bytes, 8).ok_or("the header is cut off")? as usize;
    // An entry takes more than 60 bytes, so a larger count is a lie.
    if count > bytes.len() / 40 {
        return Err("number of entries does not fit the file".to_owned());
    }
    let mut files: Vec<StagedFile> = Vec::with_capacity(count);
    let mut at = 12;
    for _ in 0..count {
        let previous = files.last().map(|f| f.path.as_slice()).unwrap_or_default();
        let (file, stage, next) = entry(bytes, at, hash_len, version, previous).ok_or("an entry is cut off")?;
        at = next;
        // Of a conflict, our side is what would be committed.
        match files.last() {
            Some(last) if last.path == file.path && stage != 2 => {}
            Some(last) if last.path == file.path => *files.last_mut().ok_or("no entry")? = file,
            _ => files.push(file),
        }
    }
    if extension(bytes, at, *b"link", hash_len).is_some() {
        return Err("split indexes are not supported; run `git update-index --no-split-index`".to_owned());
    }
    let tree = extension(bytes, at, *b"TREE", hash_len).and_then(|mut data| cached_tree(&mut data, hash_len, 0));
    Ok(Index { files, tree: tree.map(|(_, tree)| tree).unwrap_or_default() })
}

fn entry(bytes: &[u8], at: usize, hash_len: usize, version: u32, previous: &[u8]) -> Option<(StagedFile, u16, usize)> {
    let mode = be32(bytes, at + 24)?;
    let oid = Oid::from_bytes(bytes.get(at + 40..at + 40 + hash_len)?)?;
    let flags_at = at + 40 + hash_len;
    let flags = u16::from_be_bytes(bytes.get(flags_at..flags_at + 2)?.try_into().ok()?);
    let extended = version >= 3 && flags & 0x4000 != 0;
    let mut name_at = flags_at + if extended { 4 } else { 2 };
    let mut path = Vec::new();
    if version == 4 {
        let (strip, used) = strip_length(bytes.get(name_at..)?)?;
        name_at += used;
        path.extend_from_slice(previous.get(..previous.len().checked_sub(strip)?)?);
    }
    let nul = bytes.get(name_at..)?.iter().position(|b| *b == 0)?;
    path.extend_from_slice(&bytes[name_at..name_at + nul]);
    let end = name_at + nul;
    // Versions 2 and 3 pad with one to eight NULs to a multiple of eight.
    let next = if version == 4 { end + 1 } else { at + (end - at + 8) / 8 * 8 };
    bytes.get(..next)?;
    let kind = match mode & 0o170_000 {
        0o160_000 => EntryKind::Submodule,
        0o120_000 => EntryKind::Link,
        0o040_000 => EntryKind::Tree,
        _ => EntryKind::File,
    };
    let modified = (be32(bytes, at + 8)?, be32(bytes, at + 12)?);
    let file = StagedFile { path, oid, kind, size: be32(bytes, at + 36)?, modified };
    Some((file, flags >> 12 & 3, next))
}

/// The variable-width length of version 4, encoded like the offsets of packs.
fn strip_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    let mut byte = *bytes.first()?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7f);
    }
    Some((value, at + 1))
}

/// The data of the extension with this signature.
fn extension(bytes: &[u8], mut at: usize, signature: [u8; 4], hash_len: usize) -> Option<&[u8]> {
    while at.checked_add(8 + hash_len)? <= bytes.len() {
        let size = be32(bytes, at + 4)? as usize;
        let data = at + 8..(at + 8).checked_add(size)?;
        if bytes[at..at + 4] == signature {
            return bytes.get(data);
        }
        at = data.end;
    }
    None
}

/// A name, NUL, number of files (-1: unknown), blank, number of directories, line break, id where known, directories.
fn cached_tree(data: &mut &[u8], hash_len: usize, depth: usize) -> Option<(Vec<u8>, CachedTree)> {
    let name = until(data, 0)?.to_vec();
    let files: i64 = std::str::from_utf8(until(data, b' ')?).ok()?.parse().ok()?;
    let directories: usize = std::str::from_utf8(until(data, b'\n')?).ok()?.parse().ok()?;
    let mut known = None;
    if let Ok(files) = usize::try_from(files) {
        let (id, rest) = data.split_at_checked(hash_len)?;
        known = Some((files, Oid::from_bytes(id)?));
        *data = rest;
    }
    if depth > MAX_DEPTH {
        return None;
    }
    let children = (0..directories).map(|_| cached_tree(data, hash_len, depth + 1)).collect::<Option<Vec<_>>>()?;
    Some((name, CachedTree { known, children }))
}

fn until<'a>(data: &mut &'a [u8], end: u8) -> Option<&'a [u8]> {
    let at = data.iter().position(|b| *b == end)?;
    let (found, rest) = (&data[..at], &data[at + 1..]);
    *data = rest;
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
        let mut entry = vec![0u8; 24];
        entry.extend(0o100_644u32.to_be_bytes());
        entry.extend([0; 12]);
        entry.extend([7; 20]);
        entry.extend([0, 3]);
        entry.extend(b"a/b");
        entry.extend(vec![0; 8 - entry.len() % 8]);
        bytes.extend(entry);
        let mut tree = b"\0-1 1\na\x001 0\n".to_vec();
        tree.extend([9; 20]);
        bytes.extend(b"TREE");
        bytes.extend((tree.len() as u32).to_be_bytes());
        bytes.extend(tree);
        bytes.extend([0; 20]);
        bytes
    }

    #[test]
    fn entries_are_read_and_cut_files_refused() {
        let bytes = sample();
        let index = parse(&bytes, 20).unwrap();
        let oid = |byte| Oid::from_bytes(&[byte; 20]).unwrap();
        let file = StagedFile { path: b"a/b".to_vec(), oid: oid(7), kind: EntryKind::File, size: 0, modified: (0, 0) };
        assert_eq!(index.files, [file]);
        let below = CachedTree { known: Some((1, oid(9))), children: Vec::new() };
        assert_eq!(index.tree, CachedTree { known: None, children: vec![(b"a".to_vec(), below)] });
        for cut in 0..78 {
            assert!(parse(&bytes[..cut], 20).is_err(), "{cut}");
        }
    }
}
