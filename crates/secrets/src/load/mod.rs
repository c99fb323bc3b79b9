//! Readers of rule files: one a format, all producing [`Ruleset`](crate::rule::Ruleset).

mod error;
pub mod gitleaks;
mod toml_tree;
pub mod yaml_rules;
pub mod yaml_ruleset;

pub use error::LoadError;
