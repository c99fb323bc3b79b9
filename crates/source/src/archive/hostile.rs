//! Hostile archives: damage, bombs, nesting. Nothing may panic, run on, or produce more than the limits.

use sevenz_rust2::encoder_options::{Bzip2Options, Lzma2Options};

use super::{
    Kind, Limits, ProblemKind,
    samples::{
        ZipFile, ar, bzip2, deflate, expand_all, expand_with, gzip, lz4, lzip, lzma, pairs, seven_zip, tar, tar_header,
        texts, xz, zip, zip_of, zstd,
    },
};

/// Text that compresses somewhat, so that the streams have some structure to damage.
fn text() -> Vec<u8> {
    (0..400_u32).flat_map(|n| format!("line {n} {:x}\n", n.wrapping_mul(2_654_435_761)).into_bytes()).collect()
}

/// One archive of each kind, with others inside.
fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let text = text();
    let plain = tar(&[("a.txt", &text), ("b/c.txt", b"short")]);
    let mixed = zip_of(&[
        ZipFile::stored("stored", &text),
        ZipFile::packed("deflated", 8, deflate(&text), &text),
        ZipFile::packed("zstd", 93, zstd(&text), &text),
    ]);
    let seven = seven_zip(&[("a.txt", &text), ("b.txt", b"short")], vec![Lzma2Options::from_level(1).into()]);
    let bzipped = seven_zip(&[("a.txt", &text), ("b.txt", b"short")], vec![Bzip2Options::from_level(1).into()]);
    let nested = tar(&[("in.zip", &mixed), ("in.tar.gz", &gzip(&plain)), ("in.7z", &seven)]);
    vec![
        ("a.tar.gz", gzip(&plain)),
        ("a.tar.bz2", bzip2(&plain)),
        ("a.tar.xz", xz(&plain)),
        ("a.tar.zst", zstd(&plain)),
        ("a.tar.lz4", lz4(&plain)),
        ("a.tar.lz", lzip(&plain)),
        ("a.txt.lzma", lzma(&text)),
        ("a.deb", ar(&[("data.tar", &plain), ("note", b"text")])),
        ("a.tar", plain),
        ("a.zip", mixed),
        ("a.7z", seven),
        ("b.7z", bzipped),
        ("nested.tar", nested),
    ]
}

/// What may be produced of the small archives here.
fn small() -> Limits {
    Limits { total_bytes: 4 << 20, member_bytes: 1 << 20, ..Limits::default() }
}

/// A xorshift generator: the same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn check_bounds(name: &str, bytes: &[u8]) {
    let limits = small();
    let (members, problems) = expand_with(name, bytes, &limits);
    let given: usize = members.iter().map(|m| m.1.len()).sum();
    assert!(given as u64 <= limits.total_bytes + 2 * bytes.len() as u64, "{name}: {given}");
    assert!(members.iter().all(|m| m.1.len() as u64 <= limits.member_bytes));
    assert!(members.len() as u64 <= limits.members && problems.len() <= 1010);
}

#[test]
fn the_corpus_is_whole() {
    for (name, bytes) in corpus() {
        let (members, problems) = expand_all(name, &bytes);
        assert_eq!(problems, [], "{name}");
        assert!(!members.is_empty(), "{name}");
    }
}

#[test]
fn three_deep_and_more() {
    let inner = gzip(&tar(&[("app/secret.txt", b"found")]));
    let jar = zip(&[("lib/inner.tgz", &inner), ("META-INF/MANIFEST.MF", b"m")]);
    let middle = seven_zip(&[("app.jar", &jar)], vec![Lzma2Options::from_level(1).into()]);
    let outer = zstd(&tar(&[("layer/middle.7z", &middle), ("notes.txt.gz", &gzip(b"note"))]));
    let expected = [
        ("layer/middle.7z!app.jar!lib/inner.tgz!app/secret.txt", "found"),
        ("layer/middle.7z!app.jar!META-INF/MANIFEST.MF", "m"),
        ("notes.txt.gz!notes.txt", "note"),
    ];
    assert_eq!(texts("outer.tar.zst", &outer), pairs(&expected));
    assert_eq!(texts("app.log.bz2", &bzip2(b"log")), pairs(&[("app.log", "log")]));
}

#[test]
fn streams_of_several_parts_are_read_on() {
    for (name, pack) in [("a.gz", gzip as fn(&[u8]) -> Vec<u8>), ("a.bz2", bzip2), ("a.xz", xz), ("a.lz", lzip)] {
        assert_eq!(texts(name, &[pack(b"one "), pack(b"two")].concat()), pairs(&[("a", "one two")]), "{name}");
    }
    let skippable = b"\x5a\x2a\x4d\x18\x03\0\0\0xyz".to_vec();
    let zstd = [skippable.clone(), zstd(b"one "), skippable.clone(), zstd(b"two")].concat();
    assert_eq!(texts("a.zst", &zstd), pairs(&[("a", "one two")]));
    let lz4 = [skippable.clone(), lz4(b"one "), lz4(b"two")].concat();
    let (members, _) = expand_all("a.lz4", &lz4[skippable.len()..]);
    assert_eq!(members, [("a".to_owned(), b"one two".to_vec())]);
}

#[test]
fn truncated_anywhere() {
    let text = text();
    for (name, bytes) in corpus() {
        let whole: Vec<Vec<u8>> = expand_all(name, &bytes).0.into_iter().map(|m| m.1).collect();
        for length in (0..bytes.len()).step_by(97) {
            check_bounds(name, &bytes[..length]);
            let (members, problems) = expand_with(name, &bytes[..length], &small());
            let complete = members.iter().map(|m| &m.1).filter(|m| whole.contains(m)).count();
            let told = !problems.is_empty() || complete == whole.len();
            // A tar or ar that ends between two members is not told from a whole one, nor is an LZ4 frame between blocks.
            assert!(told || matches!(name, "a.tar" | "a.deb" | "nested.tar" | "a.tar.lz4"), "{name} {length}");
        }
    }
    let zipped = zip(&[("a", &text), ("b", &text)]);
    let (members, _) = expand_all("a.zip", &zipped[..text.len() + 100]);
    assert_eq!(members[0].1, text, "what is before the damage is whole");
    let gzipped = gzip(&text);
    let (members, problems) = expand_all("a.gz", &gzipped[..gzipped.len() / 2]);
    assert!(text.starts_with(&members[0].1) && members[0].1.len() > 1000);
    assert!(matches!(problems[0].1, ProblemKind::Damaged(_)));
}

#[test]
fn corrupted_at_random() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for (name, bytes) in corpus() {
        for _ in 0..150 {
            let mut bytes = bytes.clone();
            for _ in 0..=random.below(6) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                    1 => bytes[at] ^= 1 << random.below(8),
                    2 => bytes[at] = 0xff,
                    _ => {
                        let from = random.below(bytes.len());
                        let length = random.below(64).min(bytes.len() - at.max(from));
                        bytes.copy_within(from..from + length, at);
                    }
                }
            }
            check_bounds(name, &bytes);
        }
    }
}

#[test]
fn noise_behind_every_signature() {
    let mut random = Random(42);
    for (name, bytes) in corpus() {
        for _ in 0..100 {
            let kept = random.below(bytes.len().min(600));
            let noise = (0..random.below(3000)).map(|_| u8::try_from(random.below(256)).unwrap());
            let bytes: Vec<u8> = bytes[..kept].iter().copied().chain(noise).collect();
            check_bounds(name, &bytes);
        }
    }
}

/// 20 MiB in 4 bytes for each 128 KiB (RFC 8878, RLE blocks).
fn zstd_bomb() -> Vec<u8> {
    let block = |last: u32| [&(131_072 << 3 | 1 << 1 | last).to_le_bytes()[..3], b"x"].concat();
    [b"\x28\xb5\x2f\xfd\x00\x38".to_vec(), block(0).repeat(159), block(1)].concat()
}

#[test]
fn bombs_stop_at_the_ratio() {
    let zeros = vec![0; 18 << 20];
    let bomb = ZipFile::packed("zeros", 8, deflate(&zeros), &zeros);
    let expected = |path: &str| [(path.to_owned(), ProblemKind::Limit("ratio"))];
    let (members, problems) = expand_all("bomb.zip", &zip_of(&[bomb, ZipFile::stored("after", b"x")]));
    assert_eq!(problems[0], expected("zeros")[0]);
    assert!(members.iter().all(|m| m.1.len() as u64 <= super::RATIO_FREE_BYTES + (1 << 20)));
    for (name, bytes) in [("a.gz", gzip(&zeros)), ("a.zst", zstd_bomb())] {
        assert_eq!(expand_all(name, &bytes).1, expected("a"), "{name}");
    }
    let outer = zip(&[("in.gz", &gzip(&gzip(&zeros))), ("fine", b"fine")]);
    let (members, problems) = expand_all("outer.zip", &outer);
    assert_eq!(problems, expected("in.gz!in!in"));
    assert_eq!(members.last().map(|m| m.0.as_str()), Some("fine"), "the rest goes on");
}

#[test]
fn the_total_is_shared_by_everything_inside() {
    let (content, limits) = (vec![b'a'; 1 << 20], Limits { total_bytes: 5 << 20, ..Limits::default() });
    let inner = gzip(&tar(&[("x", &content), ("y", &content)]));
    let files: Vec<_> = ["1.tgz", "2.tgz", "3.tgz", "4.tgz"].map(|name| (name, inner.as_slice())).into();
    let (members, problems) = expand_with("a.tar", &tar(&files), &limits);
    assert_eq!(problems, [("3.tgz!x".to_owned(), ProblemKind::Limit("total_bytes"))]);
    assert_eq!(members.iter().filter(|m| m.1 == content).count(), 4);
}

#[test]
fn long_members_are_skipped_unless_they_can_be_read_in_sequence() {
    let limits = Limits { member_bytes: 2000, ..Limits::default() };
    let long = vec![b'x'; 3000];
    let layer = tar(&[("file", b"in the layer"), ("long", &long)]);
    let gz = gzip(&text());
    assert!(gz.len() > 2000);
    let outer = tar(&[("long", &long), ("layer.tar", &layer), ("in.zip", &zip(&[("z", &long)])), ("end", b"end")]);
    let (members, problems) = expand_with("a.tar", &outer, &limits);
    assert_eq!(members, [("layer.tar!file".to_owned(), b"in the layer".to_vec()), ("end".to_owned(), b"end".to_vec())]);
    let skipped: Vec<_> = problems.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(skipped, ["long", "layer.tar!long", "in.zip"]);
    assert!(problems.iter().all(|p| p.1 == ProblemKind::Limit("member_bytes")));
    let (_, problems) = expand_with("a.tar", &tar(&[("text.gz", &gz)]), &limits);
    assert_eq!(problems, [("text.gz!text".to_owned(), ProblemKind::Limit("member_bytes"))]);
}

#[test]
fn members_depth_and_names_are_limited() {
    let limits = Limits { members: 3, ..Limits::default() };
    let (members, problems) = expand_with("a.zip", &zip(&[("a", b"1".as_slice()); 5]), &limits);
    assert_eq!((members.len(), problems), (3, vec![(String::new(), ProblemKind::Limit("members"))]));

    let mut deep = zip(&[("leaf", b"leaf")]);
    for _ in 0..20 {
        deep = zip(&[("in.zip", &deep)]);
    }
    let (members, problems) = expand_all("deep.zip", &deep);
    assert_eq!((members.len(), problems.len()), (1, 1));
    assert_eq!(problems[0].1, ProblemKind::Limit("depth"));
    assert_eq!(members[0].0.split('!').count(), 8);
    assert_eq!(Kind::detect("", &members[0].1), Some(Kind::Zip), "its raw bytes are given");
    let (_, problems) = expand_with("a.zip", &deep, &Limits { depth: 0, ..Limits::default() });
    assert_eq!(problems[0].1, ProblemKind::Limit("depth"));
    let (members, _) = expand_with("a.tgz", &gzip(&tar(&[("x", b"1")])), &Limits { depth: 1, ..Limits::default() });
    assert_eq!(members.len(), 1, "a compressed tar counts once");

    let limits = Limits { path_bytes: 10, ..Limits::default() };
    let (members, problems) = expand_with("a.zip", &zip(&[("a-rather-long-name", b"1")]), &limits);
    assert_eq!((members[0].0.as_str(), members[0].1.as_slice()), ("a-rather-l", b"1".as_slice()));
    assert_eq!(problems[0].1, ProblemKind::Limit("path_bytes"));
}

#[test]
fn unlimited_nesting_does_not_exhaust_the_stack() {
    let mut deep = b"leaf".to_vec();
    for _ in 0..100 {
        deep = gzip(&deep);
    }
    let (members, problems) = expand_with("deep.gz", &deep, &Limits { depth: usize::MAX, ..Limits::default() });
    assert_eq!((members.len(), problems[0].1.clone()), (1, ProblemKind::Limit("depth")));
}

#[test]
fn headers_that_hold_all_that_follow_end() {
    // Each local header claims the headers behind it as its content: level by level, the members multiply.
    let mut header = ZipFile::stored("in.zip", &[0; 5000]).local();
    header.truncate(36);
    let bytes = header.repeat(100);
    check_bounds("a.zip", &bytes);
    let limits = Limits { members: 500, ..small() };
    let (members, problems) = expand_with("a.zip", &bytes, &limits);
    assert!(members.len() <= 500);
    assert!(problems.iter().any(|p| matches!(p.1, ProblemKind::Limit("members"))), "told behind 1000 others");
}

#[test]
fn nested_archives_without_a_readable_member_are_given_raw() {
    let broken_zip = b"PK\x03\x04 not really a zip".to_vec();
    let broken_gzip = b"\x1f\x8b\x08\x00 not really gzip".to_vec();
    let broken_tar = tar_header("file", 100, b'0').to_vec();
    let files =
        [("a.zip", broken_zip.as_slice()), ("b.gz", &broken_gzip), ("c.tar", &broken_tar), ("d.zip", &zip(&[]))];
    let (members, problems) = expand_all("a.tar", &tar(&files));
    let raw: Vec<_> = members.iter().map(|m| m.0.as_str()).collect();
    assert_eq!(raw, ["a.zip", "b.gz", "c.tar"], "an empty zip has nothing to give");
    assert_eq!(members[0].1, broken_zip);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(matches!(expand_all("a.txt", b"text").1[0].1, ProblemKind::Unsupported(_)));
}

#[test]
fn problems_are_not_listed_without_end() {
    let entries: Vec<ZipFile<'_>> =
        (0..3000).map(|_| ZipFile { flags: 1, ..ZipFile::stored("secret", b"?") }).collect();
    let (_, problems) = expand_all("a.zip", &zip_of(&entries));
    assert_eq!(problems.len(), 1001);
    assert_eq!(problems.last().map(|p| p.1.clone()), Some(ProblemKind::Limit("problems")));
}
