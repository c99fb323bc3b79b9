//! Takes what is new of a ledger.
//!
//! The body is JSON Lines: first `{"publicKey": "PEM"}` where keys are told, then entries as they stand in the ledger, last the
//! signed head. The first push pins the keys for this product and environment. From then on only what continues the
//! copy, signed with those keys, is kept: an edit, a cut or another key is refused and told in the audit.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use testudo_ledger::{Envelope, Fault, FaultKind, Followed, Head, Known as Continued, VerifyingKey, follow};

use super::products::pushed_to;
use crate::{
    Hub,
    http::{Ask, Refusal, Response},
    store::{self, LedgerRow},
    timeline,
};

/// Lines of one push.
const LINES: usize = 200_000;

/// How far a ledger is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Known {
    /// Number of the entry that comes next.
    next: u64,
    /// The ledger; empty where nothing is known.
    ledger: String,
    /// Hash of the line of the last entry; empty where nothing is known.
    hash: String,
}

/// What was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Kept {
    /// New entries.
    kept: usize,
    /// Number of the entry that comes next.
    next: u64,
    /// Whether this push pinned the keys.
    pinned: bool,
}

/// How far a ledger is known.
pub(crate) fn known(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let known = hub.store.read(|connection| {
        let Some(product) = store::product(connection, ask.parameter("product"))? else { return Ok(None) };
        store::ledger(connection, product.id, ask.parameter("environment"))
    })?;
    let known = known.map(|row| Known { next: row.seq + 1, ledger: row.ledger, hash: row.hash });
    Ok(Response::json(&known.unwrap_or_default()))
}

/// What a body holds.
struct Pushed<'b> {
    keys: String,
    lines: Vec<&'b [u8]>,
    head: &'b [u8],
}

fn read(bytes: &[u8]) -> Result<Pushed<'_>, Refusal> {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    if lines.len() > LINES {
        return Err(Refusal::malformed(format!("more than {LINES} lines; push them in parts")));
    }
    let key = |line: &[u8]| serde_json::from_slice::<Value>(line).ok()?.get("publicKey")?.as_str().map(str::to_owned);
    let (mut keys, mut entries) = (String::new(), lines.as_slice());
    if let Some((first, rest)) = entries.split_first()
        && let Some(pem) = key(first)
    {
        (keys, entries) = (pem, rest);
    }
    let Some((head, entries)) = entries.split_last() else {
        return Err(Refusal::malformed("the signed head is missing: it is the last line"));
    };
    let is_head = serde_json::from_slice::<Envelope>(head).is_ok_and(|envelope| envelope.payload_type == Head::TYPE);
    if !is_head {
        return Err(Refusal::malformed("the last line is no signed head of a ledger"));
    }
    Ok(Pushed { keys, lines: entries.to_vec(), head })
}

/// Takes what is new.
pub(crate) fn push(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let bytes = ask.request.body.bytes().map_err(|_| Refusal::malformed("the body cannot be read"))?;
    let pushed = read(&bytes)?;
    let (product, environment) = (ask.parameter("product"), ask.parameter("environment"));
    testudo_ledger::Journal::new(std::path::Path::new("."), environment)
        .map_err(|error| Refusal::malformed(error.to_string()))?;
    match hub.store.write(|connection| keep(connection, ask, &pushed)) {
        Err(Refusal::Conflict { said, next }) => {
            // The refusal undid everything; that somebody tried is kept.
            hub.store.write(|connection| {
                let told = format!("{product}, ledger {environment}: {said}");
                ask.deed("ledger.refused", &told).record(connection)
            })?;
            Err(Refusal::Conflict { said, next })
        }
        kept => Ok(Response::json(&kept?)),
    }
}

/// Keeps what is new, and puts it on the line of time.
fn keep(connection: &rusqlite::Connection, ask: &Ask<'_>, pushed: &Pushed<'_>) -> Result<Kept, Refusal> {
    let (product, environment) = (ask.parameter("product"), ask.parameter("environment"));
    let id = pushed_to(connection, ask, store::Pushed::default())?;
    let copy = store::ledger(connection, id, environment)?;
    let pinned = copy.is_none();
    let kept = match copy {
        Some(copy) => extend(connection, &copy, pushed)?,
        None => begin(connection, (id, environment), pushed, &ask.now.text)?,
    };
    for entry in &kept {
        timeline::add(connection, (id, product), &entry.statement)?;
        let scan = |seq| store::statement(connection, (id, environment), seq);
        timeline::keep_gate(connection, id, &entry.statement, scan)?;
    }
    if !kept.is_empty() {
        store::touched(connection, id)?;
    }
    if pinned || !kept.is_empty() {
        let keys = if pinned { "; its keys are pinned from now on" } else { "" };
        let said = format!("{product}, ledger {environment}: {} entries{keys}", kept.len());
        ask.deed("ledger.push", &said).record(connection)?;
    }
    let next = store::ledger(connection, id, environment)?.map_or(0, |row| row.seq + 1);
    Ok(Kept { kept: kept.len(), next, pinned })
}

/// Keeps a ledger that was never pushed before.
fn begin(
    connection: &rusqlite::Connection,
    place: (i64, &str),
    pushed: &Pushed<'_>,
    time: &str,
) -> Result<Vec<Followed>, Refusal> {
    if pushed.keys.is_empty() {
        return Err(Refusal::malformed("the first push of a ledger brings its public key, in the first line"));
    }
    let keys = keys(&pushed.keys)?;
    let known = Continued { environment: place.1, keys: &keys, last: None };
    let followed = follow(known, &pushed.lines, pushed.head).map_err(refused)?;
    if followed.is_empty() {
        return Err(Refusal::malformed("the ledger is empty"));
    }
    let head = String::from_utf8_lossy(pushed.head);
    store::first_push(connection, place, &pushed.keys, (&followed, &head), time)?;
    Ok(followed)
}

/// Keeps what continues a copy. Lines that are known already have to be the very same.
fn extend(connection: &rusqlite::Connection, copy: &LedgerRow, pushed: &Pushed<'_>) -> Result<Vec<Followed>, Refusal> {
    let keys = keys(&copy.keys)?;
    if !pushed.keys.is_empty() {
        let told = self::keys(&pushed.keys)?;
        if told.iter().any(|key| !keys.contains(key)) {
            let said =
                "it brings a key that was not pinned with the first push; an entry signed with it would not count";
            return Err(Refusal::Conflict { said: said.to_owned(), next: Some(copy.seq + 1) });
        }
    }
    let mut new = Vec::new();
    for (at, line) in pushed.lines.iter().enumerate() {
        let seq = seq_of(line);
        match seq.filter(|seq| *seq <= copy.seq) {
            Some(seq) => {
                if store::line(connection, copy.id, seq)?.as_deref() != Some(*line) {
                    return Err(refused(Fault { line: at + 1, kind: FaultKind::Edited }));
                }
            }
            None => new.push(*line),
        }
    }
    let last = copy.last();
    let known = Continued { environment: &copy.environment, keys: &keys, last: Some(&last) };
    let followed = follow(known, &new, pushed.head).map_err(refused)?;
    store::append(connection, copy.id, &followed, &String::from_utf8_lossy(pushed.head))?;
    Ok(followed)
}

fn seq_of(line: &[u8]) -> Option<u64> {
    let payload = serde_json::from_slice::<Envelope>(line).ok()?.payload()?;
    serde_json::from_slice::<Value>(&payload).ok()?.get("testudo")?.get("seq")?.as_u64()
}

fn keys(pem: &str) -> Result<Vec<VerifyingKey>, Refusal> {
    VerifyingKey::all_from_pem(pem, "the public key").map_err(|error| Refusal::malformed(error.to_string()))
}

fn refused(fault: Fault) -> Refusal {
    let place = if fault.line == 0 { "the ledger".to_owned() } else { format!("line {} of the push", fault.line) };
    let said = match fault.kind {
        FaultKind::CutOff(n) => format!("the ledger ends {n} entries before what is known of it: its end was cut off"),
        kind => format!("{place} {kind}"),
    };
    Refusal::Conflict { said, next: None }
}
