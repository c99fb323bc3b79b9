//! The security plan: what is protected, from whom, by which controls, and what shows that they hold.
//!
//! A plan is a file beside the code. This crate reads its texts ([`file::read`]), says what is wrong with them
//! ([`check::consistency`], [`check::due`]) and what is at stake ([`risk::risks`]). It opens no file and asks no clock: texts, days and facts come as arguments.

pub mod check;
pub mod codes;
pub mod discover;
pub mod draft;
pub mod evidence;
pub mod file;
pub mod framework;
pub mod junit;
pub mod matrix;
pub mod nouns;
pub mod report;
pub mod risk;
pub mod wildcard;

pub use file::{Reading, Source, located, read};
pub use nouns::Plan;
pub use testudo_policy::table::Problem;
