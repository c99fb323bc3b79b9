//! Fuzz targets: one plain function for each reader of untrusted bytes.
//!
//! A target takes any bytes, must return, and asserts what always holds: limits, round trips, the same result twice, the
//! fast way finding what the slow way finds. Two drivers run them: `tests/short.rs` with the rest of the tests, and
//! `libfuzzer/` for as long as one likes.

pub mod agent;
pub mod archives;
pub mod detect;
#[path = "../../crates/cli/src/commands/baseline/foreign.rs"]
mod foreign;
pub mod git;
pub mod hub;
pub mod import;
pub mod input;
pub mod ledger;
pub mod mutate;
pub mod network;
pub mod pack_writer;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod report;
pub mod rules;
pub mod scratch;
pub mod template;
pub mod vault;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is also the folder of its seeds.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// How many mutations the short run makes: fewer where one takes long.
    pub rounds: usize,
}

macro_rules! targets {
    ($($name:literal $module:ident::$function:ident $rounds:literal;)+) => {
        /// Every target, by name.
        pub const TARGETS: &[Target] =
            &[$(Target { name: $name, run: $module::$function, rounds: $rounds }),+];
    };
}

targets! {
    "agent-config" agent::config 1500;
    "agent-lines" agent::lines 1000;
    "agent-policy" agent::policy 600;
    "agent-rules" agent::rules 600;
    "answers" network::answers 2000;
    "ar" archives::ar 1000;
    "attributes" git::attributes 60;
    "bzip2" archives::bzip2 100;
    "configuration" policy::configuration 400;
    "date" policy::date 3000;
    "decoders" detect::decoders 1500;
    "delta" git::delta_apply 4000;
    "delta-scan" git::delta_scan 500;
    "expression" rules::expression 1500;
    "foreign-baseline" policy::foreign_baseline 1000;
    "formats" report::formats 150;
    "gitleaks-toml" rules::gitleaks_toml 150;
    "gzip" archives::gzip 600;
    "host-rule" network::host_rule 3000;
    "hub-body" hub::body 400;
    "hub-target" hub::target 3000;
    "ignore-file" policy::ignore_file 1000;
    "import" import::report 1500;
    "index" git::index_file 600;
    "inline-markers" detect::inline_markers 3000;
    "junit" plan::junit 2000;
    "ledger" ledger::ledger 1000;
    "ledger-key" ledger::key 2000;
    "loose" git::loose 500;
    "lz4" archives::lz4 600;
    "lzip" archives::lzip 300;
    "lzma" archives::lzma 300;
    "native" detect::native 300;
    "nested" archives::nested 500;
    "objects" git::objects 2000;
    "owners" policy::owners 800;
    "pack" git::pack 500;
    "plan" rules::plan 700;
    "plan-discovery" plan::discovery 1500;
    "plan-file" plan::file 1000;
    "probe-answer" probe::answer 2000;
    "probe-description" probe::description 150;
    "probe-page" probe::page 3000;
    "redaction" detect::redaction 3000;
    "regex" rules::regex 400;
    "release-pipeline" policy::pipeline 1000;
    "repository" git::repository 80;
    "request" network::request 2000;
    "revisions" git::revisions 600;
    "rule-document" rules::rule_document 1500;
    "seven-zip" archives::seven_zip 600;
    "tar" archives::tar 800;
    "template" template::report_template 3000;
    "text" archives::understand 800;
    "url" network::url 4000;
    "vault-document" vault::document 1500;
    "vault-file" vault::encrypted 1500;
    "vault-rules" vault::rules 1000;
    "xz" archives::xz 300;
    "yaml" rules::yaml_text 700;
    "yaml-rules" rules::yaml_rule_file 500;
    "zip" archives::zip 1000;
    "zstd" archives::zstd 500;
}

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
