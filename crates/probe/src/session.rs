//! The only place from which requests leave: each is held against scope and profile, takes its turn, and is counted.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use testudo_net::{NetError, Url};

use crate::{
    Answer, Ask, Class, Clock, Limits, OutOfScope, Profile, Scope, Spent, Wire,
    ask::FORM,
    canary::Canaries,
    link,
    pace::{Pace, retry_after},
    reproduce::{self, Given},
};

/// Requests in a row without an answer after which the target counts as gone.
const MAX_SILENCE: u32 = 8;
/// Headers of the user that are shorter than this are not searched for in texts: they would be found everywhere.
const LEAST_SECRET: usize = 4;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Outside of the agreed bounds; nothing was sent.
    Scope(OutOfScope),
    /// The profile does not allow the method; nothing was sent.
    Profile,
    /// Nothing more is sent in this run.
    Over(Over),
    /// It was sent, and nothing came back that can be read.
    Failed(NetError),
}

/// Why a run ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// An amount is used up.
    Spent(Spent),
    /// The target does not answer any more.
    Gone,
}

/// What goes along with every request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials {
    /// Names and values.
    pub(crate) headers: Vec<(String, String)>,
    /// Whether they are left out, because the certificate is not trusted.
    pub(crate) withheld: bool,
}

/// Figures of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) by_class: BTreeMap<&'static str, u64>,
    pub(crate) bytes: u64,
    pub(crate) failed: u64,
    pub(crate) cut: u64,
    pub(crate) patience: u64,
}

/// One run.
pub(crate) struct Session<'a> {
    pub(crate) scope: Scope,
    pub(crate) profile: Profile,
    pub(crate) credentials: Credentials,
    pub(crate) canaries: Canaries,
    pub(crate) unverified: bool,
    wire: &'a mut dyn Wire,
    clock: &'a dyn Clock,
    pace: RefCell<Pace>,
    figures: RefCell<Figures>,
    over: Cell<Option<Over>>,
    silence: Cell<u32>,
}

/// What a session is made of.
pub(crate) struct Bounds {
    pub(crate) scope: Scope,
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    pub(crate) seed: u64,
    pub(crate) headers: Vec<(String, String)>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(bounds: Bounds, wire: &'a mut dyn Wire, clock: &'a dyn Clock) -> Self {
        Self {
            scope: bounds.scope,
            profile: bounds.profile,
            credentials: Credentials { headers: bounds.headers, withheld: false },
            canaries: Canaries::new(bounds.seed),
            unverified: false,
            wire,
            clock,
            pace: RefCell::new(Pace::new(bounds.limits, clock)),
            figures: RefCell::default(),
            over: Cell::new(None),
            silence: Cell::new(0),
        }
    }

    /// Sends a request. Where the server asks for patience it gets it, and is asked once more.
    pub(crate) fn ask(&self, ask: &Ask) -> Result<Answer, NoAnswer> {
        let url = self.scope.admit(&ask.target).map_err(NoAnswer::Scope)?;
        if !self.profile.admits(ask.method) || self.profile == Profile::Safe && ask.overrides_method() {
            return Err(NoAnswer::Profile);
        }
        if ask.body.as_ref().is_some_and(|body| body.kind == FORM && self.scope.is_harm(&body.text)) {
            return Err(NoAnswer::Scope(OutOfScope::LeftAlone));
        }
        let mut full = ask.clone();
        if !self.credentials.withheld {
            self.credentials.headers.iter().for_each(|(name, value)| add(&mut full.headers, name, value));
        }
        let answer = self.once(&url, &full)?;
        if !self.wants_patience(&answer)? {
            return Ok(answer);
        }
        let again = self.once(&url, &full)?;
        self.wants_patience(&again)?;
        Ok(again)
    }

    fn once(&self, url: &Url, ask: &Ask) -> Result<Answer, NoAnswer> {
        self.turn(ask.class)?;
        let start = self.clock.now();
        let sent = self.wire.send(url, ask, self.time_left());
        match sent {
            Ok(mut answer) => {
                answer.took = self.clock.now().saturating_sub(start);
                self.silence.set(0);
                let mut figures = self.figures.borrow_mut();
                figures.bytes += answer.body.len() as u64;
                figures.cut += u64::from(answer.cut);
                Ok(answer)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Takes the turn of one connection.
    fn turn(&self, class: Class) -> Result<(), NoAnswer> {
        if let Some(over) = self.over.get() {
            return Err(NoAnswer::Over(over));
        }
        self.pace.borrow_mut().turn(self.clock).map_err(|spent| self.end(Over::Spent(spent)))?;
        let mut figures = self.figures.borrow_mut();
        figures.requests += 1;
        *figures.by_class.entry(class.as_str()).or_default() += 1;
        Ok(())
    }

    fn failed(&self, error: NetError) -> NoAnswer {
        self.figures.borrow_mut().failed += 1;
        if self.time_left().is_zero() {
            return self.end(Over::Spent(Spent::Time));
        }
        self.silence.set(self.silence.get() + 1);
        if self.silence.get() >= MAX_SILENCE { self.end(Over::Gone) } else { NoAnswer::Failed(error) }
    }

    fn end(&self, over: Over) -> NoAnswer {
        self.over.set(Some(over));
        NoAnswer::Over(over)
    }

    /// Whether the server asks to come slower (RFC 6585 section 4, RFC 9110 section 15.6.4), which is done.
    fn wants_patience(&self, answer: &Answer) -> Result<bool, NoAnswer> {
        if !matches!(answer.status, 429 | 503) {
            return Ok(false);
        }
        let said = answer.header("retry-after").and_then(|value| retry_after(value, self.clock.unix()));
        // A server that is broken and says no time is not made to wait for.
        if answer.status == 503 && said.is_none() {
            return Ok(false);
        }
        self.figures.borrow_mut().patience += 1;
        let done = self.pace.borrow_mut().back_off(said, self.clock);
        done.map_err(|spent| self.end(Over::Spent(spent)))?;
        Ok(true)
    }

    /// Whether the run is over before its end.
    pub(crate) fn over(&self) -> Option<Over> {
        self.over.get()
    }

    pub(crate) fn figures(&self) -> Figures {
        self.figures.borrow().clone()
    }

    /// Time that is left.
    pub(crate) fn time_left(&self) -> std::time::Duration {
        self.pace.borrow().left(self.clock)
    }

    /// Looks at the certificate, and goes on with it whatever it is worth.
    pub(crate) fn look(&mut self) -> Result<testudo_net::tls::Look, NoAnswer> {
        self.turn(Class::Look)?;
        let look = self.wire.look().map_err(|error| self.failed(error))?;
        self.silence.set(0);
        Ok(look)
    }

    /// Trusts what was seen, and nothing else.
    pub(crate) fn trust(&mut self, seen: testudo_net::tls::SeenCertificate) {
        self.wire.trust(seen);
        self.unverified = true;
    }

    /// Whether an old version of TLS is spoken.
    pub(crate) fn agrees(&self, version: testudo_net::tls::OldVersion) -> Result<bool, NoAnswer> {
        self.turn(Class::Look)?;
        // A server that hangs up on such a greeting does what it should.
        Ok(self.wire.agrees(version).unwrap_or(false))
    }

    /// The address of a request; that of the target where it has none.
    pub(crate) fn url(&self, ask: &Ask) -> Url {
        self.scope.admit(&ask.target).unwrap_or_else(|_| self.scope.url().clone())
    }

    /// The command that makes a request.
    pub(crate) fn curl(&self, ask: &Ask) -> String {
        let sent = if self.credentials.withheld { &[][..] } else { &self.credentials.headers[..] };
        let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
        self.masked(&reproduce::curl(&self.url(ask), ask, &Given { names: &names, unverified: self.unverified }))
    }

    /// A text without the values of headers that the user gave: a server may send them back.
    pub(crate) fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for part in self.credentials.headers.iter().flat_map(|(_, value)| secrets(value)) {
            for written in written(part) {
                text = text.replace(&written, "***");
            }
        }
        text
    }
}

/// Adds a header of the user; cookies go into one header (RFC 6265 section 5.4).
fn add(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    let is_cookie = |name: &str| name.eq_ignore_ascii_case("cookie");
    match headers.iter_mut().find(|(own, _)| is_cookie(own) && is_cookie(name)) {
        Some((_, own)) => *own = format!("{value}; {own}"),
        None => headers.push((name.to_owned(), value.to_owned())),
    }
}

/// The forms in which a server may send a text back: as it is, in an address, in a form, and in JSON.
fn written(part: &str) -> [String; 5] {
    let address = link::encode(part);
    let form = address.replace("%20", "+");
    // Hexadecimal digits are written in both cases.
    let lower = percent_lower(&address);
    [part.to_owned(), part.replace('/', "\\/"), form, lower, address]
}

/// An encoded text with its escapes in lower case.
fn percent_lower(text: &str) -> String {
    let mut digits = 0;
    let lower = |c: char| {
        let escape = digits > 0;
        digits = if c == '%' { 2 } else { usize::saturating_sub(digits, 1) };
        if escape { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(lower).collect()
}

/// What of a header's value opens something: all of it, what stands behind a scheme (`Bearer ...`), and each value of
/// cookies.
fn secrets(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split(';').map(str::trim);
    let values =
        parts.flat_map(|part| [part.split_once('=').map(|(_, v)| v), part.split_once(' ').map(|(_, v)| v.trim())]);
    std::iter::once(value).chain(values.flatten()).filter(|part| part.len() > LEAST_SECRET)
}
