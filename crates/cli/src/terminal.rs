//! The one place that prints.

use std::io::{self, Write as _};

/// Writes to standard output.
///
/// # Errors
/// The pipe is closed or the disk full.
pub(crate) fn stdout(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn stderr(prefix: &str, text: &str) {
    // Nothing is left to tell anybody when standard error is closed.
    drop(writeln!(io::stderr().lock(), "{prefix}{text}"));
}

/// Something worth knowing.
pub(crate) fn note(text: &str) {
    stderr("note: ", text);
}

/// Something that needs a look.
pub(crate) fn warn(text: &str) {
    stderr("warning: ", text);
}

/// Why the program ends.
pub(crate) fn error(text: &str) {
    stderr("error: ", text);
}
