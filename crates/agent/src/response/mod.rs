//! Answers to attacks: their source is blocked for a time.
//!
//! What will be done is on the disk before it is done, and what came of it after, so the end of the process loses no
//! block: at the next start what was meant to be in force is held against the firewall, and put back for the time that is
//! left. The same is done when somebody else empties the firewall. Nothing is blocked without an end, nobody on the
//! allow-list, and no more than so many a minute.

pub(crate) mod allow;
pub(crate) mod firewall;

use std::{net::IpAddr, path::Path};

use serde::{Deserialize, Serialize};
use testudo_model::{AgentEventBody, Response, ResponseAction, ResponseState};

use self::firewall::Firewall;
use crate::{
    AgentError,
    config::{Config, ResponseMode},
    log::Cidr,
    machine,
    mask::masked,
    spool::Spool,
};

/// Under which names responses are known.
pub(crate) const KEY: &str = "response:";
/// What the system says of this machine.
const PROC: &str = "/proc";
/// A block that ends within so many seconds may be gone already.
const MARGIN: u64 = 2;
/// Blocks that a message names, at most.
const MAX_NAMED: usize = 20;
/// Responses that ended and are still shown.
const MAX_ENDED: usize = 200;

/// A response as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) response: Response,
    /// The rule that brought it.
    #[serde(default)]
    pub(crate) rule: String,
    /// When it began, RFC 3339 in UTC.
    #[serde(default)]
    pub(crate) since: String,
    /// Seconds since 1970.
    pub(crate) until: u64,
    /// Whether it is about to be done, and nobody knows whether it was.
    #[serde(default)]
    pub(crate) is_intent: bool,
}

/// Blocks and unblocks.
#[derive(Debug)]
pub(crate) struct Responder {
    firewall: Box<dyn Firewall>,
    /// When blocks of the last minute were made, in seconds since 1970.
    recent: Vec<u64>,
    serial: u64,
    /// Why blocks could not be put back when that was tried last.
    hindrance: Option<String>,
}

/// Why somebody is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause<'c> {
    /// Id of the alert.
    pub(crate) alert: &'c str,
    pub(crate) rule: &'c str,
    pub(crate) address: IpAddr,
}

/// What a wish to take a response back says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    pub(crate) id: String,
    pub(crate) actor: String,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Responder {
    pub(crate) fn new(firewall: Box<dyn Firewall>) -> Self {
        Self { firewall, recent: Vec::new(), serial: 0, hindrance: None }
    }

    /// Says which response an alert gets, before anything is done. It is kept with the next frame.
    pub(crate) fn plan(&mut self, cause: Cause<'_>, config: &Config, spool: &mut Spool) -> Option<String> {
        if config.response.mode == ResponseMode::Off || in_force(spool, cause.address) {
            return None;
        }
        self.serial += 1;
        let id = format!("{}-{}", spool.boot(), self.serial);
        let now = machine::seconds();
        let until = now + config.response.ttl.as_secs();
        self.recent.retain(|time| now < time + 60);
        let (target, why) = allow::target(cause.address, config, Path::new(PROC));
        let refused = why.map(|why| (ResponseState::Refused, why)).or_else(|| {
            (self.recent.len() >= config.response.per_minute as usize).then(|| {
                let why = format!("{} were blocked within a minute, and that is the limit", self.recent.len());
                (ResponseState::Refused, why)
            })
        });
        let is_intent = refused.is_none() && config.response.mode == ResponseMode::Enforce;
        let (state, reason) = refused.unwrap_or_else(|| match config.response.mode {
            ResponseMode::Enforce => (ResponseState::Active, "blocked".to_owned()),
            _ => (ResponseState::Planned, "dry run: set `mode = \"enforce\"` to block it".to_owned()),
        });
        let response = Response {
            id: id.clone(),
            alert: cause.alert.to_owned(),
            action: ResponseAction::Block,
            target: target.text(),
            host: machine::host(),
            state,
            time: machine::now(),
            until: machine::rfc3339(until),
            reason,
            actor: None,
        };
        let (rule, since) = (cause.rule.to_owned(), response.time.clone());
        let kept = Kept { response, rule, since, until, is_intent };
        keep(spool, &kept);
        if is_intent {
            self.recent.push(now);
            Some(id)
        } else {
            spool.add(AgentEventBody::Response(kept.response));
            None
        }
    }

    /// Does what was planned and is on the disk. What came of it is kept with the next frame.
    pub(crate) fn carry_out(&mut self, id: &str, spool: &mut Spool) {
        let Some(mut kept) = find(spool, id).filter(|kept| kept.is_intent) else { return };
        let left = kept.until.saturating_sub(machine::seconds());
        let Some(range) = kept.target() else { return };
        let done = if left == 0 { Ok(()) } else { self.firewall.block(range, left) };
        kept.is_intent = false;
        match done {
            Ok(()) if left == 0 => end(&mut kept, ResponseState::Expired, "its time was over before it could be done"),
            Ok(()) => {}
            Err(why) => end(&mut kept, ResponseState::Failed, &why),
        }
        keep(spool, &kept);
        spool.add(AgentEventBody::Response(kept.response));
    }

    /// After a start: what should be in force and is not is done for the time that is left, unless nobody may be blocked
    /// for it any more.
    pub(crate) fn restore(&mut self, config: &Config, spool: &mut Spool, told: &mut Vec<String>) {
        for mut kept in active(spool) {
            let Some(range) = kept.target() else { continue };
            if let Some(why) = allow::reason(range, config, Path::new(PROC)) {
                // It may have been blocked or not; both times it is not afterwards.
                told.extend(self.firewall.unblock(range).err());
                end(&mut kept, ResponseState::Undone, &why);
                kept.is_intent = false;
                keep(spool, &kept);
                spool.add(AgentEventBody::Response(kept.response));
            } else if kept.is_intent {
                self.carry_out(&kept.response.id, spool);
            }
        }
        told.extend(self.put_back(spool));
    }

    /// Puts back what was taken out of the firewall while it is in force. Says what was missing, and why it still is.
    pub(crate) fn put_back(&mut self, spool: &mut Spool) -> Option<String> {
        let now = machine::seconds() + MARGIN;
        let open: Vec<(Cidr, u64)> = active(spool)
            .iter()
            .filter(|kept| !kept.is_intent && kept.until > now)
            .filter_map(|kept| Some((kept.target()?, kept.until)))
            .collect();
        if open.is_empty() {
            self.hindrance = None;
            return None;
        }
        let missing = match self.firewall.standing() {
            Ok(standing) if standing.is_whole => {
                open.into_iter().filter(|(range, _)| !standing.blocked.contains(range)).collect()
            }
            Ok(standing) => {
                let missing: Vec<_> =
                    open.iter().copied().filter(|(range, _)| !standing.blocked.contains(range)).collect();
                // Each block makes the table anew; where no address is missing one of them is written again.
                if missing.is_empty() { open } else { missing }
            }
            Err(why) => return self.hindered(why),
        };
        for (range, until) in &missing {
            if let Err(why) = self.firewall.block(*range, until.saturating_sub(machine::seconds()).max(1)) {
                return self.hindered(format!("{} is not blocked any more: {why}", range.text()));
            }
        }
        self.hindrance = None;
        let names: Vec<String> = missing.iter().map(|(range, _)| range.text()).take(MAX_NAMED).collect();
        (!names.is_empty()).then(|| {
            format!("{} blocks were taken out of the firewall, and are put back: {}", missing.len(), names.join(", "))
        })
    }

    /// Why blocks cannot be put back, said once.
    fn hindered(&mut self, why: String) -> Option<String> {
        let is_new = self.hindrance.as_ref() != Some(&why);
        self.hindrance = Some(why.clone());
        is_new.then(|| format!("{why}; it is tried again"))
    }

    /// Tells what ended by itself, and forgets what ended long ago.
    pub(crate) fn expire(&mut self, spool: &mut Spool) {
        let now = machine::seconds();
        let kept = all(spool);
        for mut kept in kept.iter().filter(|kept| kept.until <= now).cloned() {
            if kept.response.state == ResponseState::Active && !kept.is_intent {
                end(&mut kept, ResponseState::Expired, "its time is over");
                keep(spool, &kept);
                spool.add(AgentEventBody::Response(kept.response));
            }
        }
        let mut ended: Vec<&Kept> = kept.iter().filter(|kept| kept.until <= now).collect();
        ended.sort_by_key(|kept| std::cmp::Reverse(kept.until));
        for old in ended.iter().skip(MAX_ENDED) {
            spool.set(format!("{KEY}{}", old.response.id), None);
        }
    }

    /// Takes a response back.
    pub(crate) fn undo(&mut self, wish: &Wish, spool: &mut Spool) -> Result<Response, AgentError> {
        let mut kept = find(spool, &wish.id).ok_or_else(|| AgentError::NoResponse(wish.id.clone()))?;
        if kept.response.state != ResponseState::Active {
            return Ok(kept.response);
        }
        if let Some(range) = kept.target()
            && let Err(why) = self.firewall.unblock(range)
        {
            return Err(AgentError::Setting(format!("{} is still blocked: {why}", kept.response.target)));
        }
        let why =
            wish.reason.as_ref().map_or("taken back".to_owned(), |reason| format!("taken back: {}", masked(reason)));
        end(&mut kept, ResponseState::Undone, &why);
        kept.is_intent = false;
        kept.response.actor = Some(wish.actor.clone());
        keep(spool, &kept);
        spool.add(AgentEventBody::Response(kept.response.clone()));
        Ok(kept.response)
    }
}

impl Kept {
    fn target(&self) -> Option<Cidr> {
        Cidr::parse(&self.response.target)
    }
}

fn end(kept: &mut Kept, state: ResponseState, why: &str) {
    kept.response.state = state;
    kept.response.time = machine::now();
    why.clone_into(&mut kept.response.reason);
}

fn keep(spool: &mut Spool, kept: &Kept) {
    let text = serde_json::to_string(kept).expect("texts and numbers can be written as JSON");
    spool.set(format!("{KEY}{}", kept.response.id), Some(text));
}

fn find(spool: &Spool, id: &str) -> Option<Kept> {
    serde_json::from_str(spool.value(&format!("{KEY}{id}"))?).ok()
}

/// All that are kept, by id.
fn all(spool: &Spool) -> Vec<Kept> {
    spool.values(KEY).filter_map(|(_, text)| serde_json::from_str(text).ok()).collect()
}

/// Those that are in force, or are about to be.
fn active(spool: &Spool) -> Vec<Kept> {
    all(spool).into_iter().filter(|kept| kept.response.state == ResponseState::Active).collect()
}

fn in_force(spool: &Spool, address: IpAddr) -> bool {
    let now = machine::seconds();
    let stands = |kept: &Kept| {
        matches!(kept.response.state, ResponseState::Active | ResponseState::Planned)
            && kept.until > now
            && kept.target().is_some_and(|target| target.holds(address))
    };
    all(spool).iter().any(stands)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet, rc::Rc, time::Duration};

    use super::{firewall::Standing, *};

    /// A firewall in memory.
    #[derive(Debug, Default, Clone)]
    struct Memory {
        blocked: Rc<RefCell<BTreeSet<Cidr>>>,
        /// Whether rules are gone.
        is_torn: Rc<RefCell<bool>>,
        fails: bool,
    }

    impl Firewall for Memory {
        fn block(&mut self, range: Cidr, _: u64) -> Result<(), String> {
            if self.fails {
                return Err("not permitted".to_owned());
            }
            *self.is_torn.borrow_mut() = false;
            self.blocked.borrow_mut().insert(range);
            Ok(())
        }

        fn unblock(&mut self, range: Cidr) -> Result<(), String> {
            self.blocked.borrow_mut().remove(&range);
            Ok(())
        }

        fn standing(&mut self) -> Result<Standing, String> {
            Ok(Standing { blocked: self.blocked.borrow().clone(), is_whole: !*self.is_torn.borrow() })
        }
    }

    struct Host {
        folder: std::path::PathBuf,
        spool: Spool,
        firewall: Memory,
        responder: Responder,
        config: Config,
    }

    impl Host {
        fn new(name: &str, mode: ResponseMode) -> Self {
            let folder = std::env::temp_dir().join(format!("testudo-response-{name}-{}", std::process::id()));
            drop(std::fs::remove_dir_all(&folder));
            let firewall = Memory::default();
            let mut config = Config::standard();
            config.response.mode = mode;
            config.response.allow = vec![Cidr::parse("192.0.2.0/24").unwrap()];
            config.response.per_minute = 2;
            let spool = Spool::open(&folder, "web-1", 1 << 20).unwrap().0;
            Self { folder, spool, responder: Responder::new(Box::new(firewall.clone())), firewall, config }
        }

        /// Plans and carries out a block; gives the state of the response.
        fn block(&mut self, address: &str) -> Option<ResponseState> {
            let address = address.parse().unwrap();
            let before = all(&self.spool).len();
            let cause = Cause { alert: "a/b/1", rule: "r", address };
            let planned = self.responder.plan(cause, &self.config, &mut self.spool);
            self.spool.commit().unwrap();
            if let Some(id) = planned {
                self.responder.carry_out(&id, &mut self.spool);
                self.spool.commit().unwrap();
            }
            let all = all(&self.spool);
            (all.len() > before).then(|| {
                let last = all.into_iter().find(|kept| kept.target().unwrap().holds(address)).unwrap();
                last.response.state
            })
        }
    }

    #[test]
    fn limits_and_modes() {
        let mut host = Host::new("limits", ResponseMode::Enforce);
        for (address, expected) in [
            ("203.0.113.1", Some(ResponseState::Active)),
            // It is blocked already.
            ("203.0.113.1", None),
            ("192.0.2.9", Some(ResponseState::Refused)),
            ("127.0.0.1", Some(ResponseState::Refused)),
            ("2001:db8::1", Some(ResponseState::Active)),
            // More than two a minute.
            ("203.0.113.2", Some(ResponseState::Refused)),
        ] {
            assert_eq!(host.block(address), expected, "{address}");
        }
        assert_eq!(host.firewall.blocked.borrow().len(), 2);
        std::fs::remove_dir_all(&host.folder).unwrap();
        let mut host = Host::new("dry", ResponseMode::DryRun);
        assert_eq!(host.block("203.0.113.1"), Some(ResponseState::Planned));
        assert!(host.firewall.blocked.borrow().is_empty());
        std::fs::remove_dir_all(&host.folder).unwrap();
        let mut host = Host::new("off", ResponseMode::Off);
        assert_eq!(host.block("203.0.113.1"), None);
        std::fs::remove_dir_all(&host.folder).unwrap();
        let mut host = Host::new("fails", ResponseMode::Enforce);
        host.responder = Responder::new(Box::new(Memory { fails: true, ..Memory::default() }));
        assert_eq!(host.block("203.0.113.1"), Some(ResponseState::Failed));
        std::fs::remove_dir_all(&host.folder).unwrap();
    }

    #[test]
    fn a_restart_puts_back_what_is_missing_and_an_undo_holds() {
        let mut host = Host::new("restart", ResponseMode::Enforce);
        host.config.response.ttl = Duration::from_secs(100);
        host.block("203.0.113.1");
        // The process ends between intent and deed.
        let cause = Cause { alert: "a/b/2", rule: "r", address: "203.0.113.2".parse().unwrap() };
        let planned = host.responder.plan(cause, &host.config, &mut host.spool);
        host.spool.commit().unwrap();
        host.firewall.blocked.borrow_mut().clear();
        host.spool = Spool::open(&host.folder, "web-1", 1 << 20).unwrap().0;
        host.responder.restore(&host.config, &mut host.spool, &mut Vec::new());
        host.spool.commit().unwrap();
        assert_eq!(host.firewall.blocked.borrow().len(), 2);
        let id = planned.unwrap();
        assert_eq!(
            find(&host.spool, &id).map(|kept| (kept.is_intent, kept.response.state)),
            Some((false, ResponseState::Active))
        );
        let wish = Wish { id: id.clone(), actor: "eve".to_owned(), reason: Some("it is ours".to_owned()) };
        let undone = host.responder.undo(&wish, &mut host.spool).unwrap();
        assert_eq!((undone.state, undone.actor.as_deref()), (ResponseState::Undone, Some("eve")));
        assert_eq!(undone.reason, "taken back: it is ours");
        assert_eq!(host.firewall.blocked.borrow().len(), 1);
        let unknown = Wish { id: "x".to_owned(), ..wish };
        assert!(host.responder.undo(&unknown, &mut host.spool).is_err());
        std::fs::remove_dir_all(&host.folder).unwrap();
    }

    #[test]
    fn what_somebody_takes_out_is_put_back_and_told_once() {
        let mut host = Host::new("flushed", ResponseMode::Enforce);
        assert_eq!(host.block("2001:db8:0:1::5"), Some(ResponseState::Active));
        // All of its network is blocked.
        assert_eq!(host.block("2001:db8:0:1::6"), None);
        assert_eq!(host.responder.put_back(&mut host.spool), None);
        host.firewall.blocked.borrow_mut().clear();
        let told = host.responder.put_back(&mut host.spool).unwrap();
        assert!(told.contains("1 blocks") && told.contains("2001:db8:0:1::/64"), "{told}");
        assert_eq!((host.firewall.blocked.borrow().len(), host.responder.put_back(&mut host.spool)), (1, None));
        // The addresses are there, and no rule looks at them.
        *host.firewall.is_torn.borrow_mut() = true;
        assert!(host.responder.put_back(&mut host.spool).is_some());
        assert!(!*host.firewall.is_torn.borrow());
        host.firewall.blocked.borrow_mut().clear();
        host.responder.firewall = Box::new(Memory { fails: true, ..Memory::default() });
        assert!(host.responder.put_back(&mut host.spool).unwrap().contains("not permitted"));
        assert_eq!(host.responder.put_back(&mut host.spool), None);
        std::fs::remove_dir_all(&host.folder).unwrap();
    }

    #[test]
    fn whoever_comes_onto_the_allow_list_is_let_in_at_the_next_start() {
        let mut host = Host::new("allowed-later", ResponseMode::Enforce);
        host.block("203.0.113.1");
        host.config.response.allow.push(Cidr::parse("203.0.113.0/24").unwrap());
        host.responder.restore(&host.config, &mut host.spool, &mut Vec::new());
        assert!(host.firewall.blocked.borrow().is_empty());
        assert_eq!(all(&host.spool)[0].response.state, ResponseState::Undone);
        std::fs::remove_dir_all(&host.folder).unwrap();
    }
}
