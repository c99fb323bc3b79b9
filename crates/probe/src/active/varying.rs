//! What of a page changes by itself from one answer to the next, such as a token of a form or the time of day, so that two
//! answers can be compared without it.

use std::{borrow::Cow, collections::BTreeSet};

/// Most words of a page that may change by themselves. A page that is made anew each time cannot be compared.
const MOST: usize = 24;

/// Stands for a word that changes by itself.
const ANY: &str = "*";

/// Words that change by themselves, each known by the two words before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Varying(BTreeSet<[String; 2]>);

impl Varying {
    /// What differs between two answers to the same request; none where they differ in more than single words.
    pub(super) fn between(one: &str, other: &str) -> Option<Self> {
        let mut varying = Self::default();
        if one == other {
            return Some(varying);
        }
        let (one, other): (Vec<&str>, Vec<&str>) = (words(one).collect(), words(other).collect());
        if one.len() != other.len() {
            return None;
        }
        let mut before = [String::new(), String::new()];
        for (word, opposite) in one.into_iter().zip(other) {
            let mut word = word;
            if word != opposite {
                varying.0.insert(before.clone());
                word = ANY;
            }
            let [_, last] = before;
            before = [last, word.to_owned()];
        }
        (varying.0.len() <= MOST).then_some(varying)
    }

    /// A text without what changes by itself.
    pub(super) fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut rest = String::with_capacity(text.len());
        let mut before = [String::new(), String::new()];
        for word in words(text) {
            let word = if self.0.contains(&before) { ANY } else { word };
            rest.push_str(word);
            rest.push(' ');
            let [_, last] = before;
            before = [last, word.to_owned()];
        }
        Cow::Owned(rest)
    }
}

/// Runs of what tokens, numbers and addresses are made of.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !"-_+/=.%".contains(c)).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_by_itself_is_left_out() {
        let page = |token: &str, time: &str, rows: &str| {
            format!("<input name=csrf value=\"{token}\"><p>at {time} UTC</p><b>{rows} rows</b>")
        };
        let (one, other) = (page("aZ+/1=", "12:00:01", "3"), page("b-7", "12:00:02", "3"));
        let varying = Varying::between(&one, &other).unwrap();
        let same = |text: &str| varying.without(&one) == varying.without(text);
        assert!(same(&other) && same(&page("c", "12:00:59", "3")));
        assert!(!same(&page("c", "12:00:59", "4")));
        assert_eq!(Varying::between("a b", "a b").unwrap().without("x, y"), "x, y");
        assert_eq!(Varying::between("a b", "a b c"), None);
        let many = |word: &str| (0..30).map(|n| format!("{n}x {n}y {word}{n} ")).collect::<String>();
        assert_eq!(Varying::between(&many("a"), &many("b")), None);
    }
}
