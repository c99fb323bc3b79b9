//! The database: one SQLite file with a write-ahead log, so that readers never wait for a writer.
//!
//! One connection writes, a few read. Everything that belongs together is one transaction: it is there as a whole or not
//! at all, whenever the power goes. Texts go into statements as parameters only.

mod agent;
mod audit;
mod branch;
mod change;
mod concern;
mod finding;
mod gate;
mod intent;
mod ledger;
mod moment;
mod person;
#[cfg(test)]
mod plan;
mod product;
mod scan;
mod token;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, TryLockError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

pub(crate) use agent::{
    AgentRow, AlertRow, Taken, about_response, agent_of, agents, alert, alerts, response_word, take, watch, watches,
};
pub(crate) use audit::{AuditRow, Deed, Link, audit, each_deed, last_hash, record};
pub(crate) use branch::{
    BRANCHES, Branch, BranchFinding, BranchRow, FINDINGS as BRANCH_FINDINGS, Pushed, branch_findings, branch_of,
    branches, link as branch_link, settle_branch,
};
pub(crate) use change::{Numbered, change, next_number, rehearse};
pub(crate) use concern::{
    ConcernRow, Which, concern, concern_count, concerns, concerns_for, concerns_of, each_concern, put_concern,
    word as concern_word,
};
pub(crate) use finding::{
    DecidedRow, Decision, Filter, FindingRow, FindingState, Page, decide, decided, document, expire, finding, findings,
    matching, severities,
};
pub(crate) use gate::{GateRow, Judged, findings_of, gates_of, keep_gate};
pub(crate) use intent::{Intent, adopted, forget, intend, intents, is_adopting, own_head, set_own_head};
pub(crate) use ledger::{
    FormerKeys, LedgerRow, append, first_push, former_keys, head, ledger, ledgers, line, line_hash, lines,
    newest_statements, statement, with_ledgers,
};
pub(crate) use moment::{MomentRow, NewMoment, add_moment, attest_moment, latest_about, moments};
pub(crate) use person::{
    PersonRow, SessionRow, end_named, end_others, end_session, enter, has_admin, is_owner, make_link, people,
    person_named, put_person, session, sessions, touch,
};
pub(crate) use product::{PlanRole, ProductRow, named, plan_roles, product, products, set_facts, touched};
pub(crate) use scan::{Account, CUT, Header, Ingested, ScanRow, Taking, scan_count, scans};
pub(crate) use token::{MadeRow, TokenRow, made as tokens_made, revoke_token, token, tokens, used};

use crate::HubError;

/// Name of the file.
const FILE: &str = "hub.sqlite3";
/// Steps from an empty database to the newest form. Never changed, only added to.
const MIGRATIONS: &[&str] = &[include_str!("schema/001.sql"), include_str!("schema/002.sql")];
/// Connections that read.
const READERS: usize = 4;
/// How long a writer of another process is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Memory for pages of one connection, in KiB.
const CACHE: i64 = 4096;

/// The database.
pub(crate) struct Store {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.path.display())
    }
}

impl Store {
    /// Opens the database of a folder, and makes or moves it to the newest form.
    pub(crate) fn open(folder: &Path) -> Result<Self, HubError> {
        make_private(folder).map_err(|source| HubError::Folder { path: folder.to_owned(), source })?;
        let path = folder.join(FILE);
        let mut writer = connect(&path)?;
        migrate(&mut writer)?;
        Ok(Self { path, writer: Mutex::new(writer), readers: Mutex::default() })
    }

    /// Reads.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, HubError>) -> Result<T, HubError> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = kept.map_or_else(|| connect(&self.path), Ok)?;
        let result = work(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
        result
    }

    /// Writes: everything that `work` does, or nothing where it fails.
    pub(crate) fn write<T, E: From<HubError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        in_transaction(&mut writer, work)
    }

    /// The same where nobody else writes at the moment; none where somebody does. Who reads never waits for it.
    pub(crate) fn write_if_idle<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, HubError>,
    ) -> Result<Option<T>, HubError> {
        let mut writer = match self.writer.try_lock() {
            Ok(writer) => writer,
            Err(TryLockError::Poisoned(writer)) => writer.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        // Another process may hold the file, such as one that makes a copy of it.
        writer.busy_timeout(Duration::ZERO)?;
        let done = in_transaction(&mut writer, work);
        writer.busy_timeout(PATIENCE)?;
        match done {
            Err(HubError::Database(error)) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(None),
            done => done.map(Some),
        }
    }
}

fn in_transaction<T, E: From<HubError>>(
    writer: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let begun = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(HubError::from)?;
    let done = work(&begun)?;
    begun.commit().map_err(HubError::from)?;
    Ok(done)
}

/// A folder that nobody else can look into.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

fn connect(path: &Path) -> Result<Connection, HubError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; \
         PRAGMA cache_size = -{CACHE}; PRAGMA temp_store = FILE; PRAGMA journal_size_limit = 16777216;"
    ))?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), HubError> {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: usize = begun.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > MIGRATIONS.len() {
        return Err(HubError::Newer { found, known: MIGRATIONS.len() });
    }
    for step in &MIGRATIONS[found..] {
        begun.execute_batch(step)?;
    }
    begun.pragma_update(None, "user_version", MIGRATIONS.len())?;
    begun.commit()?;
    Ok(())
}

/// Every row of a query.
fn rows<T, P: rusqlite::Params>(
    connection: &Connection,
    (query, parameters): (&str, P),
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, HubError> {
    #[cfg(test)]
    plan::check(connection, query)?;
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_map(parameters, read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The one row of a query; none where there is none.
fn row<T, P: rusqlite::Params>(
    connection: &Connection,
    (query, parameters): (&str, P),
    read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, HubError> {
    use rusqlite::OptionalExtension as _;
    #[cfg(test)]
    plan::check(connection, query)?;
    Ok(connection.prepare_cached(query)?.query_row(parameters, read).optional()?)
}

/// A column that holds JSON. What cannot be read is an error: an empty list would say that there is nothing.
fn json<T: serde::de::DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}
