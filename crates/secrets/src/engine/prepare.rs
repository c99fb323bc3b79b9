//! Everything about an expression that can be decided before it runs: at load time for rule files, at build time for
//! our own rules.

use super::{
    pattern::{Alphabet, PatternError, parse, sees_non_ascii},
    plan::{Plan, plan, reach},
};

/// What the engine needs to know of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Expression in Go's RE2 syntax.
    pub regex: String,
    /// The rule applies only to buffers that hold one of these, in any ASCII case; to all where empty.
    pub keywords: Vec<String>,
}

/// A rule with its plan.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(crate) spec: Spec,
    pub(crate) plan: Plan,
    /// Whether the two alphabets can differ.
    pub(crate) two_alphabets: bool,
    /// Whether the plan's literals imply that a keyword is there.
    pub(crate) gated_by_plan: bool,
    /// Bytes behind its literal in which a match of an anchored plan must end; most rules say their lengths themselves.
    pub(crate) longest: usize,
}

impl Prepared {
    /// Plans a rule.
    ///
    /// # Errors
    /// The expression cannot be parsed.
    pub fn new(spec: Spec) -> Result<Self, PatternError> {
        let hir = parse(&spec.regex, Alphabet::Bytes)?;
        let mut plan = plan(&hir, &spec.keywords);
        let two_alphabets = sees_non_ascii(&hir);
        if two_alphabets && let Plan::Windowed { reach: narrow, .. } = &mut plan {
            // Characters are up to four bytes: the wider of the two reaches serves both.
            let wide = reach(&parse(&spec.regex, Alphabet::Characters)?);
            narrow.bounded = narrow.bounded.max(wide.bounded);
            narrow.free.union_with(&wide.free);
        }
        let gated_by_plan = match &plan {
            Plan::Anchored { literals, .. } | Plan::Windowed { literals, .. } => {
                literals.iter().all(|l| spec.keywords.iter().any(|k| contains(l, k.to_lowercase().as_bytes())))
            }
            Plan::Whole => false,
        };
        Ok(Self { spec, plan, two_alphabets, gated_by_plan, longest: usize::MAX })
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|w| w == needle)
}
