//! The typed configuration: one struct a section, a default for every key. The doc comments are the option reference.

use schemars::JsonSchema;
use serde::Serialize;
use testudo_model::{Confidence, DetectorId, Persona, Severity};

use super::words::{ByteSize, ColorChoice, FailOn, Switch};

/// The whole of `testudo.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// What is scanned.
    pub scan: Scan,
    /// What is shown.
    pub view: View,
    /// What fails a gate.
    pub gate: Gating,
    /// What a suppression needs in order to count.
    pub suppress: Suppress,
    /// Who owns what.
    pub ownership: Ownership,
    /// Options of the secret detector.
    pub secrets: Secrets,
    /// What is recorded in the ledger.
    pub ledger: Ledger,
    /// Where results are pushed.
    pub hub: Hub,
    /// How results are written.
    pub output: Output,
}

/// What is scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Scan {
    /// Detectors that run; empty means all that apply.
    pub only: Vec<DetectorId>,
    /// Globs of files to look at; empty means all.
    pub include: Vec<String>,
    /// Globs of files to leave out.
    pub exclude: Vec<String>,
    /// Rule files or folders to load in place of our own; `default` adds our own back.
    pub rules: Vec<String>,
    /// Threads; 0 means one for each processor.
    pub jobs: u32,
    /// Files above this size are not read, with a notice.
    pub max_file_size: ByteSize,
    /// Whether archives are opened.
    pub archives: Switch,
    /// How many archives inside one another are opened.
    pub archive_depth: u32,
    /// How many layers of encoding (base64, hexadecimal, percent) are decoded.
    pub decode_depth: u32,
    /// Whether files that `.gitignore` names are left out.
    pub gitignore: Switch,
    /// Whether submodules that are checked out are scanned.
    pub submodules: Switch,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            rules: Vec::new(),
            jobs: 0,
            max_file_size: ByteSize(256_000_000),
            archives: Switch::On,
            archive_depth: 8,
            decode_depth: 5,
            gitignore: Switch::On,
            submodules: Switch::On,
        }
    }
}

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct View {
    /// Lowest severity that is shown.
    pub severity: Severity,
    /// Lowest confidence that is shown, and that a gate looks at.
    pub confidence: Confidence,
    /// Whose findings are shown, and what a gate looks at: regular, also pedantic, or all.
    pub persona: Persona,
}

impl Default for View {
    fn default() -> Self {
        Self { severity: Severity::Medium, confidence: Confidence::High, persona: Persona::Regular }
    }
}

/// What fails a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Gating {
    /// Findings of this severity and above fail the gate; `never` shows only.
    pub fail_on: FailOn,
    /// Judge only what is new; the gate refuses a verdict where neither a baseline nor a revision says what is old.
    pub new_only: bool,
    /// Refuse a verdict also where something was left out on purpose or by a limit.
    pub strict: bool,
}

impl Default for Gating {
    fn default() -> Self {
        Self { fail_on: FailOn::At(Severity::High), new_only: false, strict: false }
    }
}

/// What a suppression needs in order to count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Suppress {
    /// A suppression without a reason does not count.
    pub require_reason: bool,
    /// A suppression without an owner does not count.
    pub require_owner: bool,
    /// A suppression has to end within so many days from today; 0 means no limit.
    pub max_days: u32,
    /// The ignore file, relative to the configuration file.
    pub ignore_file: String,
}

impl Default for Suppress {
    fn default() -> Self {
        Self { require_reason: true, require_owner: false, max_days: 0, ignore_file: "testudo.ignore".to_owned() }
    }
}

/// Who owns what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ownership {
    /// The CODEOWNERS file; empty means that it is searched at the usual places.
    pub codeowners: String,
    /// Owners of what nobody else owns.
    pub default: Vec<String>,
}

/// Options of the secret detector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Secrets {
    /// Ids of rules that do not run.
    pub disable: Vec<String>,
    /// Globs of files in which secrets are accepted.
    pub allow_paths: Vec<String>,
    /// Whether issuers are asked if a secret is live. Counts in a file that was named with `--config` only.
    pub verify: Switch,
    /// Hosts that requests of rules from files may go to. Counts in a file that was named with `--config` only.
    pub verify_hosts: Vec<String>,
    /// Longest wait for one answer of an issuer, in seconds.
    pub verify_timeout: u32,
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            disable: Vec::new(),
            allow_paths: Vec::new(),
            verify: Switch::Off,
            verify_hosts: Vec::new(),
            verify_timeout: 10,
        }
    }
}

/// What is recorded in the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ledger {
    /// The environment in whose ledger every `scan` and `gate` is recorded; empty means none.
    pub record: String,
    /// File of the private key that signs (PEM, PKCS#8), relative to the configuration file; empty means the user's own key.
    pub key: String,
    /// Files of public keys (PEM) whose entries count, relative to the configuration file; the own key always counts.
    pub trusted: Vec<String>,
}

/// Where results are pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Hub {
    /// Address of the hub, `https://hub.example`. Counts in a file that was named with `--config` only.
    pub url: String,
    /// Name of the product in the hub; empty means host and path of the git remote, or the name of the top folder.
    pub product: String,
}

/// How results are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Output {
    /// Name of the output format.
    pub format: String,
    /// When output has colour.
    pub color: ColorChoice,
}

impl Default for Output {
    fn default() -> Self {
        Self { format: "terminal".to_owned(), color: ColorChoice::Auto }
    }
}
