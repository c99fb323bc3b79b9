//! The table of every key: name, how to set it, how to show it. A new key is one field in `sections.rs` and one line here.

use toml::{Spanned, de::DeValue};

use super::{Config, setting::Setting};
use crate::problem::Fault;

/// One key of the configuration.
pub(super) struct Key {
    /// Dotted name, `section.key`.
    pub(super) name: &'static str,
    pub(super) set_toml: fn(&mut Config, &Spanned<DeValue<'_>>) -> Result<(), Fault>,
    pub(super) set_words: fn(&mut Config, &[&str]) -> Result<(), Fault>,
    /// The value as TOML writes it.
    pub(super) show: fn(&Config) -> String,
}

impl Key {
    /// The part before the dot.
    pub(super) fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// The part after the dot.
    pub(super) fn short(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, key)| key)
    }

    /// `TESTUDO_SECTION_KEY`.
    pub(super) fn environment_name(&self) -> String {
        format!("TESTUDO_{}", self.name.to_ascii_uppercase().replace(['.', '-'], "_"))
    }
}

macro_rules! keys {
    ($($section:ident . $field:ident = $name:literal;)+) => {
        /// Every key, in the order in which they are shown.
        pub(super) const KEYS: &[Key] = &[$(Key {
            name: $name,
            set_toml: |config, value| Setting::from_toml(value).map(|v| config.$section.$field = v),
            set_words: |config, words| Setting::from_words(words).map(|v| config.$section.$field = v),
            show: |config| Setting::to_toml(&config.$section.$field),
        }),+];
    };
}

keys! {
    scan.only = "scan.only";
    scan.include = "scan.include";
    scan.exclude = "scan.exclude";
    scan.rules = "scan.rules";
    scan.jobs = "scan.jobs";
    scan.max_file_size = "scan.max-file-size";
    scan.archives = "scan.archives";
    scan.archive_depth = "scan.archive-depth";
    scan.decode_depth = "scan.decode-depth";
    scan.gitignore = "scan.gitignore";
    scan.submodules = "scan.submodules";
    view.severity = "view.severity";
    view.confidence = "view.confidence";
    view.persona = "view.persona";
    gate.fail_on = "gate.fail-on";
    gate.new_only = "gate.new-only";
    gate.strict = "gate.strict";
    suppress.require_reason = "suppress.require-reason";
    suppress.require_owner = "suppress.require-owner";
    suppress.max_days = "suppress.max-days";
    suppress.ignore_file = "suppress.ignore-file";
    ownership.codeowners = "ownership.codeowners";
    ownership.default = "ownership.default";
    secrets.disable = "secrets.disable";
    secrets.allow_paths = "secrets.allow-paths";
    secrets.verify = "secrets.verify";
    secrets.verify_hosts = "secrets.verify-hosts";
    secrets.verify_timeout = "secrets.verify-timeout";
    ledger.record = "ledger.record";
    ledger.key = "ledger.key";
    ledger.trusted = "ledger.trusted";
    hub.url = "hub.url";
    hub.product = "hub.product";
    output.format = "output.format";
    output.color = "output.color";
}

/// The key of a dotted name.
pub(super) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The names of the sections, in order, each once.
pub(super) fn sections() -> Vec<&'static str> {
    let mut names: Vec<_> = KEYS.iter().map(Key::section).collect();
    names.dedup();
    names
}
