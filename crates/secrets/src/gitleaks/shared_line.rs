//! The lines that findings keep: those of a minified file are long, and thousands of findings can be on one.

use std::{borrow::Cow, sync::Arc};

/// Lines of one finding, held once for all findings on them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SharedLine {
    text: Arc<str>,
    /// What stands for what, where a secret is masked.
    masked: Option<(String, String)>,
}

impl SharedLine {
    /// The text, with the secret of the finding masked where that was asked for.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.masked {
            Some((secret, mask)) => Cow::Owned(self.text.replace(secret, mask)),
            None => Cow::Borrowed(&self.text),
        }
    }

    /// Shows a mask in the place of a secret.
    pub(super) fn mask(&mut self, secret: &str, mask: &str) {
        self.masked = Some((secret.to_owned(), mask.to_owned()));
    }
}

impl From<&str> for SharedLine {
    fn from(text: &str) -> Self {
        Self { text: text.into(), masked: None }
    }
}
