//! Our own rules, as the build made them from `rules/secrets`.

use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};
use testudo_model::{DetectorId, Reference, RuleInfo, hex};

use crate::{
    engine::{
        Prepared, Spec,
        plan::{ByteSet, Plan, Prefix, Reach},
    },
    native::forms::{FORMS, Form, KEYWORDS},
    rule::{Conventions, Rule, Ruleset},
    verify::Request,
};

/// One rule of ours.
#[derive(Debug)]
pub struct EmbeddedRule {
    /// Identifier.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Expression.
    pub regex: &'static str,
    /// Who issues the secret.
    pub vendor: &'static str,
    /// Kind of service.
    pub category: &'static str,
    severity: &'static str,
    confidence: &'static str,
    persona: &'static str,
    keywords: &'static [&'static str],
    references: &'static [&'static str],
    aliases: &'static [&'static str],
    validate: &'static [&'static str],
    cwe: &'static [u32],
    secret_group: usize,
    entropy: f64,
    /// Documentation and cases, in Markdown.
    pub help: &'static str,
    plan: PlannedRegex,
    verify: Option<EmbeddedRequest>,
}

/// What the build found out about an expression.
#[derive(Debug)]
struct PlannedRegex {
    plan: EmbeddedPlan,
    two_alphabets: bool,
    gated_by_plan: bool,
}

#[derive(Debug)]
enum EmbeddedPlan {
    Anchored { literals: &'static [&'static [u8]], prefix: Option<([u64; 4], usize)> },
    Windowed { literals: &'static [&'static [u8]], bounded: usize, free: [u64; 4] },
}

#[derive(Debug)]
struct EmbeddedRequest {
    method: &'static str,
    url: &'static str,
    headers: &'static [(&'static str, &'static str)],
    basic: Option<&'static str>,
    body: Option<&'static str>,
    active: &'static [u16],
    inactive: &'static [u16],
}

mod table {
    use super::{EmbeddedPlan, EmbeddedRequest, EmbeddedRule, PlannedRegex};

    include!(concat!(env!("OUT_DIR"), "/embedded_rules.rs"));
}

/// Every rule of ours, sorted by id.
#[must_use]
pub fn all() -> &'static [EmbeddedRule] {
    table::RULES
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

impl EmbeddedRule {
    /// Metadata in the common form.
    #[must_use]
    pub fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.id.to_owned(),
            domain: DetectorId::Secrets,
            title: self.title.to_owned(),
            severity: self.severity.parse().unwrap_or_default(),
            confidence: self.confidence.parse().unwrap_or_default(),
            persona: self.persona.parse().unwrap_or_default(),
            cwe: self.cwe.to_vec(),
            owasp: owned(&["A07:2021", "A07:2025"]),
            aliases: owned(self.aliases),
            references: self.references.iter().map(|r| Reference((*r).to_owned())).collect(),
            help: crate::document::without_cases(self.help),
        }
    }

    /// The rule in the form that all loaders produce.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule {
            info: self.info(),
            regex: Some(self.regex.to_owned()),
            path: None,
            secret_group: self.secret_group,
            secret_groups: Vec::new(),
            group_names: Vec::new(),
            requirements: None,
            entropy: self.entropy,
            keywords: owned(self.keywords),
            tags: Vec::new(),
            allowlists: Vec::new(),
            required: Vec::new(),
            conventions: Conventions::Own,
            rank: 0,
            skip_report: false,
            compiled: OnceLock::new(),
            validate: owned(self.validate),
            filter: None,
            prefilter: None,
            verify: self.verify.as_ref().map(EmbeddedRequest::request),
        }
    }

    /// The rule as the engine takes it, without planning it again.
    #[must_use]
    pub fn prepared(&self) -> Prepared {
        self.plan.prepared(Spec { regex: self.regex.to_owned(), keywords: owned(self.keywords) })
    }
}

/// The forms of the classifier as the engine takes them, in their order.
pub(crate) fn forms() -> impl Iterator<Item = Prepared> {
    FORMS.iter().zip(table::FORMS).map(|((form, regex), plan)| {
        let spec = Spec { regex: (*regex).to_owned(), keywords: owned(KEYWORDS) };
        Prepared { longest: longest(*form), ..plan.prepared(spec) }
    })
}

/// Bytes behind its literal in which a match of a form must end.
fn longest(form: Form) -> usize {
    match form {
        // A stream is looked into as a whole; the others say their lengths themselves.
        Form::Packed | Form::Marker | Form::Sql | Form::Arguments | Form::Bytes => usize::MAX,
        // A list has many items, each of the length of a value.
        Form::Layout => 4000,
        _ => 400,
    }
}

impl PlannedRegex {
    fn prepared(&self, spec: Spec) -> Prepared {
        let copied = |literals: &[&[u8]]| literals.iter().map(|l| l.to_vec()).collect();
        let plan = match &self.plan {
            EmbeddedPlan::Anchored { literals, prefix } => Plan::Anchored {
                literals: copied(literals),
                prefix: prefix.map(|(class, max)| Prefix { class: ByteSet(class), max }),
            },
            EmbeddedPlan::Windowed { literals, bounded, free } => {
                Plan::Windowed { literals: copied(literals), reach: Reach { bounded: *bounded, free: ByteSet(*free) } }
            }
        };
        Prepared {
            spec,
            plan,
            two_alphabets: self.two_alphabets,
            gated_by_plan: self.gated_by_plan,
            longest: usize::MAX,
        }
    }
}

impl EmbeddedRequest {
    fn request(&self) -> Request {
        Request {
            method: self.method.to_owned(),
            url: self.url.to_owned(),
            headers: self.headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            basic: self.basic.map(str::to_owned),
            body: self.body.map(str::to_owned),
            active: self.active.to_vec(),
            inactive: self.inactive.to_vec(),
        }
    }
}

/// Hexadecimal SHA-256 over our rules and forms.
#[must_use]
pub fn digest() -> String {
    let mut hasher = Sha256::new();
    let forms = FORMS.iter().map(|(_, regex)| ["", *regex]);
    for parts in all().iter().map(|rule| [rule.id, rule.regex]).chain(forms) {
        for part in parts {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
    }
    hex(&hasher.finalize())
}

/// All rules as a set, for the compatible front.
#[must_use]
pub fn ruleset() -> Ruleset {
    Ruleset { rules: all().iter().map(EmbeddedRule::rule).collect(), digest: digest(), ..Ruleset::default() }
}
