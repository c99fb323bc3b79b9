//! Every way in which a file can change, each seen by a check against its baseline, and by the agent while it happens.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{XattrFlags, lsetxattr};
use serde_json::Value;
use testudo_agent::fim::{ChangeKind, Effort, accept, check, init};

const PATIENCE: Duration = Duration::from_secs(30);

/// What is done, what has to be seen, and of which file. Attributes that are not named may be there, too.
type Mutation = (&'static str, fn(&Path), &'static str, ChangeKind, &'static [&'static str]);

const MUTATIONS: &[Mutation] = &[
    ("content", |t| fs::write(t.join("a"), "other").unwrap(), "a", ChangeKind::Modified, &["content"]),
    (
        "mode",
        |t| fs::set_permissions(t.join("a"), fs::Permissions::from_mode(0o600)).unwrap(),
        "a",
        ChangeKind::Modified,
        &["mode"],
    ),
    (
        "owner",
        |t| std::os::unix::fs::lchown(t.join("a"), Some(4711), None).unwrap(),
        "a",
        ChangeKind::Modified,
        &["owner"],
    ),
    (
        "group",
        |t| std::os::unix::fs::lchown(t.join("a"), None, Some(4711)).unwrap(),
        "a",
        ChangeKind::Modified,
        &["group"],
    ),
    (
        "xattr",
        |t| lsetxattr(t.join("a"), "user.x", b"1", XattrFlags::empty()).unwrap(),
        "a",
        ChangeKind::Modified,
        &["xattr"],
    ),
    ("capability", capability, "a", ChangeKind::Modified, &["capability"]),
    ("inode swap", swap, "a", ChangeKind::Modified, &["inode"]),
    ("hard link", |t| fs::hard_link(t.join("a"), t.join("hard")).unwrap(), "a", ChangeKind::Modified, &["nlink"]),
    ("target of a link", retarget, "link", ChangeKind::Modified, &["target"]),
    ("type", retype, "a", ChangeKind::TypeChanged, &["type"]),
    ("content with its time put back", put_back, "a", ChangeKind::Modified, &["content"]),
    ("deleted", |t| fs::remove_file(t.join("a")).unwrap(), "a", ChangeKind::Deleted, &[]),
    ("created", |t| fs::write(t.join("folder/new"), "n").unwrap(), "folder/new", ChangeKind::Created, &[]),
    ("renamed", |t| fs::rename(t.join("a"), t.join("b")).unwrap(), "b", ChangeKind::Renamed, &[]),
    (
        "folder moved",
        |t| fs::rename(t.join("folder"), t.join("moved")).unwrap(),
        "moved/inner",
        ChangeKind::Renamed,
        &[],
    ),
];

fn capability(tree: &Path) {
    // CAP_NET_RAW, permitted and effective (`linux/capability.h`, revision 2).
    let value = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    lsetxattr(tree.join("a"), "security.capability", &value, XattrFlags::empty()).unwrap();
}

fn swap(tree: &Path) {
    fs::copy(tree.join("a"), tree.join("copy")).unwrap();
    fs::rename(tree.join("copy"), tree.join("a")).unwrap();
}

fn retarget(tree: &Path) {
    fs::remove_file(tree.join("link")).unwrap();
    symlink("elsewhere", tree.join("link")).unwrap();
}

fn retype(tree: &Path) {
    fs::remove_file(tree.join("a")).unwrap();
    symlink("folder", tree.join("a")).unwrap();
}

fn put_back(tree: &Path) {
    let before = fs::metadata(tree.join("a")).unwrap();
    fs::write(tree.join("a"), "CONTENT").unwrap();
    let file = fs::OpenOptions::new().write(true).open(tree.join("a")).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let after = fs::metadata(tree.join("a")).unwrap();
    assert_eq!((before.size(), before.mtime_nsec()), (after.size(), after.mtime_nsec()));
}

fn tree(name: &str) -> (PathBuf, PathBuf) {
    let folder = std::env::temp_dir().join(format!("testudo-agent-files-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    let tree = folder.join("tree");
    fs::create_dir_all(tree.join("folder")).unwrap();
    fs::write(tree.join("a"), "content").unwrap();
    fs::write(tree.join("folder/inner"), "inner").unwrap();
    symlink("a", tree.join("link")).unwrap();
    (folder, tree)
}

/// Owners, capabilities and extended attributes need rights that not everybody has.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn every_mutation_is_seen_by_a_check_and_gone_when_accepted() {
    for (name, mutate, path, kind, attributes) in MUTATIONS {
        if !is_root() && ["owner", "group", "capability"].contains(name) {
            continue;
        }
        let (folder, tree) = tree("check");
        let db = folder.join("files.db");
        assert_eq!(init(&db, std::slice::from_ref(&tree), &[]).unwrap().scanned, 5);
        assert_eq!(check(&db, Effort::Changed).unwrap().changes, [], "{name}");
        mutate(&tree);
        let checked = check(&db, Effort::Changed).unwrap();
        let wanted = tree.join(path).display().to_string();
        let found = checked.changes.iter().find(|change| change.path == wanted);
        let found = found.unwrap_or_else(|| panic!("{name}: {:?}", checked.changes));
        assert_eq!(found.kind, *kind, "{name}");
        let seen: BTreeSet<&str> = found.attributes.iter().copied().collect();
        assert!(attributes.iter().all(|attribute| seen.contains(attribute)), "{name}: {seen:?}");
        // A check leaves the baseline as it was, and accepting ends it.
        assert_eq!(check(&db, Effort::Changed).unwrap(), checked, "{name}");
        accept(&db, &[]).unwrap();
        assert_eq!(check(&db, Effort::Everything).unwrap().changes, [], "{name}");
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn a_baseline_that_was_changed_is_refused() {
    let (folder, tree) = tree("damaged");
    let db = folder.join("files.db");
    init(&db, &[tree], &[]).unwrap();
    let text = fs::read_to_string(&db).unwrap();
    for (from, to) in [("\"m\":420", "\"m\":511"), ("\"p\":\"", "\"p\":\"/x"), ("\"paths\":5", "\"paths\":4")] {
        assert!(text.contains(from), "{text}");
        fs::write(&db, text.replacen(from, to, 1)).unwrap();
        let error = check(&db, Effort::Changed).unwrap_err().to_string();
        assert!(error.contains("fim init"), "{error}");
    }
    fs::write(&db, &text[..text.len() / 2]).unwrap();
    assert!(check(&db, Effort::Changed).is_err());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_agent_sees_them_while_they_happen_and_tells_each_once() {
    let (folder, tree) = tree("live");
    let config = "[agent]\nname = \"h\"\nstate-dir = \"state\"\nlogs = []\n[agent.fim]\ntrees = [\"tree\"]\n[agent.ports]\nwatch = false\n";
    fs::write(folder.join("testudo.toml"), config).unwrap();
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testudo-agent"));
        command.arg("run").current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let alerts = || -> Vec<Value> {
        let text = fs::read_to_string(folder.join("state/alerts.jsonl")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["class"] == "alert").map(|line| line["body"].clone()).collect()
    };
    let wait = |what: &str, test: &dyn Fn(&[Value]) -> bool| {
        let begun = Instant::now();
        while !test(&alerts()) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:#?}", alerts());
            thread::sleep(Duration::from_millis(50));
        }
    };
    let of = |alerts: &[Value], rule: &str, path: &str| {
        let path = tree.join(path).display().to_string();
        alerts.iter().filter(|alert| alert["rule"] == rule && alert["location"]["path"] == path.as_str()).count()
    };
    let mut agent = start();
    wait("it began", &|_| folder.join("state/alerts.jsonl").exists());
    fs::write(tree.join("a"), "other").unwrap();
    wait("content", &|alerts| of(alerts, "agent-file-changed", "a") == 1);
    // A folder that comes into being with all that is in it, deeper than it was watched.
    fs::create_dir_all(tree.join("x/y/z")).unwrap();
    fs::write(tree.join("x/y/z/deep"), "d").unwrap();
    wait("deep", &|alerts| of(alerts, "agent-file-created", "x/y/z/deep") == 1);
    fs::rename(tree.join("x"), tree.join("w")).unwrap();
    wait("moved", &|alerts| {
        of(alerts, "agent-file-created", "w/y/z/deep") + of(alerts, "agent-file-renamed", "w/y/z/deep") == 1
    });
    fs::write(tree.join("w/y/z/deep"), "e").unwrap();
    wait("below what was moved", &|alerts| of(alerts, "agent-file-created", "w/y/z/deep") == 2);
    fs::remove_dir_all(tree.join("folder")).unwrap();
    wait("gone", &|alerts| of(alerts, "agent-file-deleted", "folder/inner") == 1);
    agent.kill().unwrap();
    agent.wait().unwrap();
    // What changes while nobody looks is told at the next start, and nothing twice.
    let before = alerts().len();
    fs::set_permissions(tree.join("a"), fs::Permissions::from_mode(0o4755)).unwrap();
    let mut agent = start();
    wait("meanwhile", &|alerts| of(alerts, "agent-file-privileged", "a") == 1);
    thread::sleep(Duration::from_millis(700));
    assert_eq!(alerts().len(), before + 1, "{:#?}", &alerts()[before..]);
    agent.kill().unwrap();
    agent.wait().unwrap();
    fs::remove_dir_all(&folder).unwrap();
}
