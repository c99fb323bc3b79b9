//! `agent sca`: is this host configured as it should be?

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueHint};
use testudo_ledger::{CheckResult, predicate};

use super::{Form, Terminal, Which};
use crate::{
    AgentError, Config,
    sca::{self, Assessed, Assessment, Checked, Commands, Counts, Policy},
    sink::ledger::Ledger,
    work,
};

/// By how much the commands of policies step back behind other work of the host.
const NICE: i32 = 10;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo agent sca run                          our own checks, and those of [agent.sca]
  testudo agent sca run cis_debian12.yml         a policy of Wazuh, as it is
  testudo agent sca run --format json policies/
  testudo agent sca run --record                 keep the results in the ledger, as evidence for a plan")]
pub(super) struct ScaArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check this host; exit 1 where a check failed
    Run(RunArgs),
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Listed {
    /// Checks that did not pass.
    Open,
    /// Every check.
    All,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    which: Which,
    /// Policies, or folders of them [default: ours, and those of the configuration]
    #[arg(value_name = "POLICY", value_hint = ValueHint::AnyPath)]
    policies: Vec<PathBuf>,
    /// Run no command that a policy names: checks that need one are not applicable
    #[arg(long)]
    no_commands: bool,
    /// Which checks are listed as text
    #[arg(long, value_name = "WHICH", default_value = "open")]
    list: Listed,
    /// Keep the results in the ledger of [agent.ledger]
    #[arg(long)]
    record: bool,
    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

pub(super) fn run(args: ScaArgs, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    let Command::Run(args) = args.command;
    let config = args.which.load()?;
    // What cannot be recorded is told before anything is run.
    let ledger = if args.record { Some(ledger(&config)?) } else { None };
    let policies = policies(&args, &config)?;
    // Commands run beside the work of the host, not before it. Where that is refused, they run as usual.
    rustix::process::nice(NICE).ok();
    let all = sca::assess(&config.name, &config.tags, &policies, commands(&args, &config));
    let text = match args.format {
        Form::Json => serde_json::to_string(&all).expect("texts and numbers can be written as JSON") + "\n",
        Form::Text => text(&all, args.list),
    };
    terminal.print(&text)?;
    if let Some(ledger) = ledger {
        let event = serde_json::to_value(all.event()).expect("texts and numbers can be written as JSON");
        ledger.record((&all.host, predicate::HOST), event)?;
        (terminal.tell)("the results are recorded");
    }
    Ok(u8::from(all.counts().failed > 0))
}

fn ledger(config: &Config) -> Result<Ledger, AgentError> {
    let Some(ledger) = &config.ledger else {
        let help = "--record needs to know the ledger: set [agent.ledger] with `environment` in testudo.toml";
        return Err(AgentError::Setting(help.to_owned()));
    };
    work::make(&config.state)?;
    Ledger::new(ledger, &config.state, &config.name)
}

fn commands(args: &RunArgs, config: &Config) -> Commands {
    if args.no_commands || !config.sca.commands {
        return Commands::Refused;
    }
    Commands::Run(config.sca.timeout.max(Duration::from_secs(1)))
}

fn policies(args: &RunArgs, config: &Config) -> Result<Vec<Policy>, AgentError> {
    let (mut policies, paths) = match args.policies.as_slice() {
        [] => (vec![sca::own()?], &config.sca.policies),
        _ => (Vec::new(), &args.policies),
    };
    for path in paths {
        policies.extend(sca::load(path)?);
    }
    let twice = policies.iter().enumerate().find(|(at, one)| policies[..*at].iter().any(|other| other.id == one.id));
    match twice {
        Some((_, policy)) => Err(AgentError::Setting(format!("two policies have the id {}", policy.id))),
        None => Ok(policies),
    }
}

fn text(all: &Assessment, list: Listed) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(&testudo_redact::printable(text));
        out.push('\n');
    };
    for policy in &all.policies {
        line(&format!("{} ({}) on {}", policy.name, policy.id, all.host));
        match &policy.not_applicable {
            Some(why) => line(&format!("  not applicable: {why}")),
            None => listed(policy, list, &mut line),
        }
    }
    out
}

fn listed(policy: &Assessed, list: Listed, line: &mut impl FnMut(&str)) {
    for checked in policy.checks.iter().filter(|own| list == Listed::All || own.check.result != CheckResult::Passed) {
        let (check, word) = (&checked.check, word(checked));
        line(&format!("  {word:<14} {} {}", check.id, check.title));
        let why = check.reason.as_deref().unwrap_or_default();
        let help = if check.result == CheckResult::Failed { checked.remediation.as_str() } else { why };
        if !help.is_empty() {
            line(&format!("  {:<14} {help}", ""));
        }
    }
    let Counts { passed, failed, not_applicable } = policy.summary;
    line(&format!("  {passed} passed, {failed} failed, {not_applicable} not applicable"));
}

fn word(checked: &Checked) -> &'static str {
    match checked.check.result {
        CheckResult::Passed => "passed",
        CheckResult::Failed => "failed",
        CheckResult::NotApplicable => "not applicable",
    }
}
