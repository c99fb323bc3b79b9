//! The header of a 7z file. Nothing is allocated by a stated count: what is listed must be there.

use std::ops::Range;

use flate2::Crc;

const SIGNATURE_LENGTH: usize = 32;

/// Property ids (7zFormat.txt, "Property IDs").
mod id {
    pub(super) const END: u8 = 0x00;
    pub(super) const HEADER: u8 = 0x01;
    pub(super) const ARCHIVE_PROPERTIES: u8 = 0x02;
    pub(super) const MAIN_STREAMS: u8 = 0x04;
    pub(super) const FILES: u8 = 0x05;
    pub(super) const PACK_INFO: u8 = 0x06;
    pub(super) const UNPACK_INFO: u8 = 0x07;
    pub(super) const SUBSTREAMS_INFO: u8 = 0x08;
    pub(super) const SIZE: u8 = 0x09;
    pub(super) const CRC: u8 = 0x0a;
    pub(super) const FOLDER: u8 = 0x0b;
    pub(super) const UNPACK_SIZE: u8 = 0x0c;
    pub(super) const SUBSTREAM_COUNT: u8 = 0x0d;
    pub(super) const EMPTY_STREAM: u8 = 0x0e;
    pub(super) const NAMES: u8 = 0x11;
    pub(super) const ATTRIBUTES: u8 = 0x15;
    pub(super) const PACKED_HEADER: u8 = 0x17;
}

/// The coders a folder may have; real ones have up to four.
const CODERS_MAX: u64 = 16;

/// The inputs of one coder; BCJ2 has four.
const INPUTS_MAX: u64 = 4;

/// The folders, packed streams or files with content that are read of one header. A few bytes can list each.
const LISTED_MAX: u64 = 1 << 20;

/// What is wrong with a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

const SHORT: Malformed = Malformed("the 7z header is cut off");

/// One step of the decompression of a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Coder {
    /// Method id, most significant byte first.
    pub(super) method: u64,
    pub(super) properties: Vec<u8>,
    /// Its inputs, as indexes into all inputs of the folder.
    pub(super) inputs: Range<usize>,
    /// Bytes of its output.
    pub(super) size: u64,
}

/// Where an input of a coder comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Feed {
    /// The output of this coder.
    Coder(usize),
    /// These bytes of the file, if it is that long.
    Packed(Range<usize>),
}

/// One file in a folder's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) size: u64,
    pub(super) crc: Option<u32>,
}

/// One compressed stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    /// One for each input of all coders.
    pub(super) feeds: Vec<Feed>,
    /// The coder whose output is the folder's.
    pub(super) main: usize,
    /// Its files. One with the size and checksum of the folder, where the header says nothing else.
    pub(super) parts: Vec<Part>,
}

impl Folder {
    /// Bytes of the output.
    pub(super) fn size(&self) -> u64 {
        self.coders.get(self.main).map_or(0, |coder| coder.size)
    }
}

/// The streams of an archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Streams {
    pub(super) folders: Vec<Folder>,
}

/// The files of an archive, in the order of their content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FilesInfo<'a> {
    count: usize,
    at: usize,
    /// UTF-16LE, each with a zero behind.
    names: &'a [u8],
    /// A bit for each file.
    empty: &'a [u8],
    /// Four bytes for each file, where all have them.
    attributes: &'a [u8],
}

/// A file that has content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) is_link: bool,
}

impl FilesInfo<'_> {
    /// The next file that is not empty.
    pub(super) fn next_with_content(&mut self) -> Option<File> {
        while self.at < self.count {
            let at = self.at;
            self.at += 1;
            let units: Vec<u16> = self
                .names
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .take_while(|unit| *unit != 0)
                .collect();
            self.names = self.names.get(units.len() * 2 + 2..).unwrap_or_default();
            if !bit(self.empty, at) {
                return Some(File { name: String::from_utf16_lossy(&units), is_link: self.is_link(at) });
            }
        }
        None
    }

    /// The upper half of the attributes is the Unix mode, where bit 15 says so.
    fn is_link(&self, at: usize) -> bool {
        let value = self.attributes.get(at * 4..).and_then(|rest| rest.first_chunk()).map(|b| u32::from_le_bytes(*b));
        value.is_some_and(|v| v & 0x8000 != 0 && (v >> 16) & 0o170_000 == 0o120_000)
    }
}

/// What a header lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Archive<'a> {
    pub(super) streams: Streams,
    pub(super) files: FilesInfo<'a>,
}

/// Finds the header by the start of the file, and checks its checksum.
pub(super) fn locate(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let start = bytes.get(..SIGNATURE_LENGTH).ok_or(SHORT)?;
    let mut cursor = Cursor { rest: &start[8..] };
    let (start_crc, offset, size, crc) = (cursor.u32()?, cursor.u64()?, cursor.u64()?, cursor.u32()?);
    if checksum(&start[12..]) != start_crc {
        return Err(Malformed("the start of the 7z file does not match its checksum"));
    }
    let place = span(offset, size).ok_or(SHORT)?;
    let header = bytes.get(place).ok_or(SHORT)?;
    if checksum(header) != crc {
        return Err(Malformed("the 7z header does not match its checksum"));
    }
    Ok(header)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The streams of a header that is itself packed; none, if it is not.
pub(super) fn packed_header(header: &[u8]) -> Result<Option<Streams>, Malformed> {
    let mut cursor = Cursor { rest: header };
    match header.first() {
        Some(&id::PACKED_HEADER) => {
            cursor.u8()?;
            streams(&mut cursor).map(Some)
        }
        _ => Ok(None),
    }
}

/// Reads a plain header.
pub(super) fn read(header: &[u8]) -> Result<Archive<'_>, Malformed> {
    let mut cursor = Cursor { rest: header };
    let mut archive = Archive::default();
    // An archive without files has no header.
    if header.is_empty() {
        return Ok(archive);
    }
    cursor.expect(id::HEADER)?;
    loop {
        match cursor.u8()? {
            id::END => return Ok(archive),
            id::ARCHIVE_PROPERTIES => archive_properties(&mut cursor)?,
            id::MAIN_STREAMS => archive.streams = streams(&mut cursor)?,
            id::FILES => archive.files = files(&mut cursor)?,
            _ => return Err(Malformed("the 7z header has an unknown part")),
        }
    }
}

fn archive_properties(cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    while cursor.u8()? != id::END {
        let size = cursor.number()?;
        cursor.take(size)?;
    }
    Ok(())
}

/// Where the packed streams lie.
#[derive(Default)]
struct Packed {
    at: u64,
    sizes: Vec<u64>,
}

fn streams(cursor: &mut Cursor<'_>) -> Result<Streams, Malformed> {
    let mut packed = Packed::default();
    let mut streams = Streams::default();
    loop {
        match cursor.u8()? {
            id::END => return Ok(streams),
            id::PACK_INFO => packed = pack_info(cursor)?,
            id::UNPACK_INFO => streams.folders = unpack_info(cursor, &packed)?,
            id::SUBSTREAMS_INFO => substreams_info(cursor, &mut streams.folders)?,
            _ => return Err(Malformed("the 7z header has an unknown stream property")),
        }
    }
}

fn pack_info(cursor: &mut Cursor<'_>) -> Result<Packed, Malformed> {
    let at = cursor.number()?;
    let count = cursor.count()?;
    let mut sizes = Vec::new();
    loop {
        match cursor.u8()? {
            id::END => return Ok(Packed { at, sizes }),
            id::SIZE => sizes = cursor.numbers(count)?,
            id::CRC => drop(cursor.digests(count)?),
            _ => return Err(Malformed("the 7z header has an unknown property of packed streams")),
        }
    }
}

fn unpack_info(cursor: &mut Cursor<'_>, packed: &Packed) -> Result<Vec<Folder>, Malformed> {
    cursor.expect(id::FOLDER)?;
    let count = cursor.count()?;
    cursor.expect_inline()?;
    let mut ranges = packed.ranges();
    let mut folders = Vec::new();
    for _ in 0..count {
        folders.push(folder(cursor, &mut ranges)?);
    }
    cursor.expect(id::UNPACK_SIZE)?;
    for coder in folders.iter_mut().flat_map(|folder| &mut folder.coders) {
        coder.size = cursor.number()?;
    }
    let mut crcs = Vec::new();
    loop {
        match cursor.u8()? {
            id::END => break,
            id::CRC => crcs = cursor.digests(count)?,
            _ => return Err(Malformed("the 7z header has an unknown folder property")),
        }
    }
    let mut crcs = crcs.into_iter();
    for folder in &mut folders {
        folder.parts = vec![Part { size: folder.size(), crc: crcs.next().flatten() }];
    }
    Ok(folders)
}

impl Packed {
    /// The places of the packed streams in the file.
    fn ranges(&self) -> impl Iterator<Item = Option<Range<usize>>> {
        let mut at = Some(self.at);
        self.sizes.iter().map(move |size| {
            let start = at?;
            at = start.checked_add(*size);
            span(start, *size)
        })
    }
}

/// A place in the file, from an offset behind the signature.
fn span(offset: u64, size: u64) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?.checked_add(SIGNATURE_LENGTH)?;
    Some(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn folder(
    cursor: &mut Cursor<'_>,
    packed: &mut impl Iterator<Item = Option<Range<usize>>>,
) -> Result<Folder, Malformed> {
    let wrong = Malformed("malformed coders in the 7z header");
    let count = cursor.number()?;
    if count == 0 || count > CODERS_MAX {
        return Err(wrong);
    }
    let mut coders: Vec<Coder> = Vec::new();
    for _ in 0..count {
        let first_input = coders.last().map_or(0, |coder| coder.inputs.end);
        coders.push(coder(cursor, first_input)?);
    }
    let inputs = coders.last().map_or(0, |coder| coder.inputs.end);
    let mut feeds = vec![None; inputs];
    let mut outputs = vec![false; coders.len()];
    for _ in 1..count {
        let (input, output) = (cursor.index()?, cursor.index()?);
        let used = outputs.get_mut(output).ok_or(Malformed("malformed coders in the 7z header"))?;
        let free = feeds.get_mut(input).filter(|feed| feed.is_none() && !*used);
        *free.ok_or(Malformed("malformed coders in the 7z header"))? = Some(Feed::Coder(output));
        *used = true;
    }
    feed_packed(cursor, &mut feeds, packed)?;
    let main = outputs.iter().position(|used| !used);
    match (main, feeds.into_iter().collect()) {
        (Some(main), Some(feeds)) => Ok(Folder { coders, feeds, main, parts: Vec::new() }),
        _ => Err(wrong),
    }
}

/// Gives the inputs that no coder feeds the next packed streams.
fn feed_packed(
    cursor: &mut Cursor<'_>,
    feeds: &mut [Option<Feed>],
    packed: &mut impl Iterator<Item = Option<Range<usize>>>,
) -> Result<(), Malformed> {
    let free = feeds.iter().filter(|feed| feed.is_none()).count();
    for _ in 0..free {
        let input = if free == 1 { feeds.iter().position(Option::is_none) } else { Some(cursor.index()?) };
        let range = packed.next().flatten().ok_or(Malformed("the 7z header lists too few packed streams"))?;
        let feed = input.and_then(|input| feeds.get_mut(input)).filter(|feed| feed.is_none());
        *feed.ok_or(Malformed("malformed coders in the 7z header"))? = Some(Feed::Packed(range));
    }
    Ok(())
}

fn coder(cursor: &mut Cursor<'_>, first_input: usize) -> Result<Coder, Malformed> {
    let flags = cursor.u8()?;
    let id = cursor.take((flags & 0x0f).into())?;
    let (inputs, outputs) = if flags & 0x10 == 0 { (1, 1) } else { (cursor.number()?, cursor.number()?) };
    let properties = if flags & 0x20 == 0 { Vec::new() } else { cursor.block()?.to_vec() };
    if flags & 0xc0 != 0 || id.len() > 8 || inputs == 0 || inputs > INPUTS_MAX || outputs != 1 {
        return Err(Malformed("unknown form of coder in the 7z header"));
    }
    let method = id.iter().fold(0, |method, byte| method << 8 | u64::from(*byte));
    Ok(Coder { method, properties, inputs: first_input..first_input + inputs as usize, size: 0 })
}

/// Replaces the one part of each folder by what is listed.
fn substreams_info(cursor: &mut Cursor<'_>, folders: &mut [Folder]) -> Result<(), Malformed> {
    let mut counts = vec![1; folders.len()];
    let mut property = cursor.u8()?;
    if property == id::SUBSTREAM_COUNT {
        counts = cursor.numbers(folders.len() as u64)?;
        property = cursor.u8()?;
    }
    if counts.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n)).is_none_or(|sum| sum > LISTED_MAX) {
        return Err(Malformed("the 7z header lists more than a million files"));
    }
    if property != id::SIZE && counts.iter().any(|count| *count > 1) {
        return Err(Malformed("the 7z header lacks the sizes of files"));
    }
    for (folder, count) in folders.iter_mut().zip(&counts).filter(|(_, count)| **count != 1) {
        folder.parts = sizes(cursor, folder.size(), *count)?;
    }
    if property == id::SIZE {
        property = cursor.u8()?;
    }
    while property != id::END {
        if property != id::CRC {
            return Err(Malformed("the 7z header has an unknown property of files"));
        }
        let without = folders.iter_mut().flat_map(|folder| &mut folder.parts).filter(|part| part.crc.is_none());
        let without: Vec<&mut Part> = without.collect();
        let crcs = cursor.digests(without.len() as u64)?;
        without.into_iter().zip(crcs).for_each(|(part, crc)| part.crc = crc);
        property = cursor.u8()?;
    }
    Ok(())
}

/// The sizes of the files in one folder; that of the last is what is left.
fn sizes(cursor: &mut Cursor<'_>, total: u64, count: u64) -> Result<Vec<Part>, Malformed> {
    let mut left = total;
    let mut parts = Vec::new();
    for _ in 1..count {
        let size = cursor.number()?;
        left = left.checked_sub(size).ok_or(Malformed("files are longer than their folder in the 7z header"))?;
        parts.push(Part { size, crc: None });
    }
    if count > 0 {
        parts.push(Part { size: left, crc: None });
    }
    Ok(parts)
}

fn files<'a>(cursor: &mut Cursor<'a>) -> Result<FilesInfo<'a>, Malformed> {
    let mut files = FilesInfo { count: cursor.index()?, ..FilesInfo::default() };
    loop {
        let property = cursor.u8()?;
        if property == id::END {
            return Ok(files);
        }
        let data = cursor.block()?;
        match (property, data) {
            (id::EMPTY_STREAM, bits) => files.empty = bits,
            (id::NAMES, [0, names @ ..]) => files.names = names,
            (id::ATTRIBUTES, [1, 0, attributes @ ..]) => files.attributes = attributes,
            _ => {}
        }
    }
}

/// A bit of a bit field, the most significant first.
fn bit(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
}

/// Reads the numbers of a header.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Malformed> {
        let count = usize::try_from(count).map_err(|_| SHORT)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number in one to nine bytes: each leading one bit of the first stands for a following byte.
    fn number(&mut self) -> Result<u64, Malformed> {
        let first = self.u8()?;
        let following = first.leading_ones() as usize;
        let mut low = [0; 8];
        low[..following].copy_from_slice(self.take(following as u64)?);
        let high = if following < 7 { u64::from(first & (0x7f >> following)) << (8 * following) } else { 0 };
        Ok(u64::from_le_bytes(low) | high)
    }

    fn index(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.number()?).map_err(|_| SHORT)
    }

    /// A number of things that are listed.
    fn count(&mut self) -> Result<u64, Malformed> {
        let count = self.number()?;
        if count > LISTED_MAX { Err(Malformed("the 7z header lists more than a million streams")) } else { Ok(count) }
    }

    fn numbers(&mut self, count: u64) -> Result<Vec<u64>, Malformed> {
        (0..count).map(|_| self.number()).collect()
    }

    /// Bytes with their length in front.
    fn block(&mut self) -> Result<&'a [u8], Malformed> {
        let size = self.number()?;
        self.take(size)
    }

    /// Checksums, of which some may be absent.
    fn digests(&mut self, count: u64) -> Result<Vec<Option<u32>>, Malformed> {
        let all = self.u8()? != 0;
        let defined = if all { &[] } else { self.take(count.div_ceil(8))? };
        (0..count as usize).map(|at| if all || bit(defined, at) { self.u32().map(Some) } else { Ok(None) }).collect()
    }

    fn expect(&mut self, property: u8) -> Result<(), Malformed> {
        if self.u8()? == property { Ok(()) } else { Err(Malformed("the 7z header lacks a part")) }
    }

    /// What follows could also be kept in another stream; nobody does that.
    fn expect_inline(&mut self) -> Result<(), Malformed> {
        if self.u8()? == 0 { Ok(()) } else { Err(Malformed("the 7z header is kept in several streams")) }
    }
}
