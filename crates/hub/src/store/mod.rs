//! What the hub keeps. One database file, and one module that speaks its language.

mod sqlite;

pub(crate) use sqlite::*;
