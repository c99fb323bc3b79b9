//! `testudo probe`: dynamic tests of a running application, and what they find under the same policy, gate and reports.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use testudo_net::{HostRule, Policy, Request, Trust, Url, tls::Authorities};
use testudo_probe::{Class, Description, Limits, Network, ProbeError, Probed, Profile, Target, Unverified};

use crate::{
    clock, files,
    scan::{self, Imports, ScanArgs, VerdictArgs, View},
    terminal,
};

const EXAMPLES: &str = "\
Examples:
  testudo probe https://staging.shop.example/
  testudo probe http://127.0.0.1:8080/ --openapi openapi.yaml --fail-on high
  testudo probe https://staging.shop.example/ --dry-run
  testudo probe https://staging.shop.example/app/ --exclude /app/admin --rate 5 --max-requests 500
  testudo probe https://test.shop.example/ --profile full --openapi https://test.shop.example/openapi.json
  testudo probe https://10.0.0.7/ --ca authority.pem --header 'Authorization: Bearer ...'

Only probe what is yours, or what you are asked to. Requests go to the host of URL, below its folder, and nowhere else.

Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage or configuration, 3 the target gives no answer, 4 incomplete";

/// Test a running application within agreed bounds
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    mut_arg("diff", |arg| arg.hide(true)),
    mut_arg("show_secrets", |arg| arg.hide(true)),
    mut_arg("yes", |arg| arg.hide(true))
)]
pub(crate) struct ProbeArgs {
    /// Where the application is; its host and folder are the scope
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    url: String,
    /// Description of the API, OpenAPI 3.0 or 3.1: a file, or an address within the scope
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    openapi: Option<String>,
    /// List what would be requested, and request nothing
    #[arg(long)]
    dry_run: bool,
    /// Configuration file [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    view: View,
    #[command(flatten)]
    verdict: VerdictArgs,
}

/// How far the probe goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Bounds")]
struct Bounds {
    /// safe: GET, HEAD and OPTIONS only; full: also what changes data, for a system whose data may be lost
    #[arg(long, value_name = "PROFILE", default_value = "safe")]
    profile: String,
    /// Requests a second
    #[arg(long, value_name = "N", default_value_t = Limits::default().rate, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Requests in all
    #[arg(long, value_name = "N", default_value_t = Limits::default().requests)]
    max_requests: u32,
    /// Seconds in all
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().time.as_secs())]
    max_time: u64,
    /// Seconds for one request
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Only paths that are this one or below it; repeatable
    #[arg(long, value_name = "PATH")]
    include: Vec<String>,
    /// Leave out this path and what is below it; repeatable
    #[arg(long, value_name = "PATH")]
    exclude: Vec<String>,
}

/// How the application is talked to.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
struct Access {
    /// Header that goes along with every request, 'Name: value'; its value is never shown; repeatable
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// Cookies that go along with every request, 'name=value; name=value'
    #[arg(long, value_name = "COOKIES")]
    cookie: Option<String>,
    /// Certificates of the authorities to trust, in PEM form, instead of the roots of Mozilla
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca: Option<PathBuf>,
    /// Send --header and --cookie also where the certificate is not trusted
    #[arg(long)]
    send_credentials_unverified: bool,
}

/// Runs the command.
pub(crate) fn run(args: ProbeArgs) -> Result<ExitCode> {
    if args.verdict.diff.is_some() {
        bail!("--diff compares two revisions of files; accept what is old with --baseline");
    }
    if args.view.show_secrets {
        bail!("--show-secrets has nothing to show: a probe keeps no secrets");
    }
    let target = target(&args)?;
    if args.dry_run {
        return dry_run(&target);
    }
    let trust = trust(&args.access)?;
    let mut scan = ScanArgs::of_reports(Vec::new());
    (scan.view, scan.verdict, scan.config) = (args.view, args.verdict, args.config);
    let shown = format!("{}{}", target.url.origin(), target.url.target());
    scan::probed(&scan, &shown, || {
        let mut wire = Network::new(target.url.clone(), trust, Duration::from_secs(args.bounds.timeout));
        let clock = clock::Machine::start();
        let probed = testudo_probe::run(&target, &mut wire, &clock).map_err(told)?;
        let Probed { findings, notices, coverage, rules } = probed;
        Ok(Imports { findings, coverage: vec![coverage], notices, rules })
    })
}

/// A target that does not answer gave nothing to look at.
fn told(error: ProbeError) -> anyhow::Error {
    match error {
        ProbeError::Unreachable(_) => crate::NothingToRead(error.to_string()).into(),
        other => other.into(),
    }
}

fn target(args: &ProbeArgs) -> Result<Target> {
    let url = Url::parse(&args.url).with_context(|| format!("{}: is no address to probe", args.url))?;
    // What can be told without a look-up: addresses that are never probed.
    let policy = Policy { hosts: vec![HostRule::target(&url)], ..Policy::default() };
    if let Err(testudo_net::NetError::AddressRefused { host, kind }) = policy.admit(&url) {
        bail!("{host}: is never probed ({kind})");
    }
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers for the tests: {error}"))?;
    let bounds = &args.bounds;
    Ok(Target {
        profile: bounds.profile.parse::<Profile>().map_err(|why| anyhow::anyhow!("--profile: {why}"))?,
        include: bounds.include.clone(),
        exclude: bounds.exclude.clone(),
        limits: Limits { rate: bounds.rate, requests: bounds.max_requests, time: Duration::from_secs(bounds.max_time) },
        headers: headers(&args.access, &url)?,
        unverified: if args.access.send_credentials_unverified { Unverified::Send } else { Unverified::Withhold },
        description: args.openapi.as_deref().map(|name| description(name, &url)).transpose()?,
        seed: u64::from_le_bytes(seed),
        url,
    })
}

fn headers(access: &Access, url: &Url) -> Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    for header in &access.header {
        // The text is not shown: it may be a secret without its name.
        let (name, value) = header.split_once(':').context("--header: write 'Name: value'")?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    headers.extend(access.cookie.iter().map(|cookie| ("Cookie".to_owned(), cookie.trim().to_owned())));
    Request { headers: headers.clone(), ..Request::get(url.clone()) }.check().context("--header or --cookie")?;
    Ok(headers)
}

fn description(name: &str, url: &Url) -> Result<Description> {
    if !name.contains("://") {
        return Ok(Description::Text { name: name.to_owned(), text: files::read_text(name)? });
    }
    let address = Url::parse(name).with_context(|| format!("--openapi {name}"))?;
    if address.origin() != url.origin() {
        bail!("--openapi {name}: lies outside of {}; save it to a file and name that", url.origin());
    }
    Ok(Description::Path(address.target().to_owned()))
}

fn trust(access: &Access) -> Result<Trust> {
    let Some(path) = &access.ca else { return Ok(Trust::Mozilla) };
    let text = files::read_text(path)?;
    let read = Authorities::from_pem(&text).with_context(|| format!("--ca {}", path.display()))?;
    Ok(Trust::Authorities(read))
}

/// Prints the requests that do not depend on answers.
fn dry_run(target: &Target) -> Result<ExitCode> {
    let planned = testudo_probe::plan(target)?;
    let mut out = String::new();
    for ask in &planned {
        writeln!(out, "{:<10} {:<7} {}{}", ask.class.as_str(), ask.method, target.url.origin(), ask.target)?;
    }
    let counts: Vec<String> = Class::ALL
        .iter()
        .map(|class| format!("{} {}", planned.iter().filter(|ask| ask.class == *class).count(), class.as_str()))
        .collect();
    writeln!(
        out,
        "\n{} requests ({}), nothing was sent. Links, forms and proofs follow from answers and are not listed; \
         --max-requests bounds them all.",
        planned.len(),
        counts.join(", ")
    )?;
    terminal::stdout(&out)?;
    Ok(ExitCode::SUCCESS)
}
