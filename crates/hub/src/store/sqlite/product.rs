//! Products: what is pushed for, and what was pushed about each beside findings and ledgers.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;

use super::{json, row, rows};
use crate::{HubError, change::ProductSet, facts::ProductFacts};

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ProductRow {
    /// Number.
    #[serde(skip)]
    pub(crate) id: i64,
    /// Name.
    pub(crate) name: String,
    /// Since when it is known.
    pub(crate) created: String,
    /// What its last push said of it.
    pub(crate) facts: ProductFacts,
    /// The branch whose scans open and close findings; none as long as no push named one.
    pub(crate) default_branch: Option<String>,
    /// Whether it is kept aside: nothing is pushed to it any more.
    pub(crate) archived: bool,
    /// Counts up with whatever changes its board.
    #[serde(skip)]
    pub(crate) revision: i64,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<ProductRow> {
    Ok(ProductRow {
        id: row.get(0)?,
        name: row.get(1)?,
        created: row.get(2)?,
        facts: json(row, 3)?,
        revision: row.get(4)?,
        default_branch: row.get(5)?,
        archived: row.get(6)?,
    })
}

/// Every product, by name.
pub(crate) fn products(connection: &Connection) -> Result<Vec<ProductRow>, HubError> {
    rows(
        connection,
        ("SELECT id, name, created, facts, revision, default_ref, archived FROM product ORDER BY name", []),
        read,
    )
}

/// The product of a name.
pub(crate) fn product(connection: &Connection, name: &str) -> Result<Option<ProductRow>, HubError> {
    row(
        connection,
        ("SELECT id, name, created, facts, revision, default_ref, archived FROM product WHERE name = ?1", [name]),
        read,
    )
}

/// The number of a product, which is made where it is not known yet.
pub(crate) fn named(connection: &Connection, name: &str, time: &str) -> Result<i64, HubError> {
    connection
        .prepare_cached("INSERT INTO product (name, created) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING")?
        .execute([name, time])?;
    Ok(connection.prepare_cached("SELECT id FROM product WHERE name = ?1")?.query_row([name], |row| row.get(0))?)
}

/// Says that something changed that the board shows.
pub(crate) fn touched(connection: &Connection, product: i64) -> Result<(), HubError> {
    connection.execute("UPDATE product SET revision = revision + 1 WHERE id = ?1", [product])?;
    Ok(())
}

/// Keeps what was pushed about a product, in place of what was known.
pub(crate) fn set_facts(connection: &Connection, product: i64, facts: &ProductFacts) -> Result<(), HubError> {
    let text = serde_json::to_string(facts)?;
    connection.execute("UPDATE product SET facts = ?2 WHERE id = ?1", params![product, text])?;
    connection.execute("DELETE FROM plan_role WHERE product = ?1", [product])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO plan_role (product, id, people, channel) VALUES (?1, ?2, ?3, ?4)")?;
    for role in &facts.roles {
        insert.execute(params![product, role.id, serde_json::to_string(&role.people)?, role.channel])?;
    }
    touched(connection, product)
}

/// A role of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct PlanRole {
    /// The product.
    pub(crate) product: String,
    /// Its name.
    pub(crate) id: String,
    /// Who has it.
    pub(crate) people: Vec<String>,
    /// Where they are reached.
    pub(crate) channel: String,
}

/// The roles of all plans.
pub(crate) fn plan_roles(connection: &Connection) -> Result<Vec<PlanRole>, HubError> {
    let query = "SELECT product.name, plan_role.id, people, channel FROM plan_role JOIN product ON product.id = plan_role.product ORDER BY 1, 2";
    rows(connection, (query, []), |row| {
        Ok(PlanRole { product: row.get(0)?, id: row.get(1)?, people: json(row, 2)?, channel: row.get(3)? })
    })
}

/// Sets how a product is.
pub(super) fn set_product(connection: &Connection, set: &ProductSet) -> Result<(), HubError> {
    let query = "UPDATE product SET default_ref = ?2, archived = ?3, revision = revision + 1 WHERE name = ?1";
    connection.execute(query, params![set.name, set.default_branch, set.archived])?;
    Ok(())
}

/// Takes a product away, with all that was pushed for it. Its tokens count no more; alerts of agents and concerns stay.
pub(super) fn remove_product(connection: &Connection, name: &str, time: &str) -> Result<(), HubError> {
    let tokens = "UPDATE token SET revoked = ?2 WHERE scope = 'push' AND subject = ?1 AND revoked IS NULL";
    connection.execute(tokens, [name, time])?;
    let Some(product) = product(connection, name)? else { return Ok(()) };
    for query in [
        "DELETE FROM finding_owner WHERE finding IN (SELECT id FROM finding WHERE product = ?1)",
        "DELETE FROM finding_document WHERE finding IN (SELECT id FROM finding WHERE product = ?1)",
        "DELETE FROM finding WHERE product = ?1",
        "DELETE FROM gate_finding WHERE product = ?1",
        "DELETE FROM gate WHERE product = ?1",
        "DELETE FROM branch_finding WHERE product = ?1",
        "DELETE FROM branch WHERE product = ?1",
        "DELETE FROM scan WHERE product = ?1",
        "DELETE FROM plan_role WHERE product = ?1",
        "UPDATE moment SET cause = NULL WHERE product = ?1",
        "DELETE FROM moment WHERE product = ?1",
        "DELETE FROM watch WHERE product = ?1",
        "UPDATE alert SET product = NULL WHERE product = ?1",
        "UPDATE ledger SET leaving = 1 WHERE product = ?1",
        "DELETE FROM former_keys WHERE ledger IN (SELECT id FROM ledger WHERE product = ?1)",
        "DELETE FROM ledger_line WHERE ledger IN (SELECT id FROM ledger WHERE product = ?1)",
        "DELETE FROM ledger WHERE product = ?1",
        "DELETE FROM product WHERE id = ?1",
    ] {
        connection.execute(query, [product.id])?;
    }
    Ok(())
}
