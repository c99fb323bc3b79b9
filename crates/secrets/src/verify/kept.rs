//! Values that may be asked about, in memory while a scan runs. The only way out is [`Kept::get`], for the one module
//! that puts them into requests.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use testudo_model::UnknownReason;

/// Values that are kept at most. More than this is no leak but a hostile tree.
const MOST: usize = 10_000;
/// Longest value that is kept, in bytes: no token of an issuer is longer.
const LONGEST: usize = 4096;

/// Values by rule id and keyed digest.
#[derive(Default)]
pub(crate) struct Kept(Mutex<BTreeMap<(String, String), Value>>);

/// One value, or why it was not kept, and the rule that found it, as an index.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) rule: usize,
    pub(crate) text: Result<String, UnknownReason>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(..)")
    }
}

impl Kept {
    /// Keeps a value. Where two rules of one id found it, the later one stays: rules of users come after ours, and less
    /// is allowed to them.
    pub(crate) fn keep(&self, id: &str, digest: &str, rule: usize, text: &str) {
        // An insert is whole or did not happen, so a thread that panicked leaves nothing half done.
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (id.to_owned(), digest.to_owned());
        if let Some(known) = values.get_mut(&key) {
            known.rule = known.rule.max(rule);
            return;
        }
        let text = match (text.len() > LONGEST, values.len() >= MOST) {
            (true, _) => Err(UnknownReason::Unfit),
            (_, true) => Err(UnknownReason::LimitReached),
            _ => Ok(text.to_owned()),
        };
        values.insert(key, Value { rule, text });
    }

    /// The value of a rule and a digest.
    pub(crate) fn get(&self, id: &str, digest: &str) -> Option<Value> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.get(&(id.to_owned(), digest.to_owned())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_that_is_allowed_less_stays() {
        let kept = Kept::default();
        for rule in [3, 7, 5] {
            kept.keep("a", "d", rule, "value");
        }
        assert_eq!(kept.get("a", "d").map(|v| v.rule), Some(7));
        kept.keep("a", "e", 1, &"x".repeat(LONGEST + 1));
        assert_eq!(kept.get("a", "e").map(|v| v.text), Some(Err(UnknownReason::Unfit)));
        for n in 0..MOST {
            kept.keep("b", &n.to_string(), 1, "value");
        }
        assert_eq!(kept.get("b", &(MOST - 1).to_string()).map(|v| v.text), Some(Err(UnknownReason::LimitReached)));
        assert_eq!(kept.get("b", "0").map(|v| v.text), Some(Ok("value".to_owned())));
        assert_eq!(format!("{kept:?}"), "Kept(..)");
    }
}
