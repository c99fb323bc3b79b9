//! The hub: one process that keeps what scans, releases and agents say, and shows who has to do what.
//!
//! Programs push scans, ledgers and events with tokens; people sign in with a link that works once. What is decided here goes
//! into a signed ledger of the hub's own. One database file holds the rest. There is nothing to configure, no other
//! service, and no page that loads anything from elsewhere.
//!
//! `routes.rs` is the one table of everything that can be asked: the router, the OpenAPI document and the tests come from it.

mod act;
mod api;
mod auth;
mod boards;
mod change;
mod decisions;
mod error;
mod facts;
mod http;
mod openapi;
mod pages;
mod routes;
mod rules;
mod store;
mod timeline;
mod verify;
mod work;
mod world;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Mutex, TryLockError},
};

pub use auth::{Permission, Role, Scope, Secret, TOKEN_PREFIX};
pub use error::HubError;
pub use facts::{ControlFacts, PlanFigures, ProductFacts, RoleFacts};
pub use http::{Encryption, Listener, Refusal};
pub use openapi::document as openapi;
pub use rules::RuleSet;
pub use world::{Moment, World};

use act::signed::By;
use auth::{LINK_LIFE, Throttle};
use boards::Boards;
use decisions::Decisions;
use http::{Body, Request, Target};
use store::Store;

/// Folder of bodies that are being received.
const INCOMING: &str = "incoming";

/// Where a hub is and what it knows.
#[derive(Debug)]
pub struct Settings {
    /// The folder of its state.
    pub folder: PathBuf,
    /// The rules of this program, to know what a scan looked for.
    pub rules: RuleSet,
    /// Time and random numbers.
    pub world: Box<dyn World>,
    /// What protects the way to browsers.
    pub encryption: Encryption,
    /// Where it listens; none for a hub that answers nobody.
    pub address: Option<SocketAddr>,
    /// Takes a line about what went wrong within.
    pub trouble: fn(&str),
}

/// A hub.
#[derive(Debug)]
pub struct Hub {
    settings: Settings,
    store: Store,
    decisions: Decisions,
    throttle: Throttle,
    boards: Boards,
    /// The day on which decisions that had ended were looked for last.
    day: Mutex<String>,
}

/// A link with which somebody signs in once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Who.
    pub person: String,
    /// What they may do.
    pub role: Role,
    /// The path behind the address of the hub.
    pub path: String,
}

impl Hub {
    /// Opens the state of a hub, or makes it.
    ///
    /// # Errors
    /// The folder or the database cannot be used, or the address is not of this machine alone and nothing encrypts.
    pub fn open(settings: Settings) -> Result<Self, HubError> {
        if let (Some(address), Encryption::None) = (settings.address, &settings.encryption)
            && !address.ip().is_loopback()
        {
            return Err(HubError::ClearText(address));
        }
        let store = Store::open(&settings.folder)?;
        let decisions = Decisions::open(&settings.folder)?;
        if settings.address.is_some() {
            let incoming = settings.folder.join(INCOMING);
            drop(fs::remove_dir_all(&incoming));
            fs::create_dir_all(&incoming).map_err(|source| HubError::Folder { path: incoming, source })?;
        }
        let hub = Self {
            settings,
            store,
            decisions,
            throttle: Throttle::default(),
            boards: Boards::default(),
            day: Mutex::default(),
        };
        // What ended in between is finished first. Where that cannot be, everything can still be read.
        let settled = hub.decisions.alone().and_then(|alone| act::signed::settle(&hub, &alone));
        if let Err(error) = settled {
            hub.trouble(&error);
        }
        act::adopt::adopt(&hub, &By { actor: "hub".to_owned(), ..hub.local() })?;
        Ok(hub)
    }

    /// Answers a request of a machine without a socket, as an embedding program or a test wants it: the status.
    pub fn ask(&self, token: &str, (method, target): (&str, &str), (media, body): (&str, Vec<u8>)) -> u16 {
        let Some(target) = Target::parse(target) else { return Refusal::malformed("the address").status() };
        let host = self.settings.address.map_or_else(|| "localhost".to_owned(), |address| address.to_string());
        let headers =
            vec![("host", host), ("authorization", format!("Bearer {token}")), ("content-type", media.to_owned())];
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let request = Request { method: method.to_owned(), target, address, headers, body: Body::of(body) };
        http::answer(self, &request).status
    }

    /// A link for the first administrator, as long as none has ever signed in.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn first_link(&self) -> Result<Option<Link>, HubError> {
        if self.store.read(store::has_admin)? { Ok(None) } else { self.link("admin", Some(Role::Admin)).map(Some) }
    }

    /// A new link for a person, who is made where there is none of that name; a role is needed then. The role of one who is
    /// there stays.
    ///
    /// # Errors
    /// The name is none, nobody has it and no role is given, they may not sign in, or the database cannot be written.
    pub fn link(&self, name: &str, role: Option<Role>) -> Result<Link, HubError> {
        let (by, now) = (self.local(), self.now());
        let person = act::people::put(self, &by, name, role).map_err(own)?;
        let secret = Secret::new(self.world())?;
        self.store.write(|connection| {
            store::make_link(connection, (person.id, &secret.digest()), now.seconds + LINK_LIFE)?;
            let said = format!("a link for {name}");
            let (time, address) = (&now.text, &by.address);
            let deed = store::Deed { time, actor: LOCAL, address, action: "link.create", said: &said, decision: None };
            store::record(connection, deed)
        })?;
        Ok(Link { person: person.name, role: person.role, path: format!("/welcome/{}", secret.text()) })
    }

    /// Makes a token for a product or an agent; an agent may watch a product. The text is never shown again.
    ///
    /// # Errors
    /// The subject is no name, or the database cannot be written.
    pub fn create_token(&self, scope: Scope, subject: &str, watches: Option<&str>) -> Result<String, HubError> {
        let new = act::people::NewToken { scope, subject, watches };
        act::people::add_token(self, self.local(), &new).map_err(own)
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// There is none of that number that counts, or the database cannot be written.
    pub fn revoke_token(&self, id: i64) -> Result<(), HubError> {
        act::people::revoke(self, self.local(), id).map_err(|refusal| match refusal {
            Refusal::Absent => HubError::Unknown(format!("there is no token {id} that still counts")),
            other => own(other),
        })
    }

    /// What is wrong with the audit, the hub's own ledger, and what the database says was decided; nothing where all is whole.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn verify(&self) -> Result<Vec<String>, HubError> {
        verify::faults(self)
    }

    /// Whoever uses the command line of this machine.
    fn local(&self) -> By {
        By { time: self.now().text, actor: LOCAL.to_owned(), address: "this machine".to_owned() }
    }

    pub(crate) fn world(&self) -> &dyn World {
        self.settings.world.as_ref()
    }

    pub(crate) fn now(&self) -> Moment {
        self.settings.world.now()
    }

    pub(crate) fn encryption(&self) -> Encryption {
        self.settings.encryption.clone()
    }

    /// Whether browsers reach the hub over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        !matches!(self.settings.encryption, Encryption::None)
    }

    /// Whether a request was meant for this hub. A page elsewhere can have its name lead to this machine (DNS rebinding), so an
    /// address of this machine alone answers to its own names only.
    pub(crate) fn is_own_host(&self, host: Option<&str>) -> bool {
        let (Encryption::None, Some(address)) = (&self.settings.encryption, self.settings.address) else {
            return host.is_some();
        };
        let port = address.port();
        let own =
            [format!("{address}"), format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
        host.is_some_and(|host| own.iter().any(|own| own.eq_ignore_ascii_case(host)))
    }

    /// From where a request came: what the server in front says, where there is one.
    pub(crate) fn address(&self, request: &Request) -> IpAddr {
        let told = || request.header("x-forwarded-for")?.rsplit(',').next()?.trim().parse().ok();
        match self.settings.encryption {
            Encryption::InFront => told().unwrap_or(request.address),
            _ => request.address,
        }
    }

    /// Opens findings again whose decision ended before today. Costs nothing after the first request of a day. While somebody
    /// writes, the next request does it: no page waits for that.
    pub(crate) fn begin_day(&self, now: &Moment) -> Result<(), HubError> {
        let mut day = match self.day.try_lock() {
            Ok(day) => day,
            Err(TryLockError::Poisoned(day)) => day.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        if *day != now.day() && self.store.write_if_idle(|connection| reopen(connection, now))?.is_some() {
            now.day().clone_into(&mut day);
        }
        Ok(())
    }

    /// Writes what may be left out, where nobody else writes at the moment.
    pub(crate) fn note(&self, work: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<(), HubError>) {
        if let Err(error) = self.store.write_if_idle(work) {
            self.trouble(&error);
        }
    }

    /// Tells whoever runs the hub what went wrong.
    pub(crate) fn trouble(&self, error: &HubError) {
        (self.settings.trouble)(&error.to_string());
    }

    /// A name for the file of a body that is being received.
    pub(crate) fn incoming_file(&self) -> Result<PathBuf, HubError> {
        Ok(self.settings.folder.join(INCOMING).join(testudo_model::hex(&self.world().random()?)))
    }
}

/// Who acts where somebody uses the command line of the machine.
const LOCAL: &str = "command line";

/// Why something was refused, to whoever uses the command line.
fn own(refusal: Refusal) -> HubError {
    match refusal {
        Refusal::Hub(error) => error,
        other => HubError::Unknown(other.to_string()),
    }
}

/// Opens findings again whose decision ended, and says so.
fn reopen(connection: &rusqlite::Connection, now: &Moment) -> Result<(), HubError> {
    for (product, count) in store::expire(connection, now.day())? {
        let said = format!("{count} findings are open again: the last day of a decision is over");
        let moment = store::NewMoment {
            time: &now.text,
            kind: "decision",
            mark: "look",
            said: &said,
            about: "decision",
            link: "/findings",
            ..store::NewMoment::default()
        };
        store::add_moment(connection, product, moment)?;
        store::touched(connection, product)?;
        let deed = store::Deed {
            time: &now.text,
            actor: "hub",
            address: "this machine",
            action: "finding.expire",
            said: &said,
            decision: None,
        };
        store::record(connection, deed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
