//! A tree and a repository for benchmarks, made by code: the same bytes on every machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use anyhow::{Context as _, Result, bail};
use testudo_secrets::document::expand;

/// Files of the tree.
const FILES: u64 = 60;
/// Commits of the repository.
const COMMITS: u64 = 40;

/// Lines that files are made of; templates become values. `{n}` is a number that differs from line to line.
const LINES: &[&str] = &[
    "def handler_{n}(request, context):",
    "    \"\"\"Answers request number {n}; see the manual for the fields.\"\"\"",
    "    value = request.get(\"field_{n}\", default=None)",
    "    if value is None or len(value) > {n}:",
    "        raise ValueError(f\"field_{n} has {len(value)} characters\")",
    "    log.info(\"handled %s for %s\", value, context.user_id)",
    "    token = os.environ[\"SERVICE_TOKEN_{n}\"]",
    "    return {\"status\": 200, \"id\": \"{{hex:16}}\", \"next\": None}",
    "# Größe und Maß: {n}",
    "",
];
/// Lines of which every file has one, in turn.
const SECRETS: &[&str] = &[
    "API_KEY = \"{{alnum:40}}\"",
    "DATABASE_URL = \"postgres://app:{{alnum:20}}@db.example:5432/shop\"",
    "password = \"{{alnum:14}}!\"",
    "GITHUB = \"ghp_{{crc62:30}}\"",
    "PAYLOAD = \"{{base64:60}}\"",
];

/// Folders that are removed in the end.
pub(super) struct Inputs {
    root: PathBuf,
    tree: PathBuf,
    repository: PathBuf,
}

impl Inputs {
    /// Makes everything.
    pub(super) fn new() -> Result<Self> {
        let root = env::temp_dir().join(format!("testudo-instructions-{}", process::id()));
        let inputs = Self { tree: root.join("tree"), repository: root.join("repository"), root };
        fs::create_dir_all(inputs.tree.join("src"))?;
        fs::create_dir_all(inputs.repository.join("src"))?;
        for number in 0..FILES {
            fs::write(inputs.tree.join(format!("src/file_{number}.py")), text(number, 0))?;
        }
        inputs.history()?;
        Ok(inputs)
    }

    /// A folder of source files.
    pub(super) fn tree(&self) -> &Path {
        &self.tree
    }

    /// A repository with a packed history and one staged change.
    pub(super) fn repository(&self) -> &Path {
        &self.repository
    }

    /// An empty home, so that nobody's settings count.
    pub(super) fn home(&self) -> &Path {
        &self.root
    }

    fn history(&self) -> Result<()> {
        self.git(0, &["init", "-q", "-b", "main", "."])?;
        for commit in 0..COMMITS {
            for file in 0..5 {
                let name = self.repository.join(format!("src/file_{file}.py"));
                fs::write(name, text(file, if file == commit % 5 { commit } else { commit / 5 * 5 }))?;
            }
            self.git(commit, &["add", "."])?;
            self.git(commit, &["commit", "-q", "-m", &format!("Round {commit}")])?;
        }
        self.git(0, &["-c", "pack.threads=1", "repack", "-adfq", "--depth=20"])?;
        fs::write(self.repository.join("src/file_0.py"), text(0, COMMITS))?;
        self.git(0, &["add", "."])
    }

    fn git(&self, seconds: u64, arguments: &[&str]) -> Result<()> {
        let date = format!("{} +0000", 1_700_000_000 + seconds * 60);
        let status = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(&self.repository)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .status()
            .context("git is needed to make a repository")?;
        if !status.success() {
            bail!("git {} fails", arguments.join(" "));
        }
        Ok(())
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        // A folder that stays is only untidy.
        fs::remove_dir_all(&self.root).ok();
    }
}

/// A file of about ten kilobytes; two versions of it differ in a few lines.
fn text(file: u64, version: u64) -> String {
    let mut text = String::new();
    for line in 0..200 {
        let number = file * 1000 + line + if line % 40 == version % 40 { version } else { 0 };
        let (lines, choice) = if line == 100 + version % 20 { (SECRETS, file + version) } else { (LINES, number) };
        let template = lines[(choice % lines.len() as u64) as usize].replace("{n}", &number.to_string());
        text.push_str(&expand(&template, number));
        text.push('\n');
    }
    text
}
