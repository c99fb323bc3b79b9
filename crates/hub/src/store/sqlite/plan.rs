//! In tests: no query that answers a request looks at the whole of a table that grows with use, so that a list costs the same
//! with 100,000 findings as with ten.

use rusqlite::Connection;

use crate::HubError;

/// Tables that grow with use, and the names that queries give them.
const LARGE: &[&str] = &[
    "finding",
    "f",
    "finding_owner",
    "o",
    "branch_finding",
    "b",
    "gate_finding",
    "g",
    "moment",
    "ledger_line",
    "alert",
    "a",
    "audit",
];

/// Refuses a query whose plan has a full look at a large table.
///
/// # Panics
/// The plan has one.
pub(super) fn check(connection: &Connection, query: &str) -> Result<(), HubError> {
    // In the order of its numbers a table is walked as far as the page goes.
    let walked = query.contains(" LIMIT ") && !query.contains(" WHERE ");
    if !query.trim_start().starts_with("SELECT") || walked {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(&format!("EXPLAIN QUERY PLAN {query}"))?;
    let mut steps = statement.raw_query();
    while let Some(step) = steps.next()? {
        let step: String = step.get(3)?;
        // Along an index a list ends with its page.
        let whole = step.strip_prefix("SCAN ").filter(|rest| !rest.contains("USING"));
        assert!(whole.is_none_or(|table| !LARGE.contains(&table)), "{step}: {query}");
    }
    Ok(())
}
