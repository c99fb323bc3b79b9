//! `testudo vault edit`: a file in an editor.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, ValueHint};
use testudo_vault::{
    path::{self, Path},
    tree::Tree,
};
use zeroize::Zeroizing;

use super::{
    Common, editor, open,
    save::{self, Change},
};

/// Change a file in an editor
#[derive(Debug, Args)]
#[command(
    after_help = "The editor is that of SOPS_EDITOR, EDITOR or vi. It works on a file in memory (XDG_RUNTIME_DIR or /dev/shm), for you
only, which is gone afterwards. Where there is no such folder a temporary one is used, and that is told. Vim is started
without viminfo, undo and backup files; other editors may keep what they are set to keep."
)]
pub(super) struct EditArgs {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &EditArgs) -> Result<ExitCode> {
    let opened = open::open(&args.file, &args.common)?;
    let text = Zeroizing::new(opened.stored.format.write(&opened.documents)?);
    // What the writer does to values that it cannot tell apart, such as 1.0 and 1, is no change of the user.
    let shown = opened.stored.format.read(&text)?;
    let edited = editor::compose(&args.file, &text, opened.stored.format)?;
    let documents = if edited == shown { opened.documents.clone() } else { edited };
    let change = Change { verb: "edit", keys: differences(&opened.documents, &documents) };
    save::save(&args.file, &opened, documents, (change, &args.common))?;
    Ok(ExitCode::SUCCESS)
}

/// Paths of values that are new, other or gone, sorted.
fn differences(before: &[Tree], after: &[Tree]) -> Vec<String> {
    let all = |documents: &[Tree]| -> Vec<(usize, Path, Tree)> {
        let numbered = documents.iter().enumerate();
        numbered.flat_map(|(n, tree)| path::leaves(tree).into_iter().map(move |(p, v)| (n, p, v.clone()))).collect()
    };
    let (before, after) = (all(before), all(after));
    let missing = |from: &[_], leaf: &_| !from.contains(leaf);
    let gone = before.iter().filter(|leaf| missing(&after, leaf));
    let new = after.iter().filter(|leaf| missing(&before, leaf));
    let mut paths: Vec<String> = gone.chain(new).map(|(_, path, _)| path.to_string()).collect();
    paths.sort();
    paths.dedup();
    paths
}
