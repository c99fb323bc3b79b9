//! `testudo vault`: deploy secrets in SOPS files, encrypted where they live and handed to programs without touching a disk.

mod change;
mod create;
mod edit;
mod editor;
mod exec;
mod identities;
mod keygen;
mod keys;
mod open;
mod save;
mod show;
mod words;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use testudo_vault::Format;

/// Deploy secrets: create, show, change and hand over what is in SOPS files
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo vault keygen ~/.config/sops/age/keys.txt             a key of your own; prints what others encrypt for
  testudo vault create prod.env --from plain.env --age age1…   encrypt a file for a recipient
  testudo vault set prod.yaml db.password --stdin < password   put a value in
  testudo vault show prod.yaml --key db.password               print one value
  testudo vault edit prod.yaml                                 change it in $EDITOR, in memory
  testudo vault keys prod.yaml                                 names, no values, no key needed
  testudo vault exec prod.env -- ./server --port 80            hand the values to a program, mask what it prints

Files are those of sops 3 (yaml, json, dotenv; age keys), and sops reads what is written here. Keys are looked for where
sops looks: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD, and sops/age/keys.txt in the configuration directory. New
files are encrypted as .sops.yaml says.

Exit codes: 0 done, 2 usage or configuration, 3 a file cannot be read: no key opens it, or it was changed. `exec` exits as
its command does (128 and the signal that ended it), with 127 where there is no such command, 126 where it cannot run")]
pub(crate) struct VaultArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Encrypt a new file, from another one or from an editor
    Create(create::CreateArgs),
    /// Decrypt a file, or one value of it, to standard output
    Show(show::ShowArgs),
    /// Change a file in an editor
    Edit(edit::EditArgs),
    /// Put a value into a file
    Set(change::SetArgs),
    /// Take a value out of a file
    Unset(change::UnsetArgs),
    /// List the names in a file and who can open it; needs no key
    Keys(keys::KeysArgs),
    /// Make a key that opens files: the secret part goes into a file, the public one to standard output
    Keygen(keygen::KeygenArgs),
    /// Run a command with the values of files in its environment
    Exec(exec::ExecArgs),
}

/// What every command about a file takes.
#[derive(Debug, Args)]
struct Common {
    /// Format of the file [default: by its name]
    #[arg(long = "type", value_name = "FORMAT")]
    kind: Option<Kind>,
    /// Configuration file of the project [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Record what is done in the signed ledger of this environment: names and digests, no value
    #[arg(long, value_name = "ENV")]
    record: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// Lines of NAME=value.
    Dotenv,
}

impl From<Kind> for Format {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Yaml => Self::Yaml,
            Kind::Json => Self::Json,
            Kind::Dotenv => Self::Dotenv,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: VaultArgs) -> Result<ExitCode> {
    match args.command {
        Command::Create(args) => create::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Edit(args) => edit::run(&args),
        Command::Set(args) => change::set(&args),
        Command::Unset(args) => change::unset(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Exec(args) => exec::run(&args),
    }
}
