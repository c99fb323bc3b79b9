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
    /// Offset of the trailer.
    end: u64,
}

/// The entries of a pack as they follow each other, numbered from 0.
#[derive(Debug)]
pub struct Entries<'a> {
    pack: &'a Pack,
    offsets: Vec<u64>,
    /// Position of each in the index.
    positions: Vec<u32>,
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

    /// What the pack is known by: its checksum, as its index has it, and its size in bytes; none where they cannot be read.
    #[must_use]
    pub fn identity(&self) -> Option<(Oid, u64)> {
        let mut checksum = vec![0; self.hash_len];
        let index_len = self.index_file.metadata().ok()?.len();
        read_exact_at(&self.index_file, &mut checksum, index_len.checked_sub(2 * self.hash_len as u64)?).ok()?;
        Some((Oid::from_bytes(&checksum)?, self.end))
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

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        self.whole_index();
        let position = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut pairs: Vec<_> = (0..self.count).filter_map(|at| Some((self.offset(at)?, position(at)))).collect();
        pairs.sort_unstable();
        let (offsets, positions) = pairs.into_iter().unzip();
        Entries { pack: self, offsets, positions }
    }

    /// Reads the bytes of an entry, header included, into `buffer` and parses the header. Where it ends is not known:
    /// there may be bytes of the next entries behind it.
    ///
    /// # Errors
    /// The entry is cut off or malformed.
    pub fn read_entry(&self, offset: u64, buffer: &mut Vec<u8>) -> Result<Entry, GitError> {
        /// Most trees and commits are smaller than this.
        const FIRST: u64 = 2048;
        let end = offset.saturating_add(FIRST).min(self.end);
        self.read_bytes(offset, end, buffer)?;
        let entry = self.parse_header(buffer, offset, end)?;
        // The conservative bound of zlib's `deflateBound`, with room for the header.
        let most = entry.size.saturating_add(entry.size / 8).saturating_add(entry.size / 64).saturating_add(256);
        let end = entry.data.saturating_add(most).min(self.end);
        if end > entry.end {
            self.read_bytes(offset, end, buffer)?;
        }
        Ok(Entry { end: end.max(entry.end), ..entry })
    }

    fn read_bytes(&self, from: u64, to: u64, buffer: &mut Vec<u8>) -> Result<(), GitError> {
        let len = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        buffer.clear();
        buffer.resize(len, 0);
        read_exact_at(&self.file, buffer, from).map_err(GitError::io(&self.path))
    }

    /// Parses an entry header at the start of `bytes`.
    pub(super) fn parse_header(&self, bytes: &[u8], offset: u64, end: u64) -> Result<Entry, GitError> {
        header(bytes, offset, self.hash_len)
            .map(|(kind, size, used)| Entry { kind, size, data: offset + used as u64, end })
            .ok_or_else(|| GitError::damaged(&self.path, format!("malformed entry at offset {offset}")))
    }
}

impl Entries<'_> {
    /// Number of the entry that starts at `offset`.
    #[must_use]
    pub fn find(&self, offset: u64) -> Option<usize> {
        self.offsets.binary_search(&offset).ok()
    }

    /// Id of the object of an entry.
    #[must_use]
    pub fn oid(&self, entry: usize) -> Option<Oid> {
        self.pack.oid(*self.positions.get(entry)? as usize)
    }

    /// Offset of the entry behind this one.
    fn end_of(&self, entry: usize) -> u64 {
        self.offsets.get(entry + 1).copied().unwrap_or(self.pack.end).min(self.pack.end)
    }

    /// Reads an entry, header included, into `buffer`; gives its offset and its parsed header.
    ///
    /// # Errors
    /// The entry is cut off or malformed.
    pub fn read(&self, entry: usize, buffer: &mut Vec<u8>) -> Result<(u64, Entry), GitError> {
        let damaged = || GitError::damaged(&self.pack.path, format!("no entry {entry}"));
        let (offset, end) = (*self.offsets.get(entry).ok_or_else(damaged)?, self.end_of(entry));
        self.pack.read_bytes(offset, end, buffer)?;
        Ok((offset, self.pack.parse_header(buffer, offset, end)?))
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
        for (entry, offset) in self.offsets.iter().enumerate() {
            let end = self.end_of(entry);
            let wanted = end.min(offset.saturating_add(HEADER));
            let inside = from <= *offset && wanted <= from.saturating_add(piece.len() as u64);
            if !inside && wanted > *offset {
                from = *offset;
                piece.resize(usize::try_from(self.pack.end - from).unwrap_or(PIECE).min(PIECE), 0);
                read_exact_at(&self.pack.file, &mut piece, from).map_err(GitError::io(&self.pack.path))?;
            }
            let start = usize::try_from(offset.saturating_sub(from)).unwrap_or(usize::MAX);
            let len = usize::try_from(wanted.saturating_sub(*offset)).unwrap_or(0);
            let bytes = piece.get(start..start.saturating_add(len)).unwrap_or_default();
            each(entry, self.pack.parse_header(bytes, *offset, end).ok());
        }
        Ok(())
    }
}

/// Position of an id in a sorted table of ids. Ids are spread evenly, so the place is guessed from their first bytes, and
/// a plain search between neighbours follows.
fn search(names: &[u8], oid: &[u8]) -> Option<usize> {
    let count = names.len() / oid.len();
    let at = |i: usize| &names[i * oid.len()..(i + 1) * oid.len()];
    // All ids of a bucket share their first byte; the next two say where in it they are.
    let share = u64::from(u16::from_be_bytes([*oid.get(1)?, *oid.get(2)?]));
    let guess = ((share * count as u64) >> 16) as usize;
    let mut step = 16;
    let (mut low, mut high) = if guess < count && at(guess) <= oid {
        let mut low = guess;
        while low + step < count && at(low + step) <= oid {
            low += step;
            step *= 2;
        }
        (low, (low + step).min(count))
    } else {
        let mut high = count.min(guess + 1);
        while high > step && at(high - step) > oid {
            high -= step;
            step *= 2;
        }
        (high.saturating_sub(step), high)
    };
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle).cmp(oid) {
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
    fn ids_are_found_in_tables_of_any_size() {
        let mut state = 5u64;
        for count in [0usize, 1, 2, 15, 16, 17, 33, 1000] {
            let mut ids: Vec<[u8; 20]> = Vec::new();
            for _ in 0..count {
                let mut id = [7u8; 20];
                for byte in &mut id[1..] {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    *byte = (state >> 56) as u8;
                }
                // Some tables are as uneven as a hostile one.
                id[1] = if count % 2 == 0 { id[1] } else { 200 };
                ids.push(id);
            }
            ids.sort_unstable();
            let table = ids.concat();
            for (at, id) in ids.iter().enumerate() {
                assert_eq!(search(&table, id), Some(at), "{count}");
                let mut other = *id;
                other[19] ^= 1;
                assert_eq!(search(&table, &other), ids.binary_search(&other).ok(), "{count}");
            }
            assert_eq!(search(&table, &[0; 20]), None);
            assert_eq!(search(&table, &[255; 20]), None);
        }
    }

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
