//! Evidence of hosts: checks of their configuration passed, or programs run there under the accounts that they should have.
//! An agent records both (`testudo agent sca run --record`). Hosts are not at a commit, so none is asked for.

use std::collections::BTreeMap;

use testudo_ledger::{CheckResult, HostCheck, HostEvent};

use super::{Outcome, Status, World, day_of, place_of, recorded::Entry, recorded::run_of};
use crate::{
    nouns::{Account, Asked},
    wildcard,
};

/// Begins the name of a tag, where hosts are chosen by one.
const TAG: &str = "tag:";

impl World<'_> {
    /// On each host that is chosen, the newest look at what is asked says that it is so.
    pub(super) fn configured(&self, asked: &Asked, hosts: Option<&str>, max_age: Option<u32>) -> Outcome {
        let said = |ledger: &str| {
            let looks = self.newest(asked, hosts, ledger);
            let each = looks.values().map(|(entry, event)| self.on_host(asked, (entry, event), max_age));
            each.reduce(together)
        };
        self.records.in_each(said).unwrap_or_else(|| {
            let on = hosts.map_or_else(String::new, |hosts| format!(" on {hosts}"));
            let what = match asked {
                Asked::Checks { policy, .. } => format!("check of a policy `{policy}`"),
                Asked::Program { .. } => "look at the programs that run".to_owned(),
            };
            self.missing(format!("no recorded {what}{on}: testudo agent sca run --record, on the host"))
        })
    }

    /// The newest look of each host at what is asked.
    fn newest(&self, asked: &Asked, hosts: Option<&str>, ledger: &str) -> BTreeMap<&str, (Entry<'_>, &HostEvent)> {
        let mut newest = BTreeMap::new();
        for (entry, event) in self.records.hosts(ledger) {
            if asked.is_in(event) && chosen(event, hosts) {
                newest.entry(event.host.as_str()).or_insert((entry, event));
            }
        }
        newest
    }

    fn on_host(&self, asked: &Asked, (entry, event): (&Entry<'_>, &HostEvent), max_age: Option<u32>) -> Outcome {
        let place = format!("{}, entry {} of {}", event.host, place_of(entry.statement), entry.statement.testudo.time);
        let (outcome, units) = match asked {
            Asked::Checks { policy, check } => self.checked((policy, check), event, &place),
            Asked::Program { program, account } => (self.runs(program, *account, event, &place), None),
        };
        let tool = format!("{} {}", event.tool.name, event.tool.version);
        outcome.seen(run_of(entry, tool, units)).aged(day_of(&entry.statement.testudo.time), max_age, self.today)
    }

    fn checked(&self, (policy, check): (&str, &str), event: &HostEvent, place: &str) -> (Outcome, Option<u64>) {
        let policies = event.policies.iter().filter(|own| fits(policy, &own.id));
        let checks: Vec<(&str, &HostCheck)> = policies
            .clone()
            .flat_map(|own| own.checks.iter().map(|check| (own.id.as_str(), check)))
            .filter(|(_, own)| own.id == check || fits(check, &own.title))
            .collect();
        let with = |result: CheckResult| checks.iter().filter(move |(_, own)| own.result == result);
        let named = |(policy, own): &(&str, &HostCheck)| format!("sca:{policy}:{} {}", own.id, own.title);
        let why = policies.filter_map(|own| own.not_applicable.as_deref()).next();
        let outcome = if with(CheckResult::Failed).next().is_some() {
            let failed: Vec<String> = with(CheckResult::Failed).map(named).collect();
            let mut outcome = Outcome::new(Status::Failing, format!("{place}: {} checks failed", failed.len()));
            outcome.findings = failed;
            outcome
        } else if let Some(own) = with(CheckResult::NotApplicable).next() {
            let why = own.1.reason.as_deref().unwrap_or("it is not for this host");
            self.missing(format!("{place}: nobody can say for {}: {why}", named(own)))
        } else if let (true, Some(why)) = (checks.is_empty(), why) {
            self.missing(format!("{place}: the policy `{policy}`: {why}"))
        } else if checks.is_empty() {
            self.missing(format!("{place}: the policy `{policy}` has no check `{check}`"))
        } else {
            Outcome::new(Status::Satisfied, format!("{place}: {} checks passed", checks.len()))
        };
        (outcome, Some(checks.len() as u64))
    }

    fn runs(&self, program: &str, account: Account, event: &HostEvent, place: &str) -> Outcome {
        let own = event.running.iter().flatten().filter(|running| fits(program, &running.program));
        let mut uids: Vec<u32> = own.map(|running| running.uid).collect();
        uids.sort_unstable();
        uids.dedup();
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
}

impl Asked {
    /// Whether a look at a host was also a look at this.
    fn is_in(&self, event: &HostEvent) -> bool {
        match self {
            Self::Checks { policy, .. } => event.policies.iter().any(|own| fits(policy, &own.id)),
            Self::Program { .. } => event.running.is_some(),
        }
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
