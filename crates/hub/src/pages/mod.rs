//! What people see: one file a noun. Pages are whole without a script, load nothing from elsewhere, and escape every text.

pub(crate) mod admin;
pub(crate) mod alerts;
pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod board;
pub(crate) mod branch;
pub(crate) mod chart;
pub(crate) mod concerns;
pub(crate) mod enter;
pub(crate) mod entry;
pub(crate) mod findings;
mod layout;
pub(crate) mod manage;
pub(crate) mod sessions;
pub(crate) mod timeline;
pub(crate) mod work;

pub(crate) use layout::{Html, Place, day_and_time, empty, lines, page, refused, text, token};
