//! The one place that prints, and the one that knows whether a terminal is there.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use testudo_policy::{
    ConfigError, PolicyError,
    config::ColorChoice,
    problem::{self, FileProblem, Paint},
};
use testudo_report::{Color, visible_lines};

/// Columns of text where nothing says how wide the terminal is.
const DEFAULT_WIDTH: usize = 80;

/// Writes to standard output. Somebody who closed the pipe has seen enough, so that is no error.
///
/// # Errors
/// The disk is full, or whatever else stands behind standard output fails.
pub(crate) fn stdout(text: &str) -> io::Result<()> {
    stdout_bytes(text.as_bytes())
}

/// The same for what may be cut within a character.
///
/// # Errors
/// As with [`stdout`].
pub(crate) fn stdout_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn stderr(prefix: &str, text: &str) {
    // Nothing is left to tell anybody when standard error is closed.
    drop(writeln!(io::stderr().lock(), "{prefix}{text}"));
}

/// Something worth knowing.
pub(crate) fn note(text: &str) {
    stderr("note: ", &visible_lines(text));
}

/// What is going on, while it goes on.
pub(crate) fn progress(text: &str) {
    stderr("", &visible_lines(text));
}

/// Something that needs a look.
pub(crate) fn warn(text: &str) {
    stderr("warning: ", &visible_lines(text));
}

/// Why the program ends.
pub(crate) fn error(text: &str) {
    stderr("error: ", &visible_lines(text));
}

/// Why the program ends: an error of the configuration with its source line and a caret, any other as one line.
pub(crate) fn failure(failure: &anyhow::Error) {
    let config = failure.downcast_ref::<ConfigError>().or(match failure.downcast_ref::<PolicyError>() {
        Some(PolicyError::Config(config)) => Some(config),
        _ => None,
    });
    match config {
        Some(config) => {
            stderr("", &config.render(paint()));
        }
        None => error(&format!("{failure:#}")),
    }
}

/// What is wrong with files, each problem with its source line and a caret.
pub(crate) fn problems(problems: &[FileProblem]) {
    if !problems.is_empty() {
        stderr("", &problem::render(problems, paint()));
    }
}

/// Whether problems on standard error have colour.
fn paint() -> Paint {
    match color(ColorChoice::Auto, io::stderr().is_terminal()) {
        Color::Always => Paint::Styled,
        Color::Never => Paint::Plain,
    }
}

/// Whether text on standard output has colour.
pub(crate) fn stdout_color(choice: ColorChoice) -> Color {
    color(choice, io::stdout().is_terminal())
}

/// The configuration decides first, then `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR` (a value counts where it is not
/// empty; `0` means no for the last two), then whether somebody looks.
fn color(choice: ColorChoice, is_terminal: bool) -> Color {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let wanted = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR").is_some() => false,
        ColorChoice::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorChoice::Auto => is_terminal && set("CLICOLOR").is_none_or(|value| value != "0"),
    };
    if wanted { Color::Always } else { Color::Never }
}

/// Columns to write in: `COLUMNS`, or what the terminal says, where it is not absurd.
pub(crate) fn width() -> usize {
    let columns = env::var("COLUMNS").ok().and_then(|text| text.trim().parse().ok());
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.or_else(measured).filter(|columns| (20..=1000).contains(columns)).unwrap_or(DEFAULT_WIDTH)
}
