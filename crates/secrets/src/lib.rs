//! Leaked secrets.
pub mod base32;
pub mod base64;
pub mod checksum;
pub mod checksum_template;
pub mod document;
pub mod embedded;
pub mod engine;
pub mod entropy;
pub mod examples;
pub mod expr;
pub mod gitleaks;
pub mod history;
pub mod load;
pub mod native;
#[cfg(test)]
mod numbers;
pub mod requirements;
pub mod rule;
mod tokens;
pub mod verify;
