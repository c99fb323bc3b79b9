//! `testudo status`: one board of the whole life of a product.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum, ValueHint};
use testudo_board::{Board, Facts, Found, Look, PlanFacts, State, page, text};
use testudo_ledger::{Journal, VerifyingKey};
use testudo_plan::evidence::Since;
use testudo_policy::{Owners, config};
use testudo_report::Color;
use testudo_source::walk::{self, GitIgnore, Submodules, WalkOptions};

use super::{hook, plan, scanning};
use crate::{clock, files, record, scan, terminal};

/// Evidence that is older is stale, where nobody says otherwise.
const MAX_AGE: u32 = 30;
/// Names of files and folders that a pipeline of a CI system has.
const PIPELINES: &[&str] = &[
    ".github/workflows/",
    ".forgejo/workflows/",
    ".gitea/workflows/",
    ".woodpecker/",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    ".circleci/config.yml",
    ".drone.yml",
    ".woodpecker.yml",
    ".buildkite/pipeline.yml",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    "buildspec.yml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
];
/// Names of files that pin dependencies.
const LOCKFILES: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "flake.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "requirements.txt",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
    "gradle.lockfile",
    "packages.lock.json",
    "mix.lock",
    "pubspec.lock",
    "Podfile.lock",
    "pom.xml",
];

/// Show where a product stands in each phase of its life, and the one next step
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo status                            plan, code, build, test, deploy, run, update: owner, last evidence, verdict
  testudo status --format html -o board.html
  testudo status --fail-on failing          exit 1 where a phase is failing

The board reads the ledgers that are whole (`--record` fills them), the plan, CODEOWNERS and the files of the project. It scans nothing.")]
pub(crate) struct StatusArgs {
    /// A directory of the project
    #[arg(value_name = "TARGET", default_value = ".", value_hint = ValueHint::DirPath)]
    target: PathBuf,
    /// How it is written
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// From which age on evidence is stale, in days
    #[arg(long, value_name = "DAYS", default_value_t = MAX_AGE)]
    max_age: u32,
    /// A public key (PEM) whose entries count; repeatable [default: `ledger.trusted` and your own]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key: Vec<PathBuf>,
    /// Exit 1 where a phase stands like this or worse
    #[arg(long, value_name = "STATE", default_value = "never")]
    fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a terminal.
    Text,
    /// One JSON document.
    Json,
    /// One self-contained page.
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// The board shows, and judges nothing.
    Never,
    /// Something is not as it should be.
    Failing,
    /// Somebody has to look.
    Attention,
    /// What was seen is too old.
    Stale,
    /// Something was never looked at.
    NotSetUp,
}

impl FailOn {
    fn refuses(self, state: State) -> bool {
        match self {
            Self::Never => false,
            Self::Failing => state >= State::Failing,
            Self::Attention => state >= State::Attention,
            Self::Stale => state >= State::Stale,
            Self::NotSetUp => state >= State::NotSetUp,
        }
    }
}

pub(crate) fn run(args: &StatusArgs) -> Result<ExitCode> {
    let words = scanning::arguments(["--".as_ref(), args.target.as_os_str()])?;
    let (effective, home) = scan::configuration(&words, std::slice::from_ref(&args.target))?;
    let home = fs::canonicalize(&home).with_context(|| home.display().to_string())?;
    // What cannot be read is told on the board; the rest of it stays.
    let mut unread = Vec::new();
    let (found, walked) = kept(found(&home), &mut unread).unwrap_or_default();
    let mut keys = plan::keys(&home, &effective.config.ledger, &args.key)?;
    if args.key.is_empty() {
        keys.extend(release_keys(&home, &found.releases));
    }
    // A ledger that cannot be read is no evidence either.
    let recorded = plan::recorded(&home, &[], &keys);
    let (statements, refused) = recorded.unwrap_or_else(|error| (Vec::new(), vec![format!("{error:#}")]));
    let plan = plan_facts(&home, &mut unread);
    let owners = kept(owners(&home), &mut unread).flatten();
    let history = plan::History::of(&home);
    let facts = Facts {
        product: home.file_name().map_or_else(|| "product".to_owned(), |name| name.to_string_lossy().into_owned()),
        today: clock::today().context("the clock of this machine is not set")?,
        max_age: args.max_age,
        statements: &statements,
        refused: &refused,
        unread: &unread,
        here: here(&home),
        changed: &|commit| match history.as_ref()?.since(commit, None) {
            Since::Same => Some(false),
            Since::Changed => Some(true),
            Since::Unknown => None,
        },
        plan,
        found,
        // What has an owner as a whole is owned by all who own a file of it.
        owners: &|path| {
            let Some(owners) = &owners else { return Vec::new() };
            if path == "." { owners_of_all(owners, &walked) } else { owners.of(path) }
        },
    };
    let board = Board::of(&facts);
    let written = match args.format {
        Form::Text => {
            let colour =
                args.output.is_none() && terminal::stdout_color(effective.config.output.color) == Color::Always;
            text(&board, if colour { Look::Coloured } else { Look::Plain }).into_bytes()
        }
        Form::Json => {
            let mut out = Vec::new();
            testudo_report::write_pretty(&serde_json::to_value(&board)?, &mut out)?;
            out
        }
        Form::Html => page(&board).into_bytes(),
    };
    match &args.output {
        Some(path) => files::write_shared(path, &written)?,
        None => terminal::stdout_bytes(&written)?,
    }
    // What a ledger that is not whole said counts for nothing, and that is worse than any of it.
    let distrusted = !(board.refused.is_empty() && board.unread.is_empty()) && args.fail_on != FailOn::Never;
    let refused = board.phases.iter().any(|phase| args.fail_on.refuses(phase.state));
    Ok(ExitCode::from(u8::from(refused || distrusted)))
}

/// What could be read; the reason goes to the others where it could not.
fn kept<T>(read: Result<T>, unread: &mut Vec<String>) -> Option<T> {
    read.map_err(|error| unread.push(format!("{error:#}"))).ok()
}

/// The plan; a file that cannot be read is a plan with a problem.
fn plan_facts(home: &Path, told: &mut Vec<String>) -> Option<PlanFacts> {
    let broken = || PlanFacts { path: "security/plan.toml".to_owned(), problems: 1, ..PlanFacts::default() };
    match kept(plan::plan_facts(home), told) {
        Some(facts) => facts.or_else(|| home.join("security/plan.toml").symlink_metadata().ok().map(|_| broken())),
        None => Some(broken()),
    }
}

fn owners(home: &Path) -> Result<Option<Owners>> {
    let found = Owners::discover(home).map(|path| Owners::load(&path, "CODEOWNERS")).transpose()?.flatten();
    Ok(found.map(|(owners, _)| owners))
}

/// Whoever owns one of these files, each once.
pub(super) fn owners_of_all(owners: &Owners, files: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for owner in files.iter().flat_map(|file| owners.of(file)) {
        if !all.contains(&owner) {
            all.push(owner);
        }
    }
    all
}

/// The project from the working directory.
fn here(home: &Path) -> String {
    let current = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    if let Ok(below) = home.strip_prefix(&current) {
        let below = walk::display(below);
        return if below.is_empty() { ".".to_owned() } else { below };
    }
    match current.strip_prefix(home) {
        Ok(deeper) => vec![".."; deeper.components().count()].join("/"),
        Err(_) => walk::display(home),
    }
}

/// Public parts of the keys that sign releases of this project, where they are at hand.
fn release_keys(home: &Path, environments: &[String]) -> Vec<VerifyingKey> {
    let configuration = home.join(config::FILE_NAME);
    let text = files::read_text(&configuration).unwrap_or_default();
    let key = |environment: &String| {
        record::release_key(home, &testudo_release::read(&text, &configuration, environment).pipeline?.key?)
    };
    environments.iter().filter_map(key).collect()
}

/// What is set up, by the files that are there.
pub(super) fn found(home: &Path) -> Result<(Found, Vec<String>)> {
    let options = WalkOptions {
        include: Vec::new(),
        exclude: Vec::new(),
        git_ignore: GitIgnore::Obey,
        submodules: Submodules::LeaveOut,
        threads: 0,
        index_file: files::git_index(),
    };
    let (walked, _) = walk::files(home, &options)?;
    let mut names: Vec<String> =
        walked.iter().filter_map(|file| Some(walk::display(file.path.strip_prefix(home).ok()?))).collect();
    names.sort();
    // CI systems look in one place only.
    let builds = |name: &&String| {
        let workflow = |name: &str| name.ends_with(".yml") || name.ends_with(".yaml");
        let is = |place: &&str| {
            if place.ends_with('/') { name.starts_with(place) && workflow(name) } else { name == place }
        };
        PIPELINES.iter().any(is)
    };
    let pins = |name: &&String| LOCKFILES.contains(&name.rsplit('/').next().unwrap_or_default());
    let configuration = home.join(config::FILE_NAME);
    let text = if configuration.is_file() { files::read_text(&configuration)? } else { String::new() };
    let mut releases = testudo_release::read(&text, &configuration, "").environments;
    // A name that no ledger can have is no environment that anything could be released to.
    releases.retain(|name| Journal::new(home, name).is_ok());
    let found = Found {
        hook: !hook::is_missing(home),
        pipelines: names.iter().filter(builds).cloned().collect(),
        lockfiles: names.iter().filter(pins).cloned().collect(),
        releases,
    };
    Ok((found, names))
}
