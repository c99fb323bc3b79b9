//! `testudo vault set` and `unset`: one value in, one value out.

use std::{
    io::{self, Read as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use testudo_vault::{Format, Scalar, json, limits, path::Path, tree::Tree};
use zeroize::Zeroizing;

use super::{
    Common, open,
    open::Opened,
    save::{self, Change},
};
use crate::{files, terminal};

/// Put a value into a file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo vault set prod.yaml db.password --stdin < password
  testudo vault set prod.yaml tls.key --value-file server.key
  testudo vault set prod.yaml '[\"db\"][\"ports\"]' --json '[5432, 5433]'
  pwgen -s 32 1 | testudo vault set prod.env API_KEY --stdin

A value given as an argument lands in the history of the shell, and others see it in the list of processes.")]
pub(super) struct SetArgs {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Path in the first document: db.hosts.0, or `["db"]["hosts"][0]`; maps on the way are made
    #[arg(value_name = "PATH")]
    path: String,
    /// The value, as text
    #[arg(value_name = "VALUE", required_unless_present_any = ["stdin", "value_file"], conflicts_with_all = ["stdin", "value_file"])]
    value: Option<String>,
    /// Read the value from standard input; one line break at its end is left out
    #[arg(long, conflicts_with = "value_file")]
    stdin: bool,
    /// Read the value from a file, as it is
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    value_file: Option<PathBuf>,
    /// The value is JSON: a number, true, null, a list, a map, or text in quotes
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    common: Common,
}

/// Take a value out of a file
#[derive(Debug, Args)]
pub(super) struct UnsetArgs {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Path in the first document: db.hosts.0, or `["db"]["hosts"][0]`
    #[arg(value_name = "PATH")]
    path: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn set(args: &SetArgs) -> Result<ExitCode> {
    let path = Path::parse(&args.path)?;
    let opened = open::open(&args.file, &args.common)?;
    let text = value(args)?;
    let value =
        if args.json { typed(&text, opened.stored.format)? } else { Tree::Leaf(Scalar::Text(text.to_string())) };
    let documents = changed(&opened, |document| path.set(document, value))?;
    let change = Change { verb: "set", keys: vec![path.to_string()] };
    save::save(&args.file, &opened, documents, (change, &args.common))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn unset(args: &UnsetArgs) -> Result<ExitCode> {
    let path = Path::parse(&args.path)?;
    let opened = open::open(&args.file, &args.common)?;
    let documents = changed(&opened, |document| path.unset(document))?;
    let change = Change { verb: "unset", keys: vec![path.to_string()] };
    save::save(&args.file, &opened, documents, (change, &args.common))?;
    Ok(ExitCode::SUCCESS)
}

fn changed(
    opened: &Opened,
    change: impl FnOnce(&mut Tree) -> Result<(), testudo_vault::VaultError>,
) -> Result<Vec<Tree>> {
    let mut documents = opened.documents.clone();
    change(documents.first_mut().context("the file has no document")?)?;
    Ok(documents)
}

fn value(args: &SetArgs) -> Result<Zeroizing<String>> {
    if let Some(value) = &args.value {
        terminal::warn("the value is in the history of your shell now; --stdin and --value-file leave no trace");
        return Ok(Zeroizing::new(value.clone()));
    }
    if let Some(path) = &args.value_file {
        return Ok(Zeroizing::new(files::read_text(path)?));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    io::stdin().lock().take(limits::SIZE as u64 + 1).read_to_end(&mut bytes).context("standard input")?;
    if bytes.len() > limits::SIZE {
        bail!("standard input: is larger than {} MiB, which no file holds", limits::SIZE >> 20);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("standard input: is not UTF-8 text"))?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.to_owned()))
}

/// A value of JSON. In YAML a number without a fraction is a whole number.
fn typed(text: &str, format: Format) -> Result<Tree> {
    let mut tree = json::read(text).context("the value is no JSON; text stands in quotes, or leave --json out")?;
    if format == Format::Yaml {
        whole_numbers(&mut tree);
    }
    Ok(tree)
}

fn whole_numbers(tree: &mut Tree) {
    /// Above it not every whole number can be told from the next.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match tree {
        Tree::Leaf(Scalar::Float(number)) if number.fract() == 0.0 && number.abs() <= EXACT => {
            *tree = Tree::Leaf(Scalar::Int(*number as i64));
        }
        Tree::Map(entries) => entries.iter_mut().for_each(|(_, value)| whole_numbers(value)),
        Tree::List(items) => items.iter_mut().for_each(whole_numbers),
        Tree::Leaf(_) | Tree::Null => {}
    }
}
