//! `testudo agent`: the commands of the small binary `testudo-agent`, in this one.

use std::{io, process::ExitCode};

use anyhow::{Result, bail};
use testudo_agent::{
    AgentError,
    command::{AgentArgs, Terminal, execute},
};

use crate::terminal;

pub(crate) fn run(args: AgentArgs) -> Result<ExitCode> {
    let mut input = io::stdin().lock();
    let mut out = io::stdout().lock();
    let mut ends = Terminal { input: &mut input, out: &mut out, tell: &mut terminal::note };
    match execute(args, &mut ends) {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(AgentError::Configuration(problems)) => {
            terminal::problems(&problems);
            bail!("the agent cannot run with this configuration")
        }
        // It says its cause itself.
        Err(error) => bail!("{error}"),
    }
}
