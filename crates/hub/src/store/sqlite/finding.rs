//! Findings as they stand: lists by what is asked for, and what people decided.
//!
//! Lists are read along an index in the order in which they are shown and begin behind the last row of the page before, so
//! the hundredth page costs what the first one costs.

use rusqlite::{Connection, params, types::Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use testudo_model::Severity;

use super::{json, row, rows};
use crate::HubError;

/// Findings that a search for a text looks at for one page. It may find nothing among them, and goes on with the next page.
const LOOKED_AT: usize = 5000;

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
    /// The scan that saw it first.
    pub(crate) first_scan: i64,
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

const COLUMNS: &str = "f.id, p.name, f.fingerprint, f.state, f.severity, f.rule, f.title, f.message, f.path, f.line, f.owners, f.detector, f.tool, f.opened, f.closed, f.reason, f.until, f.decided_by, f.decision, f.first_scan";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<FindingRow> {
    let (state, severity): (String, usize) = (row.get(3)?, row.get(4)?);
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
        owners: json(row, 10)?,
        detector: row.get(11)?,
        tool: row.get(12)?,
        opened: row.get(13)?,
        closed: row.get(14)?,
        reason: row.get(15)?,
        until: row.get(16)?,
        decided_by: row.get(17)?,
        decision: row.get(18)?,
        first_scan: row.get(19)?,
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
    /// Scan that saw them first.
    pub(crate) scan: Option<i64>,
    /// The last row of the page before: severity and number.
    pub(crate) after: Option<(usize, i64)>,
}

impl Filter {
    /// Conditions that an index answers, and their parameters.
    fn conditions(&self) -> Conditions {
        let mut all = Conditions::default();
        if let Some(state) = self.state {
            all.add("f.state = #", state.as_str().to_owned().into());
        }
        if let Some(severity) = self.severity {
            all.add("f.severity = #", (severity as i64).into());
        }
        if let Some(rule) = &self.rule {
            all.add("f.rule = #", rule.clone().into());
        }
        if let Some(product) = &self.product {
            all.add("f.product = (SELECT id FROM product WHERE name = #)", product.clone().into());
        }
        if let Some(scan) = self.scan {
            all.add("f.first_scan = #", scan.into());
        }
        all
    }
}

/// Conditions of a query, with their parameters.
#[derive(Debug, Clone, Default)]
struct Conditions(Vec<String>, Vec<Value>);

impl Conditions {
    /// Adds one, with `#` for its parameter.
    fn add(&mut self, condition: &str, value: Value) {
        self.1.push(value);
        self.0.push(condition.replace('#', &format!("?{}", self.1.len())));
    }

    fn text(&self) -> String {
        if self.0.is_empty() { "TRUE".to_owned() } else { self.0.join(" AND ") }
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

/// The way along the findings: where rows come from, in which order, under which conditions.
struct Walk {
    from: &'static str,
    order: &'static str,
    conditions: Conditions,
}

impl Walk {
    fn new(filter: &Filter, owner: Option<&String>) -> Self {
        let mut conditions = filter.conditions();
        let (from, order, severity, id) = match owner {
            None => ("finding f", "f.severity DESC, f.id DESC", "f.severity", "f.id"),
            Some(owner) => {
                conditions.add("o.owner = #", owner.clone().into());
                let from = "finding_owner o CROSS JOIN finding f ON f.id = o.finding";
                (from, "o.severity DESC, o.finding DESC", "o.severity", "o.finding")
            }
        };
        if let Some((last, number)) = filter.after {
            conditions.add(&format!("{severity} <= #"), i64::try_from(last).unwrap_or(i64::MAX).into());
            conditions.add(&format!("({severity} < {last} OR {id} < #)"), number.into());
        }
        Self { from, order, conditions }
    }

    /// The key of the last finding that a search looks at; none where it looks at all.
    fn end(&self, connection: &Connection) -> Result<Option<(usize, i64)>, HubError> {
        let query = format!(
            "SELECT f.severity, f.id FROM {} WHERE {} ORDER BY {} LIMIT 1 OFFSET {}",
            self.from,
            self.conditions.text(),
            self.order,
            LOOKED_AT - 1
        );
        let values = rusqlite::params_from_iter(&self.conditions.1);
        row(connection, (&query, values), |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

/// Findings that are wanted, at most `limit`.
pub(crate) fn findings(connection: &Connection, filter: &Filter, limit: usize) -> Result<Page, HubError> {
    if filter.owners.len() < 2 {
        return of_owner(connection, filter, filter.owners.first(), limit);
    }
    // Of several owners, the lists of each are put together.
    let (mut all, mut more) = (Vec::new(), false);
    for owner in &filter.owners {
        let page = of_owner(connection, filter, Some(owner), limit)?;
        more |= page.next.is_some();
        all.extend(page.findings);
    }
    all.sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.id)));
    all.dedup_by_key(|finding| finding.id);
    more |= all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(|last| key(last.severity as usize, last.id));
    Ok(Page { findings: all, next })
}

/// Where the next page begins.
fn key(severity: usize, id: i64) -> String {
    format!("{severity}-{id}")
}

fn of_owner(connection: &Connection, filter: &Filter, owner: Option<&String>, limit: usize) -> Result<Page, HubError> {
    let walk = Walk::new(filter, owner);
    let mut conditions = walk.conditions.clone();
    let walked = conditions.text();
    let searched = filter.text.as_ref().map(|text| {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = ["path", "title", "message", "rule"].map(|column| format!("f.{column} LIKE # ESCAPE '\\'"));
        let mut search = Conditions(Vec::new(), std::mem::take(&mut conditions.1));
        search.add(&format!("({})", like.join(" OR ")), format!("%{escaped}%").into());
        conditions.1 = std::mem::take(&mut search.1);
        search.text()
    });
    let (from, order) = (walk.from, walk.order);
    let (from, wanted, order) = match &searched {
        None => (from.to_owned(), walked, order),
        Some(search) => {
            let looked = format!("(SELECT f.id AS id FROM {from} WHERE {walked} ORDER BY {order} LIMIT {LOOKED_AT})");
            let from = format!("{looked} w CROSS JOIN finding f ON f.id = w.id");
            (from, search.clone(), "f.severity DESC, f.id DESC")
        }
    };
    let query = format!(
        "SELECT {COLUMNS} FROM {from} CROSS JOIN product p ON p.id = f.product WHERE {wanted} ORDER BY {order} LIMIT {}",
        limit + 1
    );
    let mut findings = rows(connection, (&query, rusqlite::params_from_iter(&conditions.1)), read)?;
    let full = (findings.len() > limit).then(|| findings.pop()).flatten().is_some();
    let next = match findings.last().filter(|_| full) {
        Some(last) => Some(key(last.severity as usize, last.id)),
        None if searched.is_some() => walk.end(connection)?.map(|(severity, id)| key(severity, id)),
        None => None,
    };
    Ok(Page { findings, next })
}

/// How many findings are wanted, counted up to `most`; none where a text is searched for or several owners are asked about, because
/// nobody counts what nobody looked at.
pub(crate) fn matching(connection: &Connection, filter: &Filter, most: usize) -> Result<Option<usize>, HubError> {
    if filter.text.is_some() || filter.owners.len() > 1 {
        return Ok(None);
    }
    let walk = Walk::new(&Filter { after: None, ..filter.clone() }, filter.owners.first());
    let query =
        format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {most})", walk.from, walk.conditions.text());
    row(connection, (&query, rusqlite::params_from_iter(&walk.conditions.1)), |row| row.get(0))
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
    /// Why, the last day, and who; none where a decision is taken back.
    pub(crate) set: Option<(&'a String, &'a String, &'a String)>,
    /// Number of the entry in the hub's own ledger.
    pub(crate) entry: u64,
}

/// Writes a decision down. A finding that is gone or that the project accepts stays so.
pub(crate) fn decide(connection: &Connection, id: i64, decision: &Decision<'_>) -> Result<(), HubError> {
    let state = decision.state.as_str();
    connection
        .prepare_cached(
            "UPDATE finding SET state = CASE WHEN state IN ('closed', 'suppressed') THEN state ELSE ?2 END, decided = ?3, reason = ?4, until = ?5, decided_by = ?6, decision = ?7 WHERE id = ?1",
        )?
        .execute(params![
            id,
            state,
            decision.set.map(|_| state),
            decision.set.map(|(reason, ..)| reason),
            decision.set.map(|(_, until, _)| until),
            decision.set.map(|(.., by)| by),
            decision.entry
        ])?;
    connection.execute(
        "UPDATE product SET revision = revision + 1 WHERE id = (SELECT product FROM finding WHERE id = ?1)",
        [id],
    )?;
    Ok(())
}

/// What the database says was decided about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DecidedRow {
    /// Its product.
    pub(crate) product: String,
    /// Its identity.
    pub(crate) fingerprint: String,
    /// The state as it is shown, where it is one that people decide.
    pub(crate) shown: Option<String>,
    /// The state that was decided.
    pub(crate) state: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// Last day.
    pub(crate) until: Option<String>,
    /// Who.
    pub(crate) decided_by: Option<String>,
    /// Number of the entry.
    pub(crate) decision: Option<u64>,
}

/// Gives every finding that somebody decided about, with its number. Looks at all of them.
pub(crate) fn decided(connection: &Connection, mut each: impl FnMut(i64, DecidedRow)) -> Result<(), HubError> {
    let query = "SELECT f.id, p.name, f.fingerprint, CASE WHEN f.state IN ('accepted', 'false-positive', 'wont-fix') THEN f.state END, f.decided, f.reason, f.until, f.decided_by, f.decision FROM finding f JOIN product p ON p.id = f.product WHERE f.decided IS NOT NULL OR f.reason IS NOT NULL OR f.until IS NOT NULL OR f.decided_by IS NOT NULL OR f.decision IS NOT NULL OR f.state IN ('accepted', 'false-positive', 'wont-fix') ORDER BY f.id";
    let mut statement = connection.prepare(query)?;
    let read = |row: &rusqlite::Row<'_>| {
        let found = DecidedRow {
            product: row.get(1)?,
            fingerprint: row.get(2)?,
            shown: row.get(3)?,
            state: row.get(4)?,
            reason: row.get(5)?,
            until: row.get(6)?,
            decided_by: row.get(7)?,
            decision: row.get(8)?,
        };
        Ok((row.get::<_, i64>(0)?, found))
    };
    for found in statement.query_map([], read)? {
        let (id, found) = found?;
        each(id, found);
    }
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
