//! `testudo ledger`: what was recorded, whether it is whole, and taking it elsewhere.

use std::{
    collections::VecDeque,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use serde_json::{Value, json};
use testudo_ledger::{Depth, Entry, Envelope, Heads, Journal, Next, Verified, VerifyingKey};
use testudo_policy::{Effective, config::Origin};

use super::scanning;
use crate::{NothingToRead, files, record, scan, terminal};

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
    /// Forget what you saw of a ledger before: it was put back, or replaced, on purpose
    Forget(Which),
    /// Print the public half of the key that signs
    Key(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// Configuration file [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
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
pub(in crate::commands) enum Form {
    /// Lines of text.
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
    /// A head that was kept elsewhere, to see what was cut off since; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    head: Vec<PathBuf>,
    /// Check signatures of heads and of entries behind them only: many times faster, and does not show that the owner of one
    /// trusted key wrote entries in the name of another
    #[arg(long)]
    links_only: bool,
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

/// `testudo release ledger`: the same for one environment.
#[derive(Debug, Args)]
pub(crate) struct ReleaseLedgerArgs {
    #[command(subcommand)]
    command: ReleaseCommand,
}

#[derive(Debug, Subcommand)]
enum ReleaseCommand {
    /// List the entries
    Show(OfRelease<ShowArgs>),
    /// Check that nothing was edited, moved, removed, cut off or slipped in
    Verify(OfRelease<VerifyArgs>),
    /// Write the entries for other tools
    Export(OfRelease<ExportArgs>),
}

/// The environment stands first; whatever follows is as with `testudo ledger`.
#[derive(Debug, Args)]
struct OfRelease<A: Args> {
    /// The environment
    #[arg(value_name = "ENVIRONMENT")]
    environment: String,
    #[command(flatten)]
    rest: A,
}

pub(crate) fn run_for_release(args: ReleaseLedgerArgs) -> Result<ExitCode> {
    let named = |which: &mut Which, environment: String| which.env = Some(environment);
    match args.command {
        ReleaseCommand::Show(mut args) => {
            named(&mut args.rest.which, args.environment);
            show(&args.rest)
        }
        ReleaseCommand::Verify(mut args) => {
            named(&mut args.rest.which, args.environment);
            verify(&args.rest)
        }
        ReleaseCommand::Export(mut args) => {
            named(&mut args.rest.which, args.environment);
            export(&args.rest)
        }
    }
}

pub(crate) fn run(args: LedgerArgs) -> Result<ExitCode> {
    match args.command {
        Command::Show(args) => show(&args),
        Command::Verify(args) => verify(&args),
        Command::Export(args) => export(&args),
        Command::Head(which) => head(&which),
        Command::Forget(which) => forget(&which),
        Command::Key(which) => key(&which),
    }
}

fn head(which: &Which) -> Result<ExitCode> {
    let project = which.project()?;
    let [journal] = project.journals.as_slice() else { bail!("there are several ledgers; name one with --env") };
    let Some(head) = journal.head_bytes()? else {
        bail!("{}: there is no head; run `testudo ledger verify`", journal.head_path().display())
    };
    // What is kept elsewhere has to be a head, and nothing that acts on a terminal.
    let envelope: Envelope = serde_json::from_slice(&head)
        .with_context(|| format!("{}: is no head; run `testudo ledger verify`", journal.head_path().display()))?;
    terminal::stdout_bytes(&json_text(&json!(envelope), Layout::Line)?)?;
    Ok(ExitCode::SUCCESS)
}

fn forget(which: &Which) -> Result<ExitCode> {
    which.project()?.journals.iter().try_for_each(record::forget)?;
    Ok(ExitCode::SUCCESS)
}

fn key(which: &Which) -> Result<ExitCode> {
    let (effective, root) = which.configuration()?;
    let Some(key) = record::configured_key(&root, &effective.config.ledger)? else {
        bail!("there is no key yet; it is made when the first entry is recorded, as with `testudo scan --record dev`")
    };
    terminal::stdout(&key.public().to_pem())?;
    Ok(ExitCode::SUCCESS)
}

/// A project and its ledgers.
struct Project {
    root: PathBuf,
    effective: Effective,
    journals: Vec<Journal>,
}

impl Which {
    /// The configuration as a scan of the target has it, and the root of the project.
    fn configuration(&self) -> Result<(Effective, PathBuf)> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(config) = &self.config {
            words.extend(["--config".into(), config.into()]);
        }
        words.extend(["--".into(), self.target.clone().into()]);
        scan::configuration(&scanning::arguments(words)?, std::slice::from_ref(&self.target))
    }

    fn project(&self) -> Result<Project> {
        let (effective, root) = self.configuration()?;
        let folder = record::folder(&root);
        let names = match &self.env {
            Some(name) => vec![name.clone()],
            None => Journal::environments(&folder)?,
        };
        let journals: Vec<Journal> = names.iter().map(|name| Journal::new(&folder, name)).collect::<Result<_, _>>()?;
        if journals.is_empty() {
            return Err(nothing(&format!(
                "{}: nothing was recorded yet; begin with `testudo scan --record dev`",
                folder.display()
            )));
        }
        Ok(Project { root, effective, journals })
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
            terminal::stdout(if first { "[\n" } else { "," })?;
            terminal::stdout_bytes(&json_text(&json!(entry.statement), Layout::Indented)?)
        }
    };
    let (mut shown, mut failed) = (0_usize, None);
    for journal in &project.journals {
        let mut kept = VecDeque::new();
        let read = chosen(journal, args.predicate.as_deref(), &mut |entry| {
            // Only where the end is wanted have entries to be kept.
            let Some(last) = args.last else {
                shown += 1;
                return Ok(print(&entry, shown == 1)?);
            };
            kept.push_back(entry);
            kept.drain(..kept.len().saturating_sub(last));
            Ok(())
        });
        failed = failed.or(read.err());
        for entry in kept {
            shown += 1;
            print(&entry, shown == 1)?;
        }
    }
    if args.format == Form::Json {
        terminal::stdout(if shown == 0 { "[]\n" } else { "]\n" })?;
    }
    failed.map_or(Ok(ExitCode::SUCCESS), Err)
}

/// How JSON is laid out.
#[derive(Clone, Copy)]
enum Layout {
    Line,
    Indented,
}

/// JSON that acts on no terminal, with a line break at the end.
fn json_text(value: &Value, layout: Layout) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match layout {
        Layout::Line => {
            testudo_report::write_compact(value, &mut out)?;
            out.push(b'\n');
        }
        Layout::Indented => testudo_report::write_pretty(value, &mut out)?,
    }
    Ok(out)
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
    if args.which.env.is_none() && !args.head.is_empty() {
        bail!("a head is that of one ledger: name it with --env");
    }
    let trust = trust(args, &project)?;
    let kept: Vec<Vec<u8>> = args.head.iter().map(|path| kept_head(path)).collect::<Result<_>>()?;
    let (mut whole, mut results) = (true, Vec::new());
    for journal in &project.journals {
        let seen = record::seen(journal);
        if kept.is_empty()
            && seen.is_none()
            && args.which.env.is_some()
            && !journal.path().exists()
            && !journal.head_path().exists()
        {
            return Err(nothing(&format!("{}: there is no such ledger", journal.path().display())));
        }
        let heads = Heads { beside: None, kept: kept.iter().map(Vec::as_slice).collect(), seen };
        let depth = if args.links_only { Depth::LinksOnly } else { Depth::EverySignature };
        let keys: Vec<VerifyingKey> = trust.iter().map(|(key, _)| key.clone()).collect();
        match journal.verify(&keys, heads, depth) {
            Ok(checked) => {
                whole &= checked.faults.is_empty();
                if let Some(head) = &checked.head {
                    record::remember(journal, head);
                }
                results.push((journal, checked));
            }
            // One that cannot be read keeps nobody from the others.
            Err(error) => {
                whole = false;
                terminal::error(&format!("{:#}", anyhow::Error::from(error)));
            }
        }
    }
    match args.format {
        Form::Text => results.iter().try_for_each(|(journal, checked)| tell(journal, checked, &trust))?,
        Form::Json => {
            let all: Vec<_> = results.iter().map(|(journal, checked)| document(journal, checked)).collect();
            terminal::stdout_bytes(&json_text(&json!(all), Layout::Indented)?)?;
        }
    }
    Ok(ExitCode::from(u8::from(!whole)))
}

/// A head is small, and never a pipe.
fn kept_head(path: &Path) -> Result<Vec<u8>> {
    record::plain(path)?;
    Ok(files::read_text(path)?.into_bytes())
}

/// What came of a check, for people.
fn tell(journal: &Journal, checked: &Verified, trust: &[(VerifyingKey, String)]) -> Result<()> {
    let mut out = String::new();
    let path = journal.path().display().to_string();
    for fault in &checked.faults {
        out.push_str(&match fault.line {
            0 => format!("{path}: the ledger {}\n", fault.kind),
            line => format!("{path}:{line}: this line {}\n", fault.kind),
        });
    }
    if checked.more > 0 {
        out.push_str(&format!("{path}: {} more faults\n", checked.more));
    }
    let state = if checked.faults.is_empty() { "whole" } else { "NOT WHOLE" };
    let last = checked.last.as_deref().unwrap_or("never");
    let (entries, signatures) = (checked.entries, checked.signatures);
    out.push_str(&format!(
        "{path}: {state}: ledger {}, {entries} entries, {signatures} signatures checked, last {last}\n",
        checked.ledger
    ));
    for (key, origin) in trust {
        let signed = checked.signers.get(key.id()).copied().unwrap_or(0);
        let word = if signed == 1 { "signature" } else { "signatures" };
        out.push_str(&format!("  key {} ({origin}): {signed} {word}\n", key.id().get(..16).unwrap_or_default()));
    }
    if checked.behind_head > 0 {
        out.push_str(&format!(
            "  {} entries are behind the head: if they are cut off, nobody will see it\n",
            checked.behind_head
        ));
    }
    Ok(terminal::stdout(&testudo_report::visible_lines(&out))?)
}

fn document(journal: &Journal, checked: &Verified) -> Value {
    let fault = |f: &testudo_ledger::Fault| json!({ "line": f.line, "message": f.kind.to_string() });
    json!({
        "environment": journal.environment(),
        "ledger": checked.ledger,
        "whole": checked.faults.is_empty(),
        "entries": checked.entries,
        "signatures": checked.signatures,
        "signers": checked.signers,
        "behind_head": checked.behind_head,
        "last": checked.last,
        "faults": checked.faults.iter().map(fault).collect::<Vec<_>>(),
        "more": checked.more,
    })
}

/// The keys that are named, else the own one and those that the project trusts; each with where it was named.
fn trust(args: &VerifyArgs, project: &Project) -> Result<Vec<(VerifyingKey, String)>> {
    let mut all: Vec<(VerifyingKey, String)> = Vec::new();
    for path in &args.key {
        all.extend(record::public_keys(path)?.into_iter().map(|key| (key, path.display().to_string())));
    }
    if args.key.is_empty() {
        let ledger = &project.effective.config.ledger;
        let own = record::configured_key(&project.root, ledger)?;
        let origin = project.effective.origin("ledger.trusted").to_string();
        all.extend(own.map(|key| (key.public().clone(), "your own".to_owned())));
        all.extend(record::trusted(&project.root, &ledger.trusted)?.into_iter().map(|key| (key, origin.clone())));
        let from_file = matches!(project.effective.origin("ledger.trusted"), Origin::File { .. });
        if from_file && all.iter().all(|(_, named)| *named == origin) {
            terminal::warn("only the project itself says which keys count; name those that you trust with --key");
        }
    }
    all.dedup_by(|a, b| a.0 == b.0);
    if all.is_empty() {
        bail!("no key to check with: name one with --key FILE, or in `ledger.trusted` of testudo.toml");
    }
    Ok(all)
}

fn export(args: &ExportArgs) -> Result<ExitCode> {
    let project = args.which.project()?;
    let mut kept = Vec::new();
    for journal in &project.journals {
        chosen(journal, args.predicate.as_deref(), &mut |entry| {
            let line = match args.format {
                Export::Envelopes => [entry.line.as_slice(), b"\n"].concat(),
                Export::Statements => json_text(&json!(entry.statement), Layout::Line)?,
            };
            match &args.output {
                Some(_) => kept.extend(line),
                None => terminal::stdout_bytes(&line)?,
            }
            Ok(())
        })?;
    }
    if let Some(path) = &args.output {
        files::write_private(path, &kept)?;
    }
    Ok(ExitCode::SUCCESS)
}
