//! `agent fim`: files as they were accepted, and as they are.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{Form, Terminal, Which};
use crate::{
    AgentError,
    fim::{self, Change, Checked, Effort},
    work,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo agent fim init --db files.db /etc /usr/bin
  testudo agent fim check --db files.db --format json
  testudo agent fim accept --db files.db /etc/hosts")]
pub(super) struct FimArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Accept files and folders as they are
    Init(InitArgs),
    /// Say what differs from what was accepted; exit 1 where something does
    Check(CheckArgs),
    /// Accept what differs
    Accept(AcceptArgs),
}

/// Which baseline.
#[derive(Debug, Args)]
struct Database {
    /// File of the baseline [default: that of the agent]
    #[arg(long, value_name = "DB", value_hint = ValueHint::FilePath)]
    db: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct InitArgs {
    #[command(flatten)]
    database: Database,
    /// Folders and files [default: those of the configuration]
    #[arg(value_name = "DIR", value_hint = ValueHint::AnyPath)]
    trees: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    database: Database,
    /// Read every file, also those whose times and sizes are as they were
    #[arg(long)]
    everything: bool,
    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

#[derive(Debug, Args)]
struct AcceptArgs {
    #[command(flatten)]
    database: Database,
    /// What is accepted, with all below it [default: everything]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
}

impl Database {
    fn path(&self) -> Result<PathBuf, AgentError> {
        match &self.db {
            Some(path) => Ok(path.clone()),
            None => Ok(work::baseline_path(&self.which.load()?.state)),
        }
    }
}

pub(super) fn run(args: FimArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    match args.command {
        Command::Init(args) => init(&args, terminal),
        Command::Check(args) => check(&args, terminal),
        Command::Accept(args) => {
            let changes = fim::accept(&args.database.path()?, &args.paths)?;
            terminal.print(&listed(&changes))?;
            (terminal.tell)(&format!("{} changes are accepted", changes.len()));
            Ok(0)
        }
    }
}

fn init(args: &InitArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    let mut exclude = Vec::new();
    let mut trees = args.trees.clone();
    if trees.is_empty() {
        let config = args.database.which.load()?;
        trees = config.fim.trees.into_iter().filter(|tree| tree.exists()).collect();
        exclude = config.fim.exclude;
        exclude.extend([config.state, config.alerts]);
    }
    let db = args.database.path()?;
    let checked = fim::init(&db, &trees, &exclude)?;
    tell_unread(&checked, terminal);
    (terminal.tell)(&format!("{}: {} files and folders are accepted as they are", db.display(), checked.scanned));
    Ok(0)
}

fn check(args: &CheckArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    let effort = if args.everything { Effort::Everything } else { Effort::Changed };
    let checked = fim::check(&args.database.path()?, effort)?;
    tell_unread(&checked, terminal);
    let text = match args.format {
        Form::Json => serde_json::to_string(&checked).expect("texts and numbers can be written as JSON") + "\n",
        Form::Text => listed(&checked.changes),
    };
    terminal.print(&text)?;
    if args.format == Form::Text {
        (terminal.tell)(&format!("{} looked at, {} changed", checked.scanned, checked.changes.len()));
    }
    Ok(u8::from(!checked.changes.is_empty()))
}

fn tell_unread(checked: &Checked, terminal: &mut Terminal<'_>) {
    for unread in &checked.unread {
        (terminal.tell)(&format!("{unread}; it is not looked at"));
    }
}

/// One line a change.
fn listed(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        let kind = serde_json::to_value(change.kind).ok();
        let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default().replace('_', " ");
        let from = change.from.as_ref().map_or(String::new(), |from| format!(" from {from}"));
        let what = change.attributes.join(", ");
        let what = if what.is_empty() { what } else { format!(": {what}") };
        out.push_str(&testudo_redact::printable(&format!("{kind} {}{from}{what}", change.path)));
        out.push('\n');
    }
    out
}
