//! Evidence of hosts: checks of their configuration passed, or programs run there under the accounts that they should have.
//! An agent records both (`testudo agent sca run --record`). Hosts are not at a commit, so none is asked for.

use std::collections::{BTreeMap, BTreeSet};

use testudo_ledger::{CheckResult, HostCheck, HostEvent, HostPolicy};

use super::{Outcome, Status, World, day_of, place_of, recorded::Entry, recorded::run_of};
use crate::{
    nouns::{Account, Asked},
    wildcard,
};

/// Begins the name of a tag, where hosts are chosen by one.
const TAG: &str = "tag:";
/// How many digits of a policy's SHA-256 tell it from others.
const DIGITS: usize = 12;

/// A look at a host, and the entry that it stands in.
type Look<'r> = (Entry<'r>, &'r HostEvent);

/// What is asked of the checks of a policy: patterns of its id, and of a check's id or title.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    policy: &'a str,
    check: &'a str,
}

impl<'a> Wanted<'a> {
    fn checks(self, policy: &HostPolicy) -> impl Iterator<Item = &HostCheck> + use<'a, '_> {
        policy.checks.iter().filter(move |own| own.id == self.check || fits(self.check, &own.title))
    }
}

impl World<'_> {
    /// On each host that is chosen, the newest look at what is asked says that it is so. A host is one of its ledger: what one
    /// ledger says of it does not outweigh what another says.
    pub(super) fn configured(&self, asked: &Asked, hosts: Option<&str>, max_age: Option<u32>) -> Outcome {
        let all = self.hosts();
        let chosen = all.values().filter(|looks| looks.first().is_some_and(|(_, newest)| chosen(newest, hosts)));
        let outcomes = chosen.flat_map(|looks| match asked {
            Asked::Checks { policy, check } => {
                let said = self.policies_of(looks, Wanted { policy, check }, max_age);
                if said.is_empty() && hosts.is_some() { vec![self.unseen(policy, &looks[0])] } else { said }
            }
            // An older look says what ran then.
            Asked::Program { program, account } => {
                let newest = looks.iter().take(1);
                newest.map(|look| self.dated(self.runs(program, *account, look), look, None, max_age)).collect()
            }
        });
        outcomes.reduce(together).unwrap_or_else(|| {
            let on = hosts.map_or_else(String::new, |hosts| format!(" on {hosts}"));
            let what = match asked {
                Asked::Checks { policy, .. } => format!("check of a policy `{policy}`"),
                Asked::Program { .. } => "look at the programs that run".to_owned(),
            };
            self.missing(format!("no recorded {what}{on}: testudo agent sca run --record, on the host"))
        })
    }

    /// The looks at each host of each ledger, the newest first.
    fn hosts(&self) -> BTreeMap<(&str, &str), Vec<Look<'_>>> {
        let mut hosts: BTreeMap<(&str, &str), Vec<Look<'_>>> = BTreeMap::new();
        for (entry, event) in self.records.hosts() {
            hosts.entry((entry.statement.testudo.ledger.as_str(), &event.host)).or_default().push((entry, event));
        }
        hosts
    }

    /// A host that is chosen, and was never looked at with the policy.
    fn unseen(&self, policy: &str, newest: &Look<'_>) -> Outcome {
        let help = "testudo agent sca run --record, on the host";
        self.missing(format!("{}: no recorded check of a policy `{policy}`: {help}", newest.1.host))
    }

    /// What the newest look at each policy says. A look at one policy says nothing of another.
    fn policies_of(&self, looks: &[Look<'_>], wanted: Wanted<'_>, max_age: Option<u32>) -> Vec<Outcome> {
        let mut newest: BTreeMap<&str, (&Look<'_>, &HostPolicy)> = BTreeMap::new();
        for look in looks {
            for policy in look.1.policies.iter().filter(|own| fits(wanted.policy, &own.id)) {
                newest.entry(&policy.id).or_insert((look, policy));
            }
        }
        // A policy without such a check is passed over where another has one. What is not for the host may have had it.
        let asked = |policy: &HostPolicy| policy.not_applicable.is_some() || wanted.checks(policy).next().is_some();
        let any = newest.values().any(|(_, policy)| asked(policy));
        let counted = newest.values().filter(|(_, policy)| asked(policy) || !any);
        counted.map(|(look, policy)| self.checked(wanted, policy, look, max_age)).collect()
    }

    fn checked(&self, wanted: Wanted<'_>, policy: &HostPolicy, look: &Look<'_>, max_age: Option<u32>) -> Outcome {
        let checks: Vec<&HostCheck> = wanted.checks(policy).collect();
        let with = |result: CheckResult| checks.iter().filter(move |own| own.result == result);
        let named = |own: &HostCheck| format!("sca:{}:{} {}", policy.id, own.id, own.title);
        let digest: String = policy.sha256.chars().take(DIGITS).collect();
        let place = format!("{}, policy {} ({digest})", place(look), policy.id);
        let outcome = if let (true, Some(why)) = (checks.is_empty(), &policy.not_applicable) {
            self.missing(format!("{place}: {why}"))
        } else if checks.is_empty() {
            self.missing(format!("{place}: it has no check `{}`", wanted.check))
        } else if with(CheckResult::Failed).next().is_some() {
            let failed: Vec<String> = with(CheckResult::Failed).map(|own| named(own)).collect();
            let mut outcome = Outcome::new(Status::Failing, format!("{place}: {} checks failed", failed.len()));
            outcome.findings = failed;
            outcome
        } else if let Some(own) = with(CheckResult::NotApplicable).next() {
            let why = own.reason.as_deref().unwrap_or("it is not for this host");
            self.missing(format!("{place}: nobody can say for {}: {why}", named(own)))
        } else {
            Outcome::new(Status::Satisfied, format!("{place}: {} checks passed", checks.len()))
        };
        self.dated(outcome, look, Some(checks.len() as u64), max_age)
    }

    fn runs(&self, program: &str, account: Account, look: &Look<'_>) -> Outcome {
        let place = place(look);
        let Some(running) = &look.1.running else {
            return self.missing(format!("{place}: it could not be told which programs ran"));
        };
        let own = running.iter().filter(|own| own.names.iter().any(|name| fits(program, name)));
        let uids: BTreeSet<u32> = own.flat_map(|own| own.uids).collect();
        match uids.iter().find(|uid| !account.holds(**uid)) {
            Some(uid) => Outcome::new(Status::Failing, format!("{place}: `{program}` runs with the account {uid}")),
            None if uids.is_empty() => self.missing(format!("{place}: no program `{program}` ran")),
            None => Outcome::new(
                Status::Satisfied,
                format!(
                    "{place}: `{program}` runs with the account {}",
                    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
                ),
            ),
        }
    }

    /// An outcome with the entry that it comes from, and what its age makes of it.
    fn dated(&self, outcome: Outcome, look: &Look<'_>, units: Option<u64>, max_age: Option<u32>) -> Outcome {
        let (entry, event) = look;
        let tool = format!("{} {}", event.tool.name, event.tool.version);
        outcome.seen(run_of(entry, tool, units)).aged(day_of(&entry.statement.testudo.time), max_age, self.today)
    }
}

impl Account {
    fn holds(self, uid: u32) -> bool {
        match self {
            Self::Is(wanted) => uid == wanted,
            Self::IsNot(unwanted) => uid != unwanted,
        }
    }
}

fn place((entry, event): &Look<'_>) -> String {
    format!("{}, entry {} of {}", event.host, place_of(entry.statement), entry.statement.testudo.time)
}

/// Whether a text matches a pattern, in any case.
fn fits(pattern: &str, text: &str) -> bool {
    wildcard::matches(&pattern.to_lowercase(), &text.to_lowercase())
}

fn chosen(event: &HostEvent, hosts: Option<&str>) -> bool {
    let Some(hosts) = hosts else { return true };
    match hosts.strip_prefix(TAG) {
        Some(tag) => event.tags.iter().any(|own| fits(tag, own)),
        None => fits(hosts, &event.host),
    }
}

/// What hosts say together: the worst of it, with all reasons and findings.
fn together(mut one: Outcome, other: Outcome) -> Outcome {
    let newer = |outcome: &Outcome| outcome.run.as_ref().map(|run| run.time.clone());
    if newer(&other) > newer(&one) {
        one.run.clone_from(&other.run);
    }
    one.findings.extend(other.findings);
    match other.status.cmp(&one.status) {
        std::cmp::Ordering::Greater => {
            one.status = other.status;
            one.reasons = other.reasons;
        }
        std::cmp::Ordering::Equal => one.reasons.extend(other.reasons),
        std::cmp::Ordering::Less => {}
    }
    one
}
