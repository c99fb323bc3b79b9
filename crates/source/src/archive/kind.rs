//! Recognising archives and compressed streams by their first bytes; the name decides only where the bytes cannot.

use super::tar;

/// A format that can be expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// ZIP (APPNOTE 6.3) and everything that is one: jar, apk, whl, nupkg, docx, odt, crx ...
    Zip,
    /// tar: v7, ustar, GNU, pax (POSIX.1-2017).
    Tar,
    /// gzip (RFC 1952).
    Gzip,
    /// bzip2.
    Bzip2,
    /// The .xz file format.
    Xz,
    /// Zstandard (RFC 8878).
    Zstd,
    /// LZ4 frames.
    Lz4,
    /// lzip.
    Lzip,
    /// The older .lzma format.
    Lzma,
    /// 7z.
    SevenZip,
    /// Unix ar: Debian packages and static libraries.
    Ar,
}

/// How many first bytes [`Kind::detect`] can make use of.
pub const HEAD_BYTES: usize = tar::BLOCK;

/// Endings of names whose files are zips even where something stands before the first local header.
const ZIP_NAMES: [&str; 19] = [
    ".zip", ".jar", ".war", ".ear", ".apk", ".aar", ".ipa", ".whl", ".nupkg", ".vsix", ".xpi", ".crx", ".docx",
    ".xlsx", ".pptx", ".odt", ".epub", ".pex", ".pyz",
];

/// Executables and shell scripts with a zip behind them, and browser extensions with a signature in front.
const ZIP_PREFIXES: [&[u8]; 3] = [b"Cr24", b"#!", b"MZ"];

/// Block and end-of-stream marks of bzip2, which follow its four byte signature.
const BZIP2_MARKS: [&[u8]; 2] = [&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];

impl Kind {
    /// Recognises a format from the name of a file and its first [`HEAD_BYTES`] bytes (more do no harm).
    #[must_use]
    pub fn detect(name: &str, head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', ..] => Some(Self::Zip),
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] if BZIP2_MARKS.iter().any(|m| rest.starts_with(m)) => {
                Some(Self::Bzip2)
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            [b'L', b'Z', b'I', b'P', 1, ..] => Some(Self::Lzip),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Self::SevenZip),
            [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..] => Some(Self::Ar),
            _ if tar::is_header(head) => Some(Self::Tar),
            _ => Self::detect_by_name(name, head),
        }
    }

    fn detect_by_name(name: &str, head: &[u8]) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match head {
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if name.ends_with(".lz4") => Some(Self::Lz4),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] if name.ends_with("zst") => Some(Self::Zstd),
            [0x5d, 0, 0, ..] if name.ends_with(".lzma") || name.ends_with(".tlz") => Some(Self::Lzma),
            _ => {
                let prefixed = ZIP_PREFIXES.iter().any(|prefix| head.starts_with(prefix));
                (prefixed && ZIP_NAMES.iter().any(|ending| name.ends_with(ending))).then_some(Self::Zip)
            }
        }
    }

    /// Whether the format can be read from front to back, without all of it in memory.
    #[must_use]
    pub fn is_sequential(self) -> bool {
        !matches!(self, Self::Zip | Self::SevenZip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_before_names() {
        let cases: [(&str, &[u8], Option<Kind>); 22] = [
            ("a.txt", b"PK\x03\x04....", Some(Kind::Zip)),
            ("empty.zip", b"PK\x05\x06\0\0", Some(Kind::Zip)),
            ("a.zip", b"\x1f\x8b\x08\0", Some(Kind::Gzip)),
            ("a", b"BZh91AY&SY", Some(Kind::Bzip2)),
            ("note.txt", b"BZh9 is how bzip2 starts", None),
            ("a", b"\xfd7zXZ\0", Some(Kind::Xz)),
            ("a", b"\x28\xb5\x2f\xfd\x00", Some(Kind::Zstd)),
            ("a", b"\x04\x22\x4d\x18\x00", Some(Kind::Lz4)),
            ("a", b"LZIP\x01\x00", Some(Kind::Lzip)),
            ("a", b"7z\xbc\xaf\x27\x1c\0\x04", Some(Kind::SevenZip)),
            ("a.deb", b"!<arch>\ndebian-binary", Some(Kind::Ar)),
            ("a.crx", b"Cr24\x03\0\0\0", Some(Kind::Zip)),
            ("a.bin", b"Cr24\x03\0\0\0", None),
            ("run.pyz", b"#!/usr/bin/env python3\nPK", Some(Kind::Zip)),
            ("run.py", b"#!/usr/bin/env python3\n", None),
            ("a.tar.zst", b"\x50\x2a\x4d\x18\x04\0\0\0", Some(Kind::Zstd)),
            ("a.tar.lz4", b"\x5f\x2a\x4d\x18\x04\0\0\0", Some(Kind::Lz4)),
            ("a.lzma", b"\x5d\0\0\x80\0", Some(Kind::Lzma)),
            ("a.bin", b"\x5d\0\0\x80\0", None),
            ("readme.jar", b"this is no jar", None),
            ("a.tar", &[0; 512], None),
            ("", b"", None),
        ];
        for (name, head, expected) in cases {
            assert_eq!(Kind::detect(name, head), expected, "{name} {head:?}");
        }
    }
}
