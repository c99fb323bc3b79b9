//! `testudo push`: a scan, ledgers and the plan of a product to the hub.

mod client;
mod facts;
mod identity;
mod ledger;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use serde_json::{Value, json};
use testudo_ledger::Extent;
use testudo_policy::{Effective, config::Origin};

use self::client::{Answer, Client};
use super::scanning;
use crate::{files, scan, terminal};

/// The variable that holds the token.
const TOKEN: &str = "TESTUDO_HUB_TOKEN";

/// Push a scan, ledgers and the plan of a product to the hub
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  TESTUDO_HUB_TOKEN=... testudo push --hub https://hub.example --product shop
  testudo push --hub http://127.0.0.1:7878 --token-file token --ledger dev --ledger prod
  testudo push --hub https://hub.example --report report.json   a report of `testudo scan --format json`; closes nothing

The token comes from TESTUDO_HUB_TOKEN or a file, never from an argument. `hub.url` of testudo.toml counts where that file was named
with --config, so that no scanned repository decides who gets the token.

Exit codes: 0 kept, 1 the hub refused, 2 usage, configuration or no connection")]
pub(crate) struct PushArgs {
    /// A directory of the project
    #[arg(value_name = "TARGET", default_value = ".", value_hint = ValueHint::DirPath)]
    target: PathBuf,
    /// Address of the hub [default: `hub.url`, TESTUDO_HUB_URL]
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// Name of the product in the hub [default: `hub.product`, host and path of the git remote, the top folder]
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Branch that is pushed; only the default branch of a product opens and closes findings [default: what CI or git says]
    #[arg(long = "ref", value_name = "BRANCH")]
    branch: Option<String>,
    /// A report to push instead of scanning now
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    report: Option<PathBuf>,
    /// Push nothing of a scan
    #[arg(long, conflicts_with = "report")]
    no_scan: bool,
    /// Also the ledger of this environment; repeatable
    #[arg(short, long, value_name = "ENV")]
    ledger: Vec<String>,
    /// File that holds the token
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,
    /// Certificates of the authorities that vouch for the hub (PEM), instead of the usual ones
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca: Option<PathBuf>,
    /// Also http:// to another machine: the token travels in clear text
    #[arg(long)]
    allow_clear_text: bool,
    /// Configuration file [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

pub(crate) fn run(args: &PushArgs) -> Result<ExitCode> {
    let mut words: Vec<std::ffi::OsString> = Vec::new();
    words.extend(args.config.iter().flat_map(|config| ["--config".into(), config.into()]));
    words.extend(["--".into(), args.target.clone().into()]);
    let words = scanning::arguments(words)?;
    let (effective, home) = scan::configuration(&words, std::slice::from_ref(&args.target))?;
    let home = fs::canonicalize(&home).with_context(|| home.display().to_string())?;
    let url = url(args, &effective)?;
    let client = Client::new(&url, &token(args)?, args)?;
    let product = identity::product(args.product.as_deref(), &effective.config.hub.product, &home)
        .context("name the product with --product")?;
    terminal::note(&format!("product `{}`, {}", product.name, product.why));
    let (product, branch) = (product.name, branch(args, &home));
    let facts = serde_json::to_vec(&facts::gather(&home)?)?;
    let mut told = Told::default();
    told.tell("facts", client.post(&["products", &product, "facts"], &branch, (JSON, facts))?, facts_line);
    for environment in &args.ledger {
        let answer = ledger::push(&client, &product, environment, (&home, &effective.config.ledger))?;
        told.tell(&format!("ledger {environment}"), answer, |value| format!("{} new entries", value["kept"]));
    }
    if !args.no_scan {
        let (report, extent) = report(args, &words)?;
        let mut query = query(&extent);
        query.extend(branch);
        told.tell("scan", client.post(&["products", &product, "scans"], &query, (JSON, report))?, scan_line);
    }
    Ok(ExitCode::from(u8::from(told.refused)))
}

/// What was told so far.
#[derive(Debug, Default)]
struct Told {
    /// Whether the hub refused something.
    refused: bool,
}

impl Told {
    /// Tells what came of one part of the push.
    fn tell(&mut self, what: &str, answer: Answer, said: impl FnOnce(&Value) -> String) {
        match answer {
            Answer::Kept(value) => terminal::note(&format!("{what}: {}", said(&value))),
            Answer::Refused(why) => {
                terminal::error(&format!("{what}: the hub refused: {why}"));
                self.refused = true;
            }
        }
    }
}

/// The branch, as fields of a query.
fn branch(args: &PushArgs, home: &Path) -> Vec<(&'static str, String)> {
    let branch = identity::branch(args.branch.as_deref(), home);
    match &branch.name {
        Some(name) => terminal::note(&format!("branch `{name}`")),
        None => terminal::note("branch: neither git nor a CI system names one; --ref does"),
    }
    let fields = [("ref", branch.name), ("default", branch.default)];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// What came of the facts, for people.
fn facts_line(value: &Value) -> String {
    if value["kept"] == json!(false) {
        return "not kept: this is not the default branch of the product".to_owned();
    }
    format!("{} roles, {} controls that do not hold", value["roles"], value["controls"])
}

/// Media type of documents.
const JSON: &str = "application/json";

/// What came of a scan, for people.
fn scan_line(value: &Value) -> String {
    if value["known"] == json!(true) {
        return "the hub has it already".to_owned();
    }
    let reasons: Vec<&str> = value["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if value["beside"] == json!(true) {
        let (all, only) = (&value["findings"], &value["only_here"]);
        return format!("{all} findings, {only} of them not on the default branch; {}", reasons.join("; "));
    }
    let kept = if reasons.is_empty() { String::new() } else { format!("; {}", reasons.join("; ")) };
    format!("{} findings: {} new, {} gone{kept}", value["findings"], value["opened"], value["closed"])
}

fn url(args: &PushArgs, effective: &Effective) -> Result<String> {
    if let Some(url) = &args.hub {
        return Ok(url.clone());
    }
    let url = effective.config.hub.url.clone();
    let found = effective.origins().into_iter().find(|shown| shown.key == "hub.url");
    if url.is_empty() {
        bail!("no hub is named: give its address with --hub or TESTUDO_HUB_URL");
    }
    if args.config.is_none() && found.is_some_and(|shown| matches!(shown.origin, Origin::File { .. })) {
        bail!(
            "hub.url stands in a file of the project, which does not decide who gets your token: name the file with --config, or \
             give the address with --hub or TESTUDO_HUB_URL"
        );
    }
    Ok(url)
}

fn token(args: &PushArgs) -> Result<String> {
    let text = match &args.token_file {
        Some(path) => files::read_text(path)?,
        None => env::var(TOKEN).ok().filter(|text| !text.trim().is_empty()).with_context(|| {
            format!("no token: set {TOKEN} or give --token-file; `testudo hub token create --scope push --product NAME` makes one")
        })?,
    };
    Ok(text.trim().to_owned())
}

/// The report, and how much of the project it is about: of a report that somebody made before nobody knows.
fn report(args: &PushArgs, words: &scan::ScanArgs) -> Result<(Vec<u8>, Extent)> {
    if let Some(path) = &args.report {
        return Ok((files::read_text(path)?.into_bytes(), Extent::default()));
    }
    let collected = scan::collect(words)?;
    let mut bytes = Vec::new();
    testudo_report::write(
        &collected.report,
        testudo_report::Format::Json,
        &testudo_report::Options::default(),
        &mut bytes,
    )?;
    // What the view hides is not gone: the hub is told which findings these are.
    let mut document: Value = serde_json::from_slice(&bytes)?;
    document["hidden"] = collected.hidden.iter().map(|finding| json!(finding.fingerprint)).collect();
    Ok((serde_json::to_vec(&document)?, collected.extent))
}

fn query(extent: &Extent) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if !extent.base.is_empty() {
        query.push(("base", extent.base.clone()));
    }
    // Where less than usual was looked at, nothing is known to be gone.
    let whole = if extent.narrowed.is_empty() { extent.whole.as_slice() } else { &[] };
    query.extend(whole.iter().map(|place| ("whole", place.clone())));
    query.extend(extent.off.iter().map(|rule| ("off", rule.clone())));
    query
}
