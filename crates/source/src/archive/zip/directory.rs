//! The records of a zip file that say what is in it: the central directory and local headers.

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";

const LOCAL_LENGTH: usize = 30;
const CENTRAL_LENGTH: usize = 46;
const END_LENGTH: usize = 22;
const END_64_LENGTH: usize = 56;
const LOCATOR_64_LENGTH: usize = 20;

/// Two bytes, little-endian.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}

fn index(value: u64) -> Option<usize> {
    usize::try_from(value).ok()
}

/// One file of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) method: u16,
    /// CRC-32 of the plain content, where stated.
    pub(super) crc: Option<u32>,
    /// Bytes of the compressed data, where stated.
    pub(super) packed: Option<u64>,
    /// Bytes of the plain content, where stated.
    pub(super) size: Option<u64>,
    /// Where the local header stands.
    pub(super) local: usize,
    flags: u16,
    unix_mode: u32,
}

impl Entry {
    /// By the traditional cipher (a flag) or AES (a method).
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }

    /// Whether an LZMA stream ends with a mark rather than at its length.
    pub(super) fn has_end_mark(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Directories and symbolic links.
    pub(super) fn has_no_content(&self) -> bool {
        let directory = self.name.ends_with(['/', '\\']) && self.size == Some(0);
        directory || self.unix_mode & 0o170_000 == 0o120_000
    }
}

/// Where the central directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Bytes in front of the zip, which the offsets in it do not count.
    prefix: usize,
}

impl Directory {
    /// Finds the directory by the record at the end of the file.
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
        let from = bytes.len().saturating_sub(END_LENGTH + usize::from(u16::MAX));
        let tail = &bytes[from..];
        (0..tail.len().saturating_sub(END_LENGTH - 1))
            .rev()
            .filter(|at| tail[*at..].starts_with(END))
            .find_map(|at| Self::at_end_record(bytes, from + at))
    }

    fn at_end_record(bytes: &[u8], end: usize) -> Option<Self> {
        let locator = end.checked_sub(LOCATOR_64_LENGTH).filter(|at| bytes[*at..].starts_with(LOCATOR_64));
        if let Some(directory) = locator.and_then(|at| Self::by_locator_64(bytes, at)) {
            return Some(directory);
        }
        let size = index(u32_at(bytes, end + 12)?.into())?;
        let offset = index(u32_at(bytes, end + 16)?.into())?;
        Self::new(bytes, size, offset, end)
    }

    fn by_locator_64(bytes: &[u8], locator: usize) -> Option<Self> {
        let stated = index(u64_at(bytes, locator + 8)?);
        // With bytes in front of the zip the stated place is wrong; the record is just before its locator then.
        let places = [stated, locator.checked_sub(END_64_LENGTH)];
        let at = places.into_iter().flatten().find(|at| bytes.get(*at..).is_some_and(|b| b.starts_with(END_64)))?;
        let size = index(u64_at(bytes, at.checked_add(40)?)?)?;
        let offset = index(u64_at(bytes, at.checked_add(48)?)?)?;
        Self::new(bytes, size, offset, at)
    }

    /// The directory of this size before `end`, if there is one.
    fn new(bytes: &[u8], size: usize, offset: usize, end: usize) -> Option<Self> {
        let empty = size == 0 && !bytes.starts_with(LOCAL);
        let is_start = |at: usize| empty || bytes.get(at..).is_some_and(|b| b.starts_with(CENTRAL));
        let before = end.checked_sub(size).filter(|at| is_start(*at) && *at >= offset);
        if let Some(start) = before {
            return Some(Self { start, end, prefix: start - offset });
        }
        let stated = offset.checked_add(size).filter(|stated| *stated <= end && is_start(offset));
        stated.map(|stated| Self { start: offset, end: stated, prefix: 0 })
    }

    /// The entry at an offset, and the offset of the next one.
    pub(super) fn entry(&self, bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
        let record = bytes.get(at..self.end).filter(|r| r.starts_with(CENTRAL))?;
        let length = |at| u16_at(record, at).map(usize::from);
        let name_end = CENTRAL_LENGTH + length(28)?;
        let extra_end = name_end + length(30)?;
        let end = extra_end + length(32)?;
        let extra = record.get(name_end..extra_end)?;
        let mut wide = Wide::new(extra);
        let size = wide.value(u32_at(record, 24)?)?;
        let packed = wide.value(u32_at(record, 20)?)?;
        let local = index(wide.value(u32_at(record, 42)?)?)?.checked_add(self.prefix)?;
        let entry = Entry {
            name: name(record.get(CENTRAL_LENGTH..name_end)?),
            method: u16_at(record, 10)?,
            crc: Some(u32_at(record, 16)?),
            packed: Some(packed),
            size: Some(size),
            local,
            flags: u16_at(record, 8)?,
            unix_mode: unix_mode(u16_at(record, 4)?, u32_at(record, 38)?),
        };
        (record.len() >= end).then_some((entry, at + end))
    }
}

/// The mode of an entry that was made on a Unix system.
fn unix_mode(made_by: u16, attributes: u32) -> u32 {
    if matches!(made_by >> 8, 3 | 19) { attributes >> 16 } else { 0 }
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The extra field of zip64 (APPNOTE 4.5.3).
fn zip64_field(mut extra: &[u8]) -> Option<&[u8]> {
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let (field, rest) = extra[4..].split_at_checked(length.into())?;
        if id == 1 {
            return Some(field);
        }
        extra = rest;
    }
    None
}

/// The zip64 extra field: the values that did not fit into 32 bits, in the order of the record.
struct Wide<'a> {
    field: &'a [u8],
    at: usize,
}

impl<'a> Wide<'a> {
    fn new(extra: &'a [u8]) -> Self {
        Self { field: zip64_field(extra).unwrap_or_default(), at: 0 }
    }

    fn value(&mut self, narrow: u32) -> Option<u64> {
        if narrow != u32::MAX {
            return Some(narrow.into());
        }
        self.at += 8;
        // Without the field, four gigabytes less one is meant.
        if self.field.is_empty() { Some(narrow.into()) } else { u64_at(self.field, self.at - 8) }
    }
}

/// Where the data behind a local header starts.
pub(super) fn data_of(bytes: &[u8], local: usize) -> Option<usize> {
    let header = bytes.get(local..).filter(|h| h.starts_with(LOCAL))?;
    let start = LOCAL_LENGTH + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?);
    (start <= header.len()).then_some(local + start)
}

/// The next offset from `from` where a local header may stand.
pub(super) fn next_local(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, LOCAL).map(|at| from + at)
}

/// What a local header alone says, and where its data starts.
pub(super) fn local_entry(bytes: &[u8], local: usize) -> Option<(Entry, usize)> {
    let start = data_of(bytes, local)?;
    let header = &bytes[local..start];
    let name_end = LOCAL_LENGTH + usize::from(u16_at(header, 26)?);
    let extra = &header[name_end..];
    let flags = u16_at(header, 6)?;
    let mut wide = Wide::new(extra);
    let size = wide.value(u32_at(header, 22)?);
    let packed = wide.value(u32_at(header, 18)?);
    // Bit 3: lengths and checksum follow the data. Some writers state them here as well.
    let stated = flags & 8 == 0 || packed.is_some_and(|n| n > 0);
    let entry = Entry {
        name: name(&header[LOCAL_LENGTH..name_end]),
        method: u16_at(header, 8)?,
        crc: u32_at(header, 14).filter(|_| stated),
        packed: packed.filter(|_| stated),
        size: size.filter(|_| stated),
        local,
        flags,
        unix_mode: 0,
    };
    Some((entry, start))
}

/// The length of data whose header does not state it: up to the record that follows.
pub(super) fn unstated_length(bytes: &[u8], start: usize) -> u64 {
    let data = bytes.get(start..).unwrap_or_default();
    let ends = memchr::memmem::find_iter(data, b"PK").find(|at| {
        let record = &data[*at..];
        let of_this_length = || u32_at(record, 8) == u32::try_from(*at).ok();
        record.starts_with(LOCAL) || record.starts_with(CENTRAL) || record.starts_with(DESCRIPTOR) && of_this_length()
    });
    ends.unwrap_or(data.len()) as u64
}
