//! Targets: what is read from a git repository.

use std::{
    fs,
    hint::black_box,
    io::Write as _,
    sync::{LazyLock, atomic::AtomicU64},
};

use testudo_secrets::{
    engine::{Engine, Spec},
    history::{self, Judge, Known, Method},
};
use testudo_source::git::{
    CommitObject, Kind, Objects, Oid, ReadLimits, Repository, TagObject,
    attributes::Attributes,
    delta::{self, Segment},
    forest::{Forest, Visitor, Walker},
    index, lines, rename, revision, staged, tree, tree_diff,
};

use crate::{
    input::{Input, halves, text},
    pack_writer::{Made, write_pack},
    scratch::Scratch,
};

/// Largest object in these targets, in bytes.
const LIMITS: ReadLimits = ReadLimits { object: 1 << 20 };
/// Length of a SHA-1.
const SHA1: usize = 20;

fn scratch() -> Scratch {
    Scratch::new().expect("a temporary folder can be made")
}

fn write(dir: &Scratch, name: &str, bytes: &[u8]) {
    dir.write(name, bytes).expect("a temporary file can be written");
}

/// Counts what a walk gives, and checks the segments of each derived object.
struct Counting;

impl Visitor for Counting {
    type State = Vec<u8>;

    fn whole(&mut self, _: Oid, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    fn derived(&mut self, _: Oid, bytes: &[u8], base: &Vec<u8>, segments: &[Segment]) -> Vec<u8> {
        check_segments(base, bytes, segments);
        bytes.to_vec()
    }

    fn failed(&mut self, _: Option<Oid>, error: &testudo_source::git::GitError) {
        assert!(!error.to_string().is_empty());
    }
}

/// Segments follow each other without a gap, and copies hold what the base holds.
fn check_segments(base: &[u8], result: &[u8], segments: &[Segment]) {
    let mut at = 0;
    for segment in segments {
        let (to, len) = match *segment {
            Segment::Copy { from, to, len } => {
                assert_eq!(base[from..from + len], result[to..to + len], "a copy differs from the base");
                (to, len)
            }
            Segment::Insert { to, len } => (to, len),
        };
        assert_eq!(to, at, "a gap between segments");
        at += len;
    }
    assert_eq!(at, result.len(), "segments do not cover the result");
}

/// A pack index and a pack, as they are: the index after its length in two bytes.
pub fn pack(data: &[u8]) {
    let dir = scratch();
    let mut input = Input::new(data);
    write(&dir, "pack/pack-1.idx", input.block());
    write(&dir, "pack/pack-1.pack", input.rest());
    read_everything(&dir);
}

fn read_everything(dir: &Scratch) {
    let Ok(objects) = Objects::open(dir.path(), SHA1, LIMITS) else { return };
    for pack in objects.packs() {
        let mut reader = objects.reader();
        for position in 0..pack.len().min(1000) {
            if let Some(oid) = pack.oid(position) {
                black_box(pack.find(&oid));
                if let Ok(object) = reader.read(&oid) {
                    assert!(object.bytes.len() as u64 <= LIMITS.object);
                }
            }
        }
        for kind in [Kind::Blob, Kind::Tree, Kind::Commit] {
            let Ok(forest) = Forest::new(pack, &objects, kind) else { continue };
            let mut walker = Walker::new(&forest);
            for root in forest.roots() {
                walker.walk(root, &mut Counting);
            }
        }
    }
    black_box(objects.by_prefix("00"));
}

/// A base and a delta.
pub fn delta_apply(data: &[u8]) {
    let mut input = Input::new(data);
    let base = input.block();
    let delta = input.rest();
    let (mut out, mut segments) = (Vec::new(), Vec::new());
    if delta::apply(base, delta, LIMITS.object, &mut out, &mut segments).is_some() {
        assert_eq!(delta::header(delta).map(|(_, size, _)| size), Some(out.len() as u64));
        check_segments(base, &out, &segments);
    }
}

/// Accepts every match, and hides nothing: what is compared is the search.
struct Everything;

impl Judge for Everything {
    fn worth(&self, _: u32, _: &[u8]) -> bool {
        true
    }

    fn opaque(&self, _: &[u8]) -> bool {
        false
    }

    fn hidden(&self, _: &[u8], _: &mut dyn FnMut(std::ops::Range<usize>, &[u8])) {}
}

/// Expressions of each plan: anchored, with a prefix, windowed, with a boundary, over several lines.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let rule = |regex: &str, keyword: &str| Spec { regex: regex.to_owned(), keywords: vec![keyword.to_owned()] };
    Engine::new(vec![
        rule(r"\b(ab_[0-9a-z]{4})\b", "ab_"),
        rule(r"(?i)[\w.-]{0,9}?(?:key)[ =:]{1,4}([a-z0-9]{3,8})(?:\s|$)", "key"),
        rule(r"[0-9a-f]{4}-us[0-9]", "-us"),
        rule(r"BEGIN[\s\S]{0,20}?END", "begin"),
        rule(r"(?m)^k.y=.{2}$", "k"),
    ])
    .expect("the expressions are valid")
});

type Found = Vec<(Oid, Vec<(u32, Vec<u8>)>)>;

fn found(objects: &Objects, method: Method) -> Option<Found> {
    let progress = AtomicU64::new(0);
    let result = history::scan(objects, &ENGINE, &Everything, method, 1, &Known::default(), &progress).ok()?;
    let named = result.blobs.into_iter().map(|(oid, ids)| {
        let mut named: Vec<_> = ids.iter().map(|id| result.matches[*id as usize].clone()).collect();
        named.sort();
        (oid, named)
    });
    Some(named.collect())
}

/// Two packs made from a recipe (see [`write_pack`]): reading ends, and a scan along the deltas finds what a scan of each
/// whole blob finds.
pub fn delta_scan(data: &[u8]) {
    let dir = scratch();
    let mut input = Input::new(data);
    let first = input.block();
    for (name, recipe) in [("1", first), ("2", input.rest())] {
        let Made { pack, index } = write_pack(recipe);
        write(&dir, &format!("pack/pack-{name}.idx"), &index);
        write(&dir, &format!("pack/pack-{name}.pack"), &pack);
    }
    read_everything(&dir);
    if let Ok(objects) = Objects::open(dir.path(), SHA1, LIMITS) {
        assert_eq!(found(&objects, Method::Deltas), found(&objects, Method::Whole));
    }
}

/// A loose object: the first byte says whether the rest is compressed already.
pub fn loose(data: &[u8]) {
    let dir = scratch();
    let mut input = Input::new(data);
    let packed = input.byte() & 1 == 1;
    let rest = input.rest();
    write(&dir, "ab/cdef00112233445566778899aabbccddeeff00", &if packed { rest.to_vec() } else { deflated(rest) });
    write(&dir, "pack/.keep", b"");
    let Ok(objects) = Objects::open(dir.path(), SHA1, LIMITS) else { return };
    for oid in objects.loose() {
        if let Ok(object) = objects.reader().read(&oid) {
            assert!(object.bytes.len() as u64 <= LIMITS.object);
        }
    }
}

/// The data as a zlib stream.
pub(crate) fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}

/// The index file, for ids of both lengths; what is read can be compared with a tree that is not there.
pub fn index_file(data: &[u8]) {
    for hash_len in [SHA1, 32] {
        let read = index::parse(data, hash_len);
        assert_eq!(read.as_ref().err(), index::parse(data, hash_len).as_ref().err());
        let Ok(read) = read else { continue };
        assert!(read.files.len() <= data.len());
        let dir = scratch();
        write(&dir, "pack/.keep", b"");
        if let Ok(objects) = Objects::open(dir.path(), hash_len, LIMITS) {
            let staged = staged::changes(&mut objects.reader(), None, &read);
            assert!(staged.changed.is_empty() && staged.difference.removed.is_empty(), "there is no tree before");
        }
    }
}

/// A tree, a commit and a tag.
pub fn objects(data: &[u8]) {
    for hash_len in [SHA1, 32] {
        let entries: Vec<_> = tree::entries(data, hash_len).collect();
        assert!(entries.iter().all(|entry| entry.oid.as_bytes().len() == hash_len));
    }
    if let Some(commit) = CommitObject::parse(data) {
        assert!(commit.message_at <= data.len());
        assert!(commit.author.date().len() >= 10 && !commit.committer.date().is_empty());
    }
    if let Some(tag) = TagObject::parse(data) {
        assert!(tag.message_at <= data.len());
        assert!(tag.tagger.date().len() >= 10);
    }
    let (old, new) = halves(data);
    for run in lines::added(old, new) {
        assert!(run.line >= 1 && new.get(run.range).is_some());
    }
}

/// One repository with a file of each kind that names something: halves are the file and a question to it.
struct Bare(Scratch);

impl Bare {
    fn new() -> Self {
        let dir = scratch();
        let blob = object(&dir, "blob", b"text\n");
        let tree = object(&dir, "tree", &[b"100644 a\0".as_slice(), blob.as_bytes()].concat());
        let mut parents = String::new();
        let mut last = tree;
        for number in 0..3 {
            let who = format!("t <t@t.example> {number} +0000");
            let body = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\nround {number}\n");
            last = object(&dir, "commit", body.as_bytes());
            parents = format!("parent {last}\n");
        }
        let body = format!("object {last}\ntype commit\ntag v1\ntagger t <t@t.example> 1 +0000\n\none\n");
        let tag = object(&dir, "tag", body.as_bytes());
        write(&dir, ".git/HEAD", b"ref: refs/heads/main\n");
        write(&dir, ".git/refs/heads/main", format!("{last}\n").as_bytes());
        write(&dir, ".git/refs/tags/v1", format!("{tag}\n").as_bytes());
        write(&dir, ".git/config", b"");
        write(&dir, ".git/objects/pack/.keep", b"");
        Self(dir)
    }

    fn open(&self) -> Option<Repository> {
        Repository::discover(self.0.path(), LIMITS).ok()
    }
}

/// Writes a loose object under an id made of its content; nothing here checks ids.
fn object(dir: &Scratch, kind: &str, body: &[u8]) -> Oid {
    let mut raw = format!("{kind} {}\0", body.len()).into_bytes();
    raw.extend_from_slice(body);
    let oid = crate::pack_writer::id_of(&raw);
    let hex = oid.to_string();
    write(dir, &format!(".git/objects/{}/{}", &hex[..2], &hex[2..]), &deflated(&raw));
    oid
}

thread_local! {
    static BARE: Bare = Bare::new();
}

/// Names of revisions and ranges, asked of a repository with three commits and a tag.
pub fn revisions(data: &[u8]) {
    let names = text(data);
    BARE.with(|bare| {
        let Some(repository) = bare.open() else { return };
        assert!(revision::commit(&repository, "v1~2^0").is_ok(), "the repository of this target is whole");
        let first = revision::range(&repository, &names).ok();
        assert_eq!(first, revision::range(&repository, &names).ok());
        for name in names.split_whitespace() {
            if let Ok(oid) = revision::commit(&repository, name) {
                assert_eq!(repository.objects().reader().read(&oid).map(|o| o.kind).ok(), Some(Kind::Commit));
            }
        }
    });
}

/// `.gitattributes`, and paths to ask about.
pub fn attributes(data: &[u8]) {
    let (file, paths) = halves(data);
    let bare = Bare::new();
    write(&bare.0, ".gitattributes", file);
    write(&bare.0, "dir/.gitattributes", file);
    write(&bare.0, ".git/info/attributes", file);
    let Some(repository) = bare.open() else { return };
    let mut read = Attributes::new(&repository);
    for path in text(paths).lines().take(50) {
        assert_eq!(read.show(path), Attributes::new(&repository).show(path), "{path}");
        read.show(&format!("dir/{path}"));
    }
}

/// The files that say what a repository is: by the first byte its configuration, `HEAD`, packed references, a reflog,
/// alternates, shallow commits, `.git` itself, or a tree object that is compared with another.
pub fn repository(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let rest = input.rest();
    let bare = Bare::new();
    match kind % 8 {
        0 => write(&bare.0, ".git/config", rest),
        1 => write(&bare.0, ".git/HEAD", rest),
        2 => write(&bare.0, ".git/packed-refs", rest),
        3 => write(&bare.0, ".git/logs/HEAD", rest),
        4 => write(&bare.0, ".git/objects/info/alternates", rest),
        5 => write(&bare.0, ".git/shallow", rest),
        6 => {
            fs::remove_dir_all(bare.0.path().join(".git")).expect("it was written before");
            write(&bare.0, ".git", rest);
        }
        _ => compare_trees(&bare, rest),
    }
    if let Some(repository) = bare.open() {
        let names: Vec<_> = repository.references().into_iter().map(|r| r.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        black_box((repository.head(), repository.reflog_targets()));
        revision::range(&repository, "HEAD main v1").ok();
    }
}

fn compare_trees(bare: &Bare, data: &[u8]) {
    let (old, new) = halves(data);
    let (old, new) = (object(&bare.0, "tree", old), object(&bare.0, "tree", new));
    let Some(repository) = bare.open() else { return };
    let mut reader = repository.objects().reader();
    let difference = tree_diff::difference(&mut reader, Some(old), new);
    let sources = rename::sources(&mut reader, &difference);
    assert_eq!(sources.len(), difference.added.len());
}
