//! A form that a page sent.

use super::{Body, Fields, Refusal};

/// The field that binds a form to the session it was shown in.
pub(crate) const TOKEN: &str = "form-token";

/// A form that a page sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Form(Fields);

impl Form {
    /// Reads a body.
    pub(crate) fn read(body: &Body) -> Result<Self, Refusal> {
        let wrong = || Refusal::Malformed("the form cannot be read".to_owned());
        let text = String::from_utf8(body.bytes().map_err(|_| wrong())?).map_err(|_| wrong())?;
        Fields::parse(&text).map(Self).ok_or_else(wrong)
    }

    /// The token of the form.
    pub(crate) fn token(&self) -> &str {
        self.0.get(TOKEN).unwrap_or_default()
    }

    /// A field that may be empty.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default()
    }

    /// Every value of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.all(name)
    }
}
