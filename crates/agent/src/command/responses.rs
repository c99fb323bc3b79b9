//! `agent response`: what was done about alerts, and taking it back.

use std::{fs, path::Path, thread, time::Duration};

use clap::{Args, Subcommand};
use testudo_model::{Response, ResponseState};

use super::{Form, Terminal, Which};
use crate::{
    AgentError, Config, machine,
    response::{KEY, Kept, Responder, Wish, firewall::Nft},
    spool::{self, Spool},
    work,
};

/// How often is looked whether a running agent did what it was asked, and how long.
const PAUSE: Duration = Duration::from_millis(100);
const LOOKS: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo agent response list
  testudo agent response list --format json
  testudo agent response undo 0123456789abcdef-1")]
pub(super) struct ResponseArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List responses, the newest first
    List(ListArgs),
    /// Let an address in again
    Undo(UndoArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

#[derive(Debug, Args)]
struct UndoArgs {
    #[command(flatten)]
    which: Which,
    /// Id of the response, as `response list` shows it
    #[arg(value_name = "ID")]
    id: String,
}

pub(super) fn run(args: ResponseArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    match args.command {
        Command::List(args) => {
            let responses = all(&args.which.load()?.state)?;
            let text = match args.format {
                Form::Json => serde_json::to_string(&responses).expect("texts can be written as JSON") + "\n",
                Form::Text => responses.iter().map(line).collect(),
            };
            terminal.print(&text)?;
            Ok(0)
        }
        Command::Undo(args) => {
            let response = undo(&args.which.load()?, &args.id)?;
            terminal.print(&line(&response))?;
            Ok(u8::from(response.state == ResponseState::Active))
        }
    }
}

/// All responses, the newest first.
fn all(state: &Path) -> Result<Vec<Response>, AgentError> {
    let known = spool::look(&state.join("spool"))?;
    let kept = known.iter().filter(|(name, _)| name.starts_with(KEY));
    let mut responses: Vec<Response> =
        kept.filter_map(|(_, text)| serde_json::from_str::<Kept>(text).ok()).map(|kept| kept.response).collect();
    responses.sort_by(|a, b| b.time.cmp(&a.time).then(a.id.cmp(&b.id)));
    Ok(responses)
}

fn line(response: &Response) -> String {
    let state = serde_json::to_value(response.state).ok();
    let state = state.as_ref().and_then(|state| state.as_str()).unwrap_or_default();
    let Response { id, target, until, reason, alert, .. } = response;
    testudo_redact::printable(&format!("{id}  {state:<8}  {target}  until {until}  {reason}; alert {alert}")) + "\n"
}

/// Takes a response back: a running agent is asked to, otherwise it is done here.
fn undo(config: &Config, id: &str) -> Result<Response, AgentError> {
    let find = || all(&config.state).map(|all| all.into_iter().find(|response| response.id == id));
    let Some(found) = find()? else { return Err(AgentError::NoResponse(id.to_owned())) };
    if found.state != ResponseState::Active {
        return Ok(found);
    }
    let actor = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".to_owned());
    let wish = Wish { id: id.to_owned(), actor };
    match work::hold(&config.state) {
        Ok(_lock) => {
            let (mut spool, _) = Spool::open(&config.state.join("spool"), &config.name, config.spool_limit)?;
            let response = Responder::new(Box::new(Nft)).undo(&wish, &mut spool)?;
            spool.commit()?;
            Ok(response)
        }
        Err(AgentError::Held { .. }) => {
            let folder = work::wishes(&config.state);
            fs::create_dir_all(&folder).map_err(|source| AgentError::Write { path: folder.clone(), source })?;
            let text = serde_json::to_vec(&wish).expect("texts can be written as JSON");
            machine::replace(&folder.join(format!("{}.json", machine::random::<8>()?)), &text)?;
            let mut last = found;
            for _ in 0..LOOKS {
                thread::sleep(PAUSE);
                last = find()?.unwrap_or(last);
                if last.state != ResponseState::Active {
                    break;
                }
            }
            Ok(last)
        }
        Err(error) => Err(error),
    }
}
