//! The stable codes of what can be wrong with a plan, in one table. A code is never renamed and never used for anything else.

use testudo_policy::table::Codes;

/// What a problem means for whoever reads the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The text is wrong: nothing can be told from it until it is repaired.
    Wrong,
    /// The text is right, but a day has passed that it names.
    Due,
}

/// One code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// `PLAN-...`.
    pub id: &'static str,
    /// What it means for the plan.
    pub weight: Weight,
    /// One line, no full stop.
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident $weight:ident $id:literal $title:literal;)+) => {
        $(pub(crate) const $name: &str = $id;)+
        /// Every code, by name.
        pub const CODES: &[Code] = &[$(Code { id: $id, weight: Weight::$weight, title: $title }),+];
    };
}

codes! {
    DANGLING Wrong "PLAN-DANGLING" "a name leads to nothing in the plan";
    DUPLICATE Wrong "PLAN-DUPLICATE" "two things of one kind have the same id";
    EXPIRED_ATTESTATION Due "PLAN-EXPIRED-ATTESTATION" "an attestation has ended";
    EXPIRED_BACKDOOR Due "PLAN-EXPIRED-BACKDOOR" "a maintenance door should be closed by now";
    EXPIRED_WAIVER Due "PLAN-EXPIRED-WAIVER" "an accepted risk has ended";
    FRAMEWORK Wrong "PLAN-FRAMEWORK" "a framework or its row is unknown, or its edition is not said";
    INCLUDE Wrong "PLAN-INCLUDE" "an include matches no file, or stands where none may stand";
    KEY Wrong "PLAN-KEY" "a table or a key is unknown";
    LIMIT Wrong "PLAN-LIMIT" "the plan is larger than what is read";
    MISSING Wrong "PLAN-MISSING" "a key that is needed is missing or empty";
    NO_CHANNEL Wrong "PLAN-NO-CHANNEL" "a role cannot be reached";
    NO_EVIDENCE Wrong "PLAN-NO-EVIDENCE" "a control says neither how it is shown nor why it does not apply";
    ORDER Wrong "PLAN-ORDER" "a day comes before another one that it has to follow";
    OWNER Wrong "PLAN-OWNER" "an owner is no role of the plan";
    REVIEW_DUE Due "PLAN-REVIEW-DUE" "the plan should have been looked at again";
    SYNTAX Wrong "PLAN-SYNTAX" "the text is not TOML";
    TYPE Wrong "PLAN-TYPE" "a value is of another type";
    VALUE Wrong "PLAN-VALUE" "a value is none of those that can stand here";
    VERSION Wrong "PLAN-VERSION" "the version of the plan is not known here";
}

/// The entry of a code.
#[must_use]
pub fn code(id: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.id == id)
}

/// Those of the tables.
pub(crate) const TABLE: Codes = Codes { key: KEY, missing: MISSING, kind: TYPE, value: VALUE };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_occur_once() {
        assert!(CODES.is_sorted_by(|a, b| a.id < b.id));
        assert!(CODES.iter().all(|code| code.id.starts_with("PLAN-") && !code.title.ends_with('.')));
        assert_eq!(code("PLAN-KEY").map(|code| code.weight), Some(Weight::Wrong));
    }

    #[test]
    fn the_reference_page_has_every_code() {
        let page = include_str!("../../../docs/src/reference/plan-file.md");
        for code in CODES {
            assert!(page.contains(&format!("| `{}` | ", code.id)), "{} is missing on the page", code.id);
        }
        assert_eq!(page.matches("| `PLAN-").count(), CODES.len(), "the page has a code that does not exist");
    }
}
