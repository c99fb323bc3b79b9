//! `testudo ledger`: what was recorded, whether it is whole, and taking it elsewhere.

use std::{collections::VecDeque, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use serde_json::json;
use testudo_ledger::{Depth, Entry, Journal, Next, VerifyingKey};
use testudo_policy::config::Config;

use crate::{NothingToRead, files, record, terminal};

/// Show, check and export what was recorded
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo scan --record dev                     record a scan in the ledger of `dev`
  testudo ledger show                           what was recorded, the newest last
  testudo ledger verify --key ops.pub           exit 1 where an entry was edited, moved, removed or slipped in
  testudo ledger head --env dev > kept.json     the signed head, to be kept elsewhere
  testudo ledger verify --env dev --head kept.json   see what was cut off since
  testudo ledger export --format statements     the in-toto statements, one a line
  testudo ledger key > ops.pub                  the public half of your own key")]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the entries
    Show(ShowArgs),
    /// Check that nothing was edited, moved, removed, cut off or slipped in
    Verify(VerifyArgs),
    /// Write the entries for other tools
    Export(ExportArgs),
    /// Print the signed head, to be kept elsewhere: it shows later what was cut off
    Head(Which),
    /// Print the public half of the key that signs
    Key,
}

#[derive(Debug, Args)]
struct Which {
    /// The environment [default: every one that has a ledger]
    #[arg(short, long, value_name = "ENV")]
    env: Option<String>,
    /// A directory of the project
    #[arg(value_name = "TARGET", default_value = ".", value_hint = ValueHint::DirPath)]
    target: PathBuf,
}

#[derive(Debug, Args)]
struct ShowArgs {
    #[command(flatten)]
    which: Which,
    /// Only entries of this predicate type
    #[arg(long, value_name = "TYPE")]
    predicate: Option<String>,
    /// Only the last entries
    #[arg(short = 'n', long, value_name = "N")]
    last: Option<usize>,
    /// How they are printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One line an entry.
    Text,
    /// One JSON document.
    Json,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    which: Which,
    /// A public key (PEM) whose entries count; repeatable [default: `ledger.trusted` and your own]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key: Vec<PathBuf>,
    /// A head that was kept elsewhere, to see what was cut off since
    #[arg(long, value_name = "FILE", requires = "env", value_hint = ValueHint::FilePath)]
    head: Option<PathBuf>,
    /// Check the signature of every entry, also of those that the head vouches for
    #[arg(long)]
    every_signature: bool,
    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    which: Which,
    /// Only entries of this predicate type
    #[arg(long, value_name = "TYPE")]
    predicate: Option<String>,
    /// DSSE envelopes as they are signed, or the statements in them; one a line
    #[arg(short, long, value_name = "FORMAT", default_value = "envelopes")]
    format: Export,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Export {
    /// DSSE envelopes.
    Envelopes,
    /// in-toto statements.
    Statements,
}

pub(crate) fn run(args: LedgerArgs) -> Result<ExitCode> {
    match args.command {
        Command::Show(args) => show(&args),
        Command::Verify(args) => verify(&args),
        Command::Export(args) => export(&args),
        Command::Head(which) => head(&which),
        Command::Key => key(),
    }
}

fn head(which: &Which) -> Result<ExitCode> {
    for journal in &which.project()?.journals {
        let Some(head) = journal.head_bytes()? else {
            bail!("{}: there is no head; run `testudo ledger verify`", journal.head_path().display())
        };
        terminal::stdout(&String::from_utf8_lossy(&head))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn key() -> Result<ExitCode> {
    let Some(key) = record::own_key()? else {
        bail!("there is no key yet; it is made when the first entry is recorded, as with `testudo scan --record dev`")
    };
    terminal::stdout(&key.public().to_pem())?;
    Ok(ExitCode::SUCCESS)
}

/// A project and its ledgers.
struct Project {
    root: PathBuf,
    config: Config,
    journals: Vec<Journal>,
}

impl Which {
    fn project(&self) -> Result<Project> {
        let (root, config) = record::project(&self.target)?;
        let folder = record::folder(&root);
        let names = match &self.env {
            Some(name) => vec![name.clone()],
            None => Journal::environments(&folder),
        };
        let journals: Vec<Journal> = names.iter().map(|name| Journal::new(&folder, name)).collect::<Result<_, _>>()?;
        if let Some(absent) = journals.iter().find(|journal| !journal.path().exists()) {
            return Err(nothing(&format!("{}: there is no such ledger", absent.path().display())));
        }
        if journals.is_empty() {
            return Err(nothing(&format!(
                "{}: nothing was recorded yet; begin with `testudo scan --record dev`",
                folder.display()
            )));
        }
        Ok(Project { root, config, journals })
    }
}

fn nothing(text: &str) -> anyhow::Error {
    NothingToRead::from(anyhow::Error::msg(text.to_owned())).into()
}

fn show(args: &ShowArgs) -> Result<ExitCode> {
    let project = args.which.project()?;
    let print = |entry: &Entry, first: bool| match args.format {
        Form::Text => terminal::stdout(&line(entry)),
        Form::Json => {
            let text = serde_json::to_string_pretty(&entry.statement)?;
            terminal::stdout(&format!("{}{text}", if first { "[\n" } else { ",\n" }))
        }
    };
    let mut shown = 0_usize;
    for journal in &project.journals {
        let mut kept = VecDeque::new();
        chosen(journal, args.predicate.as_deref(), &mut |entry| {
            // Only where the end is wanted have entries to be kept.
            let Some(last) = args.last else {
                shown += 1;
                return Ok(print(&entry, shown == 1)?);
            };
            kept.push_back(entry);
            kept.drain(..kept.len().saturating_sub(last));
            Ok(())
        })?;
        for entry in kept {
            shown += 1;
            print(&entry, shown == 1)?;
        }
    }
    if args.format == Form::Json {
        terminal::stdout(if shown == 0 { "[]\n" } else { "\n]\n" })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(entry: &Entry) -> String {
    let place = &entry.statement.testudo;
    let subject = entry.statement.subject.iter().find_map(|s| s.digest.get("gitCommit"));
    let commit = subject.and_then(|oid| oid.get(..10)).map_or_else(String::new, |oid| format!(" @{oid}"));
    let said = record::said(&entry.statement);
    let text = format!("{} {:>4}  {}  {}{commit}  {said}", place.environment, place.seq, place.time, place.actor);
    testudo_report::visible_lines(&text).replace('\n', " ") + "\n"
}

/// Gives the entries of a predicate type, or all. Stops at the first error of `each`.
fn chosen(journal: &Journal, predicate: Option<&str>, each: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
    let mut result = Ok(());
    journal.entries(&mut |entry| {
        if predicate.is_none_or(|wanted| entry.statement.predicate_type == wanted) {
            result = each(entry);
        }
        if result.is_ok() { Next::Entry } else { Next::Stop }
    })?;
    result
}

fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let project = args.which.project()?;
    let keys = keys(args, &project)?;
    let head = args.head.as_deref().map(|path| std::fs::read(path).with_context(|| path.display().to_string()));
    let head = head.transpose()?;
    let depth = if args.every_signature { Depth::EverySignature } else { Depth::Chain };
    let (mut whole, mut results) = (true, Vec::new());
    for journal in &project.journals {
        let checked = journal.verify(&keys, head.as_deref(), depth)?;
        whole &= checked.faults.is_empty();
        let path = journal.path().display().to_string();
        for fault in checked.faults.iter().filter(|_| args.format == Form::Text) {
            terminal::stdout(&format!("{path}:{}: this line {}\n", fault.line, fault.kind))?;
        }
        if checked.more > 0 && args.format == Form::Text {
            terminal::stdout(&format!("{path}: {} more faults\n", checked.more))?;
        }
        let state = if checked.faults.is_empty() { "whole" } else { "NOT WHOLE" };
        let (entries, signatures) = (checked.entries, checked.signatures);
        let last = checked.last.as_deref().unwrap_or("never");
        if args.format == Form::Text {
            terminal::stdout(&format!(
                "{path}: {state}: {entries} entries, {signatures} signatures checked, last {last}\n"
            ))?;
        }
        results.push(json!({
            "environment": journal.environment(),
            "whole": checked.faults.is_empty(),
            "entries": entries,
            "signatures": signatures,
            "last": checked.last,
            "faults": checked.faults.iter().map(|f| json!({ "line": f.line, "message": f.kind.to_string() })).collect::<Vec<_>>(),
            "more": checked.more,
        }));
    }
    if args.format == Form::Json {
        terminal::stdout(&(serde_json::to_string_pretty(&results)? + "\n"))?;
    }
    Ok(ExitCode::from(u8::from(!whole)))
}

/// The keys that are named, else those that the project trusts and the own one.
fn keys(args: &VerifyArgs, project: &Project) -> Result<Vec<VerifyingKey>> {
    let keys = record::keys(&project.root, &project.config.ledger, &args.key)?;
    if keys.is_empty() {
        bail!("no key to check with: name one with --key FILE, or in `ledger.trusted` of testudo.toml");
    }
    Ok(keys)
}

fn export(args: &ExportArgs) -> Result<ExitCode> {
    let project = args.which.project()?;
    let mut text = String::new();
    for journal in &project.journals {
        chosen(journal, args.predicate.as_deref(), &mut |entry| {
            match args.format {
                Export::Envelopes => text.push_str(&entry.line),
                Export::Statements => text.push_str(&serde_json::to_string(&entry.statement)?),
            }
            text.push('\n');
            Ok(())
        })?;
    }
    match &args.output {
        Some(path) => files::write_private(path, text.as_bytes())?,
        None => terminal::stdout(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}
