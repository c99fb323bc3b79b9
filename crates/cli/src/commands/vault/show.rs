//! `testudo vault show`: values in the clear, on standard output.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use clap::{Args, ValueHint};
use testudo_ledger::{VaultEvent, VaultFile};
use testudo_vault::{Format, json, path, path::Path, tree::Tree, yaml};
use zeroize::Zeroizing;

use super::{Common, Kind, open, save};
use crate::terminal;

/// Decrypt a file, or one value of it, to standard output
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo vault show prod.yaml
  testudo vault show prod.yaml --key db.password       text as it is, without a line break behind it
  testudo vault show prod.yaml --key '[\"db\"][\"hosts\"][0]'
  testudo vault show prod.yaml --format json

Nothing is printed before the whole file was checked.")]
pub(super) struct ShowArgs {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Only what stands at this path of the first document: db.hosts.0, or `["db"]["hosts"][0]`
    #[arg(short, long, value_name = "PATH")]
    key: Option<String>,
    /// Format to print [default: that of the file]
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<Kind>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &ShowArgs) -> Result<ExitCode> {
    let path = args.key.as_deref().map(Path::parse).transpose()?;
    let opened = open::open(&args.file, &args.common)?;
    let (text, keys) = match &path {
        None => {
            let format = args.format.map_or(opened.stored.format, Format::from);
            let keys = opened.documents.iter().flat_map(path::leaves).map(|(path, _)| path.to_string());
            (format.write(&opened.documents)?, keys.collect())
        }
        Some(path) => {
            let Some(value) = opened.documents.first().and_then(|document| path.get(document)) else {
                bail!("{}: {path} is not there; `testudo vault keys` lists what is", args.file.display())
            };
            (value_text(value, args.format, opened.stored.format)?, vec![path.to_string()])
        }
    };
    let text = Zeroizing::new(text);
    let files = vec![VaultFile {
        path: args.file.display().to_string(),
        before: Some(opened.stored.digest.clone()),
        after: None,
    }];
    save::record(VaultEvent { verb: "show".to_owned(), files, keys, command: None }, &args.common)?;
    terminal::stdout(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// One value. Text is printed as it is where no format was asked for.
fn value_text(value: &Tree, asked: Option<Kind>, of_file: Format) -> Result<String> {
    let format = asked.map_or(of_file, Format::from);
    Ok(match (value, asked) {
        (Tree::Leaf(_), None) => yaml::write_value(value),
        (_, Some(Kind::Json)) => json::write(value),
        (Tree::Map(_), _) => format.write(std::slice::from_ref(value))?,
        (Tree::List(_), None) if of_file == Format::Json => json::write(value),
        _ => yaml::write_value(value),
    })
}
