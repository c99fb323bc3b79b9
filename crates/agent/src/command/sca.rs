//! `agent sca`: is this host configured as it should be?

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueHint};
use testudo_ledger::{CheckResult, predicate};

use super::{Form, Terminal, Which};
use crate::{
    AgentError, Config,
    sca::{self, Assessed, Assessment, Checked, Counts, Limits, Policy},
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
    /// Check this host; exit 1 where a check failed, or none could be decided
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
    /// Run no command that a policy names: checks that need one are not applicable. Policies that a testudo.toml brings which
    /// merely lies here never have theirs run; name it with --config
    #[arg(long)]
    no_commands: bool,
    /// How long all of it may take, as `90s`, `15m` or `1h`: checks that are left by then are not applicable
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = time)]
    time_limit: Duration,
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
    let policies = policies(&args, &config, terminal)?;
    // Commands run beside the work of the host, not before it. Where that is refused, they run as usual.
    rustix::process::nice(NICE).ok();
    let all = sca::assess(&config.name, &config.tags, &policies, limits(&args, &config));
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
    Ok(verdict(all.counts(), terminal))
}

/// The exit code. What nobody could decide is no success.
fn verdict(counts: Counts, terminal: &mut Terminal<'_>) -> u8 {
    if counts.passed + counts.failed == 0 {
        (terminal.tell)(
            "no check could be decided, so this shows nothing; each says why. Many need root, or a command that is not here",
        );
        return 1;
    }
    u8::from(counts.failed > 0)
}

/// A time as it is typed.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("write it as `90s`, `15m` or `1h`".to_owned()),
    };
    let seconds = digits.parse::<u32>().ok().filter(|number| *number > 0).map(|number| u64::from(number) * unit);
    seconds.map(Duration::from_secs).ok_or_else(|| format!("`{digits}` is no number above 0"))
}

fn ledger(config: &Config) -> Result<Ledger, AgentError> {
    let Some(ledger) = &config.ledger else {
        let help = "--record needs to know the ledger: set [agent.ledger] with `environment` in testudo.toml";
        return Err(AgentError::Setting(help.to_owned()));
    };
    work::make(&config.state)?;
    Ledger::new(ledger, &config.state, &config.name)
}

fn limits(args: &RunArgs, config: &Config) -> Limits {
    let command = config.sca.timeout;
    let standard = Limits::default();
    // A check has time for a slow command, and for what else it asks.
    let check = standard.check.max(command.saturating_add(standard.command));
    Limits { command, check, run: args.time_limit }
}

/// The policies that are asked for. Those that a configuration brings which nobody named do not have their commands run: it may
/// be that of a project that was only fetched.
fn policies(args: &RunArgs, config: &Config, terminal: &mut Terminal<'_>) -> Result<Vec<Policy>, AgentError> {
    let own = sca::own()?;
    let named = !args.policies.is_empty();
    let mut policies = Vec::new();
    for path in if named { &args.policies } else { &config.sca.policies } {
        policies.extend(sca::load(path)?);
    }
    if let Some(policy) = policies.iter().find(|policy| same(policy, &own)) {
        let help = "give it an id of its own, for results are known by it";
        return Err(AgentError::Setting(format!(
            "the policy `{}` ({}) has the id of the built-in one ({}): {help}",
            policy.id, policy.name, own.name
        )));
    }
    let twice = policies.iter().enumerate().find(|(at, one)| policies[..*at].iter().any(|other| same(one, other)));
    if let Some((_, policy)) = twice {
        return Err(AgentError::Setting(format!("two policies have the id {}", policy.id)));
    }
    if !named && args.which.config.is_none() && !policies.is_empty() {
        policies.iter_mut().for_each(Policy::refuse_commands);
        (terminal.tell)(
            "commands of the policies in [agent.sca] are not run: the configuration was found here, and nobody named it. \
             --config testudo.toml allows them",
        );
    }
    if !named {
        policies.insert(0, own);
    }
    if args.no_commands || !config.sca.commands {
        policies.iter_mut().for_each(Policy::refuse_commands);
    }
    Ok(policies)
}

/// Whether evidence could not tell two policies apart: there, case does not count.
fn same(one: &Policy, other: &Policy) -> bool {
    one.id.to_lowercase() == other.id.to_lowercase()
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
        let help = if check.result == CheckResult::Failed { checked.remediation.as_str() } else { "" };
        for text in [why, help].into_iter().filter(|text| !text.is_empty()) {
            line(&format!("  {:<14} {text}", ""));
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What comes of `run` with these arguments, and what is told beside it.
    fn ran(arguments: &[&str]) -> (Result<u8, String>, String, String) {
        #[derive(clap::Parser)]
        struct Own {
            #[command(flatten)]
            args: ScaArgs,
        }
        let own = <Own as clap::Parser>::try_parse_from([&["sca", "run"], arguments].concat()).unwrap();
        let (mut out, mut told) = (Vec::new(), String::new());
        let mut tell = |text: &str| told.push_str(text);
        let mut terminal = Terminal { input: &mut std::io::empty(), out: &mut out, tell: &mut tell };
        let code = run(own.args, &mut terminal).map_err(|error| error.to_string());
        (code, String::from_utf8(out).unwrap(), told)
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("testudo-sca-command-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn policy(id: &str, rule: &str) -> String {
        format!("policy: {{id: {id}}}\nchecks:\n  - id: 1\n    title: t\n    condition: all\n    rules: ['{rule}']\n")
    }

    #[test]
    fn what_nobody_could_decide_is_no_success() {
        let path = folder("codes").join("p.yml");
        let file = path.display().to_string();
        for (rule, code, said) in [
            ("f:/proc/self/status", 0, ""),
            ("f:/no/such/file", 1, ""),
            ("f:/no/such/file -> x", 1, "no check could be decided"),
        ] {
            fs::write(&path, policy("p", rule)).unwrap();
            let (own, out, told) = ran(&[&file]);
            assert_eq!(own, Ok(code), "{out}");
            assert!(told.starts_with(said) && told.is_empty() == said.is_empty(), "{told}");
        }
        for id in ["testudo_linux", "Testudo_Linux"] {
            fs::write(&path, policy(id, "f:/a")).unwrap();
            let why = ran(&[&file]).0.unwrap_err();
            assert!(why.contains(id) && why.contains("Basics of a Linux host"), "{why}");
        }
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_configuration_that_nobody_named_brings_no_commands() {
        let folder = folder("named");
        let file = folder.join("p.yml");
        fs::write(&file, policy("p", "c:echo a -> a")).unwrap();
        let policies_with = |config: Option<PathBuf>, no_commands: bool| {
            let mut own = Config::standard();
            own.sca.policies = vec![file.clone()];
            let args = RunArgs {
                which: Which { config },
                policies: Vec::new(),
                no_commands,
                time_limit: Duration::from_secs(60),
                list: Listed::All,
                record: false,
                format: Form::Text,
            };
            let (mut out, mut told) = (Vec::new(), 0);
            let mut tell = |_: &str| told += 1;
            let mut terminal = Terminal { input: &mut std::io::empty(), out: &mut out, tell: &mut tell };
            let all = policies(&args, &own, &mut terminal).unwrap();
            let mine: Vec<Policy> = all.into_iter().filter(|policy| policy.id == "p").collect();
            (sca::assess("host", &[], &mine, limits(&args, &own)).counts().passed, told)
        };
        let named = || Some(PathBuf::from("testudo.toml"));
        assert_eq!(policies_with(None, false), (0, 1));
        assert_eq!(policies_with(named(), false), (1, 0));
        assert_eq!(policies_with(named(), true), (0, 0));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn times_are_typed_with_their_unit() {
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("15m"), Ok(Duration::from_secs(900)));
        for wrong in ["", "15", "0s", "-1s", "1d", "é", "99999999999h"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
