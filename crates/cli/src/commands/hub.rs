//! `testudo hub`: one place that keeps what scans, releases and agents say, and shows who has to do what.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use testudo_hub::{Encryption, Hub, HubError, Link, Listener, Moment, Role, RuleSet, Scope, Settings, World};

use super::scanning;
use crate::{clock, scan, terminal};

/// Run the hub: one place that keeps what scans, releases and agents say, and shows who has to do what
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  testudo hub                                            run it; prints its address, and a link for the first administrator
  testudo hub --listen 127.0.0.1:0 --data /srv/hub       another port and folder
  testudo hub --listen 0.0.0.0:443 --certificate hub.crt --certificate-key hub.key
  testudo hub --listen 127.0.0.1:7878 --behind-tls       a server in front does TLS
  testudo hub link --user ana --role security            a link that signs somebody in once
  testudo hub token create --scope push --product shop   for TESTUDO_HUB_TOKEN of `testudo push`
  testudo hub token create --scope agent --agent web-1 --product shop
  testudo hub verify                                     exit 1 where audit, ledger or decisions were changed
  testudo hub openapi > hub.json

There is nothing to configure. The state is one folder: back it up while the hub does not run."
)]
pub(crate) struct HubArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a link that signs somebody in once
    Link(LinkArgs),
    /// Make tokens of machines, or take them back
    Token(TokenArgs),
    /// Check that the audit, the hub's own ledger and all decisions are as they were written
    Verify(State),
    /// Print the OpenAPI document of the hub
    Openapi,
}

/// Where the state is.
#[derive(Debug, Args)]
struct State {
    /// Folder of the state [default: testudo/hub in the user's data directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Address to listen at; port 0 is a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,
    #[command(flatten)]
    state: State,
    /// A server in front does TLS, and says in X-Forwarded-For from where a request came
    #[arg(long, conflicts_with = "certificate")]
    behind_tls: bool,
    /// Certificate for TLS, with its chain (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate_key", value_hint = ValueHint::FilePath)]
    certificate: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate", value_hint = ValueHint::FilePath)]
    certificate_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct LinkArgs {
    /// Who signs in
    #[arg(long, value_name = "NAME", default_value = "admin")]
    user: String,
    /// What they may do; needed for somebody new, and changes nobody who is there
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleWord>,
    /// Address of the hub, to print the whole link
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7878")]
    hub: String,
    #[command(flatten)]
    state: State,
}

#[derive(Debug, Args)]
struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Print a new token. It is shown once, and kept as a digest only
    Create(CreateArgs),
    /// Refuse a token from now on
    Revoke {
        /// Its number, as the page Admin lists it
        #[arg(value_name = "NUMBER")]
        number: i64,
        #[command(flatten)]
        state: State,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What it is for
    #[arg(long, value_name = "SCOPE")]
    scope: ScopeWord,
    /// The product that is pushed, or that the agent watches
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// The agent that sends events
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    #[command(flatten)]
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleWord {
    /// Reads, asks questions and raises concerns.
    Viewer,
    /// Decides about findings of their own.
    Developer,
    /// Decides about all findings, and answers concerns.
    Security,
    /// Manages people and tokens.
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeWord {
    /// `testudo push` of one product.
    Push,
    /// One agent.
    Agent,
}

pub(crate) fn run(args: HubArgs) -> Result<ExitCode> {
    match args.command {
        None => serve(&args.serve),
        Some(Command::Link(args)) => link(&args),
        Some(Command::Token(args)) => token(&args.command),
        Some(Command::Verify(state)) => verify(&state),
        Some(Command::Openapi) => {
            let mut out = Vec::new();
            testudo_report::write_pretty(&testudo_hub::openapi(), &mut out)?;
            terminal::stdout_bytes(&out)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn serve(args: &ServeArgs) -> Result<ExitCode> {
    let encryption = match (&args.certificate, &args.certificate_key) {
        (Some(certificate), Some(key)) => Encryption::from_files(certificate, key)?,
        _ if args.behind_tls => Encryption::InFront,
        _ => Encryption::None,
    };
    if matches!(encryption, Encryption::None) && !args.listen.ip().is_loopback() {
        return Err(HubError::ClearText(args.listen).into());
    }
    let scheme = if matches!(encryption, Encryption::Own(_)) { "https" } else { "http" };
    // The socket first: two hubs never share a folder by mistake of the same address.
    let listener = Listener::bind(args.listen)?;
    let address = listener.address();
    let hub = open(&args.state, encryption, Some(address))?;
    terminal::stdout(&format!("{scheme}://{address}/\n"))?;
    if let Some(link) = hub.first_link()? {
        terminal::stdout(&told(&format!("{scheme}://{address}"), &link))?;
    }
    listener.serve(Arc::new(hub))?;
    Ok(ExitCode::SUCCESS)
}

fn told(hub: &str, link: &Link) -> String {
    format!("{}{}   (signs {} in once, within 15 minutes)\n", hub.trim_end_matches('/'), link.path, link.person)
}

fn open(state: &State, encryption: Encryption, address: Option<SocketAddr>) -> Result<Hub> {
    let folder = match &state.data {
        Some(folder) => folder.clone(),
        None => data_folder().context("no home directory to keep the state in; name a folder with --data")?,
    };
    let rules = match address {
        Some(_) => own_rules(&folder)?,
        None => RuleSet::default(),
    };
    let settings =
        Settings { folder, rules, world: Box::new(Machine), encryption, address, trouble: |line| terminal::warn(line) };
    Ok(Hub::open(settings)?)
}

/// The rules of this program, as a scan without any configuration has them.
fn own_rules(folder: &Path) -> Result<RuleSet> {
    // The folder of the hub has no configuration, so nothing changes the rules.
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let words = scanning::arguments(["--".as_ref(), folder.as_os_str()])?;
    let (digest, rules) = scan::rules(&words)?;
    Ok(RuleSet { digest, ids: rules.into_iter().map(|rule| rule.id).collect() })
}

fn data_folder() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) { folder("LOCALAPPDATA") } else { folder("XDG_DATA_HOME") };
    let base = base.or_else(|| folder("HOME").map(|home| home.join(".local/share")));
    Some(base?.join("testudo").join("hub"))
}

fn link(args: &LinkArgs) -> Result<ExitCode> {
    let hub = open(&args.state, Encryption::None, None)?;
    let role = args.role.map(|role| match role {
        RoleWord::Viewer => Role::Viewer,
        RoleWord::Developer => Role::Developer,
        RoleWord::Security => Role::Security,
        RoleWord::Admin => Role::Admin,
    });
    let link = hub.link(&args.user, role)?;
    if role.is_some_and(|role| role != link.role) {
        terminal::note(&format!("{} stays {}: roles are changed on the page Admin", link.person, link.role.as_str()));
    }
    terminal::stdout(&told(&args.hub, &link))?;
    Ok(ExitCode::SUCCESS)
}

fn token(command: &TokenCommand) -> Result<ExitCode> {
    match command {
        TokenCommand::Create(args) => {
            let hub = open(&args.state, Encryption::None, None)?;
            let text = match (args.scope, &args.product, &args.agent) {
                (ScopeWord::Push, Some(product), None) => hub.create_token(Scope::Push, product, None)?,
                (ScopeWord::Agent, watched, Some(agent)) => {
                    hub.create_token(Scope::Agent, agent, watched.as_deref())?
                }
                (ScopeWord::Push, ..) => bail!("a token that pushes is for one product: name it with --product"),
                (ScopeWord::Agent, ..) => bail!("a token of an agent is for one agent: name it with --agent"),
            };
            terminal::stdout(&format!("{text}\n"))?;
        }
        TokenCommand::Revoke { number, state } => open(state, Encryption::None, None)?.revoke_token(*number)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(state: &State) -> Result<ExitCode> {
    let faults = open(state, Encryption::None, None)?.verify()?;
    for fault in &faults {
        terminal::error(fault);
    }
    if faults.is_empty() {
        terminal::stdout("the audit, the ledger of the hub, and what was decided are whole\n")?;
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

/// This machine.
#[derive(Debug)]
struct Machine;

impl World for Machine {
    fn now(&self) -> Moment {
        Moment { seconds: i64::try_from(clock::seconds()).unwrap_or(0), text: clock::now() }
    }

    fn random(&self) -> Result<[u8; 32], HubError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| HubError::Random)?;
        Ok(bytes)
    }
}
