//! `testudo agent`: the commands of the small binary `testudo-agent`, in this one.

use std::{io, process::ExitCode};

use anyhow::Result;
use testudo_agent::command::{AgentArgs, Terminal, execute};

use crate::terminal;

pub(crate) fn run(args: AgentArgs) -> Result<ExitCode> {
    let mut input = io::stdin().lock();
    let mut out = io::stdout().lock();
    let mut ends = Terminal { input: &mut input, out: &mut out, tell: &mut terminal::note };
    Ok(ExitCode::from(execute(args, &mut ends)?))
}
