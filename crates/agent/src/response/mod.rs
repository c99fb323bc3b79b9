//! Answers to attacks: their source is blocked for a time.
//!
//! What will be done is on the disk before it is done, and what came of it after, so the end of the process loses no
//! block: at the next start what was meant to be in force is held against the firewall, and put back for the time that is
//! left. Nothing is blocked without an end, nobody on the allow-list, and no more than so many a minute.

pub(crate) mod allow;
pub(crate) mod firewall;

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use serde::{Deserialize, Serialize};
use testudo_model::{AgentEventBody, Response, ResponseAction, ResponseState};

use self::firewall::Firewall;
use crate::{
    AgentError,
    config::{Config, ResponseMode},
    machine,
    spool::Spool,
};

/// Under which names responses are known.
pub(crate) const KEY: &str = "response:";
/// Responses that ended and are still shown.
const MAX_ENDED: usize = 200;

/// A response as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) response: Response,
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
}

/// What a wish to take a response back says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    pub(crate) id: String,
    pub(crate) actor: String,
}

impl Responder {
    pub(crate) fn new(firewall: Box<dyn Firewall>) -> Self {
        Self { firewall, recent: Vec::new(), serial: 0 }
    }

    /// Says which response an alert gets, before anything is done. It is kept with the next frame.
    pub(crate) fn plan(&mut self, alert: &str, address: IpAddr, config: &Config, spool: &mut Spool) -> Option<String> {
        if config.response.mode == ResponseMode::Off || in_force(spool, address) {
            return None;
        }
        self.serial += 1;
        let id = format!("{}-{}", spool.boot(), self.serial);
        let now = machine::seconds();
        let until = now + config.response.ttl.as_secs();
        self.recent.retain(|time| now < time + 60);
        let refused =
            allow::reason(address, config, Path::new("/proc")).map(|why| (ResponseState::Refused, why)).or_else(|| {
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
            alert: alert.to_owned(),
            action: ResponseAction::Block,
            target: address.to_string(),
            host: machine::host(),
            state,
            time: machine::now(),
            until: machine::rfc3339(until),
            reason,
            actor: None,
        };
        let kept = Kept { response, until, is_intent };
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
        let Ok(address) = kept.response.target.parse() else { return };
        let done = if left == 0 { Ok(()) } else { self.firewall.block(address, left) };
        kept.is_intent = false;
        match done {
            Ok(()) if left == 0 => end(&mut kept, ResponseState::Expired, "its time was over before it could be done"),
            Ok(()) => {}
            Err(why) => end(&mut kept, ResponseState::Failed, &why),
        }
        keep(spool, &kept);
        spool.add(AgentEventBody::Response(kept.response));
    }

    /// After a start: what should be in force and is not is done for the time that is left.
    pub(crate) fn restore(&mut self, spool: &mut Spool, told: &mut Vec<String>) {
        let open = all(spool);
        let now = machine::seconds();
        let open: Vec<Kept> = open.into_iter().filter(|kept| kept.response.state == ResponseState::Active).collect();
        if open.iter().all(|kept| kept.until <= now && !kept.is_intent) {
            return;
        }
        let blocked = self.firewall.prepare().and_then(|()| self.firewall.blocked()).unwrap_or_else(|why| {
            told.push(why);
            BTreeMap::new()
        });
        for kept in open {
            let address: Option<IpAddr> = kept.response.target.parse().ok();
            if kept.is_intent {
                self.carry_out(&kept.response.id, spool);
            } else if let Some(address) = address
                && kept.until > now
                && !blocked.contains_key(&address)
                && let Err(why) = self.firewall.block(address, kept.until - now)
            {
                let mut kept = kept;
                end(&mut kept, ResponseState::Failed, &why);
                keep(spool, &kept);
                spool.add(AgentEventBody::Response(kept.response));
            }
        }
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
        if let Ok(address) = kept.response.target.parse()
            && let Err(why) = self.firewall.unblock(address)
        {
            return Err(AgentError::Setting(format!("{} is still blocked: {why}", kept.response.target)));
        }
        end(&mut kept, ResponseState::Undone, "taken back");
        kept.is_intent = false;
        kept.response.actor = Some(wish.actor.clone());
        keep(spool, &kept);
        spool.add(AgentEventBody::Response(kept.response.clone()));
        Ok(kept.response)
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

fn in_force(spool: &Spool, address: IpAddr) -> bool {
    let (target, now) = (address.to_string(), machine::seconds());
    let stands = |kept: &Kept| {
        matches!(kept.response.state, ResponseState::Active | ResponseState::Planned)
            && kept.until > now
            && kept.response.target == target
    };
    all(spool).iter().any(stands)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc, time::Duration};

    use super::*;
    use crate::log::Cidr;

    /// A firewall in memory.
    #[derive(Debug, Default, Clone)]
    struct Memory {
        blocked: Rc<RefCell<BTreeMap<IpAddr, u64>>>,
        fails: bool,
    }

    impl Firewall for Memory {
        fn prepare(&mut self) -> Result<(), String> {
            Ok(())
        }

        fn block(&mut self, address: IpAddr, seconds: u64) -> Result<(), String> {
            if self.fails {
                return Err("not permitted".to_owned());
            }
            self.blocked.borrow_mut().insert(address, seconds);
            Ok(())
        }

        fn unblock(&mut self, address: IpAddr) -> Result<(), String> {
            self.blocked.borrow_mut().remove(&address);
            Ok(())
        }

        fn blocked(&mut self) -> Result<BTreeMap<IpAddr, u64>, String> {
            Ok(self.blocked.borrow().clone())
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
            let planned = self.responder.plan("a/b/1", address, &self.config, &mut self.spool);
            self.spool.commit().unwrap();
            if let Some(id) = planned {
                self.responder.carry_out(&id, &mut self.spool);
                self.spool.commit().unwrap();
            }
            let all = all(&self.spool);
            (all.len() > before).then(|| {
                let last = all.into_iter().find(|kept| kept.response.target == address.to_string()).unwrap();
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
        let planned = host.responder.plan("a/b/2", "203.0.113.2".parse().unwrap(), &host.config, &mut host.spool);
        host.spool.commit().unwrap();
        host.firewall.blocked.borrow_mut().clear();
        host.spool = Spool::open(&host.folder, "web-1", 1 << 20).unwrap().0;
        host.responder.restore(&mut host.spool, &mut Vec::new());
        host.spool.commit().unwrap();
        assert_eq!(host.firewall.blocked.borrow().len(), 2);
        let id = planned.unwrap();
        assert_eq!(
            find(&host.spool, &id).map(|kept| (kept.is_intent, kept.response.state)),
            Some((false, ResponseState::Active))
        );
        let wish = Wish { id: id.clone(), actor: "eve".to_owned() };
        let undone = host.responder.undo(&wish, &mut host.spool).unwrap();
        assert_eq!((undone.state, undone.actor.as_deref()), (ResponseState::Undone, Some("eve")));
        assert_eq!(host.firewall.blocked.borrow().len(), 1);
        let unknown = Wish { id: "x".to_owned(), ..wish };
        assert!(host.responder.undo(&unknown, &mut host.spool).is_err());
        std::fs::remove_dir_all(&host.folder).unwrap();
    }
}
