//! `testudo vault keys`: what a file holds and for whom, without opening it.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, ValueEnum, ValueHint};
use serde_json::json;
use testudo_vault::{cipher, path, tree::Tree};

use super::{Common, open};
use crate::terminal;

/// List the names in a file and who can open it; needs no key
#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// How they are printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One line a name.
    Text,
    /// One JSON document.
    Json,
}

pub(super) fn run(args: &KeysArgs) -> Result<ExitCode> {
    let stored = open::stored(&args.file, &args.common)?;
    let named: Vec<_> = stored.file.documents.iter().flat_map(path::leaves).collect();
    let (recipients, foreign) = (stored.file.recipients(), stored.file.foreign());
    let text = match args.format {
        Form::Json => {
            let keys = named.iter().map(|(path, value)| {
                json!({"path": path.to_string(), "type": kind(value), "encrypted": is_encrypted(value)})
            });
            let shown = json!({
                "file": args.file.display().to_string(), "keys": keys.collect::<Vec<_>>(), "recipients": recipients,
                "unsupported": foreign,
            });
            serde_json::to_string_pretty(&shown)? + "\n"
        }
        Form::Text => {
            let mut out = String::new();
            for (path, value) in &named {
                let clear = if is_encrypted(value) { "" } else { ", in the clear" };
                writeln!(out, "{path}: {}{clear}", kind(value))?;
            }
            recipients.iter().try_for_each(|recipient| writeln!(out, "can be opened by age {recipient}"))?;
            foreign
                .iter()
                .try_for_each(|kind| writeln!(out, "can be opened by {kind}, which is not supported here"))?;
            testudo_report::visible_lines(&out).into_owned()
        }
    };
    terminal::stdout(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn is_encrypted(value: &Tree) -> bool {
    value.text().is_some_and(cipher::is_encrypted)
}

/// What kind of value it is; nobody vouches for what an encrypted one says before it is opened.
fn kind(value: &Tree) -> &str {
    const KINDS: [&str; 6] = ["str", "int", "float", "bool", "time", "bytes"];
    let said = value.text().filter(|text| cipher::is_encrypted(text)).and_then(|text| text.rsplit_once("type:"));
    match (said, value) {
        (Some((_, said)), _) => {
            KINDS.into_iter().find(|kind| said.strip_suffix(']') == Some(*kind)).unwrap_or("unknown")
        }
        (None, Tree::Leaf(scalar)) => scalar.kind(),
        (None, Tree::Map(_)) => "map",
        (None, Tree::List(_)) => "list",
        (None, Tree::Null) => "null",
    }
}
