//! zip (PKWARE APPNOTE 6.3.10), including zip64 and files with something in front.
//!
//! The central directory is trusted for what there is. Where it is missing or breaks off, local headers are looked
//! for instead. Every entry is given, also if there are several of one name.

mod directory;

use std::{
    collections::BTreeSet,
    io::{self, Read},
    ops::Range,
    rc::Rc,
};

use directory::{Directory, Entry, u16_at};

use super::{
    ProblemKind,
    budget::Gauge,
    codec,
    expansion::{Expansion, problem_of},
    readers::Verified,
};

/// How often the bytes of a zip may be read by its entries together. Honest entries do not overlap.
const OVERLAP_MAX: u64 = 4;

/// Gives the members of a zip file.
pub(super) fn expand(run: &mut Expansion<'_>, bytes: &[u8]) {
    let gauge = Gauge::new(run.limits(), bytes.len() as u64);
    let mut archive = Archive { bytes, gauge, read: 0, given: BTreeSet::new() };
    let complete = Directory::find(bytes).is_some_and(|directory| archive.by_directory(run, directory));
    if !complete && !run.is_over() {
        run.damaged("the zip directory is missing or malformed");
        archive.by_local_headers(run);
    }
}

struct Archive<'a> {
    bytes: &'a [u8],
    gauge: Rc<Gauge>,
    /// Bytes that entries have claimed so far.
    read: u64,
    /// Where the local headers stand that were read by the directory.
    given: BTreeSet<usize>,
}

impl Archive<'_> {
    /// Gives the entries of the directory. False if it breaks off.
    fn by_directory(&mut self, run: &mut Expansion<'_>, directory: Directory) -> bool {
        let mut at = directory.start;
        while at < directory.end && !run.is_over() {
            let Some((entry, next)) = directory.entry(self.bytes, at) else { return false };
            at = next;
            self.given.insert(entry.local);
            match directory::data_of(self.bytes, entry.local) {
                Some(start) => self.give(run, &entry, start),
                None => run.unreadable_member(&entry.name, damaged("its local header is missing")),
            }
            if self.overlaps(run) {
                return true;
            }
        }
        true
    }

    fn by_local_headers(&mut self, run: &mut Expansion<'_>) {
        let mut at = 0;
        while !run.is_over() {
            let Some(local) = directory::next_local(self.bytes, at) else { return };
            let Some((mut entry, start)) = directory::local_entry(self.bytes, local) else {
                at = local + 4;
                continue;
            };
            at = start;
            if entry.packed.is_none() {
                entry.packed = Some(directory::unstated_length(self.bytes, start));
            }
            if self.given.insert(local) {
                self.give(run, &entry, start);
            }
            // Where the length is a lie the next header may be inside what it claims.
            let end = self.range(&entry, start).end;
            if end < self.bytes.len() && self.bytes[end..].starts_with(b"PK") {
                at = end;
            }
            if self.overlaps(run) {
                return;
            }
        }
    }

    fn overlaps(&self, run: &mut Expansion<'_>) -> bool {
        let overlaps = self.read > (self.bytes.len() as u64).saturating_mul(OVERLAP_MAX);
        if overlaps {
            run.problem(ProblemKind::Limit("overlap"));
        }
        overlaps
    }

    /// Where the data of an entry is, as far as it is there.
    fn range(&self, entry: &Entry, start: usize) -> Range<usize> {
        let packed = usize::try_from(entry.packed.unwrap_or(0)).unwrap_or(usize::MAX);
        start..start.saturating_add(packed).min(self.bytes.len())
    }

    fn give(&mut self, run: &mut Expansion<'_>, entry: &Entry, start: usize) {
        if entry.has_no_content() {
            return;
        }
        if entry.is_encrypted() {
            return run.unreadable_member(&entry.name, ProblemKind::Encrypted);
        }
        let data = &self.bytes[self.range(entry, start)];
        self.read += data.len() as u64;
        match decoder(entry, data) {
            Ok(decoder) => {
                let expected = entry.crc.zip(entry.size);
                let mut content = Verified::new(run.meter(decoder, &self.gauge), expected);
                run.member(&entry.name, &mut content, entry.size);
            }
            Err(problem) => run.unreadable_member(&entry.name, problem),
        }
    }
}

fn damaged(what: &str) -> ProblemKind {
    ProblemKind::Damaged(what.to_owned())
}

/// A decoder for the compression method of an entry (APPNOTE 4.4.5).
fn decoder<'a>(entry: &Entry, data: &'a [u8]) -> Result<codec::Decoder<'a>, ProblemKind> {
    Ok(match entry.method {
        0 => Box::new(data),
        8 => codec::deflate(data),
        12 => codec::bzip2(data),
        14 => lzma(entry, data).map_err(|e| problem_of(&e))?,
        20 | 93 => codec::zstd(data),
        95 => codec::xz(data),
        other => return Err(ProblemKind::Unsupported(format!("zip compression method {other} cannot be read"))),
    })
}

/// LZMA in zip (APPNOTE 5.8.8): version, length of the properties, properties, data.
fn lzma<'a>(entry: &Entry, data: &'a [u8]) -> io::Result<codec::Decoder<'a>> {
    let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "LZMA properties are cut off");
    let length = usize::from(u16_at(data, 2).ok_or_else(short)?);
    let (properties, stream) = data.get(4..).and_then(|d| d.split_at_checked(length)).ok_or_else(short)?;
    let size = entry.size.filter(|_| !entry.has_end_mark());
    let decoder = codec::raw_lzma(stream, properties, size)?;
    Ok(match entry.size {
        Some(size) => Box::new(decoder.take(size)),
        None => decoder,
    })
}

#[cfg(test)]
mod tests {
    use crate::archive::{
        Limits, ProblemKind,
        samples::{
            ZipFile, bzip2, deflate, expand_all, expand_with, pairs, texts, xz, zip, zip_end, zip_lzma, zip_of, zstd,
        },
    };

    #[test]
    fn every_method_there_is_a_decoder_for() {
        let text = "some text, some text, some text";
        let plain = text.as_bytes();
        let zip = zip_of(&[
            ZipFile::stored("stored", plain),
            ZipFile::packed("deflated", 8, deflate(plain), plain),
            ZipFile::packed("bzip2", 12, bzip2(plain), plain),
            ZipFile { flags: 2, ..ZipFile::packed("lzma", 14, zip_lzma(plain), plain) },
            ZipFile::packed("zstd", 93, zstd(plain), plain),
            ZipFile::packed("xz", 95, xz(plain), plain),
            ZipFile::stored("dir/", b""),
        ]);
        let expected = ["stored", "deflated", "bzip2", "lzma", "zstd", "xz"].map(|name| (name, text));
        assert_eq!(texts("a.zip", &zip), pairs(&expected));
    }

    #[test]
    fn encrypted_unknown_and_wrong_members_are_told() {
        let zip = zip_of(&[
            ZipFile { flags: 1, ..ZipFile::stored("secret", b"????") },
            ZipFile { method: 99, ..ZipFile::stored("aes", b"????") },
            ZipFile { method: 6, ..ZipFile::stored("imploded", b"????") },
            ZipFile { crc: 1, ..ZipFile::stored("wrong", b"content") },
            ZipFile::stored("fine", b"fine"),
        ]);
        let (members, problems) = expand_all("a.zip", &zip);
        assert_eq!(members, [("wrong".to_owned(), b"content".to_vec()), ("fine".to_owned(), b"fine".to_vec())]);
        let problems: Vec<_> = problems.iter().map(|(name, kind)| (name.as_str(), kind)).collect();
        assert_eq!(problems[0], ("secret", &ProblemKind::Encrypted));
        assert_eq!(problems[1], ("aes", &ProblemKind::Encrypted));
        assert!(matches!(problems[2], ("imploded", ProblemKind::Unsupported(why)) if why.contains("method 6")));
        assert!(matches!(problems[3], ("wrong", ProblemKind::Damaged(why)) if why.contains("checksum")));
        assert_eq!(problems.len(), 4);
    }

    #[test]
    fn one_name_twice_and_bytes_in_front() {
        let zip = zip(&[("a", b"1"), ("a", b"2")]);
        assert_eq!(texts("a.zip", &zip), pairs(&[("a", "1"), ("a", "2")]));
        let script = [b"#!/usr/bin/env python3\n".as_slice(), &zip].concat();
        assert_eq!(texts("a.pyz", &script), pairs(&[("a", "1"), ("a", "2")]));
    }

    #[test]
    fn zip64_sizes_and_places() {
        let file = ZipFile::stored("wide", b"content");
        let (mut central, local) = (file.central(u32::MAX), file.local());
        central[20..28].fill(0xff);
        central[30..32].copy_from_slice(&28_u16.to_le_bytes());
        central.extend([1_u16, 24].map(u16::to_le_bytes).concat());
        central.extend([7_u64, 7, 0].map(u64::to_le_bytes).concat());
        let (offset, size) = (local.len() as u64, central.len() as u64);
        let mut end = [b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes(), &[0; 12]].concat();
        end.extend([1, 1, size, offset].map(u64::to_le_bytes).concat());
        let locator = [b"PK\x06\x07\0\0\0\0".as_slice(), &(offset + size).to_le_bytes(), &[1, 0, 0, 0]].concat();
        let zip = [local, central, end, locator, zip_end(u16::MAX, u32::MAX, u32::MAX)].concat();
        assert_eq!(texts("a.zip", &zip), pairs(&[("wide", "content")]));
    }

    #[test]
    fn without_its_directory_the_local_headers_count() {
        let text = "some text, some text";
        let packed = deflate(text.as_bytes());
        let mut streamed = ZipFile::packed("streamed", 8, packed.clone(), text.as_bytes()).local();
        streamed[6] = 8;
        streamed[14..26].fill(0);
        let descriptor = [0, packed.len() as u32, text.len() as u32].map(u32::to_le_bytes).concat();
        let stored = ZipFile::stored("stored", b"content").local();
        let zip = [stored, streamed, b"PK\x07\x08".to_vec(), descriptor, b"PK\x01\x02".to_vec()].concat();
        let (members, problems) = expand_all("a.zip", &zip);
        let expected = [("stored".to_owned(), b"content".to_vec()), ("streamed".to_owned(), text.into())];
        assert_eq!(members, expected);
        assert!(matches!(problems.as_slice(), [(_, ProblemKind::Damaged(_))]), "{problems:?}");
    }

    #[test]
    fn a_directory_that_breaks_off_gives_nothing_twice() {
        let mut zip = zip(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
        let directory = zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        zip[directory + 47] = b'X'; // the signature of the second record
        let (members, problems) = expand_all("a.zip", &zip);
        let names: Vec<_> = members.iter().map(|m| m.0.as_str()).collect();
        assert_eq!((names, problems.len()), (vec!["a", "b", "c"], 1));
    }

    #[test]
    fn entries_that_share_their_data_are_stopped() {
        let content = vec![b'x'; 10_000];
        let file = ZipFile::stored("shared", &content);
        let directory: Vec<u8> = (0..100).flat_map(|_| file.central(0)).collect();
        let local = file.local();
        let end = zip_end(100, directory.len() as u32, local.len() as u32);
        let (members, problems) = expand_with("a.zip", &[local, directory, end].concat(), &Limits::default());
        assert!(members.len() < 10, "{}", members.len());
        assert_eq!(problems, [(String::new(), ProblemKind::Limit("overlap"))]);
    }
}
