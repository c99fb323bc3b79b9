//! Security configuration assessment: checks of this host's configuration. Policies of Wazuh are read as they are; one of ours
//! is built in. What came of the checks can be recorded in the ledger, where a plan finds it as evidence.
//!
//! A check is passed, failed, or not applicable, which also is what it is where nobody can say: a file that cannot be read, a
//! command that is not there. That is never counted as passed.

mod host;
#[cfg(test)]
mod own_tests;
mod policy;
mod rule;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use testudo_ledger::{CheckResult, HostCheck, HostEvent, HostPolicy, Running};
use testudo_model::ToolInfo;

pub use policy::{Policy, read};
pub(crate) use policy::{load, own};

use crate::machine;
use host::Host;
use policy::{Check, Condition, Test};

/// How long a command of a policy may take, unless told otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest text that is told of a check, in characters: its title, what to do, and why nobody can say.
const MAX_TEXT: usize = 300;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// A command.
    pub(crate) command: Duration,
    /// A check, with its commands.
    pub(crate) check: Duration,
    /// All of it. What is not looked at by then is not applicable.
    pub(crate) run: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { command: TIMEOUT, check: Duration::from_secs(60), run: Duration::from_secs(15 * 60) }
    }
}

/// A text of bounded length.
fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    text.chars().take(MAX_TEXT - 1).chain(['…']).collect()
}

/// An answer to what a rule asks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// Nobody can say, and why.
    Unknown(String),
}

impl Answer {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// The same with something that nobody can say beside it. What was said first of that stays.
    fn or(self, unknown: Self) -> Self {
        if matches!(self, Self::Unknown(_)) { self } else { unknown }
    }

    /// Turned around, where that is asked. What is not known stays so.
    fn turned(self, turned: bool) -> Self {
        match self {
            Self::Yes if turned => Self::No,
            Self::No if turned => Self::Yes,
            same => same,
        }
    }
}

/// What came of the checks of this host.
#[derive(Debug, Serialize)]
pub(crate) struct Assessment {
    /// Name of the host.
    pub(crate) host: String,
    pub(crate) tags: Vec<String>,
    /// When it began, RFC 3339 in UTC.
    pub(crate) started: String,
    pub(crate) policies: Vec<Assessed>,
    /// Which programs run under which accounts; none where that cannot be told in full.
    pub(crate) running: Option<Vec<Running>>,
}

/// What came of a policy.
#[derive(Debug, Serialize)]
pub(crate) struct Assessed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) sha256: String,
    /// Why it is not for this host, where it is not: none of its checks is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_applicable: Option<String>,
    pub(crate) summary: Counts,
    pub(crate) checks: Vec<Checked>,
}

/// How many checks have which result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) not_applicable: usize,
}

/// What came of a check.
#[derive(Debug, Serialize)]
pub(crate) struct Checked {
    #[serde(flatten)]
    pub(crate) check: HostCheck,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) remediation: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) compliance: BTreeMap<String, Vec<String>>,
}

/// Checks this host against policies.
pub(crate) fn assess(name: &str, tags: &[String], policies: &[Policy], limits: Limits) -> Assessment {
    let started = machine::now();
    let host = Host::new(limits);
    Assessment {
        host: name.to_owned(),
        tags: tags.to_owned(),
        started,
        policies: policies.iter().map(|policy| assessed(policy, &host)).collect(),
        running: host::running(),
    }
}

fn assessed(policy: &Policy, host: &Host) -> Assessed {
    host.begin();
    let not_applicable = policy.requirements.as_ref().and_then(|test| match answer(test, host) {
        Answer::Yes => None,
        Answer::No => Some("what the policy requires of a host does not hold here".to_owned()),
        Answer::Unknown(why) => Some(cut(&format!("what the policy requires of a host cannot be told: {why}"))),
    });
    let mut summary = Counts::default();
    let mut checks = Vec::new();
    for check in policy.checks.iter().filter(|_| not_applicable.is_none()) {
        let (result, reason) = result(check, host);
        *summary.of(result) += 1;
        let reason = reason.as_deref().map(cut);
        checks.push(Checked {
            check: HostCheck { id: check.id.clone(), title: check.title.clone(), result, reason },
            remediation: check.remediation.clone(),
            compliance: check.compliance.clone(),
        });
    }
    Assessed {
        id: policy.id.clone(),
        name: policy.name.clone(),
        sha256: policy.sha256.clone(),
        not_applicable,
        summary,
        checks,
    }
}

/// What comes of a check, and why.
fn result(check: &Check, host: &Host) -> (CheckResult, Option<String>) {
    host.begin();
    let answer = match &check.test {
        Ok(test) => answer(test, host),
        Err(why) => Answer::Unknown(why.clone()),
    };
    match answer {
        Answer::Yes => (CheckResult::Passed, None),
        Answer::No => (CheckResult::Failed, host.note()),
        Answer::Unknown(why) => (CheckResult::NotApplicable, Some(why)),
    }
}

impl Counts {
    fn of(&mut self, result: CheckResult) -> &mut usize {
        match result {
            CheckResult::Passed => &mut self.passed,
            CheckResult::Failed => &mut self.failed,
            CheckResult::NotApplicable => &mut self.not_applicable,
        }
    }
}

/// Whether as many rules hold as a test wants. A rule that decides ends it, also behind one that nobody can answer.
fn answer(test: &Test, host: &Host) -> Answer {
    let mut unknown = None;
    for rule in &test.rules {
        match (test.condition, host.answer(&rule.question).turned(rule.negated)) {
            (Condition::All, Answer::No) | (Condition::None, Answer::Yes) => return Answer::No,
            (Condition::Any, Answer::Yes) => return Answer::Yes,
            (_, Answer::Unknown(why)) => _ = unknown.get_or_insert(why),
            _ => {}
        }
    }
    match (unknown, test.condition) {
        (Some(why), _) => Answer::Unknown(why),
        (None, Condition::Any) => Answer::No,
        (None, Condition::All | Condition::None) => Answer::Yes,
    }
}

impl Assessment {
    /// How many checks of all policies have which result.
    pub(crate) fn counts(&self) -> Counts {
        self.policies.iter().fold(Counts::default(), |all, policy| Counts {
            passed: all.passed + policy.summary.passed,
            failed: all.failed + policy.summary.failed,
            not_applicable: all.not_applicable + policy.summary.not_applicable,
        })
    }

    /// What of it is recorded.
    pub(crate) fn event(&self) -> HostEvent {
        let policy = |policy: &Assessed| HostPolicy {
            id: policy.id.clone(),
            name: policy.name.clone(),
            sha256: policy.sha256.clone(),
            not_applicable: policy.not_applicable.clone(),
            checks: policy.checks.iter().map(|checked| checked.check.clone()).collect(),
        };
        HostEvent {
            tool: ToolInfo { name: "testudo-agent".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            host: self.host.clone(),
            tags: self.tags.clone(),
            started: self.started.clone(),
            policies: self.policies.iter().map(policy).collect(),
            running: self.running.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// A rule that holds, one that does not, and one that nobody can answer.
    fn test(condition: &str, rules: &str, root: &Path) -> Answer {
        let rules: Vec<String> = rules
            .chars()
            .map(|kind| match kind {
                'y' => format!("'f:{}/there'", root.display()),
                'n' => format!("'f:{}/none'", root.display()),
                _ => format!("'f:{}/none -> x'", root.display()),
            })
            .collect();
        let text = format!(
            "policy: {{id: p}}\nchecks:\n  - id: 1\n    condition: {condition}\n    rules: [{}]\n",
            rules.join(", ")
        );
        let policy = policy::read(&text, Path::new("p.yml")).unwrap();
        answer(policy.checks[0].test.as_ref().unwrap(), &Host::new(Limits::default()))
    }

    #[test]
    fn conditions_over_what_is_not_known() {
        let root = std::env::temp_dir().join(format!("testudo-sca-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("there"), "").unwrap();
        for (condition, rules, expected) in [
            ("all", "yy", 'y'),
            ("all", "yn", 'n'),
            ("all", "un", 'n'),
            ("all", "yu", 'u'),
            ("any", "ny", 'y'),
            ("any", "uy", 'y'),
            ("any", "nn", 'n'),
            ("any", "nu", 'u'),
            ("none", "nn", 'y'),
            ("none", "uy", 'n'),
            ("none", "nu", 'u'),
        ] {
            let answer = match test(condition, rules, &root) {
                Answer::Yes => 'y',
                Answer::No => 'n',
                Answer::Unknown(_) => 'u',
            };
            assert_eq!(answer, expected, "{condition} {rules}");
        }
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn texts_are_cut_and_refused_commands_are_not_run() {
        let long = "é".repeat(500);
        let text = format!(
            "policy: {{id: p}}\nchecks:\n  - id: 1\n    title: {long}\n    remediation: {long}\n    condition: all\n    rules: ['c:echo {long} -> a']\n"
        );
        let mut policy = policy::read(&text, Path::new("p.yml")).unwrap();
        policy.refuse_commands();
        let all = assess("web-1", &[], &[policy], Limits::default());
        let own = &all.policies[0].checks[0];
        assert_eq!(own.check.result, CheckResult::NotApplicable);
        let reason = own.check.reason.clone().unwrap();
        assert!(reason.starts_with("the command `echo é"), "{reason}");
        for text in [&own.check.title, &own.remediation, &reason] {
            assert_eq!(text.chars().count(), MAX_TEXT, "{text}");
        }
    }

    #[test]
    fn the_status_of_a_command_stands_beside_what_failed() {
        let text = "policy: {id: p}\nchecks:\n  - id: 1\n    condition: all\n    rules: ['c:sh -c \"exit 3\" -> a']\n  - id: 2\n    condition: none\n    rules: ['c:sh -c \"exit 3\" -> a']\n";
        let reasons = |text: &str| {
            let all = assess("web-1", &[], &[policy::read(text, Path::new("p.yml")).unwrap()], Limits::default());
            let own = |checked: &Checked| (checked.check.result, checked.check.reason.clone().unwrap_or_default());
            all.policies[0].checks.iter().map(own).collect::<Vec<_>>()
        };
        let said = reasons(text);
        assert_eq!((said[0].0, said[1].0), (CheckResult::Failed, CheckResult::Passed));
        assert!(said[0].1.ends_with("exit status: 3") && said[1].1.is_empty(), "{said:?}");
        // Of a strict policy no command speaks that ended badly.
        let strict = reasons(&text.replace("{id: p}", "{id: p, strict: true}"));
        assert!(strict.iter().all(|(result, _)| *result == CheckResult::NotApplicable), "{strict:?}");
    }

    #[test]
    fn a_policy_for_another_host_checks_nothing() {
        let text = "policy: {id: p}\nrequirements:\n  condition: all\n  rules: ['f:/no/such/file']\nchecks:\n  - id: 1\n    condition: none\n    rules: ['f:/no/such/file']\n";
        let policy = policy::read(text, Path::new("p.yml")).unwrap();
        let all = assess("web-1", &[], &[policy], Limits::default());
        assert!(all.policies[0].not_applicable.is_some() && all.policies[0].checks.is_empty());
        assert_eq!(all.counts(), Counts::default());
    }
}
