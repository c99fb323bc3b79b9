//! Leaked secrets.
pub mod base64;
pub mod checksum;
pub mod document;
pub mod embedded;
pub mod engine;
pub mod entropy;
pub mod expr;
pub mod gitleaks;
pub mod history;
pub mod load;
pub mod native;
pub mod rule;
mod tokens;
pub mod verify;
