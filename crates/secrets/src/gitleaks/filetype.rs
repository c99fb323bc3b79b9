//! Which files gitleaks does not read: those whose first bytes are of an application format; and which it takes for
//! archives, by name.

use testudo_source::archive::Kind;

/// First bytes of formats whose MIME type is `application/...`: offset and bytes.
const MAGIC: &[(usize, &[u8])] = &[
    (0, b"PK\x03\x04"),
    (0, b"PK\x05\x06"),
    (0, b"PK\x07\x08"),
    (257, b"ustar"),
    (0, b"Rar!\x1a\x07\x00"),
    (0, b"Rar!\x1a\x07\x01"),
    (0, b"\x1f\x8b\x08"),
    (0, b"BZh"),
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"\xfd7zXZ\0"),
    (0, b"\x28\xb5\x2f\xfd"),
    (0, b"%PDF"),
    (3, b"%PDF"),
    (0, b"MZ"),
    (0, b"CWS"),
    (0, b"FWS"),
    (0, b"{\\rtf"),
    (0, b"%!"),
    (0, b"SQLi"),
    (0, b"NES\x1a"),
    (0, b"Cr24"),
    (0, b"MSCF"),
    (0, b"ISc("),
    (0, b"!<arch>"),
    (0, b"\x1f\xa0"),
    (0, b"\x1f\x9d"),
    (0, b"LZIP"),
    (0, b"\xed\xab\xee\xdb"),
    (0, b"\x7fELF"),
    (0, b"\0asm"),
    (0, b"dex\n"),
    (0, b"dey\n"),
    (0, b"wOFF\0\x01\0\0"),
    (0, b"wOF2\0\x01\0\0"),
    (0, b"\0\x01\0\0\0"),
    (0, b"OTTO\0"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    (32769, b"CD001"),
];

/// Whether the first bytes are of a format that gitleaks counts as an application's and skips.
#[must_use]
pub fn is_application(head: &[u8]) -> bool {
    let starts = |(offset, magic): &(usize, &[u8])| head.get(*offset..).is_some_and(|rest| rest.starts_with(magic));
    MAGIC.iter().any(starts) || is_embedded_font(head) || is_mach_or_class(head)
}

/// Embedded OpenType: a fixed version and a marker further on.
fn is_embedded_font(head: &[u8]) -> bool {
    let at = |range: std::ops::Range<usize>| head.get(range).unwrap_or_default();
    at(34..36) == b"LP" && matches!(at(8..11), [0, 0, 1] | [1, 0, 2] | [2, 0, 2])
}

/// Mach-O in its four byte orders; the fat form shares its magic with Java classes.
fn is_mach_or_class(head: &[u8]) -> bool {
    matches!(
        head.get(..4),
        Some(
            [0xfe, 0xed, 0xfa, 0xce | 0xcf]
                | [0xce | 0xcf, 0xfa, 0xed, 0xfe]
                | [0xca, 0xfe, 0xba, 0xbe]
                | [0xbe, 0xba, 0xfe, 0xca]
        )
    )
}

/// Where in a name its format stands.
#[derive(Clone, Copy)]
enum Stands {
    /// Anywhere: `a.zip.txt` counts as a zip.
    Anywhere,
    /// At the end.
    Behind,
}

/// Compressed streams: what a name has, and the format that we read.
const STREAMS: [(&str, Stands, Option<Kind>); 11] = [
    (".gz", Stands::Anywhere, Some(Kind::Gzip)),
    (".bz2", Stands::Anywhere, Some(Kind::Bzip2)),
    (".xz", Stands::Anywhere, Some(Kind::Xz)),
    (".zst", Stands::Anywhere, Some(Kind::Zstd)),
    (".lz4", Stands::Anywhere, Some(Kind::Lz4)),
    (".lz", Stands::Behind, Some(Kind::Lzip)),
    (".br", Stands::Anywhere, None),
    (".sz", Stands::Anywhere, None),
    (".s2", Stands::Anywhere, None),
    (".zz", Stands::Anywhere, None),
    (".mz", Stands::Behind, None),
];

/// Archives, which have members.
const CONTAINERS: [(&str, Stands, Option<Kind>); 4] = [
    (".zip", Stands::Anywhere, Some(Kind::Zip)),
    (".tar", Stands::Anywhere, Some(Kind::Tar)),
    (".7z", Stands::Anywhere, Some(Kind::SevenZip)),
    (".rar", Stands::Anywhere, None),
];

/// What gitleaks takes a file for, by its name alone. A format is none where it is not read here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveName {
    /// Compressed streams that the name speaks of.
    pub streams: Vec<Option<Kind>>,
    /// Archives that the name speaks of.
    pub containers: Vec<Option<Kind>>,
}

impl ArchiveName {
    /// Reads the last part of a `/`-separated path; none where it is no archive's name.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let named = |(ending, stands, kind): &(&str, Stands, Option<Kind>)| {
            let there = match stands {
                Stands::Anywhere => name.contains(ending),
                Stands::Behind => name.ends_with(ending),
            };
            there.then_some(*kind)
        };
        let read = Self {
            streams: STREAMS.iter().filter_map(named).collect(),
            containers: CONTAINERS.iter().filter_map(named).collect(),
        };
        (read != Self::default()).then_some(read)
    }
}
