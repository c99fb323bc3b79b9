//! `testudo plan`: what is protected, by which controls, and what shows that they hold.

mod board;
mod explain;
mod facts;
mod init;
mod load;
mod report;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueHint};
use testudo_plan::{
    Problem, check,
    codes::{self, Weight},
    file, located,
};

use crate::{clock, terminal};
pub(super) use board::{plan_facts, pushed};
use facts::{Asked, Facts};
pub(super) use facts::{History, keys, recorded};
use load::Loaded;
use report::{FailOn, Form};

/// Problems that are shown one by one; the rest is a number.
const SHOWN: usize = 100;

/// Write, check and report the security plan of a product
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo plan init --data records=restricted   a first plan from Dockerfiles, compose, Kubernetes, OpenAPI, Terraform
  testudo plan check                            what is wrong with security/plan.toml
  testudo plan explain                          how much is at stake, and what decided it
  testudo plan check --evidence                 exit 1 where a control is not shown
  testudo plan report --format html -o plan.html
  testudo plan report --commit v1.4.0 --junit results.xml --fail-on missing")]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first plan from the files of the project
    Init(init::InitArgs),
    /// Say what is wrong with the plan: exit 2 where its text is, 1 where a day has passed or a control is not shown
    Check(CheckArgs),
    /// Join the plan with what was recorded: requirement, use case, control, evidence, last run, owner, and back
    Report(ReportArgs),
    /// Print the risk of each component, with the data and the entry that decided it
    Explain(ExplainArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[command(flatten)]
    which: Which,
    /// Also say which controls are not shown: exit 1 where one is stale, missing or failing
    #[arg(long)]
    evidence: bool,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
struct ReportArgs {
    #[command(flatten)]
    which: Which,
    /// How it is written
    #[arg(short, long, value_name = "FORMAT", default_value = "markdown")]
    format: Form,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Exit 1 where a control or a check has this status or a worse one
    #[arg(long, value_name = "STATUS", default_value = "never")]
    fail_on: FailOn,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    #[command(flatten)]
    which: Which,
    /// Only this component
    #[arg(long, value_name = "ID")]
    component: Option<String>,
}

#[derive(Debug, Args)]
struct Which {
    /// The plan, or a directory of the project: security/plan.toml is searched upward
    #[arg(value_name = "TARGET", default_value = ".", value_hint = ValueHint::AnyPath)]
    target: PathBuf,
}

pub(crate) fn run(args: PlanArgs) -> Result<ExitCode> {
    match args.command {
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check(&args),
        Command::Report(args) => report::run(&args),
        Command::Explain(args) => explain::run(&args),
    }
}

fn check(args: &CheckArgs) -> Result<ExitCode> {
    let loaded = load::load(&args.which.target)?;
    let mut problems = loaded.problems.clone();
    problems.extend(check::due(&loaded.plan, clock::today().context("the clock of this machine is not set")?));
    file::in_order(&mut problems);
    show(&problems, &loaded);
    let plan = &loaded.plan;
    terminal::stdout(&format!(
        "{}: {} components, {} entries, {} use cases, {} controls, {} checks: {}\n",
        loaded.name(),
        plan.components.len(),
        plan.entries.len(),
        plan.use_cases.len(),
        plan.controls.len(),
        plan.checks.len(),
        match problems.len() {
            0 => "no problem".to_owned(),
            1 => "1 problem".to_owned(),
            n => format!("{n} problems"),
        },
    ))?;
    let mut code = exit_code(&problems);
    if args.evidence && code < 2 && report::check(&loaded, &Facts::gather(&args.asked, &loaded)?)? > 0 {
        code = 1;
    }
    Ok(ExitCode::from(code))
}

/// 2 where the text of a plan is wrong, 1 where only a day has passed.
fn exit_code(problems: &[Problem]) -> u8 {
    let weight = |problem: &Problem| problem.fault.code.and_then(codes::code).map(|code| code.weight);
    match problems {
        [] => 0,
        all if all.iter().all(|problem| weight(problem) == Some(Weight::Due)) => 1,
        _ => 2,
    }
}

/// The plan of a target; none where its text is wrong, which is told.
fn sound(which: &Which) -> Result<Option<Loaded>> {
    let loaded = load::load(&which.target)?;
    show(&loaded.problems, &loaded);
    Ok(loaded.problems.is_empty().then_some(loaded))
}

/// Problems with their source lines, on standard error.
fn show(problems: &[Problem], loaded: &Loaded) {
    let shown = &problems[..problems.len().min(SHOWN)];
    terminal::problems(&located(shown, &loaded.sources()));
    if problems.len() > SHOWN {
        terminal::error(&format!("and {} more problems", problems.len() - SHOWN));
    }
}
