//! Random repositories, read by us and by git itself: renames and staged changes must be the same. Says that it is
//! skipped where no git is installed.

#![expect(clippy::print_stdout, reason = "a test that cannot run says so")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use testudo_source::git::{
    CommitObject, Oid, ReadLimits, Repository, ancestry, index, rename, staged,
    tree_diff::{self, Difference},
};

/// A small generator of random numbers (xorshift), so that each run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

struct Project(PathBuf);

impl Project {
    fn new(name: &str) -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            println!("skipped: git is not installed");
            return None;
        }
        let path = std::env::temp_dir().join(format!("testudo-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).unwrap();
        let project = Self(path);
        project.git(&["init", "-q"]);
        Some(project)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=A", "-c", "user.email=a@a.example", "-c", "gc.auto=0"]).args(arguments);
        command.current_dir(&self.0).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for variable in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn open(&self) -> Repository {
        Repository::discover(&self.0, ReadLimits::default()).unwrap()
    }

    fn commit(&self) {
        self.git(&["commit", "-q", "--allow-empty", "-m", "next"]);
    }

    /// Writes, changes, moves and removes files.
    fn disturb(&self, random: &mut Random) {
        for _ in 0..10 + random.below(20) {
            let from = self.0.join(name(random));
            let to = self.0.join(name(random));
            let content = fs::read_to_string(&from).ok();
            match (random.below(6), content) {
                (0, _) | (_, None) => write(&from, &text(random)),
                (1, Some(_)) => fs::remove_file(&from).unwrap(),
                (2..5, Some(content)) => {
                    fs::remove_file(&from).unwrap();
                    write(&to, &edited(&content, random));
                }
                (_, Some(content)) => write(&from, &edited(&content, random)),
            }
        }
        self.git(&["add", "-A"]);
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn name(random: &mut Random) -> String {
    let folder = ["", "a/", "a/b/", "a.b/", "c/d/e/"][random.below(5)];
    let file = ["one", "two.rs", "three.txt", "four", "five.md", "six"][random.below(6)];
    format!("{folder}{file}{}", ["", "2", "3", "4"][random.below(4)])
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn text(random: &mut Random) -> String {
    let lines = random.below(30);
    (0..lines).map(|_| format!("line {} of {}\n", random.below(40), "x".repeat(random.below(90)))).collect()
}

fn edited(text: &str, random: &mut Random) -> String {
    let share = random.below(8);
    let line = |line: &str, changed: bool| if changed { "changed\n".to_owned() } else { format!("{line}\n") };
    text.lines().map(|l| line(l, random.below(8) < share)).collect()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Lines `R old new`, `A path`, `D path`, sorted.
fn told(difference: &Difference, sources: &[Option<usize>]) -> Vec<String> {
    let added = |(side, source): (&testudo_source::git::tree_diff::Side, &Option<usize>)| match source {
        Some(at) => format!("R {} {}", lossy(&difference.removed[*at].path), lossy(&side.path)),
        None => format!("A {}", lossy(&side.path)),
    };
    let mut lines: Vec<String> = difference.added.iter().zip(sources).map(added).collect();
    let free = (0..difference.removed.len()).filter(|at| !sources.contains(&Some(*at)));
    lines.extend(free.map(|at| format!("D {}", lossy(&difference.removed[at].path))));
    lines.sort();
    lines
}

/// The same of `git diff --name-status`, with the score of a rename taken off.
fn git_told(status: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut parts = line.split('\t').map(str::to_owned);
        let kind = parts.next().unwrap_or_default();
        let rest: Vec<String> = parts.collect();
        format!("{} {}", &kind[..1], rest.join(" "))
    };
    let mut lines: Vec<String> = status.lines().map(line).collect();
    lines.sort();
    lines
}

fn tree(project: &Project, repository: &Repository, revision: &str) -> Oid {
    let oid = Oid::from_hex(project.git(&["rev-parse", revision]).trim().as_bytes()).unwrap();
    CommitObject::parse(&repository.objects().reader().read(&oid).unwrap().bytes).unwrap().tree
}

#[test]
fn renames_are_those_that_git_finds() {
    let Some(project) = Project::new("renames") else { return };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    project.disturb(&mut random);
    project.commit();
    let mut renames = 0;
    for round in 0..30 {
        project.disturb(&mut random);
        project.commit();
        let repository = project.open();
        let (old, new) = (tree(&project, &repository, "HEAD~1"), tree(&project, &repository, "HEAD"));
        let mut reader = repository.objects().reader();
        let difference = tree_diff::difference(&mut reader, Some(old), new);
        let sources = rename::sources(&mut reader, &difference);
        renames += sources.iter().flatten().count();
        let status = project.git(&["diff", "--name-status", "-M50%", "--diff-filter=ADR", "HEAD~1", "HEAD"]);
        assert_eq!(told(&difference, &sources), git_told(&status), "round {round}");
    }
    assert!(renames > 20, "only {renames} renames were tried");
}

#[test]
fn staged_changes_are_those_that_git_tells() {
    let Some(project) = Project::new("staged") else { return };
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    project.commit();
    for round in 0..25 {
        project.disturb(&mut random);
        let repository = project.open();
        let index = index::read(&repository.git_dir().join("index"), 20).unwrap();
        let found =
            staged::changes(&mut repository.objects().reader(), Some(tree(&project, &repository, "HEAD")), &index);
        let mut lines = told(&found.difference, &vec![None; found.difference.added.len()]);
        lines.extend(found.changed.iter().map(|c| format!("M {}", lossy(&c.path))));
        lines.sort();
        let status = project.git(&["diff", "--cached", "--no-renames", "--name-status"]);
        assert_eq!(lines, git_told(&status), "round {round}");
        project.commit();
        // Every other round starts from an index that knows its trees.
        if round % 2 == 0 {
            project.git(&["read-tree", "HEAD"]);
        }
    }
}

#[test]
fn reached_commits_are_those_that_git_lists() {
    let Some(project) = Project::new("reached") else { return };
    let mut random = Random(0x1319_8a2e_0370_7344);
    project.commit();
    let list = |arguments: &[&str]| -> HashSet<Oid> {
        project.git(arguments).lines().map(|line| Oid::from_hex(line.as_bytes()).unwrap()).collect()
    };
    for round in 0..20 {
        let known: Vec<String> = project.git(&["rev-list", "--all"]).lines().map(str::to_owned).collect();
        let mut pick = || known[random.below(known.len())].clone();
        project.git(&["checkout", "-q", "--detach", &pick()]);
        project.git(&["commit", "-q", "--allow-empty", "-m", &format!("round {round}")]);
        project.git(&["merge", "-q", "--no-edit", "--allow-unrelated-histories", "-s", "ours", &pick()]);
        project.git(&["tag", &format!("t{round}")]);
    }
    let all = list(&["rev-list", "--all"]);
    assert!(all.len() > 20, "only {} commits", all.len());
    let repository = project.open();
    for tip in project.git(&["rev-list", "--all"]).lines() {
        let oid = Oid::from_hex(tip.as_bytes()).unwrap();
        assert_eq!(ancestry::reached(&repository, oid, &all), list(&["rev-list", tip]), "{tip}");
    }
}
