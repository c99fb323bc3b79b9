//! Archives for tests, built in memory.

use std::io::{Cursor, Write};

use flate2::{Compression, Crc};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration};

use super::{Limits, Problem, ProblemKind, expand};

/// Members with their paths joined by `!`, and problems likewise.
pub(super) type Seen = (Vec<(String, Vec<u8>)>, Vec<(String, ProblemKind)>);

pub(super) fn expand_with(name: &str, bytes: &[u8], limits: &Limits) -> Seen {
    let mut members = Vec::new();
    let outcome = expand(name, bytes, limits, &mut |member| members.push((member.path.join("!"), member.bytes)));
    let problems = outcome.problems.into_iter().map(|Problem { path, kind }| (path.join("!"), kind)).collect();
    (members, problems)
}

pub(super) fn expand_all(name: &str, bytes: &[u8]) -> Seen {
    expand_with(name, bytes, &Limits::default())
}

/// Expands what must be whole, and gives names and content as text.
pub(super) fn texts(name: &str, bytes: &[u8]) -> Vec<(String, String)> {
    let (members, problems) = expand_all(name, bytes);
    assert_eq!(problems, [], "{name}");
    members.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

pub(super) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A ustar header with a right checksum.
pub(super) fn tar_header(name: &str, size: u64, kind: u8) -> [u8; 512] {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut header);
    header
}

pub(super) fn seal(header: &mut [u8; 512]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A header and its content, padded.
pub(super) fn tar_member(name: &str, content: &[u8], kind: u8) -> Vec<u8> {
    let mut tar = tar_header(name, content.len() as u64, kind).to_vec();
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar
}

pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar: Vec<u8> = files.iter().flat_map(|(name, content)| tar_member(name, content, b'0')).collect();
    tar.extend_from_slice(&[0; 1024]);
    tar
}

/// What a zip entry is made of.
pub(super) struct ZipFile<'a> {
    pub(super) name: &'a str,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) packed: Vec<u8>,
    pub(super) size: u32,
    pub(super) crc: u32,
}

impl<'a> ZipFile<'a> {
    pub(super) fn stored(name: &'a str, content: &[u8]) -> Self {
        Self { name, method: 0, flags: 0, packed: content.to_vec(), size: content.len() as u32, crc: crc(content) }
    }

    pub(super) fn packed(name: &'a str, method: u16, packed: Vec<u8>, content: &[u8]) -> Self {
        Self { name, method, flags: 0, packed, size: content.len() as u32, crc: crc(content) }
    }

    /// The fields that local headers and the directory share.
    fn fields(&self) -> Vec<u8> {
        let mut fields = [20, self.flags, self.method, 0, 0].map(u16::to_le_bytes).concat();
        fields.extend([self.crc, self.packed.len() as u32, self.size].map(u32::to_le_bytes).concat());
        fields.extend([self.name.len() as u16, 0].map(u16::to_le_bytes).concat());
        fields
    }

    pub(super) fn local(&self) -> Vec<u8> {
        [b"PK\x03\x04", self.fields().as_slice(), self.name.as_bytes(), &self.packed].concat()
    }

    pub(super) fn central(&self, offset: u32) -> Vec<u8> {
        let rest = [&[0; 10], offset.to_le_bytes().as_slice()].concat();
        [b"PK\x01\x02\x14\x03", self.fields().as_slice(), &rest, self.name.as_bytes()].concat()
    }
}

pub(super) fn zip_end(count: u16, size: u32, offset: u32) -> Vec<u8> {
    let numbers = [count.to_le_bytes(), count.to_le_bytes()].concat();
    [b"PK\x05\x06\0\0\0\0", numbers.as_slice(), &size.to_le_bytes(), &offset.to_le_bytes(), &[0; 2]].concat()
}

pub(super) fn zip_of(files: &[ZipFile<'_>]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        directory.extend(file.central(zip.len() as u32));
        zip.extend(file.local());
    }
    let end = zip_end(files.len() as u16, directory.len() as u32, zip.len() as u32);
    [zip, directory, end].concat()
}

pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(&files.iter().map(|(name, content)| ZipFile::stored(name, content)).collect::<Vec<_>>())
}

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn lzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = lzma_rust2::LzipWriter::new(Vec::new(), lzma_rust2::LzipOptions::with_preset(1));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn lzma(content: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::LzmaOptions::with_preset(1);
    let mut encoder = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// LZMA as it stands in zips, with its end mark.
pub(super) fn zip_lzma(content: &[u8]) -> Vec<u8> {
    let packed = lzma(content);
    [&[9, 20, 5, 0], &packed[..5], &packed[13..]].concat()
}

pub(super) fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

pub(super) fn lz4(content: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// An ar file with GNU names.
pub(super) fn ar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut ar = b"!<arch>\n".to_vec();
    for (name, content) in files {
        let length = content.len();
        ar.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{length:<10}`\n", 0, 0, 0, 100_644).bytes());
        ar.extend_from_slice(content);
        ar.resize(ar.len().next_multiple_of(2), b'\n');
    }
    ar
}

/// All files in one folder of a 7z file.
pub(super) fn seven_zip(files: &[(&str, &[u8])], methods: Vec<EncoderConfiguration>) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.set_content_methods(methods);
    let entries = files.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
    let contents = files.iter().map(|(_, content)| (*content).into()).collect::<Vec<sevenz_rust2::SourceReader<_>>>();
    writer.push_archive_entries::<&[u8]>(entries, contents).unwrap();
    writer.finish().unwrap().into_inner()
}
