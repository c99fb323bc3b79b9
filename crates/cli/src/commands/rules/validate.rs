//! `rules validate`: whether rule files can be used, read exactly as `--rules` reads them, with the place of what is wrong.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

/// Exit code of a wrong file.
const WRONG: u8 = 2;

/// Checks every file and says how each is.
pub(super) fn run(files: &[PathBuf]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match crate::rules::load_file(file) {
            Ok(set) => {
                crate::terminal::stdout(&format!("{}: ok, rules: {}\n", file.display(), set.rules.len()))?;
                set.unapplied.iter().for_each(|u| crate::terminal::note(&format!("{}: {u}", u.path)));
            }
            Err(fault) => {
                code = ExitCode::from(WRONG);
                crate::terminal::error(&format!("{fault:#}"));
            }
        }
    }
    Ok(code)
}
