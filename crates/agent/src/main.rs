//! The binary `testudo-agent`: the commands of `testudo agent` alone, for hosts in production.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser;
use testudo_agent::command::{AgentArgs, Terminal, execute};

/// Watch a host: logs, files and listening ports; tell what is wrong, and block who attacks
#[derive(Debug, Parser)]
#[command(name = "testudo-agent", version)]
struct Cli {
    #[command(flatten)]
    args: AgentArgs,
}

/// Standard error is the log of a service.
fn tell(what: &str) {
    // Nothing is left to tell anybody when it is closed.
    drop(writeln!(io::stderr().lock(), "testudo-agent: {}", testudo_redact::printable(what)));
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut terminal = Terminal { input: &mut io::stdin().lock(), out: &mut io::stdout().lock(), tell: &mut tell };
    match execute(cli.args, &mut terminal) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // A problem of a configuration has lines of its own.
            drop(writeln!(io::stderr().lock(), "error: {error}"));
            ExitCode::from(2)
        }
    }
}
