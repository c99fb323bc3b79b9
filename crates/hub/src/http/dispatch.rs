//! From a request to an answer. What holds for every request is decided here, in one order: host, route, who asks, what they
//! may do, type of the body, origin, token of the form. Handlers come last.

use std::net::IpAddr;

use super::{Fields, Form, Refusal, Request, Response};
use crate::{
    Hub,
    act::signed::By,
    auth::{Permission, Person, Principal, Secret, TOKEN_PREFIX},
    pages,
    routes::{self, Route, Takes},
    store,
    world::Moment,
};

/// Name of the cookie of a session. Over TLS the browser itself sees to it that nobody below or beside the hub sets it.
const COOKIE: &str = "testudo-hub";
const SECURE_COOKIE: &str = "__Host-testudo-hub";
/// Seconds after which a session is said to be in use again.
const TOUCH: i64 = 60;

/// What a handler is asked.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) request: &'a Request,
    pub(crate) principal: &'a Principal,
    /// Values of the names in the path of the route.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// The form, where the route takes one.
    pub(crate) form: Form,
    /// Now.
    pub(crate) now: Moment,
    /// From where, for the audit.
    pub(crate) address: IpAddr,
}

impl Ask<'_> {
    /// The value of a name in the path.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
    }

    /// A number in the path.
    pub(crate) fn number(&self, name: &str) -> Result<i64, Refusal> {
        let wrong = |_| Refusal::malformed(format!("`{name}` in the address is a number up to {}", i64::MAX));
        self.parameter(name).parse().map_err(wrong)
    }

    /// The number of an entry in the path.
    pub(crate) fn seq(&self) -> Result<u64, Refusal> {
        u64::try_from(self.number("seq")?).map_err(|_| Refusal::Absent)
    }

    /// The query.
    pub(crate) fn query(&self) -> &Fields {
        &self.request.target.query
    }

    /// The person who asks.
    pub(crate) fn person(&self) -> Result<&Person, Refusal> {
        match self.principal {
            Principal::Person(person) => Ok(person),
            _ => Err(Refusal::Unknown),
        }
    }

    /// The body as JSON of a type.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Refusal> {
        let reader = self.request.body.reader().map_err(|_| Refusal::malformed("the body cannot be read"))?;
        serde_json::from_reader(std::io::BufReader::new(reader))
            .map_err(|error| Refusal::malformed(format!("the body is not what is expected: {error}")))
    }

    /// Who decides, when and from where.
    pub(crate) fn by(&self) -> By {
        By { time: self.now.text.clone(), actor: self.principal.name(), address: self.address.to_string() }
    }

    /// Writes into the audit.
    pub(crate) fn deed<'d>(&'d self, action: &'d str, said: &'d str) -> Audited<'d> {
        Audited { time: &self.now.text, actor: self.principal.name(), address: self.address.to_string(), action, said }
    }
}

/// Something for the audit, with texts of its own.
#[derive(Debug, Clone)]
pub(crate) struct Audited<'a> {
    time: &'a str,
    actor: String,
    address: String,
    action: &'a str,
    said: &'a str,
}

impl Audited<'_> {
    /// Who acts.
    pub(crate) fn by(mut self, actor: &str) -> Self {
        actor.clone_into(&mut self.actor);
        self
    }

    /// Writes it.
    pub(crate) fn record(&self, connection: &rusqlite::Connection) -> Result<(), crate::HubError> {
        let deed = store::Deed {
            time: self.time,
            actor: &self.actor,
            address: &self.address,
            action: self.action,
            said: self.said,
            decision: None,
        };
        store::record(connection, deed)
    }
}

/// Answers a request, whatever it is.
pub(crate) fn answer(hub: &Hub, request: &Request) -> Response {
    let mut principal = Principal::Anonymous;
    let refusal = match route(hub, request, &mut principal) {
        Ok(response) => return response,
        Err(refusal) => refusal,
    };
    if let Refusal::Hub(error) = &refusal {
        hub.trouble(error);
    }
    refused(request, &refusal, &principal)
}

/// Why a request is not done: a page for people, a document for programs.
pub(crate) fn refused(request: &Request, refusal: &Refusal, principal: &Principal) -> Response {
    if request.is_for_people() { pages::refused(refusal, principal) } else { refusal.to_json() }
}

/// Whether the one who asks may send a body to this route. Asked before a large one is received: nobody fills the disk of a hub
/// whose token they do not have.
pub(super) fn admit(hub: &Hub, request: &Request) -> Result<(), Refusal> {
    let (route, parameters) = routes::find(&request.method, &request.target.segments)?;
    let principal = who(hub, request, (&hub.now(), hub.address(request)))?;
    permitted(route, &parameters, &principal)
}

fn route(hub: &Hub, request: &Request, principal: &mut Principal) -> Result<Response, Refusal> {
    if !hub.is_own_host(request.header("host")) {
        return Err(Refusal::malformed("this host is not the hub's; use the address that it printed"));
    }
    let (route, parameters) = routes::find(&request.method, &request.target.segments)?;
    let now = hub.now();
    let address = hub.address(request);
    *principal = who(hub, request, (&now, address))?;
    permitted(route, &parameters, principal)?;
    let form = checked_body(hub, route, request, principal)?;
    hub.begin_day(&now)?;
    let ask = Ask { request, principal, parameters, form, now, address };
    (route.run)(hub, &ask)
}

/// Who asks. A token that is none is refused, not passed over.
fn who(hub: &Hub, request: &Request, (now, address): (&Moment, IpAddr)) -> Result<Principal, Refusal> {
    if request.has_header("authorization") {
        let text = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let secret = text.and_then(|text| Secret::parse(text.trim().strip_prefix(TOKEN_PREFIX)?));
        let digest = secret.map(|secret| secret.digest());
        let found = digest.map(|digest| hub.store.read(|connection| store::token(connection, &digest))).transpose()?;
        // A secret of 32 random bytes is not guessed: who has one is not kept waiting for the failures of others.
        let Some((machine, used)) = found.flatten() else {
            guessing(hub, address, now)?;
            hub.throttle.failed(address, now.seconds);
            return Err(Refusal::BadToken);
        };
        if used.as_deref() != Some(now.day()) {
            hub.note(|connection| store::used(connection, machine.id, now.day()));
        }
        return Ok(Principal::Machine(machine));
    }
    let Some(secret) = request.cookie(cookie_name(hub)).and_then(Secret::parse) else {
        return Ok(Principal::Anonymous);
    };
    let found = hub.store.read(|connection| store::session(connection, &secret, now.seconds))?;
    let Some((person, seen)) = found else { return Ok(Principal::Anonymous) };
    if now.seconds - seen >= TOUCH {
        hub.note(|connection| store::touch(connection, &secret, now.seconds));
    }
    Ok(Principal::Person(person))
}

/// Lets nobody guess without end.
pub(crate) fn guessing(hub: &Hub, address: IpAddr, now: &Moment) -> Result<(), Refusal> {
    hub.throttle.wait(address, now.seconds).map_or(Ok(()), |seconds| Err(Refusal::TooMany(seconds)))
}

fn permitted(route: &Route, parameters: &[(&'static str, String)], principal: &Principal) -> Result<(), Refusal> {
    if !principal.may(route.permission) {
        return Err(match principal {
            Principal::Anonymous => Refusal::Unknown,
            _ => Refusal::Forbidden(format!(
                "you may not do this: it needs the permission `{}`",
                route.permission.as_str()
            )),
        });
    }
    // A token speaks for one thing, and that thing is the first name in the path.
    if let (Principal::Machine(machine), Permission::Push | Permission::Agent) = (principal, route.permission) {
        let named = parameters.first().map_or("", |(_, value)| value);
        if machine.subject != named {
            let subject = &machine.subject;
            return Err(Refusal::Forbidden(format!("this token is for `{subject}` alone; make one for `{named}`")));
        }
    }
    Ok(())
}

/// What changes something has to come from a page of this hub, or from a machine with its token.
fn checked_body(hub: &Hub, route: &Route, request: &Request, principal: &Principal) -> Result<Form, Refusal> {
    let media = request.media_type();
    let form = match route.takes {
        Takes::Nothing => Form::default(),
        Takes::Form if media.as_deref() == Some("application/x-www-form-urlencoded") => Form::read(&request.body)?,
        Takes::Form => return Err(Refusal::MediaType("application/x-www-form-urlencoded")),
        Takes::Json { .. } if media.as_deref() == Some("application/json") => Form::default(),
        Takes::Json { .. } => return Err(Refusal::MediaType("application/json")),
        Takes::Lines { .. } if media.as_deref() == Some("application/jsonl") => Form::default(),
        Takes::Lines { .. } => return Err(Refusal::MediaType("application/jsonl")),
    };
    if request.is_safe() || matches!(principal, Principal::Machine(_)) {
        return Ok(form);
    }
    if !is_own_origin(hub, request) {
        return Err(Refusal::Forbidden("this came from another site".to_owned()));
    }
    if let Principal::Person(person) = principal {
        let token = if matches!(route.takes, Takes::Form) { form.token() } else { "" };
        let token = if token.is_empty() { request.header("x-testudo-form").unwrap_or_default() } else { token };
        if !person.session.is_form_token(token) {
            return Err(Refusal::Forbidden("this form is of another session; load the page again".to_owned()));
        }
    }
    Ok(form)
}

/// Whether a page of this hub sent it. A browser says so in `Sec-Fetch-Site` or in `Origin`; because pages have no referrer,
/// an own form has the origin `null`.
fn is_own_origin(hub: &Hub, request: &Request) -> bool {
    if request.has_header("sec-fetch-site") {
        return request.header("sec-fetch-site") == Some("same-origin");
    }
    let scheme = if hub.is_secure() { "https" } else { "http" };
    let own = request.header("host").map(|host| format!("{scheme}://{host}"));
    own.is_some() && request.header("origin").map(str::to_owned) == own
}

/// The name of the cookie of a session.
fn cookie_name(hub: &Hub) -> &'static str {
    if hub.is_secure() { SECURE_COOKIE } else { COOKIE }
}

/// The header that begins a session, or ends it.
pub(crate) fn cookie(hub: &Hub, secret: Option<&Secret>) -> String {
    let (name, secure) = (cookie_name(hub), if hub.is_secure() { "; Secure" } else { "" });
    match secret {
        Some(secret) => format!("{name}={}; Path=/; HttpOnly; SameSite=Strict{secure}", secret.text()),
        None => format!("{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}"),
    }
}
