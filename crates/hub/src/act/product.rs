//! What administrators decide about products: which branch counts, which keys of a ledger, and whether a product is kept aside or
//! goes.

use testudo_ledger::VerifyingKey;

use super::{
    line,
    signed::{self, Draft},
};
use crate::{
    Hub,
    change::{Change, KeysAccepted, ProductSet},
    http::{Ask, Refusal},
    store::{self, ProductRow},
};

/// The product of a name.
fn known(connection: &rusqlite::Connection, name: &str) -> Result<ProductRow, Refusal> {
    store::product(connection, name)?.ok_or(Refusal::Absent)
}

/// Makes another branch the one whose scans open and close findings.
pub(crate) fn set_branch(hub: &Hub, ask: &Ask<'_>, name: &str, branch: &str) -> Result<(), Refusal> {
    let branch = line(branch, "the branch")?;
    signed::decide(hub, ask.by(), |connection| {
        let product = known(connection, name)?;
        let set =
            ProductSet { name: product.name, default_branch: Some(branch.to_owned()), archived: product.archived };
        let said = format!("{name}: {branch} is the default branch");
        Ok::<_, Refusal>((Draft::own("product.branch", said, (name, Change::Product(set)))?, ()))
    })?;
    Ok(())
}

/// Where a product is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// On the board.
    Shown,
    /// Aside: nothing is pushed to it, and the board names it only.
    Aside,
}

/// Keeps a product aside, or brings it back.
pub(crate) fn keep(hub: &Hub, ask: &Ask<'_>, name: &str, (keeping, reason): (Keeping, &str)) -> Result<(), Refusal> {
    let reason = line(reason, "the reason")?;
    signed::decide(hub, ask.by(), |connection| {
        let product = known(connection, name)?;
        let archived = keeping == Keeping::Aside;
        let set = ProductSet { name: product.name, default_branch: product.default_branch, archived };
        let said = format!("{name} {}: {reason}", if archived { "is archived" } else { "is back" });
        Ok::<_, Refusal>((Draft::own("product.archive", said, (name, Change::Product(set)))?, ()))
    })?;
    Ok(())
}

/// Takes a product away with all that was pushed for it. What was decided about it stays in the hub's own ledger, and so do the
/// heads of its ledgers.
pub(crate) fn delete(hub: &Hub, ask: &Ask<'_>, name: &str, (typed, reason): (&str, &str)) -> Result<(), Refusal> {
    let reason = line(reason, "the reason")?;
    if typed != name {
        return Err(Refusal::malformed(format!("type the name of the product, `{name}`, to take it away")));
    }
    let (_, id) = signed::decide(hub, ask.by(), |connection| {
        let product = known(connection, name)?;
        let heads: Vec<String> = store::ledgers(connection, product.id)?
            .iter()
            .map(|ledger| format!("; ledger {} ended with entry {} ({})", ledger.environment, ledger.seq, ledger.hash))
            .collect();
        let said = format!("{name} is gone: {reason}{}", heads.concat());
        Ok::<_, Refusal>((Draft::own("product.delete", said, (name, Change::Gone(name.to_owned())))?, product.id))
    })?;
    hub.forget_board(id);
    Ok(())
}

/// Accepts other keys for what comes next of a ledger. What is known of it stays, with the keys of before.
pub(crate) fn accept_keys(
    hub: &Hub,
    ask: &Ask<'_>,
    (product, environment): (&str, &str),
    (keys, reason): (&str, &str),
) -> Result<(), Refusal> {
    let reason = line(reason, "the reason")?;
    let read = VerifyingKey::all_from_pem(keys, "the public key").map_err(|e| Refusal::malformed(e.to_string()))?;
    if read.is_empty() {
        return Err(Refusal::malformed("the public key is missing: a PEM block `PUBLIC KEY`, one or more"));
    }
    let keys: String = read.iter().map(VerifyingKey::to_pem).collect();
    signed::decide(hub, ask.by(), |connection| {
        let id = known(connection, product)?.id;
        let copy = store::ledger(connection, id, environment)?.ok_or(Refusal::Absent)?;
        let said = format!("{product}, ledger {environment}: other keys count behind entry {}: {reason}", copy.seq);
        let accepted = KeysAccepted {
            product: product.to_owned(),
            environment: environment.to_owned(),
            keys,
            reason: reason.to_owned(),
            seq: copy.seq,
            hash: copy.hash,
        };
        let change = Change::Keys(Box::new(accepted));
        Ok::<_, Refusal>((Draft::own("ledger.keys", said, (&format!("{product} {environment}"), change))?, ()))
    })?;
    Ok(())
}
