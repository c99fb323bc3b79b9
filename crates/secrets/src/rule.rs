//! One rule in the form all loaders produce: the gitleaks model, which the other formats map to.

use std::sync::OnceLock;

use testudo_model::RuleInfo;

use crate::{
    engine::{Pattern, Spec},
    requirements::Requirements,
};

/// What an allow list's expressions are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegexTarget {
    /// The secret.
    #[default]
    Secret,
    /// The whole match of the rule.
    Match,
    /// The line of the match.
    Line,
}

/// How the criteria of an allow list combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// One is enough.
    #[default]
    Any,
    /// All kinds that are given must hold.
    All,
}

/// Conditions under which a match is no finding.
#[derive(Debug, Default)]
pub struct Allowlist {
    /// How the criteria combine.
    pub condition: Condition,
    /// Commit ids, lower case.
    pub commits: Vec<String>,
    /// Path expressions.
    pub paths: Vec<Pattern>,
    /// What `regexes` look at.
    pub target: RegexTarget,
    /// Expressions.
    pub regexes: Vec<Pattern>,
    /// Substrings of the secret, lower case.
    pub stopwords: Vec<String>,
}

impl Allowlist {
    /// Whether there is no criterion at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.paths.is_empty() && self.regexes.is_empty() && self.stopwords.is_empty()
    }

    /// Whether one of the path expressions matches.
    #[must_use]
    pub fn allows_path(&self, path: &str) -> bool {
        !path.is_empty() && self.paths.iter().any(|p| p.is_match(path.as_bytes()))
    }

    fn allows_commit(&self, commit: &str) -> bool {
        !commit.is_empty() && self.commits.iter().any(|c| c.eq_ignore_ascii_case(commit))
    }

    /// Decides from path and commit alone, before any text is read. Lists of kind [`Condition::All`] that also
    /// look at the text are left to [`Self::allows`].
    #[must_use]
    pub fn allows_place(&self, path: &str, commit: &str) -> bool {
        match self.condition {
            Condition::Any => self.allows_commit(commit) || self.allows_path(path),
            Condition::All => {
                self.regexes.is_empty()
                    && self.stopwords.is_empty()
                    && (self.commits.is_empty() || self.allows_commit(commit))
                    && (self.paths.is_empty() || self.allows_path(path))
            }
        }
    }

    /// Decides about one match.
    #[must_use]
    pub fn allows(&self, subject: &Subject<'_>) -> bool {
        let target = match self.target {
            RegexTarget::Secret => subject.secret,
            RegexTarget::Match => subject.matched,
            RegexTarget::Line => subject.line,
        };
        let by_regex = || !target.is_empty() && self.regexes.iter().any(|r| r.is_match(target));
        let by_stopword = || {
            let lower = String::from_utf8_lossy(subject.secret).to_lowercase();
            self.stopwords.iter().any(|w| lower.contains(w.as_str()))
        };
        match self.condition {
            Condition::Any => by_regex() || by_stopword(),
            Condition::All => {
                (self.commits.is_empty() || self.allows_commit(subject.commit))
                    && (self.paths.is_empty() || self.allows_path(subject.path))
                    && (self.regexes.is_empty() || by_regex())
                    && (self.stopwords.is_empty() || by_stopword())
            }
        }
    }
}

/// What an allow list looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The secret.
    pub secret: &'a [u8],
    /// The match of the whole expression.
    pub matched: &'a [u8],
    /// The line it stands on.
    pub line: &'a [u8],
    /// Path of the file, empty where unknown.
    pub path: &'a str,
    /// Commit id, empty where there is none.
    pub commit: &'a str,
}

/// Another rule that must match nearby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// Its id.
    pub id: String,
    /// Largest distance in lines, if limited.
    pub within_lines: Option<u32>,
    /// Largest distance in columns, if limited.
    pub within_columns: Option<u32>,
    /// The stretch around the match in which it must be, in the terms of Betterleaks 2.
    pub window: Option<Window>,
    /// Whether the match counts without it.
    pub optional: bool,
    /// What becomes of the other rule's match.
    pub part: Part,
}

/// What becomes of a match that another rule needed nearby.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// It is a part of the other finding and not reported by itself.
    #[default]
    Absorbed,
    /// It is reported beside it.
    Reported,
}

/// A stretch of text around a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Lines before and after those of the match; none where the stretch is measured in bytes alone.
    pub lines: Option<(u32, u32)>,
    /// Bytes before and after: within the line where there are lines, else across lines. None for any number.
    pub columns: Option<(u32, u32)>,
}

impl Window {
    /// Reads `7L,200C`: lines (the match's own counts as one) and columns, on both sides or, with a sign, on one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut window = Self::default();
        for part in text.split(',').map(str::trim) {
            let (before, after, rest) = match part.split_at_checked(1)? {
                ("-", rest) => (true, false, rest),
                ("+", rest) => (false, true, rest),
                _ => (true, true, part),
            };
            let digits = rest.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let count: u32 = digits.parse().ok()?;
            let (side, count) = match rest[digits.len()..].to_ascii_uppercase().as_str() {
                "L" => (&mut window.lines, count.saturating_sub(1)),
                "C" | "" => (&mut window.columns, count),
                _ => return None,
            };
            let (was_before, was_after) = side.unwrap_or_default();
            let widest = |was: u32, applies: bool| if applies { was.max(count) } else { was };
            *side = Some((widest(was_before, before), widest(was_after, after)));
        }
        Some(window)
    }
}

/// By whose conventions the matches of a rule are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conventions {
    /// Ours: stand-ins for a secret are dropped, and of findings that overlap the best is kept.
    #[default]
    Own,
    /// Those of gitleaks and Betterleaks: a match is judged by what the rule says and nothing else.
    Foreign,
    /// Those of Nosey Parker: what the expression matches is a finding.
    NoseyParker,
    /// Those of Kingfisher: entropy, requirements, and values that are known to be stand-ins.
    Kingfisher,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Metadata for people and reports.
    pub info: RuleInfo,
    /// Expression; none for rules about the path alone.
    pub regex: Option<String>,
    /// Path that the rule is limited to.
    pub path: Option<Pattern>,
    /// Group that holds the secret; 0 takes the first group that took part, or the whole match.
    pub secret_group: usize,
    /// Groups that may hold the secret: the first of them that took part, else the whole match. Empty where
    /// `secret_group` decides.
    pub secret_groups: Vec<usize>,
    /// Shannon entropy in bits a character that a secret must exceed; 0 for none.
    pub entropy: f64,
    /// Lower-case words of which one must be in the text.
    pub keywords: Vec<String>,
    /// Labels, kept for reports.
    pub tags: Vec<String>,
    /// Conditions under which a match is no finding.
    pub allowlists: Vec<Allowlist>,
    /// Rules that must match nearby.
    pub required: Vec<Required>,
    /// Only serves as a part of other rules.
    pub skip_report: bool,
    /// By whose conventions matches are judged.
    pub conventions: Conventions,
    /// Where two rules find the same on a line, the one of more rank is reported.
    pub rank: i32,
    /// Names of groups with their numbers, where `requirements` may ask for them.
    pub group_names: Vec<(String, usize)>,
    /// What a match must have besides matching.
    pub requirements: Option<Requirements>,
    /// Names of offline checks (see `validate`), for our own rules.
    pub validate: Vec<String>,
    /// Filter expression of Betterleaks; a match is dropped where it is true.
    pub filter: Option<crate::expr::Expr>,
    /// Expression of Betterleaks over path and attributes; the rule is skipped where it is true.
    pub prefilter: Option<crate::expr::Expr>,
    /// The expression, compiled when first needed.
    pub compiled: OnceLock<Pattern>,
    /// How to ask the issuer whether a value is live.
    pub verify: Option<crate::verify::Request>,
}

impl Rule {
    /// A rule that is an expression and an entropy threshold.
    #[must_use]
    pub fn of(info: RuleInfo, regex: String, entropy: f64) -> Self {
        Self {
            info,
            regex: Some(regex),
            path: None,
            secret_group: 0,
            secret_groups: Vec::new(),
            group_names: Vec::new(),
            requirements: None,
            entropy,
            keywords: Vec::new(),
            tags: Vec::new(),
            allowlists: Vec::new(),
            required: Vec::new(),
            skip_report: false,
            conventions: Conventions::Own,
            rank: 0,
            compiled: OnceLock::new(),
            validate: Vec::new(),
            filter: None,
            prefilter: None,
            verify: None,
        }
    }

    /// What the engine needs, where the rule looks at text at all.
    #[must_use]
    pub fn spec(&self) -> Option<Spec> {
        Some(Spec { regex: self.regex.clone()?, keywords: self.keywords.clone() })
    }

    /// The expression, for reading groups out of a match.
    #[must_use]
    pub fn pattern(&self) -> Option<&Pattern> {
        self.regex.as_ref().map(|regex| self.compiled.get_or_init(|| Pattern::unchecked(regex)))
    }
}

/// A set of rules with what holds for all of them.
#[derive(Debug, Default)]
pub struct Ruleset {
    /// The rules, in the order of their files.
    pub rules: Vec<Rule>,
    /// Conditions for all rules.
    pub allowlists: Vec<Allowlist>,
    /// Filters for all rules.
    pub filters: Vec<crate::expr::Expr>,
    /// Prefilters for all rules.
    pub prefilters: Vec<crate::expr::Expr>,
    /// Hexadecimal SHA-256 over the texts that the rules came from.
    pub digest: String,
    /// What its files say and testudo does not do.
    pub unapplied: Vec<Unapplied>,
}

/// A key of a rule file that was read and has no effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unapplied {
    /// The file as named by the user.
    pub path: String,
    /// The key, with the path to it inside of a rule.
    pub key: String,
    /// Why.
    pub reason: String,
    /// Ids of the rules that have it, in the order of the file.
    pub rules: Vec<String>,
}

impl Unapplied {
    /// Rules that are named before the rest is only counted.
    const NAMED: usize = 3;
}

impl std::fmt::Display for Unapplied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = self.rules[..self.rules.len().min(Self::NAMED)].join(", ");
        let more = self.rules.len().saturating_sub(Self::NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        write!(f, "`{}` of {named}{more} has no effect: {}", self.key, self.reason)
    }
}
