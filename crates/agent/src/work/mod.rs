//! The agent at work: one loop that reads logs, files and ports, keeps what it saw, and then acts on it; sinks that may wait
//! for others have threads of their own.
//!
//! Every turn ends with one frame of the spool, so alerts and the places in logs that they were read from are kept
//! together. Only then is anybody told, and only then is anything blocked.

mod files;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use testudo_model::{AgentEventBody, AgentStart};

use self::files::Files;
use crate::{
    AgentError, alert,
    config::{Config, LogFile, LogFormat, ResponseMode},
    fim::text,
    follow::{Logs, Note, Reader},
    log::{Engine, Line, Ruleset, header::is_past, memory::Kept, memory::Seen, ruleset, tail::Position, tail::Tail},
    machine, openings,
    ports::Sockets,
    response::{Cause, Responder, Wish, firewall::Nft},
    sink::{Delivery, Signal, file::AlertFile, hub::Hub, ledger::Ledger},
    spool::{Spool, thin::Taken},
};

/// How long nothing is looked at where nothing happens.
const TURN: Duration = Duration::from_millis(500);
/// The same while files change: an alert comes when they rest.
const SHORT_TURN: Duration = Duration::from_millis(100);
/// How long sinks may go on when the agent ends.
const PARTING: Duration = Duration::from_millis(1500);
/// How often ports are looked at.
const PORTS: Duration = Duration::from_secs(5);
/// How often is looked whether what was blocked is blocked.
const FIREWALL: Duration = Duration::from_secs(5);
/// How often the hub hears that the agent is there.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How long places in logs that brought no alert may be unwritten.
const LAZY: Duration = Duration::from_secs(5);
/// How long logs are read in one turn.
const READING: Duration = Duration::from_millis(200);
/// Largest wish that is read, in bytes.
const MAX_WISH: u64 = 1 << 16;

const LOG: &str = "log:";
const MEMORY: &str = "memory:";

/// How long the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Until it is asked to stop.
    Always,
    /// Until it looked at all there is.
    Once,
}

/// The folder of wishes to take responses back.
pub(crate) fn wishes(state: &Path) -> PathBuf {
    state.join("wishes")
}

/// The baseline of files.
pub(crate) fn baseline_path(state: &Path) -> PathBuf {
    state.join("files.db")
}

/// Makes the folder of the state, and keeps other agents out of it.
pub(crate) fn hold(state: &Path) -> Result<File, AgentError> {
    make(state)?;
    let told = |source| AgentError::Write { path: state.to_owned(), source };
    let lock =
        fs::OpenOptions::new().write(true).create(true).truncate(false).open(state.join("lock")).map_err(told)?;
    lock.try_lock().map_err(|_| AgentError::Held { path: state.to_owned() })?;
    Ok(lock)
}

/// Makes the folder of the state where it is not there.
pub(crate) fn make(state: &Path) -> Result<(), AgentError> {
    let told = |source| AgentError::Write { path: state.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(told)?;
    is_ours(state)
}

/// Whoever can write into the folder of the state decides what was seen.
fn is_ours(state: &Path) -> Result<(), AgentError> {
    let found = fs::metadata(state).map_err(|source| AgentError::Read { path: state.to_owned(), source })?;
    let (own, path) = (rustix::process::geteuid().as_raw(), state.display());
    if found.uid() != own {
        return Err(AgentError::Setting(format!(
            "{path}: belongs to user {}, and the agent runs as {own}; `chown {own} {path}`, or name another `state-dir`",
            found.uid()
        )));
    }
    if found.mode() & 0o022 != 0 {
        return Err(AgentError::Setting(format!(
            "{path}: others may write into it ({:04o}); `chmod 700 {path}`, after a look at who did",
            found.mode() & 0o7777
        )));
    }
    Ok(())
}

/// Runs the agent. `tell` takes what people should know; nothing of it is an alert.
///
/// # Errors
/// It cannot begin, or cannot keep what it sees.
pub fn run(config: Config, duty: Duty, stop: &AtomicBool, tell: &mut dyn FnMut(&str)) -> Result<(), AgentError> {
    let mut agent = Agent::begin(config, tell)?;
    if duty == Duty::Once {
        return agent.once(tell);
    }
    let Sinks { signal, notes, threads } = agent.start_sinks()?;
    while !stop.load(Ordering::SeqCst) {
        let before = agent.spool.last();
        agent.turn(tell);
        if agent.spool.last() > before {
            signal.wake();
        }
        notes.try_iter().for_each(|note| tell(&note));
        agent.wait();
    }
    agent.turn(tell);
    let kept = agent.spool.commit();
    agent.deliver(tell);
    signal.end();
    let until = Instant::now() + PARTING;
    while threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    // What a sink did not take by now it takes after the next start, as after any end.
    if threads.iter().any(|thread| !thread.is_finished()) {
        tell("a sink gave no answer in time; its events are kept");
    }
    notes.try_iter().for_each(|note| tell(&note));
    kept
}

/// Sinks that have threads of their own.
struct Sinks {
    signal: Arc<Signal>,
    /// What they have to say.
    notes: Receiver<String>,
    threads: Vec<JoinHandle<()>>,
}

struct Agent {
    config: Config,
    spool: Spool,
    engine: Engine,
    logs: Logs,
    files: Option<Files>,
    sockets: Sockets,
    responder: Responder,
    file: Delivery,
    others: Vec<Delivery>,
    /// Which events the sinks have; the file of alerts comes first.
    done: Vec<Arc<AtomicU64>>,
    /// Responses that are kept and not carried out yet.
    planned: Vec<String>,
    times: Times,
    /// Whether the last frame could not be written.
    is_stuck: bool,
    /// What was said already.
    said: BTreeSet<String>,
    /// Held as long as the agent runs.
    _lock: File,
}

/// When things were done last; none means never.
#[derive(Debug, Default)]
struct Times {
    ports: Option<Instant>,
    firewall: Option<Instant>,
    heartbeat: Option<Instant>,
    commit: Option<Instant>,
    expiry: Option<Instant>,
}

fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}

impl Agent {
    fn begin(config: Config, tell: &mut dyn FnMut(&str)) -> Result<Self, AgentError> {
        let lock = hold(&config.state)?;
        let (spool, mut damaged) = Spool::open(&config.state.join("spool"), &config.name, config.spool_limit)?;
        let (file, others) = deliveries(&config)?;
        for delivery in [&file].into_iter().chain(&others) {
            damaged.extend(delivery.set_back(spool.last())?);
        }
        damaged.iter().for_each(|note| tell(note));
        let logs = config.logs.iter().map(|log| {
            let position = spool.value(&format!("{LOG}{}", text(&log.path)));
            Tail::new(log.clone(), position.and_then(|position| serde_json::from_str(position).ok()))
        });
        let mut agent = Self {
            engine: engine(&config, tell)?,
            logs: Logs::new(logs),
            files: None,
            sockets: Sockets::default(),
            responder: Responder::new(Box::new(Nft)),
            done: [&file].into_iter().chain(&others).map(Delivery::done).collect(),
            file,
            others,
            planned: Vec::new(),
            times: Times::default(),
            is_stuck: false,
            said: BTreeSet::new(),
            spool,
            config,
            _lock: lock,
        };
        agent.remember();
        let mut watched = agent.open_files(tell)?;
        watched.extend(agent.spool.begin().err().map(|error| format!("{error}; events wait in memory")));
        agent.announce(&watched);
        for note in &damaged {
            agent.spool.add(AgentEventBody::Alert(alert::of_damage(note)));
        }
        let mut told = Vec::new();
        agent.responder.restore(&agent.config, &mut agent.spool, &mut told);
        told.iter().for_each(|note| tell(note));
        agent.keep(tell);
        agent.scan_files(tell)?;
        Ok(agent)
    }

    /// Puts back what rules remembered.
    fn remember(&mut self) {
        for (name, seen) in self.spool.values(MEMORY) {
            let key = name.split_once(':').and_then(|(rule, values)| {
                Some((rule.parse().ok()?, serde_json::from_str::<Vec<String>>(values).ok()?))
            });
            if let (Some((rule, values)), Ok(seen)) = (key, serde_json::from_str::<Vec<Seen>>(seen)) {
                self.engine.restore(Kept { rule, values, seen });
            }
        }
    }

    /// Says that the agent began, and what it sees.
    fn announce(&mut self, unwatched: &[String]) {
        let mut start = AgentStart { version: env!("CARGO_PKG_VERSION").to_owned(), ..AgentStart::default() };
        if self.files.is_some() {
            start.watches.push("files".to_owned());
        }
        if !self.config.logs.is_empty() {
            start.watches.push("logs".to_owned());
        }
        if self.config.ports.watch {
            start.watches.push("ports".to_owned());
        }
        start.reduced = unwatched.to_vec();
        for log in self.config.logs.iter().filter(|log| !log.path.exists()) {
            start.reduced.push(format!("{} is not there", log.path.display()));
        }
        self.spool.add(AgentEventBody::Start(start));
    }

    fn start_sinks(&mut self) -> Result<Sinks, AgentError> {
        let (signal, (send, receive)) = (Arc::new(Signal::default()), channel());
        let mut threads = Vec::new();
        for delivery in std::mem::take(&mut self.others) {
            threads.push(delivery.start(Arc::clone(&signal), send.clone())?);
        }
        Ok(Sinks { signal, notes: receive, threads })
    }

    /// Looks at all there is, and hands it over.
    fn once(&mut self, tell: &mut dyn FnMut(&str)) -> Result<(), AgentError> {
        loop {
            let before: Vec<_> = self.logs.iter().map(|log| log.position().cloned()).collect();
            self.turn(tell);
            if before == self.logs.iter().map(|log| log.position().cloned()).collect::<Vec<_>>() {
                break;
            }
        }
        self.spool.commit()?;
        self.deliver(tell);
        for other in &mut self.others {
            if let Err(error) = other.step() {
                tell(&format!("{error}; the events are kept"));
            }
        }
        Ok(())
    }

    /// One turn: what happened is read and kept, then told and acted upon.
    fn turn(&mut self, tell: &mut dyn FnMut(&str)) {
        self.read_logs(tell);
        if let Err(error) = self.look_at_files(tell) {
            self.say(error.to_string(), tell);
        }
        if self.config.ports.watch && is_due(&mut self.times.ports, PORTS) {
            self.look_at_ports(tell);
        }
        self.answer_wishes(tell);
        if is_due(&mut self.times.expiry, Duration::from_secs(1)) {
            self.responder.expire(&mut self.spool);
        }
        if is_due(&mut self.times.firewall, FIREWALL)
            && let Some(what) = self.responder.put_back(&mut self.spool)
        {
            self.spool.add(AgentEventBody::Alert(alert::of_firewall(&what)));
        }
        if self.config.hub.is_some() && is_due(&mut self.times.heartbeat, HEARTBEAT) {
            self.spool.add(AgentEventBody::Heartbeat);
        }
        if self.spool.waiting() > 0 || !self.planned.is_empty() || is_due(&mut self.times.commit, LAZY) {
            self.keep(tell);
        }
        for id in std::mem::take(&mut self.planned) {
            // Who attacks is blocked also where that cannot be written down.
            self.responder.carry_out(&id, &mut self.spool);
            self.keep(tell);
        }
        if self.spool.last() > self.done[0].load(Ordering::SeqCst) {
            self.deliver(tell);
        }
        self.make_room(tell);
    }

    /// Takes away what every sink has, and where the hub takes nothing for long, what only the hub lacks.
    fn make_room(&mut self, tell: &mut dyn FnMut(&str)) {
        let mut done: Vec<u64> = self.done.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        let by_all = done.iter().copied().min().unwrap_or(0);
        if self.config.hub.is_some() {
            // It is the last one.
            done.pop();
        }
        let by_most = done.into_iter().min().unwrap_or(0);
        let made = self.spool.forget(by_all).and_then(|()| self.spool.make_room(Taken { by_most, by_all }));
        if let Err(error) = made {
            self.say(error.to_string(), tell);
        }
    }

    /// Writes what waits. Where that fails it goes on waiting, which is told once, and how much waited at the end of it.
    fn keep(&mut self, tell: &mut dyn FnMut(&str)) {
        let waiting = self.spool.waiting();
        match self.spool.commit() {
            Ok(()) if self.is_stuck => {
                self.is_stuck = false;
                tell(&format!("the spool can be written again: {waiting} events waited, and are kept now"));
                self.spool.add(AgentEventBody::Alert(alert::of_wait(waiting)));
            }
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.is_stuck, true) {
                    tell(&format!("{error}; events wait in memory, and it is tried again"));
                }
            }
        }
    }

    /// Says something once.
    fn say(&mut self, what: String, tell: &mut dyn FnMut(&str)) {
        if self.said.insert(what.clone()) {
            tell(&what);
        }
    }

    fn deliver(&mut self, tell: &mut dyn FnMut(&str)) {
        if let Err(error) = self.file.step() {
            self.say(format!("{error}; the events are kept"), tell);
        }
        for note in self.file.unread() {
            if !self.said.contains(&note) {
                self.spool.add(AgentEventBody::Alert(alert::of_damage(&note)));
            }
            self.say(note, tell);
        }
    }

    fn wait(&self) {
        if self.logs.has_more() {
            return;
        }
        let restless = self.files.as_ref().is_some_and(|files| files.since.is_some());
        let time = if restless { SHORT_TURN } else { TURN };
        let time = Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
        let watch = self.files.as_ref().and_then(|files| files.watch.as_ref()).filter(|_| !restless);
        let mut queues: Vec<PollFd<'_>> = watch.into_iter().map(|watch| PollFd::new(watch, PollFlags::IN)).collect();
        // A signal ends the wait; then the loop looks why.
        poll(&mut queues, Some(&time)).unwrap_or_default();
    }

    fn read_logs(&mut self, tell: &mut dyn FnMut(&str)) {
        let mut logs = std::mem::take(&mut self.logs);
        logs.read(READING, &mut Reading { agent: self, tell });
        self.logs = logs;
    }

    fn judge(&mut self, line: &[u8], path: &str, format: LogFormat) {
        let line = Line { text: line, location: path, arrival: machine::seconds(), format };
        let Some(judged) = self.engine.judge_wanted(line) else { return };
        let Some(hit) = judged.rule.as_ref().filter(|hit| !hit.is_silent && hit.level >= self.config.level) else {
            return;
        };
        let alert = alert::of_line(hit, &judged, line.text, path);
        let rule = alert.rule.clone();
        // Who attacks is blocked also where there is no room to say why.
        let kept = self.spool.add(AgentEventBody::Alert(alert));
        let id = kept.unwrap_or_else(|| self.spool.unkept());
        let answered = self.config.response.rules.iter().any(|own| *own == rule || *own == hit.id.to_string());
        // What is over is answered by nothing: the address may be of somebody else by now.
        let within = judged.window.saturating_add(self.config.response.ttl.as_secs());
        let is_past = || is_past(line.text, line.arrival, within, machine::ahead());
        let address: Option<IpAddr> = alert::address(&judged).filter(|_| answered && !is_past());
        if let Some(address) = address {
            let cause = Cause { alert: &id, rule: &rule, address };
            let planned = self.responder.plan(cause, &self.config, &mut self.spool);
            self.planned.extend(planned);
        }
    }

    fn look_at_ports(&mut self, tell: &mut dyn FnMut(&str)) {
        let found = self.sockets.listeners(Path::new("/proc"));
        found.unread.into_iter().for_each(|why| self.say(why, tell));
        for listener in openings::opened(found.listeners, machine::seconds(), &mut self.spool) {
            if !self.config.ports.allow.contains(&listener.name()) {
                self.spool.add(AgentEventBody::Alert(alert::of_listener(&listener)));
            }
        }
    }

    /// Takes back what somebody asked to be taken back.
    fn answer_wishes(&mut self, tell: &mut dyn FnMut(&str)) {
        let Ok(entries) = fs::read_dir(wishes(&self.config.state)) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            // One that is being written has another name.
            if path.extension().is_none_or(|end| end != "json") {
                continue;
            }
            let small = fs::metadata(&path).is_ok_and(|found| found.len() <= MAX_WISH);
            let wish = fs::read(&path).ok().filter(|_| small);
            match wish.and_then(|bytes| serde_json::from_slice::<Wish>(&bytes).ok()) {
                Some(wish) => {
                    let done = self.responder.undo(&wish, &mut self.spool);
                    done.err().into_iter().for_each(|error| tell(&error.to_string()));
                }
                None => tell(&format!("{}: is no wish that can be read, and is taken away", path.display())),
            }
            drop(fs::remove_file(&path));
        }
    }
}

/// The agent while it reads logs.
struct Reading<'a, 't> {
    agent: &'a mut Agent,
    tell: &'t mut dyn FnMut(&str),
}

impl Reader for Reading<'_, '_> {
    fn lines(&mut self, log: &LogFile, lines: &mut dyn Iterator<Item = &[u8]>, position: &Position) {
        let agent = &mut *self.agent;
        let path = log.path.display().to_string();
        for line in lines {
            agent.judge(line, &path, log.format);
        }
        for Kept { rule, values, seen } in agent.engine.changes() {
            let name = format!("{MEMORY}{rule}:{}", json(&values));
            agent.spool.set(name, (!seen.is_empty()).then(|| json(&seen)));
        }
        agent.spool.set(format!("{LOG}{}", text(&log.path)), Some(json(position)));
        if agent.spool.is_heavy() && !agent.is_stuck {
            agent.keep(self.tell);
        }
    }

    fn note(&mut self, log: &LogFile, note: Note) {
        let path = log.path.display().to_string();
        let alert = match note {
            Note::Unreadable(why) => return self.agent.say(why, self.tell),
            Note::Lost(why) => alert::of_lost_lines(&path, &why),
            Note::Behind(bytes, seconds) => alert::of_lag(&path, bytes, seconds),
        };
        self.agent.spool.add(AgentEventBody::Alert(alert));
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers can be written as JSON")
}

/// The engine with the rules of the configuration, or with ours.
fn engine(config: &Config, tell: &mut dyn FnMut(&str)) -> Result<Engine, AgentError> {
    let prefix6 = config.response.prefix6;
    let Some(folder) = &config.rules else { return Ok(Engine::new(ruleset()).with_prefix6(prefix6)) };
    let loaded = Ruleset::of_folder(folder, crate::log::Counting::Wazuh)?;
    if !loaded.problems.is_empty() {
        let count = loaded.problems.len();
        tell(&format!(
            "{}: {count} parts cannot be used; `testudo agent logtest --ruleset` shows them",
            folder.display()
        ));
    }
    Ok(Engine::new(loaded.ruleset).with_prefix6(prefix6))
}

/// The ways to the file of alerts and to the other sinks; the hub is the last of them.
fn deliveries(config: &Config) -> Result<(Delivery, Vec<Delivery>), AgentError> {
    let file = Box::new(AlertFile::new(&config.alerts, &config.name));
    let mut others = Vec::new();
    if let Some(ledger) = &config.ledger {
        let sink = Ledger::new(ledger, &config.state, &config.name)?;
        others.push(Delivery::new("ledger", Box::new(sink), &config.state));
    }
    if let Some(hub) = &config.hub {
        let sink = Hub::new(hub, &config.state, &config.name)?;
        others.push(Delivery::new("hub", Box::new(sink), &config.state));
    }
    Ok((Delivery::new("alerts", file, &config.state), others))
}

/// Whether anything is blocked for real.
pub(crate) fn enforces(config: &Config) -> bool {
    config.response.mode == ResponseMode::Enforce
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_state_of_others_is_refused() {
        let folder = std::env::temp_dir().join(format!("testudo-state-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        drop(hold(&folder).unwrap());
        for (mode, fits) in [(0o755, true), (0o770, false), (0o702, false), (0o1777, false), (0o700, true)] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            let told = hold(&folder).err().map(|error| error.to_string());
            assert_eq!(told.is_none(), fits, "{mode:o} {told:?}");
            assert!(told.is_none_or(|told| told.contains("chmod 700")));
        }
        // Only root can give it away.
        if std::os::unix::fs::lchown(&folder, Some(4711), None).is_ok() {
            assert!(hold(&folder).unwrap_err().to_string().contains("belongs to user 4711"));
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
