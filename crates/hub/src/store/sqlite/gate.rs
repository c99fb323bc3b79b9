//! Which findings a gate failed for, and which gates a finding failed.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;
use testudo_ledger::OpenFinding;

use super::{row, rows};
use crate::HubError;

/// Findings of one gate that are kept, those of the greatest harm.
pub(crate) const OF_GATE: usize = 1000;

/// A gate that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct GateRow {
    /// The ledger that says so.
    pub(crate) environment: String,
    /// Number of the entry.
    pub(crate) seq: u64,
    /// When.
    pub(crate) time: String,
}

/// Keeps a gate that failed, with the findings that it failed for, the greatest harm first.
pub(crate) fn keep_gate(
    connection: &Connection,
    product: i64,
    gate: &GateRow,
    findings: &[&OpenFinding],
) -> Result<(), HubError> {
    let query = "INSERT OR IGNORE INTO gate (product, environment, seq, time, findings) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.execute(query, params![product, gate.environment, gate.seq, gate.time, findings.len()])?;
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO gate_finding (product, fingerprint, environment, seq, severity) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for finding in findings.iter().take(OF_GATE) {
        let (fingerprint, severity) = (finding.fingerprint.as_str(), finding.severity as i64);
        insert.execute(params![product, fingerprint, gate.environment, gate.seq, severity])?;
    }
    Ok(())
}

/// The newest gates that a finding failed, and how many there are.
pub(crate) fn gates_of(connection: &Connection, finding: i64, limit: usize) -> Result<(Vec<GateRow>, usize), HubError> {
    const FROM: &str = "FROM finding f JOIN gate_finding g ON g.product = f.product AND g.fingerprint = f.fingerprint";
    let query = format!(
        "SELECT g.environment, g.seq, t.time {FROM} JOIN gate t ON t.product = g.product AND t.environment = g.environment AND t.seq = g.seq WHERE f.id = ?1 ORDER BY t.time DESC, g.seq DESC LIMIT ?2"
    );
    let gates = rows(connection, (&query, params![finding, limit]), |row| {
        Ok(GateRow { environment: row.get(0)?, seq: row.get(1)?, time: row.get(2)? })
    })?;
    let all = connection.query_row(&format!("SELECT count(*) {FROM} WHERE f.id = ?1"), [finding], |row| row.get(0))?;
    Ok((gates, all))
}

/// A finding that a gate failed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Its number; none where no scan brought it to the hub.
    pub(crate) finding: Option<i64>,
    /// Its identity.
    pub(crate) fingerprint: String,
    /// One line about it.
    pub(crate) title: Option<String>,
}

/// The findings that a gate failed for, the greatest harm first, and how many there were; none where no such gate failed.
pub(crate) fn findings_of(
    connection: &Connection,
    (product, environment, seq): (i64, &str, u64),
    limit: usize,
) -> Result<Option<(Vec<Judged>, usize)>, HubError> {
    let all = "SELECT findings FROM gate WHERE product = ?1 AND environment = ?2 AND seq = ?3";
    let Some(all) = row(connection, (all, params![product, environment, seq]), |row| row.get(0))? else {
        return Ok(None);
    };
    let query = "SELECT f.id, g.fingerprint, f.title FROM gate_finding g LEFT JOIN finding f ON f.product = g.product AND f.fingerprint = g.fingerprint WHERE g.product = ?1 AND g.environment = ?2 AND g.seq = ?3 ORDER BY g.severity DESC, g.fingerprint LIMIT ?4";
    let judged = rows(connection, (query, params![product, environment, seq, limit]), |row| {
        Ok(Judged { finding: row.get(0)?, fingerprint: row.get(1)?, title: row.get(2)? })
    })?;
    Ok(Some((judged, all)))
}
