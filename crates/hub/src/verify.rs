//! Whether what the database shows is what was decided. The hub's own ledger is signed and says how each person, token, concern
//! and decision about a finding is; what the database has is held against that, row by row. The audit is held against itself,
//! and against the hashes that the ledger has of it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;
use testudo_ledger::{Entry, FaultKind, Followed, Head, Known, Next, VerifyingKey, follow};

use crate::{
    Hub, HubError, Scope,
    change::{Adopted, Change, ProductSet, TokenMade, Triaged},
    decisions::signed,
    store::{self, DecidedRow, FindingState, LedgerRow, Link, MadeRow, ProductRow},
};

/// Faults that are told; the rest is counted.
const TOLD: usize = 100;
/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// What is wrong; nothing where all is whole.
pub(crate) fn faults(hub: &Hub) -> Result<Vec<String>, HubError> {
    let alone = hub.decisions.alone()?;
    let mut faults = Faults::default();
    let known = hub.store.read(store::own_head)?;
    let checked = hub.decisions.check(known.clone())?;
    for fault in &checked.faults {
        faults.add(match (&known, checked.entries) {
            (Some(head), 0) => {
                format!("the hub's own ledger is gone, and the database knows of {} entries in it", head.seq + 1)
            }
            _ if fault.kind == FaultKind::NoHead && checked.entries == 0 => continue,
            _ => format!("entry in line {} of the hub's own ledger {}", fault.line, fault.kind),
        });
    }
    let mut told = Told::default();
    if checked.entries > 0 {
        hub.decisions.each(&mut |entry| {
            told.entry(&entry);
            Next::Entry
        })?;
    }
    let newest = told.actions.last().copied();
    if let Some(newest) = newest.filter(|seq| known.as_ref().is_none_or(|head| head.seq < *seq)) {
        faults.add(format!("the database is older than the hub's own ledger: it does not know entry {newest}"));
    }
    hub.store.read(|connection| {
        audit(connection, &mut told, &mut faults)?;
        told.hold_against(connection, hub.now().day(), &mut faults)
    })?;
    drop(alone);
    Ok(faults.told())
}

/// What is wrong, up to an end.
#[derive(Debug, Default)]
struct Faults {
    told: Vec<String>,
    more: usize,
}

impl Faults {
    fn add(&mut self, fault: String) {
        if self.told.len() < TOLD && !self.told.contains(&fault) {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    fn told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("and {} more", self.more));
        }
        self.told
    }

    /// Compares what a row has with what an entry says, field by field.
    fn compare(&mut self, row: &str, found: &Value, expected: Option<(u64, Value)>) {
        let Some((entry, expected)) = expected else {
            return self.add(format!("{row}: no entry of the hub's own ledger says this"));
        };
        let names: BTreeSet<&String> = [found, &expected]
            .into_iter()
            .filter_map(|value| value.as_object())
            .flat_map(|object| object.keys())
            .collect();
        for name in names.into_iter().filter(|name| found[name.as_str()] != expected[name.as_str()]) {
            let [found, expected] = [found, &expected].map(|value| shown(&value[name.as_str()]));
            self.add(format!("{row}: {name} is {found}, and entry {entry} says {expected}"));
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Things by their number, with the entry that said last how each is.
type Numbered<T> = BTreeMap<i64, (u64, T)>;

/// What the ledger says.
#[derive(Debug, Default)]
struct Told {
    people: Numbered<Value>,
    tokens: Numbered<MadeRow>,
    concerns: Numbered<Value>,
    findings: Numbered<DecidedRow>,
    watches: BTreeMap<String, (u64, String)>,
    products: BTreeMap<String, (u64, ProductSet)>,
    /// Keys by product and environment.
    keys: BTreeMap<(String, String), (u64, String)>,
    /// Hashes of the audit, with the first entry that has each.
    audit: BTreeMap<String, u64>,
    /// Entries of changes that no row of the audit names so far.
    actions: BTreeSet<u64>,
}

/// A row as names and values.
fn fields(row: &impl Serialize) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}

impl Told {
    fn entry(&mut self, entry: &Entry) {
        let place = &entry.statement.testudo;
        let Some(signed) = signed(&entry.statement) else { return };
        let seq = place.seq;
        self.actions.insert(seq);
        if !signed.audit.is_empty() {
            self.audit.entry(signed.audit).or_insert(seq);
        }
        match signed.change {
            Change::Person(person) => drop(self.people.insert(person.id, (seq, fields(&person)))),
            Change::Concern(mut row) => {
                row.decision = (!row.is_open()).then_some(seq);
                self.concerns.insert(row.number, (seq, fields(&row)));
            }
            Change::Token(made) => self.token(made, (seq, &place.time, &place.actor)),
            Change::Revoked(id) => {
                if let Some((entry, token)) = self.tokens.get_mut(&id) {
                    *entry = seq;
                    token.revoked.get_or_insert_with(|| place.time.clone());
                }
            }
            Change::Findings(triaged) => self.triage(triaged, (seq, &place.actor)),
            Change::Product(set) => drop(self.products.insert(set.name.clone(), (seq, set))),
            Change::Keys(keys) => drop(self.keys.insert((keys.product, keys.environment), (seq, keys.keys))),
            Change::Adopted(adopted) => self.adopt(*adopted, seq),
            Change::Gone(name) => self.gone(&name, (seq, &place.time)),
        }
    }

    fn token(&mut self, made: TokenMade, (seq, time, actor): (u64, &str, &str)) {
        let row = MadeRow {
            scope: made.scope,
            subject: made.subject.clone(),
            digest: made.digest,
            created: time.to_owned(),
            created_by: actor.to_owned(),
            revoked: None,
        };
        self.tokens.insert(made.id, (seq, row));
        if let Some(product) = made.watches {
            self.watches.insert(made.subject, (seq, product));
        }
    }

    /// How things were before decisions had entries.
    fn adopt(&mut self, adopted: Adopted, seq: u64) {
        self.people.extend(adopted.people.iter().map(|person| (person.id, (seq, fields(person)))));
        self.tokens.extend(adopted.tokens.into_iter().map(|(id, row)| (id, (seq, row))));
        self.watches.extend(adopted.watches.into_iter().map(|(agent, product)| (agent, (seq, product))));
        self.concerns.extend(adopted.concerns.iter().map(|row| (row.number, (seq, fields(row)))));
        let shown = |row| DecidedRow { shown: None, ..row };
        self.findings.extend(adopted.findings.into_iter().map(|(id, row)| (id, (seq, shown(row)))));
    }

    /// What goes with a product.
    fn gone(&mut self, name: &str, (seq, time): (u64, &str)) {
        self.products.remove(name);
        self.keys.retain(|(product, _), _| product != name);
        self.watches.retain(|_, (_, product)| product != name);
        self.findings.retain(|_, (_, row)| row.product != name);
        let pushes = |token: &MadeRow| token.scope == Scope::Push && token.subject == name && token.revoked.is_none();
        for (entry, token) in self.tokens.values_mut().filter(|(_, token)| pushes(token)) {
            (*entry, token.revoked) = (seq, Some(time.to_owned()));
        }
    }

    fn triage(&mut self, triaged: Triaged, (seq, actor): (u64, &str)) {
        let open = triaged.state == FindingState::Open;
        let set = |text: &str| (!open).then(|| text.to_owned());
        for finding in triaged.findings {
            let row = DecidedRow {
                product: finding.product,
                fingerprint: finding.fingerprint,
                shown: None,
                state: set(triaged.state.as_str()),
                reason: set(&triaged.reason),
                until: set(&triaged.until),
                decided_by: set(actor),
                decision: Some(seq),
            };
            self.findings.insert(finding.id, (seq, row));
        }
    }

    /// Compares everything that the ledger says with what the database has.
    fn hold_against(mut self, connection: &Connection, today: &str, faults: &mut Faults) -> Result<(), HubError> {
        for product in store::products(connection)? {
            self.product(connection, &product, faults)?;
        }
        for person in store::people(connection)? {
            let row = format!("person {} ({})", person.id, person.name);
            faults.compare(&row, &fields(&person), self.people.remove(&person.id));
        }
        store::tokens_made(connection, |id, row| {
            let expected = self.tokens.remove(&id).map(|(entry, row)| (entry, fields(&row)));
            faults.compare(&format!("token {id}"), &fields(&row), expected);
        })?;
        for (agent, product) in store::watches(connection)? {
            let expected = self.watches.remove(&agent).map(|(entry, product)| (entry, watched(&product)));
            faults.compare(&format!("agent {agent}"), &watched(&product), expected);
        }
        store::each_concern(connection, |row| {
            let name = format!("concern {}", row.number);
            faults.compare(&name, &fields(&row), self.concerns.remove(&row.number));
        })?;
        store::decided(connection, |id, row| decided(id, row, (self.findings.remove(&id), today), faults))?;
        for (row, entry) in self.left() {
            faults.add(format!("{row}: is gone, and entry {entry} says it is there"));
        }
        Ok(())
    }

    /// What the ledger says is there, and no row was.
    fn left(self) -> Vec<(String, u64)> {
        let mut left = Vec::new();
        left.extend(self.products.into_iter().map(|(name, (entry, _))| (format!("product {name}"), entry)));
        let ledger = |((product, environment), (entry, _))| (format!("ledger {environment} of {product}"), entry);
        left.extend(self.keys.into_iter().map(ledger));
        left.extend(self.people.into_iter().map(|(id, (entry, _))| (format!("person {id}"), entry)));
        left.extend(self.tokens.into_iter().map(|(id, (entry, _))| (format!("token {id}"), entry)));
        left.extend(self.watches.into_iter().map(|(agent, (entry, _))| (format!("agent {agent}"), entry)));
        left.extend(self.concerns.into_iter().map(|(id, (entry, _))| (format!("concern {id}"), entry)));
        left.extend(self.findings.into_iter().map(|(id, (entry, _))| (format!("finding {id}"), entry)));
        left
    }
}

impl Told {
    /// Compares a product, and holds the copies of its ledgers against their signatures.
    fn product(&mut self, connection: &Connection, product: &ProductRow, faults: &mut Faults) -> Result<(), HubError> {
        let name = &product.name;
        let default_branch = product.default_branch.clone();
        let row = ProductSet { name: name.clone(), default_branch, archived: product.archived };
        match self.products.remove(name) {
            Some((entry, set)) => {
                faults.compare(&format!("product {name}"), &fields(&row), Some((entry, fields(&set))));
            }
            // The first push settles the branch, and only a person keeps a product aside.
            None if product.archived => faults.add(format!("product {name}: is archived, and no entry says so")),
            None => {}
        }
        for ledger in store::ledgers(connection, product.id)? {
            let place = format!("ledger {} of {name}", ledger.environment);
            if let Some((entry, keys)) = self.keys.remove(&(name.clone(), ledger.environment.clone()))
                && keys != ledger.keys
            {
                faults.add(format!("{place}: its keys are others than entry {entry} accepted"));
            }
            if let Err(fault) = copy(connection, &ledger)? {
                faults.add(format!("{place}: {fault}"));
            }
        }
        Ok(())
    }
}

/// Checks a copy of a ledger from its first line on, each part with the keys of its time.
fn copy(connection: &Connection, ledger: &LedgerRow) -> Result<Result<(), String>, HubError> {
    let mut last: Option<Head> = None;
    let parts = store::former_keys(connection, ledger.id)?.into_iter().map(|f| (f.seq, f.keys, f.head));
    let newest = (ledger.seq, ledger.keys.clone(), store::head(connection, ledger.id)?);
    for (seq, keys, head) in parts.chain([newest]) {
        let from = last.as_ref().map_or(0, |last| last.seq + 1);
        if from > seq {
            continue;
        }
        let lines = store::lines(connection, ledger.id, (from, seq))?;
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let keys = match VerifyingKey::all_from_pem(&keys, "its keys") {
            Ok(keys) => keys,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let known = Known { environment: &ledger.environment, keys: &keys, last: last.as_ref() };
        match follow(known, &lines, head.as_bytes()) {
            Ok(followed) => last = followed.last().map(|entry| head_of(&ledger.environment, entry)).or(last),
            Err(fault) if fault.line == 0 => return Ok(Err(format!("the copy {}", fault.kind))),
            Err(fault) => return Ok(Err(format!("entry {} of the copy {}", from + fault.line as u64 - 1, fault.kind))),
        }
    }
    Ok(match last {
        Some(last) if (last.seq, &last.hash) == (ledger.seq, &ledger.hash) => Ok(()),
        _ => Err("the copy does not end with the entry that is known as its last one".to_owned()),
    })
}

fn head_of(environment: &str, entry: &Followed) -> Head {
    let place = &entry.statement.testudo;
    Head {
        ledger: place.ledger.clone(),
        environment: environment.to_owned(),
        seq: place.seq,
        hash: entry.hash.clone(),
        time: place.time.clone(),
    }
}

fn watched(product: &str) -> Value {
    serde_json::json!({ "product": product })
}

/// Compares a decision about a finding. After its last day the hub takes it back on its own.
fn decided(id: i64, row: DecidedRow, (told, today): (Option<(u64, DecidedRow)>, &str), faults: &mut Faults) {
    let name = format!("finding {id} of {}", row.product);
    if row.shown.is_some() && row.shown != row.state {
        let [shown, state] = [&row.shown, &row.state].map(|state| state.as_deref().unwrap_or("nothing"));
        faults.add(format!("{name}: is shown as {shown}, and {state} was decided"));
    }
    let row = DecidedRow { shown: None, ..row };
    let told = told.map(|(entry, told)| {
        let ended = told.until.as_deref().is_some_and(|until| until < today) && row.state.is_none();
        let now = DecidedRow { state: None, reason: None, until: None, decided_by: None, ..told.clone() };
        (entry, fields(&if ended { now } else { told }))
    });
    faults.compare(&name, &fields(&row), told);
}

/// Holds the audit against itself and against what the ledger has of it.
fn audit(connection: &Connection, told: &mut Told, faults: &mut Faults) -> Result<(), HubError> {
    let mut hashes = std::mem::take(&mut told.audit);
    store::each_deed(connection, |row, link| {
        if link == Link::Broken {
            faults.add(format!("row {} of the audit was changed behind the hub's back", row.id));
        }
        hashes.remove(&row.hash);
        if let Some(seq) = row.decision
            && !told.actions.remove(&seq)
        {
            faults.add(format!("row {} of the audit names entry {seq}, which says no such thing", row.id));
        }
    })?;
    for seq in hashes.values() {
        faults.add(format!("entry {seq} follows on a row of the audit that is not there any more"));
    }
    for seq in &told.actions {
        faults.add(format!("entry {seq} has no row in the audit"));
    }
    Ok(())
}
