//! `testudo man`: manual pages, one for the program and one for each command.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Args, CommandFactory as _};

/// Print the manual page, or write one for every command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo man | man -l -
  testudo man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for the program and for every command into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Writes the page to standard output, or all pages to a folder.
pub(crate) fn run(args: ManArgs) -> Result<ExitCode> {
    match args.dir {
        Some(dir) => {
            fs::create_dir_all(&dir).with_context(|| format!("{}: cannot be created", dir.display()))?;
            clap_mangen::generate_to(crate::Cli::command(), &dir)
                .with_context(|| format!("{}: the pages cannot be written", dir.display()))?;
            crate::terminal::note(&format!("manual pages written to {}", dir.display()));
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(crate::Cli::command()).render(&mut page)?;
            crate::terminal::stdout(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
