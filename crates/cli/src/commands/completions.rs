//! `testudo completions`: what a shell offers after the tab key.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo completions bash > ~/.local/share/bash-completion/completions/testudo
  testudo completions zsh > ~/.zfunc/_testudo
  testudo completions fish > ~/.config/fish/completions/testudo.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Writes the script to standard output.
pub(crate) fn run(args: CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "testudo", &mut script);
    crate::terminal::stdout(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
