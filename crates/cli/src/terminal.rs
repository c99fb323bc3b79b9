//! The one place that prints, and the one that knows whether a terminal is there.

use std::{
    borrow::Cow,
    env,
    io::{self, IsTerminal as _, Write as _},
};

use testudo_policy::{
    ConfigError, PolicyError,
    config::{ColorChoice, Paint},
};
use testudo_report::Color;

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

/// Makes characters visible that would act on a terminal: names of files and texts of a repository are in many messages.
/// Line breaks and tabs stay what they are.
fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if is_hidden(c) { c.escape_default().collect() } else { String::from(c) };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Controls, marks that turn the direction of a text, and characters that cannot be seen: those that reports escape too.
fn is_hidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// Something worth knowing.
pub(crate) fn note(text: &str) {
    stderr("note: ", &visible(text));
}

/// Something that needs a look.
pub(crate) fn warn(text: &str) {
    stderr("warning: ", &visible(text));
}

/// Why the program ends.
pub(crate) fn error(text: &str) {
    stderr("error: ", &visible(text));
}

/// Why the program ends: an error of the configuration with its source line and a caret, any other as one line.
pub(crate) fn failure(failure: &anyhow::Error) {
    let config = failure.downcast_ref::<ConfigError>().or(match failure.downcast_ref::<PolicyError>() {
        Some(PolicyError::Config(config)) => Some(config),
        _ => None,
    });
    match config {
        Some(config) => {
            let paint = match color(ColorChoice::Auto, io::stderr().is_terminal()) {
                Color::Always => Paint::Styled,
                Color::Never => Paint::Plain,
            };
            stderr("", &config.render(paint));
        }
        None => error(&format!("{failure:#}")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_cannot_steer_the_terminal() {
        let cases = [
            ("plain é\n\tline", "plain é\n\tline"),
            ("\u{1b}[2Jgone\r\u{7}", "\\u{1b}[2Jgone\\r\\u{7}"),
            ("\u{9b}a\u{202e}b\0", "\\u{9b}a\\u{202e}b\\u{0}"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }
}
