//! Branches. The default branch of a product opens and closes findings; of others the hub keeps what their last scan saw, beside
//! that, so that nobody takes work in progress for the product.

use rusqlite::{Connection, Transaction, params};
use schemars::JsonSchema;
use serde::Serialize;
use testudo_model::{Finding, Severity};

use super::{
    moment, row, rows,
    scan::{Account, Header, Ingested, end_scan, place, short},
};
use crate::HubError;

/// Other branches of one product that are kept: those that were pushed last.
pub(crate) const BRANCHES: usize = 50;
/// Findings of one other branch that are kept.
pub(crate) const FINDINGS: u64 = 10_000;

/// Which branch a push is of, as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pushed<'a> {
    /// The branch; none where nobody knows.
    pub(crate) name: Option<&'a str>,
    /// What the repository says is its default branch.
    pub(crate) default: Option<&'a str>,
}

/// What a branch is to its product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Branch {
    /// The one that counts.
    Default,
    /// Another one, or none that is known, beside the default branch.
    Other {
        /// The branch; empty where nobody knows.
        name: String,
        /// The default branch.
        default: String,
    },
}

fn default_branch(connection: &Connection, product: i64) -> Result<Option<String>, HubError> {
    let known = ("SELECT default_ref FROM product WHERE id = ?1", [product]);
    Ok(row(connection, known, |row| row.get(0))?.flatten())
}

/// What a pushed branch is to a product.
pub(crate) fn branch_of(connection: &Connection, product: i64, pushed: Pushed<'_>) -> Result<Branch, HubError> {
    let Some(default) = default_branch(connection, product)? else { return Ok(Branch::Default) };
    let name = pushed.name.unwrap_or_default().to_owned();
    Ok(if name == default { Branch::Default } else { Branch::Other { name, default } })
}

/// Settles the default branch of a product with the first push that names one: what its repository says, else the branch
/// itself. Gives it; none where it was settled before, or nothing is named.
pub(crate) fn settle_branch(
    connection: &Connection,
    product: i64,
    pushed: Pushed<'_>,
) -> Result<Option<String>, HubError> {
    let Some(name) = pushed.name else { return Ok(None) };
    if default_branch(connection, product)?.is_some() {
        return Ok(None);
    }
    let first = pushed.default.unwrap_or(name);
    connection.execute("UPDATE product SET default_ref = ?2 WHERE id = ?1", params![product, first])?;
    Ok(Some(first.to_owned()))
}

/// A scan of another branch that is being taken in.
pub(crate) struct BranchScan<'a> {
    transaction: &'a Transaction<'a>,
    header: Header<'a>,
    product: i64,
    default: String,
    result: Ingested,
}

impl<'a> BranchScan<'a> {
    /// Begins. What was seen of the branch before goes.
    pub(super) fn begin(
        transaction: &'a Transaction<'a>,
        (header, product): (Header<'a>, i64),
        default: String,
        result: Ingested,
    ) -> Result<Self, HubError> {
        let query = "DELETE FROM branch_finding WHERE product = ?1 AND ref = ?2";
        transaction.execute(query, params![product, result.branch])?;
        Ok(Self { transaction, header, product, default, result })
    }

    /// Takes one finding. What the project accepts is not shown.
    pub(crate) fn add(&mut self, finding: &Finding) -> Result<(), HubError> {
        if finding.suppressed.is_some() {
            return Ok(());
        }
        self.result.findings += 1;
        if self.result.findings > FINDINGS {
            return Ok(());
        }
        let mut insert = self.transaction.prepare_cached(
            "INSERT OR IGNORE INTO branch_finding (product, ref, severity, fingerprint, rule, title, path, line) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        insert.execute(params![
            self.product,
            self.result.branch,
            finding.severity as i64,
            finding.fingerprint.as_str(),
            short(&finding.rule),
            short(&finding.title),
            short(&place(finding, self.header.extent)),
            finding.location.line()
        ])?;
        Ok(())
    }

    /// Says what came of it.
    pub(crate) fn finish(mut self, account: &Account) -> Result<Ingested, HubError> {
        let (connection, branch) = (self.transaction, self.result.branch.clone());
        let only = format!(
            "SELECT count(*) FROM branch_finding b {ON_DEFAULT} WHERE b.product = ?1 AND b.ref = ?2 AND f.id IS NULL"
        );
        self.result.only_here = connection.query_row(&only, params![self.product, branch], |row| row.get(0))?;
        let Ingested { scan, findings, only_here, .. } = self.result;
        let query = "INSERT INTO branch (product, ref, scan, received, findings, only_here) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (product, ref) DO UPDATE SET scan = excluded.scan, received = excluded.received, findings = excluded.findings, only_here = excluded.only_here";
        connection.execute(query, params![self.product, branch, scan, self.header.time, findings, only_here])?;
        self.forget_oldest()?;
        end_scan(connection, &self.result, account)?;
        let shown = if branch.is_empty() { "a branch that nobody named" } else { &branch };
        let said = format!("scan of {shown}: {findings} findings, {only_here} of them not on {}", self.default);
        let new = moment::NewMoment {
            time: self.header.time,
            kind: "scan",
            mark: "plain",
            said: &said,
            about: "branch",
            link: &link(self.header.product.1, &branch),
            ..moment::NewMoment::default()
        };
        moment::add_moment(connection, self.product, new)?;
        let mut reasons = vec![format!(
            "`{}` is the default branch of this product, and {shown} is another one, so nothing was opened or closed",
            self.default
        )];
        if branch.is_empty() {
            reasons.push("name the branch with --ref".to_owned());
        }
        if findings > FINDINGS {
            reasons.push(format!("the first {FINDINGS} findings are listed"));
        }
        self.result.reasons = reasons;
        Ok(self.result)
    }

    fn forget_oldest(&self) -> Result<(), HubError> {
        let old = "SELECT ref FROM branch WHERE product = ?1 ORDER BY scan DESC LIMIT -1 OFFSET ?2";
        for name in rows(self.transaction, (old, params![self.product, BRANCHES]), |row| row.get::<_, String>(0))? {
            for table in ["branch_finding", "branch"] {
                let query = format!("DELETE FROM {table} WHERE product = ?1 AND ref = ?2");
                self.transaction.execute(&query, params![self.product, name])?;
            }
        }
        Ok(())
    }
}

/// The finding on the default branch that is the same, as long as it is there.
const ON_DEFAULT: &str =
    "LEFT JOIN finding f ON f.product = b.product AND f.fingerprint = b.fingerprint AND f.state <> 'closed'";

/// The page of a branch.
pub(crate) fn link(product: &str, branch: &str) -> String {
    use crate::http::encode;
    format!("/products/{}/branch?name={}", encode(product), encode(branch))
}

/// A branch beside the default one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct BranchRow {
    /// Its name; empty where nobody named it.
    pub(crate) name: String,
    /// When its last scan was taken in.
    pub(crate) received: String,
    /// Findings of that scan.
    pub(crate) findings: u64,
    /// Those that are not on the default branch.
    pub(crate) only_here: u64,
}

/// The branches of a product beside the default one, the one that was pushed last first.
pub(crate) fn branches(connection: &Connection, product: i64) -> Result<Vec<BranchRow>, HubError> {
    let query = "SELECT ref, received, findings, only_here FROM branch WHERE product = ?1 ORDER BY scan DESC";
    rows(connection, (query, [product]), |row| {
        Ok(BranchRow { name: row.get(0)?, received: row.get(1)?, findings: row.get(2)?, only_here: row.get(3)? })
    })
}

/// A finding of another branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct BranchFinding {
    /// Harm if true.
    pub(crate) severity: Severity,
    /// Identity over time.
    pub(crate) fingerprint: String,
    /// The rule.
    pub(crate) rule: String,
    /// One line about the rule.
    pub(crate) title: String,
    /// Where.
    pub(crate) path: String,
    /// Line; 0 where there is none.
    pub(crate) line: u32,
    /// Number of the finding on the default branch; none where it is only here.
    pub(crate) finding: Option<i64>,
}

/// Findings of another branch behind one, the greatest harm first.
pub(crate) fn branch_findings(
    connection: &Connection,
    (product, branch): (i64, &str),
    after: Option<(usize, &str)>,
    limit: usize,
) -> Result<Vec<BranchFinding>, HubError> {
    let query = format!(
        "SELECT b.severity, b.fingerprint, b.rule, b.title, b.path, b.line, f.id FROM branch_finding b {ON_DEFAULT} WHERE b.product = ?1 AND b.ref = ?2 AND (b.severity, b.fingerprint) < (?3, ?4) ORDER BY b.severity DESC, b.fingerprint DESC LIMIT ?5"
    );
    let (severity, fingerprint) = after.unwrap_or((Severity::ALL.len(), ""));
    rows(connection, (&query, params![product, branch, severity, fingerprint, limit]), |row| {
        let severity: usize = row.get(0)?;
        Ok(BranchFinding {
            severity: Severity::ALL.get(severity).copied().unwrap_or_default(),
            fingerprint: row.get(1)?,
            rule: row.get(2)?,
            title: row.get(3)?,
            path: row.get(4)?,
            line: row.get(5)?,
            finding: row.get(6)?,
        })
    })
}
