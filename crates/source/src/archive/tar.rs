//! tar: v7, ustar, GNU and pax (POSIX.1-2017 `pax`, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").
//!
//! Read once from front to back. Only content is of interest: links, devices and directories are passed over, and
//! of sparse files the data is given without the holes.

use std::io::{self, Read};

use super::{
    expansion::Expansion,
    readers::{Exact, cut_off, read_up_to},
};

/// Everything in a tar file starts at a multiple of this.
pub(super) const BLOCK: usize = 512;

/// The longest pax header or GNU long name that is read.
const EXTENSION_MAX: u64 = 1 << 20;

/// Whether a block is a member header, which its checksum tells.
pub(super) fn is_header(block: &[u8]) -> bool {
    let (Some(block), Some(stated)) = (block.get(..BLOCK), block.get(148..156).and_then(octal)) else { return false };
    let sum = |value: fn(u8) -> i64| -> i64 {
        let field = 148..156;
        block.iter().enumerate().map(|(at, b)| if field.contains(&at) { 32 } else { value(*b) }).sum()
    };
    let stated = i64::try_from(stated).unwrap_or(-1);
    // Some old writers summed signed bytes.
    block[0] != 0 && (stated == sum(i64::from) || stated == sum(|b| i64::from(b.cast_signed())))
}

/// Gives the members of a tar file.
pub(super) fn expand(run: &mut Expansion<'_>, input: &mut dyn Read) {
    let mut reader = Reader { input, next: Extensions::default(), place: Place::Members };
    while !run.is_over() {
        match reader.step(run) {
            Ok(Step::More) => {}
            Ok(Step::End) => return,
            Err(error) => return run.read_error(&error),
        }
    }
}

enum Step {
    More,
    End,
}

#[derive(PartialEq, Eq)]
enum Place {
    /// A header is next.
    Members,
    /// A header was malformed; blocks are read over until there is one again.
    Lost,
    /// Behind the zero blocks that end a tar file. Another one may follow.
    Ended,
}

/// What pax and GNU headers say about the next member.
#[derive(Default)]
struct Extensions {
    name: Option<String>,
    size: Option<u64>,
    sparse_map: SparseMap,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum SparseMap {
    /// Not sparse, or the map is in the headers.
    #[default]
    Elsewhere,
    /// In front of the data (pax format 1.0).
    BeforeData,
}

struct Reader<'a> {
    input: &'a mut dyn Read,
    next: Extensions,
    place: Place,
}

impl Reader<'_> {
    fn step(&mut self, run: &mut Expansion<'_>) -> io::Result<Step> {
        let (block, error) = read_up_to(self.input, BLOCK as u64);
        if let Some(error) = error {
            return Err(error);
        }
        if block.is_empty() {
            return Ok(Step::End);
        }
        if block.iter().all(|b| *b == 0) {
            self.place = Place::Ended;
            return Ok(Step::More);
        }
        if is_header(&block) {
            self.place = Place::Members;
            return self.entry(run, &block);
        }
        if block.len() < BLOCK && self.place != Place::Ended {
            return Err(cut_off());
        }
        match self.place {
            Place::Ended => return Ok(Step::End),
            Place::Lost => {}
            Place::Members => run.damaged("malformed tar header"),
        }
        (self.place, self.next) = (Place::Lost, Extensions::default());
        Ok(Step::More)
    }

    fn entry(&mut self, run: &mut Expansion<'_>, header: &[u8]) -> io::Result<Step> {
        let Some(size) = octal(&header[124..136]) else {
            run.damaged("malformed size in a tar header");
            self.place = Place::Lost;
            return Ok(Step::More);
        };
        match header[156] {
            b'L' => self.next.name = Some(text(&self.extension(size)?)),
            b'x' | b'X' => {
                let records = self.extension(size)?;
                self.next.read_pax(&records);
            }
            // Links, devices, directories, pipes: what size they state is not that of content.
            b'1'..=b'6' => self.next = Extensions::default(),
            // Link names, defaults for all members, volume names, directory listings, continued files.
            b'K' | b'g' | b'V' | b'M' | b'N' | b'D' => self.skip(size)?,
            kind => return self.file(run, header, Header { kind, size }),
        }
        Ok(Step::More)
    }

    /// The content of a header that describes the next member.
    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut content = Exact::new(self.input, size);
        let (bytes, error) = read_up_to(&mut content, EXTENSION_MAX);
        error.map_or(Ok(()), Err)?;
        content.skip()?;
        self.skip_padding(size)?;
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> io::Result<()> {
        Exact::new(self.input, size).skip()?;
        self.skip_padding(size)
    }

    /// The last block may be cut off: nothing of the content is missing then.
    fn skip_padding(&mut self, size: u64) -> io::Result<()> {
        let padding = size.wrapping_neg() % BLOCK as u64;
        read_up_to(self.input, padding).1.map_or(Ok(()), Err)
    }

    fn file(&mut self, run: &mut Expansion<'_>, header: &[u8], stated: Header) -> io::Result<Step> {
        let extensions = std::mem::take(&mut self.next);
        let name = extensions.name.unwrap_or_else(|| header_name(header));
        let size = extensions.size.unwrap_or(stated.size);
        // Old directories are files whose names end in a slash.
        if name.ends_with('/') {
            self.skip(size)?;
            return Ok(Step::More);
        }
        if stated.kind == b'S' {
            self.skip_gnu_sparse_map(header)?;
        }
        let mut content = Exact::new(self.input, size);
        if extensions.sparse_map == SparseMap::BeforeData {
            skip_pax_sparse_map(&mut content)?;
        }
        let length = content.left();
        run.member(&name, &mut content, Some(length));
        if content.failed() {
            // The member has told it.
            return Ok(Step::End);
        }
        content.skip()?;
        self.skip_padding(size)?;
        Ok(Step::More)
    }

    /// The blocks between the header and the data of an old GNU sparse file.
    fn skip_gnu_sparse_map(&mut self, header: &[u8]) -> io::Result<()> {
        let mut more = header[482] != 0;
        while more {
            let (block, error) = read_up_to(self.input, BLOCK as u64);
            error.map_or(Ok(()), Err)?;
            more = *block.get(504).ok_or_else(cut_off)? != 0;
        }
        Ok(())
    }
}

/// What a file's header says.
struct Header {
    kind: u8,
    size: u64,
}

impl Extensions {
    /// Reads pax records: `length keyword=value\n`.
    fn read_pax(&mut self, mut records: &[u8]) {
        while let Some((record, rest)) = split_record(records) {
            records = rest;
            let Some(equals) = record.iter().position(|b| *b == b'=') else { continue };
            let (keyword, value) = (&record[..equals], &record[equals + 1..]);
            match keyword {
                b"GNU.sparse.name" => self.name = Some(text(value)),
                b"path" if self.sparse_map == SparseMap::Elsewhere => self.name = Some(text(value)),
                b"size" => self.size = decimal(value),
                b"GNU.sparse.major" if value == b"1" => self.sparse_map = SparseMap::BeforeData,
                _ => {}
            }
        }
    }
}

/// The first pax record without its length and line break, and what follows.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = records.iter().position(|b| *b == b' ')?;
    let length = usize::try_from(decimal(&records[..space])?).ok()?;
    let record = records.get(space + 1..length)?;
    Some((record.strip_suffix(b"\n").unwrap_or(record), &records[length..]))
}

/// The map of pax sparse format 1.0: a count and that many pairs of decimal lines, padded to a block.
fn skip_pax_sparse_map(content: &mut Exact<'_>) -> io::Result<()> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "malformed map of a sparse file");
    let (mut lines_left, mut line) = (None, Vec::new());
    while lines_left != Some(0) {
        let (block, error) = read_up_to(content, BLOCK as u64);
        error.map_or(Ok(()), Err)?;
        if block.is_empty() {
            return Err(malformed());
        }
        for byte in block {
            match (byte, &mut lines_left) {
                (_, Some(0)) => break,
                (b'\n', Some(left)) => *left -= 1,
                (b'\n', None) => {
                    let pairs = decimal(&line).ok_or_else(malformed)?;
                    lines_left = Some(pairs.checked_mul(2).ok_or_else(malformed)?);
                }
                (digit, None) if line.len() < 20 => line.push(digit),
                (_, None) => return Err(malformed()),
                _ => {}
            }
        }
    }
    Ok(())
}

fn header_name(header: &[u8]) -> String {
    let name = text(&header[..100]);
    let prefix = if header[257..].starts_with(b"ustar\0") { text(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// Text up to the first NUL.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A number field: octal digits with spaces and NULs around, or base 256 where the first bit is set.
fn octal(field: &[u8]) -> Option<u64> {
    if let [first @ 0x80..=0xff, rest @ ..] = field {
        let start = u64::from(first & 0x7f);
        return rest.iter().try_fold(start, |n, b| n.checked_mul(256).map(|n| n | u64::from(*b)));
    }
    let digits = field.trim_ascii().split(|b| matches!(b, 0 | b' ')).next()?;
    digits.iter().try_fold(0_u64, |n, b| match b {
        b'0'..=b'7' => n.checked_mul(8)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{
        ProblemKind,
        samples::{expand_all, pairs, seal, tar, tar_header, tar_member, texts},
    };

    fn pax(records: &[(&str, &str)]) -> Vec<u8> {
        let record = |(keyword, value): &(&str, &str)| {
            let rest = format!(" {keyword}={value}\n");
            let length = (1..4).map(|digits| rest.len() + digits).find(|n| n.to_string().len() + rest.len() == *n);
            format!("{}{rest}", length.unwrap())
        };
        tar_member("pax", records.iter().map(record).collect::<String>().as_bytes(), b'x')
    }

    #[test]
    fn names_of_every_form() {
        let long = "d/".repeat(100) + "gnu.txt";
        let mut prefixed = tar_header("file.txt", 2, b'0');
        prefixed[345..351].copy_from_slice(b"prefix");
        seal(&mut prefixed);
        let mut v7 = tar_header("v7.txt", 1, 0);
        v7[257..265].fill(0);
        seal(&mut v7);
        let bytes = [
            tar_member("././@LongLink", format!("{long}\0").as_bytes(), b'L'),
            tar_member("cut", b"gnu", b'0'),
            pax(&[("path", "pax/näme.txt"), ("mtime", "1.5")]),
            tar_member("cut", b"pax", b'0'),
            prefixed.to_vec(),
            tar_member("", b"hi", b'0')[512..].to_vec(),
            v7.to_vec(),
            tar_member("", b"7", b'0')[512..].to_vec(),
            tar(&[("dir/", b""), ("../../up", b"up")]),
        ]
        .concat();
        let expected =
            [(long.as_str(), "gnu"), ("pax/näme.txt", "pax"), ("prefix/file.txt", "hi"), ("v7.txt", "7"), ("up", "up")];
        assert_eq!(texts("a.tar", &bytes), pairs(&expected));
    }

    #[test]
    fn links_and_devices_have_no_content() {
        let mut bytes = Vec::new();
        for kind in *b"123456" {
            bytes.extend(tar_header("special", 7, kind));
        }
        bytes.extend(tar_member("defaults", b"9 a=b\n", b'g'));
        bytes.extend(tar(&[("file", b"content")]));
        assert_eq!(texts("a.tar", &bytes), pairs(&[("file", "content")]));
    }

    #[test]
    fn sizes_in_base_256_and_pax() {
        let mut header = tar_header("big", 0, b'0');
        header[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
        seal(&mut header);
        let padded = &tar_member("", b"abc", b'0')[512..];
        let with_pax = [pax(&[("size", "3")]), tar_header("pax", 0, b'0').to_vec(), padded.to_vec()].concat();
        let bytes = [header.to_vec(), padded.to_vec(), with_pax].concat();
        assert_eq!(texts("a.tar", &bytes), pairs(&[("big", "abc"), ("pax", "abc")]));
        assert_eq!(octal(&[0xff; 12]), None);
        assert_eq!((octal(b"  0000644 \0"), octal(b"9"), octal(b"\0\0")), (Some(0o644), None, Some(0)));
    }

    #[test]
    fn sparse_files_give_their_data() {
        let mut old = tar_header("old", 4, b'S');
        old[257..265].copy_from_slice(b"ustar  \0");
        old[482] = 1;
        seal(&mut old);
        let map = tar_member("", b"2\n0\n4\n4096\n4\n", b'0')[512..].to_vec();
        let data = tar_member("", b"datadata", b'0')[512..520].to_vec();
        let sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.name", "new"), ("path", "GNUSparseFile.0/new")];
        let bytes = [
            old.to_vec(),
            vec![0; 512],
            tar_member("", b"data", b'0')[512..].to_vec(),
            pax(&sparse),
            tar_member("cut", &[map, data].concat(), b'0'),
        ]
        .concat();
        assert_eq!(texts("a.tar", &bytes), pairs(&[("old", "data"), ("new", "datadata")]));
    }

    #[test]
    fn damage_is_told_once_and_read_over() {
        let mut bytes = [tar(&[("first", b"1")])[..1024].to_vec(), vec![b'x'; 1536], tar(&[("second", b"2")])].concat();
        let (members, problems) = expand_all("a.tar", &bytes);
        assert_eq!(members.iter().map(|m| m.0.as_str()).collect::<Vec<_>>(), ["first", "second"]);
        assert_eq!(problems, [(String::new(), ProblemKind::Damaged("malformed tar header".to_owned()))]);
        bytes.truncate(700);
        let (members, problems) = expand_all("a.tar", &bytes);
        assert_eq!((members.len(), problems.len()), (1, 0), "only padding is missing");
        bytes.truncate(512);
        let (members, problems) = expand_all("a.tar", &bytes);
        assert_eq!((members.len(), problems[0].0.as_str()), (0, "first"));
    }

    #[test]
    fn tars_behind_each_other_are_one() {
        let bytes = [tar(&[("a", b"1")]), vec![0; 4096], tar(&[("b", b"2")]), b"rest".to_vec()].concat();
        assert_eq!(texts("a.tar", &bytes), pairs(&[("a", "1"), ("b", "2")]));
    }
}
