//! A text that cannot grow without end.

use super::MAX_VALUE;

/// What is said where a value would be too large.
const TOO_LONG: &str = "the text is too long";

/// A text of at most [`MAX_VALUE`] bytes: room is asked for before anything is added.
#[derive(Default)]
pub(super) struct Limited(String);

impl Limited {
    /// Adds a text.
    ///
    /// # Errors
    /// The whole would be too long.
    pub(super) fn push(&mut self, text: &str) -> Result<(), String> {
        self.push_times(text, 1)
    }

    /// Adds a text so many times.
    ///
    /// # Errors
    /// As with [`Self::push`].
    pub(super) fn push_times(&mut self, text: &str, times: usize) -> Result<(), String> {
        checked(text.len().saturating_mul(times).saturating_add(self.0.len()))?;
        match times {
            1 => self.0.push_str(text),
            _ => self.0.push_str(&text.repeat(times)),
        }
        Ok(())
    }

    /// Adds a character.
    ///
    /// # Errors
    /// As with [`Self::push`].
    pub(super) fn push_char(&mut self, c: char) -> Result<(), String> {
        self.push(c.encode_utf8(&mut [0; 4]))
    }

    /// The whole text.
    pub(super) fn done(self) -> String {
        self.0
    }
}

/// Whether a text of so many bytes may be made.
///
/// # Errors
/// It would be too long.
pub(super) fn checked(length: usize) -> Result<(), String> {
    if length > MAX_VALUE { Err(TOO_LONG.to_owned()) } else { Ok(()) }
}
