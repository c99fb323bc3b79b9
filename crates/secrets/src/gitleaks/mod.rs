//! gitleaks 8.30, reproduced: the same findings, fields and quirks, for teams whose pipelines rely on them.
//!
//! What is kept on purpose although our own detector does better: files are cut into fragments of about 100 kB, columns
//! on lines after the first are one too high, captures are taken from the text of the match alone, and the global allow
//! list of the default configuration has an unanchored `false`.

mod codec;
mod detect;
mod filetype;
mod fragment;
mod line;
mod report;
mod sarif;
mod shared_line;
pub mod template;

pub use codec::{Hidden, LineDecoder};
pub use detect::{CompatFinding, Fragment, RequiredFinding, Scanner, Settings};
pub use filetype::{ArchiveName, is_application};
pub use fragment::{Fragments, fragments};
pub use report::{csv, json, junit, redact};
pub use sarif::sarif;
pub use shared_line::SharedLine;
