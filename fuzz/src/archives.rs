//! Targets: archives, compressed streams and encodings of text.

use testudo_source::{
    Content, LineIndex, Origin, Unit,
    archive::{self, Limits},
    text,
};

/// Small limits: what is tested is that they hold.
const LIMITS: Limits =
    Limits { total_bytes: 4 << 20, member_bytes: 1 << 20, ratio: 200, members: 500, depth: 6, path_bytes: 300 };

/// Expands `data` as a file called `name`, twice, and checks every promise of the limits.
fn expand(name: &str, data: &[u8]) {
    let run = || {
        let (mut given, mut count, mut digest) = (0u64, 0u64, 0u64);
        let outcome = archive::expand(name, data, &LIMITS, &mut |member| {
            given += member.bytes.len() as u64;
            count += 1;
            assert!(member.bytes.len() as u64 <= LIMITS.member_bytes);
            assert!(member.path.iter().map(String::len).sum::<usize>() <= LIMITS.path_bytes, "{:?}", member.path);
            for part in member.path {
                assert!(!part.chars().any(char::is_control), "{part:?}");
                assert!(!part.starts_with('/') && part.split('/').all(|p| p != ".."), "{part:?}");
            }
            digest = member.bytes.iter().fold(digest, |d, b| (d ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        });
        assert!(given <= LIMITS.total_bytes + 8 * data.len() as u64, "{name}: {given} bytes");
        assert!(count <= LIMITS.members && outcome.problems.len() <= 1010);
        (outcome, digest)
    };
    assert_eq!(run(), run(), "two runs differ");
}

macro_rules! archives {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)+) => {
        $($(#[$doc])* pub fn $name(data: &[u8]) { expand($file, data) })+
    };
}

archives! {
    /// zip.
    zip = "a.zip";
    /// tar.
    tar = "a.tar";
    /// gzip, with a tar or anything else in it.
    gzip = "a.tar.gz";
    /// bzip2.
    bzip2 = "a.bz2";
    /// xz.
    xz = "a.xz";
    /// The older .lzma format.
    lzma = "a.lzma";
    /// lzip.
    lzip = "a.lz";
    /// Zstandard.
    zstd = "a.zst";
    /// LZ4 frames.
    lz4 = "a.lz4";
    /// 7z.
    seven_zip = "a.7z";
    /// Unix ar, as a Debian package.
    ar = "a.deb";
    /// Whatever the first bytes say.
    nested = "a";
}

/// Bytes as text: transcoding, and positions.
pub fn understand(data: &[u8]) {
    let unit = Unit::new("a.txt", data.to_vec(), Origin::File);
    assert_eq!((unit.bytes.clone(), unit.content), text::understand(data.to_vec()));
    if unit.content == Content::Transcoded {
        assert!(std::str::from_utf8(&unit.bytes).is_ok());
    }
    let index = LineIndex::new(&unit.bytes);
    let (mut last, mut last_line) = ((1, 1), 1);
    for offset in 0..=unit.bytes.len().min(600) {
        let position = index.position(offset);
        assert!((position.line, position.column) >= last, "positions go backwards at {offset}");
        assert_eq!(position.offset, offset as u64);
        assert!(position.line >= last_line && position.line as usize <= index.lines());
        (last, last_line) = ((position.line, position.column), position.line);
    }
    for line in 0..index.lines().min(200) + 2 {
        let range = index.line_range(line);
        assert!(range.start <= range.end && range.end <= unit.bytes.len());
    }
}
