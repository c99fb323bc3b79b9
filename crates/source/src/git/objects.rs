//! The object store: packs, loose objects and alternates.

use std::{
    collections::VecDeque,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use libdeflater::Decompressor;

use super::{
    GitError, Oid, delta,
    marks::{FastMap, Place},
    pack::{EntryKind, Kind, Pack},
};

/// Limits on what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Largest object in bytes.
    pub object: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { object: 256 << 20 }
    }
}

/// An object's kind and content.
#[derive(Debug, Clone)]
pub struct Object {
    /// Kind.
    pub kind: Kind,
    /// Content without header.
    pub bytes: Arc<Vec<u8>>,
}

/// Every object of a repository.
#[derive(Debug)]
pub struct Objects {
    dirs: Vec<PathBuf>,
    packs: Vec<Pack>,
    hash_len: usize,
    limits: ReadLimits,
    /// Pack indexes that could not be used.
    damaged: Vec<GitError>,
}

const MAX_ALTERNATES: usize = 32;
/// Longest chain of deltas that is followed; git itself makes none longer than 4095.
const MAX_CHAIN: usize = 10_000;
/// Bytes that the deltas of one chain may have together, in largest objects.
const MAX_HELD: u64 = 4;

impl Objects {
    /// Opens an `objects` directory and its alternates.
    ///
    /// # Errors
    /// The directory cannot be read. Damaged packs are kept apart, see [`Self::damaged`].
    pub fn open(dir: &Path, hash_len: usize, limits: ReadLimits) -> Result<Self, GitError> {
        let mut dirs = with_alternates(dir);
        // A server keeps what is pushed apart until its hooks have agreed (git-receive-pack(1), quarantine environment).
        dirs.extend(env::var_os("GIT_QUARANTINE_PATH").map(PathBuf::from).filter(|path| path.starts_with(dir)));
        let (mut packs, mut damaged) = (Vec::new(), Vec::new());
        for dir in &dirs {
            let mut indexes: Vec<_> = fs::read_dir(dir.join("pack"))
                .into_iter()
                .flatten()
                .flatten()
                .map(|e| e.path())
                .filter(|p| p.extension().is_some_and(|e| e == "idx"))
                .collect();
            indexes.sort();
            for index in indexes {
                match Pack::open(&index, hash_len) {
                    Ok(pack) => packs.push(pack),
                    Err(error) => damaged.push(error),
                }
            }
        }
        Ok(Self { dirs, packs, hash_len, limits, damaged })
    }

    /// The packs.
    #[must_use]
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// Bytes of an object id.
    #[must_use]
    pub fn hash_len(&self) -> usize {
        self.hash_len
    }

    /// Limits on what is read.
    #[must_use]
    pub fn limits(&self) -> ReadLimits {
        self.limits
    }

    /// Pack indexes that could not be used.
    #[must_use]
    pub fn damaged(&self) -> &[GitError] {
        &self.damaged
    }

    /// Ids of all loose objects, sorted.
    #[must_use]
    pub fn loose(&self) -> Vec<Oid> {
        let mut found = Vec::new();
        for dir in &self.dirs {
            for shard in 0..=255u8 {
                let prefix = format!("{shard:02x}");
                for entry in fs::read_dir(dir.join(&prefix)).into_iter().flatten().flatten() {
                    let name = entry.file_name();
                    found.extend(Oid::from_hex(format!("{prefix}{}", name.to_string_lossy()).as_bytes()));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Pack number and position in its index of an object.
    #[must_use]
    pub fn locate(&self, oid: &Oid) -> Option<(usize, usize)> {
        self.packs.iter().enumerate().find_map(|(n, pack)| pack.find(oid).map(|position| (n, position)))
    }

    /// Whether the object is there at all.
    #[must_use]
    pub fn contains(&self, oid: &Oid) -> bool {
        self.locate(oid).is_some() || self.loose_path(oid).is_some()
    }

    /// Objects whose hexadecimal id begins with `prefix` (at least four digits), at most two of them.
    #[must_use]
    pub fn by_prefix(&self, prefix: &str) -> Vec<Oid> {
        let starts = |oid: &Oid| oid.to_string().starts_with(prefix);
        let mut found: Vec<Oid> = self.loose().into_iter().filter(starts).collect();
        for pack in &self.packs {
            found.extend((0..pack.len()).filter_map(|p| pack.oid(p)).filter(starts));
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(2);
        found
    }

    fn loose_path(&self, oid: &Oid) -> Option<PathBuf> {
        let hex = oid.to_string();
        self.dirs.iter().map(|d| d.join(&hex[..2]).join(&hex[2..])).find(|p| p.is_file())
    }
}

fn with_alternates(dir: &Path) -> Vec<PathBuf> {
    let (mut dirs, mut queue) = (Vec::new(), VecDeque::from([dir.to_owned()]));
    while let Some(dir) = queue.pop_front() {
        if dirs.contains(&dir) || dirs.len() >= MAX_ALTERNATES {
            continue;
        }
        let text = fs::read_to_string(dir.join("info/alternates")).unwrap_or_default();
        queue.extend(text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(|l| dir.join(l)));
        dirs.push(dir);
    }
    dirs
}

/// Reads objects one by one, with a memory of recent delta bases. One a thread.
pub struct Reader<'a> {
    objects: &'a Objects,
    inflate: Decompressor,
    raw: Vec<u8>,
    bases: BaseCache,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Objects {
    /// A reader for this thread.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader { objects: self, inflate: Decompressor::new(), raw: Vec::new(), bases: BaseCache::default() }
    }
}

impl Reader<'_> {
    /// Bytes of an object id.
    #[must_use]
    pub fn hash_len(&self) -> usize {
        self.objects.hash_len
    }

    /// Pack number and position in its index of an object.
    #[must_use]
    pub fn locate(&self, oid: &Oid) -> Option<(usize, usize)> {
        self.objects.locate(oid)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// It is missing, damaged or larger than the limit.
    pub fn read(&mut self, oid: &Oid) -> Result<Object, GitError> {
        self.read_at(oid, self.objects.locate(oid))
    }

    /// Reads an object whose place is known.
    ///
    /// # Errors
    /// It is missing, damaged or larger than the limit.
    pub fn read_at(&mut self, oid: &Oid, place: Place) -> Result<Object, GitError> {
        match place {
            Some((pack, position)) => self.read_packed(pack, position),
            None => self.read_loose(oid),
        }
    }

    /// Follows a chain of deltas to its base, which may be in another pack, and builds the object back up.
    fn read_packed(&mut self, pack_number: usize, position: usize) -> Result<Object, GitError> {
        let objects = self.objects;
        let first = &objects.packs[pack_number];
        let oid = first.oid(position);
        let damaged = |what: &str| {
            let name = oid.map_or_else(|| "?".to_owned(), |oid| oid.to_string());
            GitError::damaged(first.path(), format!("{what} of {name}"))
        };
        let mut at = (pack_number, first.offset(position).ok_or_else(|| damaged("no offset"))?);
        let mut deltas: Vec<((usize, u64), Vec<u8>)> = Vec::new();
        let mut held = 0;
        let mut object = loop {
            if let Some(found) = self.bases.get(at.0, at.1) {
                break found;
            }
            let pack = &objects.packs[at.0];
            let entry = pack.read_entry(at.1, &mut self.raw)?;
            let mut data = Vec::new();
            self.inflate_entry(entry.size, (entry.data - at.1) as usize, &mut data)
                .ok_or_else(|| damaged("compressed data"))?;
            let base = match entry.kind {
                EntryKind::Whole(kind) => {
                    let object = Object { kind, bytes: Arc::new(data) };
                    // Commits and tags are read once each, and seldom stored as deltas.
                    let reused = !deltas.is_empty() || matches!(kind, Kind::Tree | Kind::Blob);
                    break if reused { self.bases.put(at.0, at.1, object) } else { object };
                }
                EntryKind::OffsetDelta(base) => Ok((at.0, base)),
                EntryKind::RefDelta(base) => self.base_of(at.0, base),
            };
            held += data.len() as u64;
            deltas.push((at, data));
            match base {
                Ok(base) if deltas.iter().any(|(known, _)| *known == base) => return Err(damaged("delta loop")),
                Ok(base) => at = base,
                Err(loose) => break self.read_loose(&loose)?,
            }
            // All deltas of a chain are held until its base is found.
            if deltas.len() > MAX_CHAIN || held > objects.limits.object.saturating_mul(MAX_HELD) {
                return Err(damaged("delta chain"));
            }
        };
        let mut segments = Vec::new();
        while let Some(((pack, offset), data)) = deltas.pop() {
            let mut result = Vec::new();
            delta::apply(&object.bytes, &data, objects.limits.object, &mut result, &mut segments)
                .ok_or_else(|| damaged("delta"))?;
            object = self.bases.put(pack, offset, Object { kind: object.kind, bytes: Arc::new(result) });
        }
        Ok(object)
    }

    /// Pack and offset of the base of a delta, looked for in the same pack first; its id where no pack has it.
    fn base_of(&self, pack: usize, base: Oid) -> Result<(usize, u64), Oid> {
        let packs = &self.objects.packs;
        let here = packs[pack].find(&base).map(|position| (pack, position));
        let (pack, position) = here.or_else(|| self.objects.locate(&base)).ok_or(base)?;
        packs[pack].offset(position).map(|offset| (pack, offset)).ok_or(base)
    }

    fn inflate_entry(&mut self, size: u64, from: usize, out: &mut Vec<u8>) -> Option<()> {
        inflate(&mut self.inflate, self.raw.get(from..)?, size, self.objects.limits.object, out)
    }

    fn read_loose(&mut self, oid: &Oid) -> Result<Object, GitError> {
        let path = self.objects.loose_path(oid).ok_or(GitError::Missing(*oid))?;
        let raw = fs::read(&path).map_err(GitError::io(&path))?;
        let damaged = |what: &str| GitError::damaged(&path, what);
        let (kind, mut out, skip) = self.inflate_loose(&raw).ok_or_else(|| damaged("malformed loose object"))?;
        out.drain(..skip);
        Ok(Object { kind, bytes: Arc::new(out) })
    }

    /// Kind, header with content, and header length of a loose object. The size stands inside the compressed data
    /// and libdeflate wants it beforehand, so the buffer grows until all fits.
    fn inflate_loose(&mut self, raw: &[u8]) -> Option<(Kind, Vec<u8>, usize)> {
        let limit = usize::try_from(self.objects.limits.object).unwrap_or(usize::MAX).saturating_add(64);
        let mut guess = raw.len().max(64).saturating_mul(4).min(limit);
        loop {
            let mut out = vec![0u8; guess];
            match self.inflate.zlib_decompress(raw, &mut out) {
                Ok(len) => {
                    out.truncate(len);
                    let nul = out.iter().take(40).position(|b| *b == 0)?;
                    let space = out[..nul].iter().position(|b| *b == b' ')?;
                    let size: usize = std::str::from_utf8(&out[space + 1..nul]).ok()?.parse().ok()?;
                    let kind = Kind::parse(&out[..space])?;
                    return (size == len - nul - 1).then_some((kind, out, nul + 1));
                }
                Err(libdeflater::DecompressionError::InsufficientSpace) if guess < limit => {
                    guess = guess.saturating_mul(4).min(limit)
                }
                Err(_) => return None,
            }
        }
    }
}

/// Inflates zlib data of a known size.
pub(super) fn inflate(
    decompressor: &mut Decompressor,
    raw: &[u8],
    size: u64,
    limit: u64,
    out: &mut Vec<u8>,
) -> Option<()> {
    // DEFLATE cannot expand more than 1032 times (RFC 1951: 258 bytes from two bits), so a larger claim is a lie.
    if size > limit || size > (raw.len() as u64 + 16).saturating_mul(1032) {
        return None;
    }
    out.clear();
    out.resize(usize::try_from(size).ok()?, 0);
    let written = decompressor.zlib_decompress(raw, out).ok()?;
    (written as u64 == size).then_some(())
}

/// Recently used objects of packs, first in, first out, bounded in bytes.
#[derive(Default)]
struct BaseCache {
    entries: FastMap<(usize, u64), Object>,
    order: VecDeque<(usize, u64)>,
    bytes: usize,
}

/// Most bytes the cache holds.
const CACHE_BYTES: usize = 12 << 20;
/// Larger objects are not worth their place.
const CACHE_OBJECT: usize = 2 << 20;

impl BaseCache {
    fn get(&self, pack: usize, offset: u64) -> Option<Object> {
        self.entries.get(&(pack, offset)).cloned()
    }

    fn put(&mut self, pack: usize, offset: u64, object: Object) -> Object {
        if object.bytes.len() <= CACHE_OBJECT && self.entries.insert((pack, offset), object.clone()).is_none() {
            self.bytes += object.bytes.len() + 64;
            self.order.push_back((pack, offset));
            while self.bytes > CACHE_BYTES {
                let Some(oldest) = self.order.pop_front() else { break };
                if let Some(gone) = self.entries.remove(&oldest) {
                    self.bytes -= gone.bytes.len() + 64;
                }
            }
        }
        object
    }
}
