//! Leaked secrets.
pub mod engine;
pub mod expr;
pub mod load;
pub mod rule;
pub mod verify;
