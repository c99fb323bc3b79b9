//! `testudo status`: one board of the whole life of a product.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum, ValueHint};
use testudo_board::{Board, Facts, Found, Look, State, page, text};
use testudo_policy::{Owners, config};
use testudo_report::Color;
use testudo_source::walk::{self, GitIgnore, Submodules, WalkOptions};

use super::{plan, scanning};
use crate::{clock, files, scan, terminal};

/// Evidence that is older is stale, where nobody says otherwise.
const MAX_AGE: u32 = 30;
/// Names of files and folders that a pipeline of a CI system has.
const PIPELINES: &[&str] = &[
    ".github/workflows/",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    ".circleci/config.yml",
    "azure-pipelines.yml",
    "buildspec.yml",
    "cloudbuild.yaml",
];
/// Names of files that pin dependencies.
const LOCKFILES: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
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
    let keys = plan::keys(&home, &effective.config.ledger, &args.key)?;
    let (statements, refused) = plan::recorded(&home, &[], &keys)?;
    let owners = Owners::discover(&home).map(|path| Owners::load(&path, "CODEOWNERS")).transpose()?.flatten();
    let owners = owners.map(|(owners, _)| owners);
    let facts = Facts {
        product: home.file_name().map_or_else(|| "product".to_owned(), |name| name.to_string_lossy().into_owned()),
        today: clock::today().context("the clock of this machine is not set")?,
        max_age: args.max_age,
        statements: &statements,
        refused: &refused,
        plan: plan::plan_facts(&home)?,
        found: found(&home)?,
        // What has an owner as a whole is owned by whoever owns any file of it.
        owners: &|path| {
            owners.as_ref().map(|owners| owners.of(if path == "." { "any" } else { path })).unwrap_or_default()
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
        Some(path) => files::write_private(path, &written)?,
        None => terminal::stdout_bytes(&written)?,
    }
    let refused = board.phases.iter().any(|phase| args.fail_on.refuses(phase.state));
    Ok(ExitCode::from(u8::from(refused)))
}

/// What is set up, by the files that are there.
pub(super) fn found(home: &Path) -> Result<Found> {
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
        PIPELINES.iter().any(|place| if place.ends_with('/') { name.starts_with(place) } else { name == place })
    };
    let pins = |name: &&String| LOCKFILES.contains(&name.rsplit('/').next().unwrap_or_default());
    let configuration = home.join(config::FILE_NAME);
    let text = if configuration.is_file() { files::read_text(&configuration)? } else { String::new() };
    Ok(Found {
        hook: has_hook(home),
        pipelines: names.iter().filter(builds).cloned().collect(),
        lockfiles: names.iter().filter(pins).cloned().collect(),
        releases: testudo_release::read(&text, &configuration, "").environments,
    })
}

/// Whether one of the hooks of the repository calls this program.
fn has_hook(home: &Path) -> bool {
    let hook = |name: &str| fs::read_to_string(home.join(".git").join("hooks").join(name));
    ["pre-commit", "pre-push"].iter().any(|name| hook(name).is_ok_and(|text| text.contains("testudo")))
}
