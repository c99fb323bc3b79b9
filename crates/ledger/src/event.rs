//! What is recorded, and as which predicate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use testudo_model::{Coverage, DetectorId, Finding, Fingerprint, ScanReport, Severity, Summary, ToolInfo};

use crate::Subject;

/// Types of predicates that no framework has yet.
pub mod predicate {
    /// What a scan looked at and found: [`ScanEvent`](super::ScanEvent).
    pub const SCAN: &str = "testudo:scan/v1";
    /// What a gate decided: [`VerdictEvent`](super::VerdictEvent).
    pub const GATE: &str = "testudo:gate/v1";
    /// Which findings somebody accepted, or no longer accepts: [`TriageEvent`](super::TriageEvent).
    pub const TRIAGE: &str = "testudo:triage/v1";
    /// What happened to a release: [`ReleaseEvent`](super::ReleaseEvent).
    pub const RELEASE: &str = "testudo:release/v1";
    /// How tests ended, as in-toto's attestation framework has it (predicate `test-result`, version 0.1).
    pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
    /// What somebody did with a file of secrets: [`VaultEvent`](super::VaultEvent).
    pub const VAULT: &str = "testudo:vault/v1";
    /// Something a running system reported: [`Alert`](testudo_model::Alert).
    pub const ALERT: &str = "testudo:alert/v1";
    /// Something that was done about an alert: [`Response`](testudo_model::Response).
    pub const RESPONSE: &str = "testudo:response/v1";
    /// A question or concern that was answered: [`Concern`](testudo_model::Concern).
    pub const CONCERN: &str = "testudo:concern/v1";
    /// How a host is configured: [`HostEvent`](super::HostEvent).
    pub const HOST: &str = "testudo:host-checks/v1";
    /// An entry that was written in part, as after a power cut, was taken off: `{"bytes": n, "sha256": "…"}`.
    pub const REPAIR: &str = "testudo:repair/v1";
}

/// Something to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What it is about; at least one.
    pub subject: Vec<Subject>,
    /// What the predicate is.
    pub predicate_type: String,
    /// What is said.
    pub predicate: Value,
}

/// A finding that nobody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFinding {
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// The rule.
    pub rule: String,
    /// Harm if true.
    pub severity: Severity,
    /// Weaknesses, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<u32>,
    /// Where, without a position: that is the report's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Who found it; none in entries of programs that did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorId>,
}

impl OpenFinding {
    fn of(finding: &Finding) -> Self {
        Self {
            fingerprint: finding.fingerprint.clone(),
            rule: finding.rule.clone(),
            severity: finding.severity,
            cwe: finding.cwe.clone(),
            path: finding.location.path.clone(),
            detector: Some(finding.detector),
        }
    }
}

/// How much of a project a scan looked at. Without it nobody can say that a part was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Files and folders of which nothing was left out on purpose, `/`-separated from the root of the project; `.` is all of
    /// it. None where only changes or history were looked at, where globs left files out, or where known findings did not
    /// count.
    pub whole: Vec<String>,
    /// The folder that paths of findings count from, from the root of the project; `.` is the root.
    pub base: String,
    /// Ids of rules that were switched off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<String>,
    /// Settings by which less was looked at than without them, as `testudo config show` has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub narrowed: Vec<String>,
}

/// The predicate of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanEvent {
    /// Which program.
    pub tool: ToolInfo,
    /// When the scan started, RFC 3339 in UTC.
    pub started: String,
    /// What was scanned, as given.
    pub targets: Vec<String>,
    /// How much of the project that is; none in entries of programs that did not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extent: Option<Extent>,
    /// What each detector looked at, with the digest of its rules.
    pub coverage: Vec<Coverage>,
    /// The figures.
    pub summary: Summary,
    /// The commit that was checked out, where there is one. The tree can differ from it, so it is not a subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What is open, in the order of the report.
    pub open: Vec<OpenFinding>,
    /// What was found and accepted, by a file or beside it; none in entries of programs that did not say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<OpenFinding>,
    /// Things that were not looked at, by reason.
    pub notices: BTreeMap<String, u64>,
}

impl ScanEvent {
    /// What of a report is recorded: no text of the source, and no message.
    #[must_use]
    pub fn of(report: &ScanReport, commit: Option<String>, extent: Extent) -> Self {
        let mut notices = BTreeMap::new();
        for notice in &report.notices {
            *notices.entry(notice.code.as_str().to_owned()).or_default() += 1;
        }
        Self {
            tool: report.tool.clone(),
            started: report.started.clone(),
            targets: report.targets.clone(),
            extent: Some(extent),
            coverage: report.coverage.clone(),
            summary: report.summary.clone(),
            commit,
            open: report.findings.iter().filter(|f| f.suppressed.is_none()).map(OpenFinding::of).collect(),
            accepted: report.findings.iter().filter(|f| f.suppressed.is_some()).map(OpenFinding::of).collect(),
            notices,
        }
    }
}

/// The predicate of a decision about findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriageEvent {
    /// The command that wrote the decision down.
    pub command: String,
    /// The file it stands in.
    pub file: String,
    /// Keys of what is accepted from now on: `fp:` and a fingerprint, or `hmac16:` and the digest of a secret.
    pub accepted: Vec<String>,
    /// Keys of what is no longer accepted.
    pub withdrawn: Vec<String>,
}

/// The predicate of a use of secrets: names and digests, no value and no argument of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultEvent {
    /// What was done: `create`, `show`, `edit`, `set`, `unset` or `exec`.
    pub verb: String,
    /// The files.
    pub files: Vec<VaultFile>,
    /// Paths of the values that were shown, changed or handed over.
    pub keys: Vec<String>,
    /// The program that got them, without its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A file of secrets, encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultFile {
    /// Where it is, from the root of the project.
    pub path: String,
    /// SHA-256 of its bytes as they were; none for a new file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// SHA-256 of its bytes as they are written; none where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The predicate of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictEvent {
    /// `passed`, `failed` or `incomplete`.
    pub verdict: String,
    /// Why, for people.
    pub reasons: Vec<String>,
    /// Number of the entry of the scan that was judged.
    pub scan: u64,
    /// What it was judged by.
    pub policy: PolicyDigest,
}

/// What a gate was asked to look at and to pass over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDigest {
    /// Settings that are not at their default, as `testudo config show` has them.
    pub settings: BTreeMap<String, String>,
    /// Files that say what does not count (baseline, ignore file), by SHA-256.
    pub files: BTreeMap<String, String>,
    /// The revision whose findings do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReleaseState {
    /// It began.
    Planned,
    /// What will be deployed is there.
    Built,
    /// Its tests passed.
    Tested,
    /// Its gate passed.
    Gated,
    /// Its deployment began: the outcome is not known yet.
    Deploying,
    /// It runs, and nothing vouches for it yet.
    Deployed,
    /// The final checks run against it.
    Verifying,
    /// It is the known good version.
    Promoted,
    /// It was refused, and nothing was deployed.
    Rejected,
    /// The way back began.
    RollingBack,
    /// The known good version runs again.
    RolledBack,
    /// The way back did not end at the known good version: somebody has to look.
    RollbackFailed,
    /// What runs is not known, or not safe to decide by a program.
    InDoubt,
}

impl ReleaseState {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Built => "built",
            Self::Tested => "tested",
            Self::Gated => "gated",
            Self::Deploying => "deploying",
            Self::Deployed => "deployed",
            Self::Verifying => "verifying",
            Self::Promoted => "promoted",
            Self::Rejected => "rejected",
            Self::RollingBack => "rolling-back",
            Self::RolledBack => "rolled-back",
            Self::RollbackFailed => "rollback-failed",
            Self::InDoubt => "in-doubt",
        }
    }
}

/// The predicate of a step of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseEvent {
    /// The release: environment and number, `prod-7`.
    pub release: String,
    /// What is released.
    pub version: String,
    /// The known good version when it began; none before the first promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Number of the process that acts: each that begins or resumes has a higher one than all before it.
    pub fence: u64,
    /// Where the release stands after this step.
    pub state: ReleaseState,
    /// The step.
    pub step: ReleaseStep,
}

/// One step of a release. An intent is on the disk before what it announces begins, an outcome after that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReleaseStep {
    /// The release began.
    Begun {
        /// SHA-256 of the configuration of the environment.
        pipeline: String,
        /// The commit that was checked out, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// Whether this is a return to an earlier version, which runs no stage but the way back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        rollback: bool,
    },
    /// Another process goes on with it.
    Resumed,
    /// A stage is about to run.
    Intent {
        /// Its id; `rollback` is the way back.
        stage: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// The same for every attempt: what receives a command can tell a repetition by it.
        key: String,
    },
    /// A stage has ended.
    Outcome(StageOutcome),
    /// Somebody asked to stop; the actor of the entry.
    Aborted {
        /// Why, where it was said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The release came to an end, or to a point where only people decide.
    Ended {
        /// Why.
        reason: String,
    },
}

/// How a stage ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageOutcome {
    /// The stage.
    pub stage: String,
    /// Which attempt.
    pub attempt: u32,
    /// Whether what comes after it may begin.
    pub passed: bool,
    /// Why, for people; without any secret.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Exit code of its command, 128 and the number of the signal where one ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The version that the probe reported afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// SHA-256 of each artifact, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, String>,
    /// Numbers of the entries in which the stage recorded what it saw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
}

/// The predicate of checks of a host's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostEvent {
    /// Which program.
    pub tool: ToolInfo,
    /// Name of the host.
    pub host: String,
    /// Words that its administrators gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// When the checks began, RFC 3339 in UTC.
    pub started: String,
    /// What came of them, policy by policy.
    pub policies: Vec<HostPolicy>,
    /// Which programs run under which accounts; none where that could not be told in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Vec<Running>>,
}

impl HostEvent {
    /// How many checks of all policies have a result.
    #[must_use]
    pub fn count(&self, result: CheckResult) -> usize {
        self.policies.iter().flat_map(|policy| &policy.checks).filter(|check| check.result == result).count()
    }
}

/// What came of a policy on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPolicy {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Hexadecimal SHA-256 of its file.
    pub sha256: String,
    /// Why it is not for this host, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
    /// Its checks, in the order of the policy; none where it is not for this host.
    pub checks: Vec<HostCheck>,
}

/// What came of a check on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCheck {
    /// Its id within the policy.
    pub id: String,
    /// What it asks, for people.
    pub title: String,
    /// What came of it.
    pub result: CheckResult,
    /// Why nobody can say, where that is so; where it failed, what else there is to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a check of a host ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// The host is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// The check is not for this host, or nobody can say.
    NotApplicable,
}

/// Processes with the same names under the same accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Names of the program, sorted: what the kernel calls it, what it was started as, and its file without its folder. The
    /// first two a process can choose.
    pub names: Vec<String>,
    /// Numbers of its accounts: real, effective, saved, and that of the file system (Linux, proc(5), `Uid` of `status`).
    pub uids: [u32; 4],
    /// How many.
    pub count: u32,
}

/// The predicate of tests that ran (in-toto attestation framework, `test-result` v0.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TestResultEvent {
    /// `PASSED`, `WARNED` (some were skipped) or `FAILED`.
    pub result: String,
    /// The files of results.
    pub configuration: Vec<Subject>,
    /// Names of tests that passed.
    pub passed_tests: Vec<String>,
    /// Names of tests that did not run.
    pub warned_tests: Vec<String>,
    /// Names of tests that failed.
    pub failed_tests: Vec<String>,
}
