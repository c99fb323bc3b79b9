//! `agent response`: what was done about alerts, and taking it back.

use std::{fs, path::Path, thread, time::Duration};

use clap::{Args, Subcommand};
use serde::Serialize;
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
  testudo agent response undo 0123456789abcdef-1 --reason \"our own scanner\"")]
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
    /// Why, for whoever reads the records
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// One response, as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    response: Response,
    /// The rule that brought it.
    rule: String,
    /// When it began, RFC 3339 in UTC.
    since: String,
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
            let wish = Wish { id: args.id, actor: actor(), reason: args.reason };
            let shown = undo(&args.which.load()?, &wish)?;
            terminal.print(&line(&shown))?;
            Ok(u8::from(shown.response.state == ResponseState::Active))
        }
    }
}

/// All responses, the newest first.
fn all(state: &Path) -> Result<Vec<Shown>, AgentError> {
    let known = spool::look(&state.join("spool"))?;
    let kept = known.iter().filter(|(name, _)| name.starts_with(KEY));
    let mut all: Vec<Shown> = kept
        .filter_map(|(_, text)| serde_json::from_str::<Kept>(text).ok())
        .map(|Kept { response, rule, since, .. }| Shown { response, rule, since })
        .collect();
    all.sort_by(|a, b| b.response.time.cmp(&a.response.time).then(a.response.id.cmp(&b.response.id)));
    Ok(all)
}

fn line(shown: &Shown) -> String {
    let state = serde_json::to_value(shown.response.state).ok();
    let state = state.as_ref().and_then(|state| state.as_str()).unwrap_or_default();
    let Response { id, target, until, reason, alert, actor, .. } = &shown.response;
    let Shown { rule, since, .. } = shown;
    let by = actor.as_ref().map_or(String::new(), |actor| format!(" by {actor}"));
    let text = format!("{id}  {state:<8}  {target}  {since} until {until}  {rule}: {reason}{by}; alert {alert}");
    testudo_redact::printable(&text) + "\n"
}

/// Who calls: the user that the system knows, and the one who became it with `sudo`.
fn actor() -> String {
    let shown = |uid: u32| format!("{} (uid {uid})", machine::user(uid).unwrap_or_else(|| "unknown".to_owned()));
    let uid = rustix::process::getuid().as_raw();
    // What a variable says is what its user wrote; only root is who `sudo` makes one.
    let sudo = std::env::var("SUDO_UID").ok().and_then(|text| text.parse().ok()).filter(|_| uid == 0);
    sudo.map_or_else(|| shown(uid), |sudo| format!("{} as {}", shown(sudo), shown(uid)))
}

/// Takes a response back: a running agent is asked to, otherwise it is done here.
fn undo(config: &Config, wish: &Wish) -> Result<Shown, AgentError> {
    let find = || all(&config.state).map(|all| all.into_iter().find(|shown| shown.response.id == wish.id));
    let Some(found) = find()? else { return Err(AgentError::NoResponse(wish.id.clone())) };
    if found.response.state != ResponseState::Active {
        return Ok(found);
    }
    match work::hold(&config.state) {
        Ok(_lock) => {
            let (mut spool, _) = Spool::open(&config.state.join("spool"), &config.name, config.spool_limit)?;
            let response = Responder::new(Box::new(Nft)).undo(wish, &mut spool)?;
            spool.commit()?;
            Ok(Shown { response, ..found })
        }
        Err(AgentError::Held { .. }) => {
            let folder = work::wishes(&config.state);
            fs::create_dir_all(&folder).map_err(|source| AgentError::Write { path: folder.clone(), source })?;
            let text = serde_json::to_vec(wish).expect("texts can be written as JSON");
            machine::replace(&folder.join(format!("{}.json", machine::random::<8>()?)), &text)?;
            let mut last = found;
            for _ in 0..LOOKS {
                thread::sleep(PAUSE);
                last = find()?.unwrap_or(last);
                if last.response.state != ResponseState::Active {
                    break;
                }
            }
            Ok(last)
        }
        Err(error) => Err(error),
    }
}
