//! `testudo vault exec`: a program with the values of files in its environment. No shell is started, no disk is written, and
//! what the program prints has its values masked.

mod hand_over;
mod process;
#[cfg(unix)]
mod signals;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, ValueHint};
use testudo_ledger::{VaultEvent, VaultFile};
use testudo_redact::stream::Masker;

use super::{Common, open, save};
use crate::terminal;

/// Run a command with the values of files in its environment
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo vault exec prod.env -- ./server --port 80
  testudo vault exec prod.env --allow DB_URL --require DB_URL -- ./migrate
  testudo vault exec prod.yaml --allow db.password=PGPASSWORD -- psql
  testudo vault exec prod.yaml --allow host --file tls.key=KEY_FILE -- ./server     KEY_FILE=/proc/self/fd/N, in memory
  testudo vault exec base.env prod.env --pristine -- env       values of later files win

The command is started as it stands here, without a shell. Without --allow and --file it gets every value at the top of the
files under its name; lists and maps have to be named, and so do variables that make programs load other code (PATH,
LD_PRELOAD, NODE_OPTIONS ...). Its standard output and error are pipes, also on a terminal, in which
encrypted values of four bytes and more are masked in every form that programs print: as they are, base64, hexadecimal,
percent-encoded, escaped for JSON, XML and shells. Truth values are not masked. Values in the clear are not masked.
Signals are handed on; core dumps are off.")]
pub(super) struct ExecArgs {
    /// The files; values of later ones win
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Hand over this value and no other: KEY, or PATH=NAME for the variable NAME; repeatable
    #[arg(long, value_name = "KEY[=NAME]")]
    allow: Vec<String>,
    /// Refuse to start where this variable would be missing or empty; repeatable
    #[arg(long, value_name = "NAME")]
    require: Vec<String>,
    /// Hand over the value as a file in memory, whose path is in the variable KEY, or NAME; repeatable (Linux)
    #[arg(long, value_name = "KEY[=NAME]")]
    file: Vec<String>,
    /// Hand over nothing of the environment but the values
    #[arg(long)]
    pristine: bool,
    /// Do not mask what the command prints; it keeps the terminal
    #[arg(long)]
    no_mask: bool,
    #[command(flatten)]
    common: Common,
    /// The command with its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) fn run(args: &ExecArgs) -> Result<ExitCode> {
    process::protect()?;
    let mut opened = Vec::new();
    for path in &args.files {
        opened.push(open::open(path, &args.common)?);
    }
    let handed = hand_over::choose(args, &opened)?;
    let masker = if args.no_mask { None } else { Some(masker(&handed)?) };
    let files = args.files.iter().zip(&opened).map(|(path, opened)| VaultFile {
        path: path.display().to_string(),
        before: Some(opened.stored.digest.clone()),
        after: None,
    });
    let event = VaultEvent {
        verb: "exec".to_owned(),
        files: files.collect(),
        keys: handed.paths(),
        command: args.command.first().map(|word| word.to_string_lossy().into_owned()),
    };
    save::record(event, &args.common)?;
    drop(opened);
    process::run(args, handed, masker.as_ref())
}

/// Masks what is secret of the values that are handed over.
fn masker(handed: &hand_over::Handed) -> Result<Masker> {
    let secrets = handed.secrets();
    let values: Vec<&[u8]> = secrets.iter().map(|(_, value)| value.as_bytes()).collect();
    let made = Masker::of(&values)?;
    let names: Vec<&str> = made.too_short.iter().map(|at| secrets[*at].0).collect();
    if !names.is_empty() {
        terminal::warn(&format!(
            "too short to be masked in what the command prints, because such values stand everywhere: {}",
            names.join(", ")
        ));
    }
    Ok(made.masker)
}
