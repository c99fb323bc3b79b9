//! `testudo vault create`: a new file, encrypted as `.sops.yaml` or the flags say.

use std::{
    env, fs, io,
    io::Read as _,
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use testudo_ledger::{VaultEvent, VaultFile};
use testudo_vault::{File, Format, Plan, limits, path, sops_config, tree::Tree};
use zeroize::Zeroizing;

use super::{Common, editor, open, save};
use crate::{clock, files};

/// The variable with the recipients of new files.
const RECIPIENTS: &str = "SOPS_AGE_RECIPIENTS";
/// Most folders above a file that are searched.
const MOST_FOLDERS: usize = 100;

/// Encrypt a new file, from another one or from an editor
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo vault create prod.yaml --from plain.yaml             as .sops.yaml says
  testudo vault create prod.env --age age1… --age age1…        for two recipients, written in $EDITOR
  testudo vault create prod.json --from prod.json              in place
  generate | testudo vault create prod.env --from -            from standard input")]
pub(super) struct CreateArgs {
    /// The new file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// An age recipient (age1…) that can open it; repeatable, instead of those of SOPS_AGE_RECIPIENTS and .sops.yaml
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    age: Vec<String>,
    /// File with the values in the clear, `-` for standard input [default: an editor]; FILE itself is encrypted in place
    #[arg(long, value_name = "PLAIN", value_hint = ValueHint::FilePath)]
    from: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &CreateArgs) -> Result<ExitCode> {
    let format = open::format(&args.file, &args.common)?;
    let in_place = args.from.as_deref().is_some_and(|from| same(from, &args.file));
    if !in_place && args.file.symlink_metadata().is_ok() {
        bail!("{}: is there already; change it with `testudo vault edit` or `set`", args.file.display());
    }
    // Before somebody writes a text that cannot be encrypted.
    let plan = plan(args)?;
    let documents = documents(args, format)?;
    if File::is_encrypted(&documents, format) {
        bail!("{}: the values are encrypted already: they have a part `sops`", args.file.display());
    }
    let keys = documents.iter().flat_map(path::leaves).map(|(path, _)| path.to_string()).collect();
    let name = |error| anyhow::Error::msg(open::placed(&args.file, &error));
    let file = File::encrypt(documents, &plan, &clock::now()).map_err(name)?;
    let text = file.write(format).map_err(name)?;
    let files =
        vec![VaultFile { path: args.file.display().to_string(), before: None, after: Some(open::digest(&text)) }];
    save::record(VaultEvent { verb: "create".to_owned(), files, keys, command: None }, &args.common)?;
    if in_place {
        save::replace(&args.file, &text)?
    } else {
        save::create(&args.file, &text)?
    }
    Ok(ExitCode::SUCCESS)
}

fn same(a: &Path, b: &Path) -> bool {
    fs::canonicalize(a).is_ok_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b))
}

fn documents(args: &CreateArgs, format: Format) -> Result<Vec<Tree>> {
    let Some(from) = &args.from else {
        let start = if format == Format::Json { "{\n}\n" } else { "" };
        let documents = editor::compose(&args.file, start, format)?;
        return not_empty(documents, &args.file);
    };
    let text = if from.as_os_str() == "-" { standard_input()? } else { Zeroizing::new(files::read_text(from)?) };
    let documents = format.read(&text).map_err(|error| anyhow::Error::msg(open::placed(from, &error)))?;
    not_empty(documents, from)
}

fn not_empty(documents: Vec<Tree>, from: &Path) -> Result<Vec<Tree>> {
    if documents.iter().all(|document| matches!(document, Tree::Map(entries) if entries.is_empty())) {
        bail!("{}: is empty; there is nothing to encrypt", from.display());
    }
    Ok(documents)
}

fn standard_input() -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().lock().take(limits::SIZE as u64 + 1).read_to_string(&mut text).context("standard input")?;
    Ok(text)
}

/// Who can open the file, and what of it is encrypted.
fn plan(args: &CreateArgs) -> Result<Plan> {
    let rule = configured(&args.file)?;
    let from_environment = env::var(RECIPIENTS).unwrap_or_default();
    let from_environment = from_environment.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned);
    let given: Vec<String> = if args.age.is_empty() { from_environment.collect() } else { args.age.clone() };
    let mut plan = match rule {
        Rule::Plan(plan) => plan,
        Rule::NoneFits(config) if given.is_empty() => {
            bail!("{}: no rule fits {}; add one, or name recipients with --age", config.display(), args.file.display())
        }
        Rule::NoneFits(_) | Rule::NoConfig => Plan::default(),
    };
    if !given.is_empty() {
        plan.recipients = given;
    }
    if plan.recipients.is_empty() {
        bail!("nobody could open the file: name recipients with --age, in {RECIPIENTS} or in {}", sops_config::NAME);
    }
    Ok(plan)
}

/// What `.sops.yaml` says.
enum Rule {
    NoConfig,
    NoneFits(PathBuf),
    Plan(Plan),
}

fn configured(file: &Path) -> Result<Rule> {
    let file = lexical(&std::path::absolute(file).context("the working directory is gone")?);
    let folders = file.ancestors().skip(1).take(MOST_FOLDERS);
    let Some(config) = folders.map(|folder| folder.join(sops_config::NAME)).find(|config| config.is_file()) else {
        return Ok(Rule::NoConfig);
    };
    let below = config.parent().and_then(|folder| file.strip_prefix(folder).ok()).unwrap_or(&file);
    let text = files::read_text(&config)?;
    let path = below.to_string_lossy().replace('\\', "/");
    let plan = sops_config::plan(&text, &path).map_err(|error| anyhow::Error::msg(open::placed(&config, &error)))?;
    Ok(plan.map_or(Rule::NoneFits(config), Rule::Plan))
}

/// A path without `..`, which no expression should have to know.
fn lexical(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}
