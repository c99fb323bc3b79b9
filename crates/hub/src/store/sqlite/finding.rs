//! Findings as they stand: lists by what is asked for, and what people decided.
//!
//! Lists are read along an index in the order in which they are shown and begin behind the last row of the page before, so
//! the hundredth page costs what the first one costs.

use rusqlite::{Connection, params, types::Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use testudo_model::Severity;

use super::{row, rows};
use crate::HubError;

/// Findings of one owner that are looked up one by one. Where there are more, they are so frequent that walking along the list
/// meets them soon.
const FEW: usize = 2000;

/// How far a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FindingState {
    /// Somebody has to look.
    Open,
    /// A scan looked again, and it is gone.
    Closed,
    /// The project accepts it: a baseline, an ignore file, a comment.
    Suppressed,
    /// Known and accepted until a day.
    Accepted,
    /// No finding at all.
    FalsePositive,
    /// True, and stays.
    WontFix,
}

impl FindingState {
    /// Every state.
    pub(crate) const ALL: [Self; 6] =
        [Self::Open, Self::Closed, Self::Suppressed, Self::Accepted, Self::FalsePositive, Self::WontFix];
    /// Those that a person decides.
    pub(crate) const DECIDED: [Self; 3] = [Self::Accepted, Self::FalsePositive, Self::WontFix];

    /// The word.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Suppressed => "suppressed",
            Self::Accepted => "accepted",
            Self::FalsePositive => "false-positive",
            Self::WontFix => "wont-fix",
        }
    }

    /// The state of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A finding in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FindingRow {
    /// Number in this hub.
    pub(crate) id: i64,
    /// The product.
    pub(crate) product: String,
    /// Identity over time.
    pub(crate) fingerprint: String,
    /// How far it is.
    pub(crate) state: FindingState,
    /// Harm if true.
    pub(crate) severity: Severity,
    /// The rule.
    pub(crate) rule: String,
    /// One line about the rule.
    pub(crate) title: String,
    /// What is wrong.
    pub(crate) message: String,
    /// Where; from the root of the project, where that is known.
    pub(crate) path: String,
    /// Line; 0 where there is none.
    pub(crate) line: u32,
    /// Who owns it.
    pub(crate) owners: Vec<String>,
    /// Who found it.
    pub(crate) detector: String,
    /// The other tool that found it; empty for our own detectors.
    pub(crate) tool: String,
    /// Since when it is known, or is back.
    pub(crate) opened: String,
    /// Since when it is gone.
    pub(crate) closed: Option<String>,
    /// Why it was decided like that.
    pub(crate) reason: Option<String>,
    /// Last day of the decision.
    pub(crate) until: Option<String>,
    /// Who decided.
    pub(crate) decided_by: Option<String>,
    /// Number of the decision in the hub's own ledger.
    pub(crate) decision: Option<u64>,
}

const COLUMNS: &str = "f.id, p.name, f.fingerprint, f.state, f.severity, f.rule, f.title, f.message, f.path, f.line, f.owners, f.detector, f.tool, f.opened, f.closed, f.reason, f.until, f.decided_by, f.decision";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<FindingRow> {
    let (state, severity, owners): (String, usize, String) = (row.get(3)?, row.get(4)?, row.get(10)?);
    Ok(FindingRow {
        id: row.get(0)?,
        product: row.get(1)?,
        fingerprint: row.get(2)?,
        state: FindingState::of(&state).unwrap_or(FindingState::Open),
        severity: Severity::ALL.get(severity).copied().unwrap_or_default(),
        rule: row.get(5)?,
        title: row.get(6)?,
        message: row.get(7)?,
        path: row.get(8)?,
        line: row.get(9)?,
        owners: serde_json::from_str(&owners).unwrap_or_default(),
        detector: row.get(11)?,
        tool: row.get(12)?,
        opened: row.get(13)?,
        closed: row.get(14)?,
        reason: row.get(15)?,
        until: row.get(16)?,
        decided_by: row.get(17)?,
        decision: row.get(18)?,
    })
}

/// Which findings are wanted. What is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// How far they are.
    pub(crate) state: Option<FindingState>,
    /// Their severity.
    pub(crate) severity: Option<Severity>,
    /// Their rule.
    pub(crate) rule: Option<String>,
    /// Their product, by name.
    pub(crate) product: Option<String>,
    /// Their owners: any of these.
    pub(crate) owners: Vec<String>,
    /// A text in title, message, path or rule, in any case.
    pub(crate) text: Option<String>,
    /// Scan that saw them last.
    pub(crate) scan: Option<i64>,
    /// The last row of the page before: severity and number.
    pub(crate) after: Option<(usize, i64)>,
}

impl Filter {
    /// Conditions and their parameters.
    fn conditions(&self) -> (Vec<String>, Vec<Value>) {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace('#', &format!("?{}", values.len())));
        };
        if let Some(state) = self.state {
            add("f.state = #", state.as_str().to_owned().into());
        }
        if let Some(severity) = self.severity {
            add("f.severity = #", (severity as i64).into());
        }
        if let Some(rule) = &self.rule {
            add("f.rule = #", rule.clone().into());
        }
        if let Some(product) = &self.product {
            add("f.product = (SELECT id FROM product WHERE name = #)", product.clone().into());
        }
        if let Some(scan) = self.scan {
            add("f.last_scan = #", scan.into());
        }
        if let Some(text) = &self.text {
            let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            let like = "(f.path LIKE # ESCAPE '\\' OR f.title LIKE # ESCAPE '\\' OR f.message LIKE # ESCAPE '\\' OR f.rule LIKE # ESCAPE '\\')";
            add(like, format!("%{escaped}%").into());
        }
        if let Some((severity, id)) = self.after {
            add("f.severity <= #", i64::try_from(severity).unwrap_or(i64::MAX).into());
            let same = format!("(f.severity < {severity} OR f.id < #)");
            add(&same, id.into());
        }
        (conditions, values)
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Page {
    /// The rows: the greatest harm first, then the newest.
    pub(crate) findings: Vec<FindingRow>,
    /// Where the next page begins; none on the last one.
    pub(crate) next: Option<String>,
}

/// Findings that are wanted, at most `limit`.
pub(crate) fn findings(connection: &Connection, filter: &Filter, limit: usize) -> Result<Page, HubError> {
    let (conditions, mut values) = filter.conditions();
    let (from, conditions) = owned(connection, filter, conditions, &mut values)?;
    let query = format!(
        "SELECT {COLUMNS} FROM {from} CROSS JOIN product p ON p.id = f.product {} ORDER BY f.severity DESC, f.id DESC LIMIT {}",
        and(&conditions),
        limit + 1
    );
    let mut findings = rows(connection, (&query, rusqlite::params_from_iter(values)), read)?;
    let next = (findings.len() > limit).then(|| findings.pop()).flatten();
    let next = next.and(findings.last()).map(|last| format!("{}-{}", last.severity as usize, last.id));
    Ok(Page { findings, next })
}

/// How many findings are wanted, counted up to `most`.
pub(crate) fn matching(connection: &Connection, filter: &Filter, most: usize) -> Result<usize, HubError> {
    let (conditions, mut values) = Filter { after: None, ..filter.clone() }.conditions();
    let (from, conditions) = owned(connection, filter, conditions, &mut values)?;
    let query = format!("SELECT count(*) FROM (SELECT 1 FROM {from} {} LIMIT {most})", and(&conditions));
    Ok(row(connection, (&query, rusqlite::params_from_iter(values)), |row| row.get(0))?.unwrap_or(0))
}

fn and(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) }
}

/// Where rows come from when owners are asked for: from the owners where these have few findings, else from the list.
fn owned(
    connection: &Connection,
    filter: &Filter,
    mut conditions: Vec<String>,
    values: &mut Vec<Value>,
) -> Result<(String, Vec<String>), HubError> {
    if filter.owners.is_empty() {
        return Ok(("finding f".to_owned(), conditions));
    }
    let names: Vec<String> = filter
        .owners
        .iter()
        .map(|owner| {
            values.push(owner.clone().into());
            format!("?{}", values.len())
        })
        .collect();
    let names = names.join(", ");
    let few = {
        let marks: Vec<String> = (1..=filter.owners.len()).map(|at| format!("?{at}")).collect();
        let query = format!(
            "SELECT count(*) FROM (SELECT 1 FROM finding_owner WHERE owner IN ({}) LIMIT {})",
            marks.join(", "),
            FEW + 1
        );
        row(connection, (&query, rusqlite::params_from_iter(&filter.owners)), |row| row.get::<_, usize>(0))?
            .is_some_and(|count| count <= FEW)
    };
    if few {
        let from = format!(
            "(SELECT DISTINCT finding FROM finding_owner WHERE owner IN ({names})) o CROSS JOIN finding f ON f.id = o.finding"
        );
        return Ok((from, conditions));
    }
    conditions.push(format!("EXISTS (SELECT 1 FROM finding_owner o WHERE o.owner IN ({names}) AND o.finding = f.id)"));
    Ok(("finding f".to_owned(), conditions))
}

/// One finding.
pub(crate) fn finding(connection: &Connection, id: i64) -> Result<Option<FindingRow>, HubError> {
    let query = format!("SELECT {COLUMNS} FROM finding f JOIN product p ON p.id = f.product WHERE f.id = ?1");
    row(connection, (&query, [id]), read)
}

/// The finding as it was pushed last.
pub(crate) fn document(connection: &Connection, id: i64) -> Result<Option<testudo_model::Finding>, HubError> {
    let query = "SELECT document FROM finding_document WHERE finding = ?1";
    let text: Option<String> = row(connection, (query, [id]), |row| row.get(0))?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Open findings by severity, the least first; of one product or of all.
pub(crate) fn severities(connection: &Connection, product: Option<i64>) -> Result<[usize; 5], HubError> {
    let mut counts = [0; 5];
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, usize>(0)?, row.get::<_, usize>(1)?));
    let found = match product {
        Some(product) => {
            let query =
                "SELECT severity, count(*) FROM finding WHERE product = ?1 AND state = 'open' GROUP BY severity";
            rows(connection, (query, [product]), read)?
        }
        None => {
            let query = "SELECT severity, count(*) FROM finding WHERE state = 'open' GROUP BY severity";
            rows(connection, (query, []), read)?
        }
    };
    for (severity, count) in found {
        if let Some(place) = counts.get_mut(severity) {
            *place = count;
        }
    }
    Ok(counts)
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision<'a> {
    /// The state from now on; open takes a decision back.
    pub(crate) state: FindingState,
    /// Why.
    pub(crate) reason: &'a str,
    /// Last day.
    pub(crate) until: &'a str,
    /// Who.
    pub(crate) by: &'a str,
    /// Number of the entry in the hub's own ledger.
    pub(crate) entry: u64,
}

/// Writes a decision down. A finding that is gone or that the project accepts stays so.
pub(crate) fn decide(connection: &Connection, id: i64, decision: &Decision<'_>) -> Result<(), HubError> {
    let open = decision.state == FindingState::Open;
    let set = |text: &str| if open { None } else { Some(text.to_owned()) };
    connection
        .prepare_cached(
            "UPDATE finding SET state = CASE WHEN state IN ('closed', 'suppressed') THEN state ELSE ?2 END, decided = ?3, reason = ?4, until = ?5, decided_by = ?6, decision = ?7 WHERE id = ?1",
        )?
        .execute(params![
            id,
            decision.state.as_str(),
            set(decision.state.as_str()),
            set(decision.reason),
            set(decision.until),
            set(decision.by),
            decision.entry
        ])?;
    connection.execute(
        "UPDATE product SET revision = revision + 1 WHERE id = (SELECT product FROM finding WHERE id = ?1)",
        [id],
    )?;
    Ok(())
}

/// Ends decisions whose last day is over. Gives products with how many are open again.
pub(crate) fn expire(connection: &Connection, today: &str) -> Result<Vec<(i64, usize)>, HubError> {
    let ended = "SELECT product, count(*) FROM finding WHERE until < ?1 AND state IN ('accepted', 'false-positive', 'wont-fix') GROUP BY product";
    let ended = rows(connection, (ended, [today]), |row| Ok((row.get(0)?, row.get(1)?)))?;
    connection.execute(
        "UPDATE finding SET state = CASE WHEN state IN ('closed', 'suppressed') THEN state ELSE 'open' END, decided = NULL, reason = NULL, until = NULL, decided_by = NULL WHERE until < ?1",
        [today],
    )?;
    Ok(ended)
}
