//! Secrets that open the hub: links, sessions and tokens. A secret is 32 random bytes, is shown once, and is kept as its
//! SHA-256 only, so a copy of the database opens nothing.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{HubError, World};

/// Hexadecimal digits of a secret.
const DIGITS: usize = 64;
/// Bytes of a digest that find it in the database. The rest is compared in constant time.
pub(crate) const HANDLE: usize = 8;

/// A secret in the clear. Its [`fmt::Debug`] form shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn new(world: &dyn World) -> Result<Self, HubError> {
        Ok(Self(testudo_model::hex(&world.random()?)))
    }

    /// Reads what a client sent; none where it has another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text that is shown once.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What is kept.
    pub(crate) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The token of the forms of a session, which only the owner of its cookie can compute.
    pub(crate) fn form_token(&self) -> String {
        testudo_model::hex(&Sha256::new().chain_update("form\0").chain_update(&self.0).finalize())
    }

    /// Whether a form has the token of this session.
    pub(crate) fn is_form_token(&self, found: &str) -> bool {
        self.form_token().as_bytes().ct_eq(found.as_bytes()).into()
    }
}

/// The SHA-256 of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// What finds it.
    pub(crate) fn handle(&self) -> &[u8] {
        &self.0[..HANDLE]
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the digest that is kept, in constant time.
    pub(crate) fn is(&self, kept: &[u8]) -> bool {
        self.0.ct_eq(kept).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_digits_of_the_right_length_are_a_secret() {
        let good = "0123456789abcdef".repeat(4);
        assert!(Secret::parse(&good).is_some());
        for bad in ["", "0", &good[1..], &good.to_uppercase(), &format!("{good}0"), &good.replace('0', "/")] {
            assert!(Secret::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn form_tokens_belong_to_one_session() {
        let [one, two] = ["ab", "cd"].map(|pair| Secret::parse(&pair.repeat(32)).unwrap());
        assert!(one.is_form_token(&one.form_token()) && !one.is_form_token(&two.form_token()));
        assert!(!one.is_form_token("") && !one.is_form_token(one.text()));
        assert!(
            one.digest().is(one.digest().bytes()) && !one.digest().is(two.digest().bytes()) && !one.digest().is(b"")
        );
        assert!(!format!("{one:?}").contains("abab"));
    }
}
