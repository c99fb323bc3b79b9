//! Pushes what the hub does not have of a ledger: the public keys the first time, new lines, and the signed head.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use testudo_ledger::{Journal, Next};
use testudo_policy::config::Ledger;

use super::client::{Answer, Client};
use crate::{commands::plan, record};

pub(super) fn push(
    client: &Client,
    product: &str,
    environment: &str,
    (home, config): (&Path, &Ledger),
) -> Result<Answer> {
    let journal = Journal::new(&record::folder(home), environment)?;
    let Some(head) = journal.head_bytes()? else {
        bail!(
            "{}: there is no ledger of `{environment}` with a head; `testudo scan --record {environment}` begins one",
            journal.path().display()
        );
    };
    let place = ["products", product, "ledgers", environment];
    let known = match client.get(&place)? {
        Answer::Kept(known) => known,
        refused @ Answer::Refused(_) => return Ok(refused),
    };
    let next = known["next"].as_u64().context("the hub does not say which entry comes next")?;
    let mut body = Vec::new();
    if next == 0 {
        let keys = plan::keys(home, config, &[])?;
        let pem: String = keys.iter().map(testudo_ledger::VerifyingKey::to_pem).collect();
        if pem.is_empty() {
            bail!("there is no public key to send along: name one in `ledger.trusted`");
        }
        body.extend(serde_json::to_vec(&json!({ "publicKey": pem }))?);
        body.push(b'\n');
    }
    let head: Value = serde_json::from_slice(&head)
        .with_context(|| format!("{}: is no head; run `testudo ledger verify`", journal.head_path().display()))?;
    journal.entries(&mut |entry| {
        if entry.statement.testudo.seq >= next {
            body.extend(entry.line);
            body.push(b'\n');
        }
        Next::Entry
    })?;
    body.extend(serde_json::to_vec(&head)?);
    body.push(b'\n');
    client.post(&place, &[], ("application/jsonl", body))
}
