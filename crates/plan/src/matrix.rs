//! The rows of the OWASP Top Ten, editions 2021 and 2025: ids, and titles in our own words.

/// An edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edition {
    /// Of 2021.
    Of2021,
    /// Of 2025.
    Of2025,
}

/// The editions, the older first.
pub const EDITIONS: [Edition; 2] = [Edition::Of2021, Edition::Of2025];

impl Edition {
    /// Its year.
    #[must_use]
    pub fn year(self) -> &'static str {
        match self {
            Self::Of2021 => "2021",
            Self::Of2025 => "2025",
        }
    }

    /// What its rows are about, A01 first.
    #[must_use]
    pub fn titles(self) -> &'static [&'static str; 10] {
        match self {
            Self::Of2021 => &[
                "people reach what is not theirs",
                "weak or missing cryptography",
                "input is taken for commands",
                "the design leaves a hole",
                "settings that open doors",
                "parts with known holes, or too old",
                "logins and sessions that others can use",
                "code and data that nobody checked",
                "attacks that leave no trace or raise no alarm",
                "the server asks where an attacker says",
            ],
            Self::Of2025 => &[
                "people reach what is not theirs",
                "settings that open doors",
                "what comes from suppliers is not safe",
                "weak or missing cryptography",
                "input is taken for commands",
                "the design leaves a hole",
                "logins and sessions that others can use",
                "code and data that nobody checked",
                "attacks that leave no trace or raise no alarm",
                "errors that end in an unsafe state",
            ],
        }
    }

    /// The row of the other edition with the same subject. Rows that only overlap have none: a control for the part would
    /// stand for the whole.
    #[must_use]
    pub fn same(self, number: usize) -> Option<usize> {
        const PAIRS: [(usize, usize); 8] = [(1, 1), (2, 4), (3, 5), (4, 6), (5, 2), (7, 7), (8, 8), (9, 9)];
        match self {
            Self::Of2021 => PAIRS.iter().find(|(old, _)| *old == number).map(|(_, new)| *new),
            Self::Of2025 => PAIRS.iter().find(|(_, new)| *new == number).map(|(old, _)| *old),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_subject_has_the_same_title_in_both_editions() {
        for number in 1..=10 {
            let title = Edition::Of2021.titles()[number - 1];
            let there = Edition::Of2025.titles().iter().position(|other| *other == title).map(|at| at + 1);
            assert_eq!(Edition::Of2021.same(number), there, "{title}");
            if let Some(there) = there {
                assert_eq!(Edition::Of2025.same(there), Some(number));
            }
        }
        assert_eq!(Edition::Of2025.same(10), None);
    }
}
