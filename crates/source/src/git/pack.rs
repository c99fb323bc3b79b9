//! One pack and its index (gitformat-pack, versions 2 and 3; index version 2).
//!
//! The pack is read with positioned reads, not mapped: a scan touches every page of it once, and a map would count
//! them all as the scan's memory; a file that is truncated meanwhile is an error, not a signal.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{GitError, Oid, read_exact_at};

/// Kinds of entry in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// File content.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// The word in loose object headers.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"commit" => Some(Self::Commit),
            b"tree" => Some(Self::Tree),
            b"blob" => Some(Self::Blob),
            b"tag" => Some(Self::Tag),
            _ => None,
        }
    }
}

/// What stands at an offset of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A whole object.
    Whole(Kind),
    /// A delta against the entry at this offset of the same pack.
    OffsetDelta(u64),
    /// A delta against this object.
    RefDelta(Oid),
}

/// Header of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Kind.
    pub kind: EntryKind,
    /// Size of the inflated data in bytes (of the delta, for deltas).
    pub size: u64,
    /// Offset of the compressed data.
    pub data: u64,
    /// Offset behind the compressed data.
    pub end: u64,
}

/// A pack, open for reading. Its index is read as far as it is asked: a commit hook looks up a few objects, a scan of the
/// history all of them.
#[derive(Debug)]
pub struct Pack {
    path: PathBuf,
    file: File,
    hash_len: usize,
    index_path: PathBuf,
    index_file: File,
    /// Objects whose id begins with a byte up to this one.
    fan: Vec<u32>,
    /// The whole index, once it pays to have it.
    index: OnceLock<Vec<u8>>,
    lookups: AtomicUsize,
    count: usize,
    /// Offsets in ascending order, with the position of each in the index; sorted when first needed, for a look at a
    /// few objects of a large pack must not pay for all.
    by_offset: OnceLock<Vec<(u64, u32)>>,
    /// Offset of the trailer.
    end: u64,
}

const INDEX_HEADER: usize = 8;
const FANOUT: usize = 256 * 4;
/// Single look-ups after which the whole index is read.
const FEW: usize = 256;

impl Pack {
    /// Opens the pack beside an `.idx` file.
    ///
    /// # Errors
    /// Either file cannot be read or does not have the documented form.
    pub fn open(index_path: &Path, hash_len: usize) -> Result<Self, GitError> {
        let index_file = File::open(index_path).map_err(GitError::io(index_path))?;
        let index_len = index_file.metadata().map_err(GitError::io(index_path))?.len();
        let path = index_path.with_extension("pack");
        let file = File::open(&path).map_err(GitError::io(&path))?;
        let end = file.metadata().map_err(GitError::io(&path))?.len().saturating_sub(hash_len as u64);
        let damaged = |what: &str| GitError::damaged(index_path, what);
        let mut head = vec![0; INDEX_HEADER + FANOUT];
        read_exact_at(&index_file, &mut head, 0).map_err(|_| damaged("fan-out table is cut off"))?;
        if head[..8] != [0xff, b't', b'O', b'c', 0, 0, 0, 2] {
            return Err(damaged("not a version 2 pack index"));
        }
        let fan: Vec<u32> = (0..256).filter_map(|i| be32(&head, INDEX_HEADER + i * 4)).collect();
        let count = fan.last().copied().unwrap_or(0) as usize;
        let pack = Self {
            path,
            file,
            hash_len,
            index_path: index_path.to_owned(),
            index_file,
            fan,
            index: OnceLock::new(),
            lookups: AtomicUsize::new(0),
            count,
            by_offset: OnceLock::new(),
            end,
        };
        if index_len < (pack.offsets_at() + count * 4) as u64 {
            return Err(damaged("tables are cut off"));
        }
        Ok(pack)
    }

    /// Bytes of the index: from memory where it was read, or else from the file.
    fn index_bytes<T>(&self, at: usize, len: usize, take: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        if let Some(index) = self.index.get() {
            return take(index.get(at..at.checked_add(len)?)?);
        }
        if self.lookups.fetch_add(1, Ordering::Relaxed) >= FEW {
            return take(self.whole_index().get(at..at.checked_add(len)?)?);
        }
        let mut bytes = vec![0; len];
        read_exact_at(&self.index_file, &mut bytes, at as u64).ok()?;
        take(&bytes)
    }

    /// The whole index; empty where it cannot be read any more, so that its objects count as missing.
    fn whole_index(&self) -> &[u8] {
        self.index.get_or_init(|| std::fs::read(&self.index_path).unwrap_or_default())
    }

    fn names_at(&self) -> usize {
        INDEX_HEADER + FANOUT
    }

    fn offsets_at(&self) -> usize {
        self.names_at() + self.count * (self.hash_len + 4)
    }

    /// Path of the pack file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Id of the object at a position of the index.
    #[must_use]
    pub fn oid(&self, position: usize) -> Option<Oid> {
        let at = self.names_at() + position * self.hash_len;
        self.index_bytes(at, self.hash_len, Oid::from_bytes)
    }

    /// Offset of the object at a position of the index.
    #[must_use]
    pub fn offset(&self, position: usize) -> Option<u64> {
        let short = self.index_bytes(self.offsets_at() + position * 4, 4, |b| be32(b, 0))?;
        if short & 0x8000_0000 == 0 {
            return Some(u64::from(short));
        }
        let at = self.offsets_at() + self.count * 4 + (short & 0x7fff_ffff) as usize * 8;
        self.index_bytes(at, 8, |b| Some(u64::from(be32(b, 0)?) << 32 | u64::from(be32(b, 4)?)))
    }

    /// Position in the index of an object.
    #[must_use]
    pub fn find(&self, oid: &Oid) -> Option<usize> {
        let first = usize::from(oid.as_bytes()[0]);
        let fan = |i: usize| self.fan.get(i).map(|v| (*v as usize).min(self.count));
        let (low, high) = (if first == 0 { 0 } else { fan(first - 1)? }, fan(first)?);
        let (at, len) = (self.names_at() + low * self.hash_len, high.checked_sub(low)? * self.hash_len);
        self.index_bytes(at, len, |names| search(names, oid.as_bytes())).map(|found| low + found)
    }

    /// Number of the entry that starts at `offset`, counted in the order of the file.
    #[must_use]
    pub fn entry_at(&self, offset: u64) -> Option<usize> {
        self.by_offset().binary_search_by_key(&offset, |(o, _)| *o).ok()
    }

    /// Offset and position in the index of the entry with this number.
    #[must_use]
    pub fn nth(&self, entry: usize) -> Option<(u64, usize)> {
        self.by_offset().get(entry).map(|(offset, position)| (*offset, *position as usize))
    }

    fn by_offset(&self) -> &[(u64, u32)] {
        self.by_offset.get_or_init(|| {
            self.whole_index();
            let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let mut offsets: Vec<_> = (0..self.count).filter_map(|at| Some((self.offset(at)?, position(at)))).collect();
            offsets.sort_unstable();
            offsets
        })
    }

    /// First offset that an entry at `offset` cannot reach: the next entry where the order is known, or else what its
    /// content can take at most when nothing in it can be compressed.
    fn end_of(&self, offset: u64) -> Result<u64, GitError> {
        if let Some(order) = self.by_offset.get() {
            let next = order.partition_point(|(o, _)| *o <= offset);
            return Ok(order.get(next).map_or(self.end, |(o, _)| *o).min(self.end));
        }
        let mut head = vec![0; usize::try_from(self.end.saturating_sub(offset)).unwrap_or(64).min(64)];
        read_exact_at(&self.file, &mut head, offset).map_err(GitError::io(&self.path))?;
        let entry = self.parse_header(&head, offset, self.end)?;
        // The conservative bound of zlib's `deflateBound`, with room for the header.
        let most = entry.size.saturating_add(entry.size / 8).saturating_add(entry.size / 64).saturating_add(256);
        Ok(entry.data.saturating_add(most).min(self.end))
    }

    /// Reads the bytes of an entry, header included, into `buffer` and parses the header.
    ///
    /// # Errors
    /// The entry is cut off or malformed.
    pub fn read_entry(&self, offset: u64, buffer: &mut Vec<u8>) -> Result<Entry, GitError> {
        let end = self.end_of(offset)?;
        let len = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        buffer.clear();
        buffer.resize(len, 0);
        read_exact_at(&self.file, buffer, offset).map_err(GitError::io(&self.path))?;
        self.parse_header(buffer, offset, end)
    }

    /// Parses an entry header at the start of `bytes`.
    pub(super) fn parse_header(&self, bytes: &[u8], offset: u64, end: u64) -> Result<Entry, GitError> {
        header(bytes, offset, self.hash_len)
            .map(|(kind, size, used)| Entry { kind, size, data: offset + used as u64, end })
            .ok_or_else(|| GitError::damaged(&self.path, format!("malformed entry at offset {offset}")))
    }

    /// Calls `each` with the number and header of every entry, in the order of the file, reading it in large pieces.
    ///
    /// # Errors
    /// The pack cannot be read. Malformed headers are given to `each` as none.
    pub fn headers(&self, mut each: impl FnMut(usize, Option<Entry>)) -> Result<(), GitError> {
        const PIECE: usize = 1 << 20;
        /// More than any header takes: 10 bytes of size, then 10 of offset or 32 of id.
        const HEADER: u64 = 64;
        let (mut piece, mut from) = (Vec::new(), u64::MAX);
        for (entry, (offset, _)) in self.by_offset().iter().enumerate() {
            let end = self.by_offset().get(entry + 1).map_or(self.end, |(o, _)| *o).min(self.end);
            let wanted = end.min(offset + HEADER);
            let inside = from <= *offset && wanted <= from.saturating_add(piece.len() as u64);
            if !inside && wanted > *offset {
                from = *offset;
                piece.resize(usize::try_from(self.end - from).unwrap_or(PIECE).min(PIECE), 0);
                read_exact_at(&self.file, &mut piece, from).map_err(GitError::io(&self.path))?;
            }
            let start = usize::try_from(offset.saturating_sub(from)).unwrap_or(usize::MAX);
            let len = usize::try_from(wanted.saturating_sub(*offset)).unwrap_or(0);
            let bytes = piece.get(start..start.saturating_add(len)).unwrap_or_default();
            each(entry, self.parse_header(bytes, *offset, end).ok());
        }
        Ok(())
    }
}

/// Position of an id in a sorted table of ids.
fn search(names: &[u8], oid: &[u8]) -> Option<usize> {
    let (mut low, mut high) = (0, names.len() / oid.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match names[middle * oid.len()..(middle + 1) * oid.len()].cmp(oid) {
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    None
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// Kind, size and length of an entry header.
fn header(bytes: &[u8], offset: u64, hash_len: usize) -> Option<(EntryKind, u64, usize)> {
    let first = *bytes.first()?;
    let (mut size, mut shift, mut at, mut more) = (u64::from(first & 15), 4u32, 1, first & 0x80 != 0);
    while more {
        let byte = *bytes.get(at)?;
        at += 1;
        if shift > 56 {
            return None;
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        more = byte & 0x80 != 0;
    }
    let kind = match first >> 4 & 7 {
        1 => EntryKind::Whole(Kind::Commit),
        2 => EntryKind::Whole(Kind::Tree),
        3 => EntryKind::Whole(Kind::Blob),
        4 => EntryKind::Whole(Kind::Tag),
        6 => {
            let distance = offset_varint(bytes, &mut at)?;
            EntryKind::OffsetDelta(offset.checked_sub(distance).filter(|_| distance > 0)?)
        }
        7 => {
            let oid = Oid::from_bytes(bytes.get(at..at + hash_len)?)?;
            at += hash_len;
            EntryKind::RefDelta(oid)
        }
        _ => return None,
    };
    Some((kind, size, at))
}

/// The offset encoding of OFS_DELTA entries: each continuation adds one.
fn offset_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut byte = *bytes.get(*at)?;
    *at += 1;
    let mut value = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = *bytes.get(*at)?;
        *at += 1;
        value = value.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7f);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_kind() {
        assert_eq!(header(&[0xb5, 0x02], 0, 20), Some((EntryKind::Whole(Kind::Blob), 37, 2)));
        assert_eq!(header(&[0x65, 0x80, 0x00], 1000, 20), Some((EntryKind::OffsetDelta(1000 - 128), 5, 3)));
        assert_eq!(header(&[0x65, 0x00], 1000, 20), None, "a delta against itself");
        assert_eq!(header(&[0x65, 0x05], 3, 20), None, "a base before the file");
        assert_eq!(header(&[0xff; 40], 0, 20), None);
        assert_eq!(header(&[], 0, 20), None);
    }
}
