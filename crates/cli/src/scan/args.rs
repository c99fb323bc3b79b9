//! The arguments of `scan` and `gate`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

const EXAMPLES: &str = "\
Examples:
  testudo scan .                              scan the files below this directory
  testudo scan --history                      scan every blob the repository ever had
  testudo scan --staged --fail-on high        scan what would be committed, fail on findings
  testudo scan --range origin/main..HEAD      scan the commits of a branch
  git diff | testudo scan -                   scan standard input
  testudo scan . --output sarif=out.sarif --output html=report.html
  testudo scan . --rules .gitleaks.toml       use rules of gitleaks
  testudo scan . --with semgrep.json          add the findings of another tool's report
  testudo scan . --verify                     ask the issuers which secrets are live (sends them there)

Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage or configuration, 3 nothing could be read, 4 incomplete";

/// What to scan, with what, and how to show it.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScanArgs {
    /// Directories, files or archives to scan, `-` for standard input [default: .]
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    pub(crate) targets: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) live: Live,
    #[command(flatten)]
    pub(crate) view: View,
    #[command(flatten)]
    pub(crate) verdict: VerdictArgs,
    /// Configuration file [default: testudo.toml, found upward]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Threads [default: one a core]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
}

/// What is looked at.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Source")]
pub(crate) struct What {
    /// Detectors to run [possible: secrets]
    #[arg(long, value_name = "DETECTORS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Rule files or folders to use instead of our rules for what they cover; `default` adds ours
    #[arg(long, value_name = "FILE|DIR|default", value_hint = ValueHint::AnyPath)]
    pub(crate) rules: Vec<String>,
    /// What would be committed now, against HEAD
    #[arg(long, group = "part")]
    pub(crate) staged: bool,
    /// The commits of a range, such as main..HEAD
    #[arg(long, value_name = "A..B", group = "part")]
    pub(crate) range: Option<String>,
    /// Every blob and message of the whole history
    #[arg(long, group = "part")]
    pub(crate) history: bool,
    /// With --history: do not use or write what earlier scans remember in the user's cache directory
    #[arg(long, requires = "history")]
    pub(crate) no_cache: bool,
    /// With --history: also objects that no reference leads to
    #[arg(long, requires = "history")]
    pub(crate) unreachable: bool,
    /// Only paths that match
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// Leave out paths that match
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Also the findings of another tool's report, FILE or FORMAT=FILE, `-` for standard input; repeatable
    #[arg(long, value_name = "REPORT", value_hint = ValueHint::FilePath)]
    pub(crate) with: Vec<String>,
    /// Also read files that .gitignore names
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// Largest file to read, such as 64MB
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_file_size: Option<String>,
    /// Nesting depth of archives, 0 for none
    #[arg(long, value_name = "N")]
    pub(crate) archive_depth: Option<u32>,
    /// Decoding passes, 0 for none
    #[arg(long, value_name = "N")]
    pub(crate) decode_depth: Option<u32>,
}

/// Who is asked about what was found.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live check")]
pub(crate) struct Live {
    /// Ask the issuer of each secret whether it is live; this sends the secret to the issuer, and to nobody else
    #[arg(long)]
    pub(crate) verify: bool,
    /// A host that requests of loaded rules may go to
    #[arg(
        long,
        value_name = "HOST",
        requires = "verify",
        help = "Also ask this host for rules of --rules: HOST[:PORT] or *.DOMAIN (HTTPS, public addresses), or \
                https://HOST[:PORT] to vouch for one in a private network; repeatable"
    )]
    pub(crate) verify_host: Vec<String>,
}

/// What is shown, and how.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "View")]
pub(crate) struct View {
    /// Least severity shown: info, low, medium, high, critical
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) severity: Option<String>,
    /// Least confidence shown: low, medium, high
    #[arg(long, value_name = "CONFIDENCE")]
    pub(crate) confidence: Option<String>,
    /// Whose view: regular, pedantic, auditor
    #[arg(long, value_name = "PERSONA")]
    pub(crate) persona: Option<String>,
    /// Format on standard output: terminal, json, jsonl, sarif, junit, gitlab-codequality, gitlab-secrets, github, markdown, csv, html
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Write a report to a file as well; repeatable
    #[arg(short, long, value_name = "FORMAT=FILE")]
    pub(crate) output: Vec<String>,
    /// Show the secrets themselves (on a terminal, or with --yes)
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// Confirm --show-secrets where standard output is no terminal
    #[arg(long)]
    pub(crate) yes: bool,
    /// One line a finding
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Also suppressed findings and every notice
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Colour: auto, always, never
    #[arg(long, value_name = "WHEN")]
    pub(crate) color: Option<String>,
}

/// What counts, and when the command fails.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Verdict")]
pub(crate) struct VerdictArgs {
    /// Exit with 1 on findings of this severity or above (info, low, medium, high, critical, never)
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<String>,
    /// Refuse a verdict over an incomplete scan, with 4
    #[arg(long)]
    pub(crate) strict: bool,
    /// Findings named in this file do not count
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,
    /// Only findings that this revision does not have count
    #[arg(long, value_name = "REV")]
    pub(crate) diff: Option<String>,
    /// Record the scan, and the verdict where there is one, in the signed ledger of this environment
    #[arg(long, value_name = "ENV")]
    pub(crate) record: Option<String>,
}

impl ScanArgs {
    /// Arguments that name reports and nothing to scan.
    pub(crate) fn of_reports(reports: Vec<String>) -> Self {
        Self {
            targets: Vec::new(),
            what: What { with: reports, ..What::default() },
            live: Live::default(),
            view: View::default(),
            verdict: VerdictArgs::default(),
            config: None,
            jobs: None,
        }
    }

    /// Flags that set configuration keys, as key and value.
    pub(crate) fn overrides(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let mut set = |key: &str, value: Option<String>| all.extend(value.map(|v| (key.to_owned(), v)));
        let list = |items: &[String]| (!items.is_empty()).then(|| items.join(","));
        let switch = |on: bool, value: &str| on.then(|| value.to_owned());
        set("scan.only", list(&self.what.only));
        set("scan.include", list(&self.what.include));
        set("scan.exclude", list(&self.what.exclude));
        set("scan.rules", list(&self.what.rules));
        set("scan.gitignore", switch(self.what.no_ignore, "off"));
        set("scan.max-file-size", self.what.max_file_size.clone());
        set("scan.archive-depth", self.what.archive_depth.map(|n| n.to_string()));
        set("scan.decode-depth", self.what.decode_depth.map(|n| n.to_string()));
        set("scan.jobs", self.jobs.map(|n| n.to_string()));
        set("secrets.verify", switch(self.live.verify, "on"));
        set("secrets.verify-hosts", list(&self.live.verify_host));
        set("view.severity", self.view.severity.clone());
        set("view.confidence", self.view.confidence.clone());
        set("view.persona", self.view.persona.clone());
        set("gate.fail-on", self.verdict.fail_on.clone());
        set("gate.strict", switch(self.verdict.strict, "true"));
        set("ledger.record", self.verdict.record.clone());
        set("output.format", self.view.format.clone());
        set("output.color", self.view.color.clone());
        all
    }
}
