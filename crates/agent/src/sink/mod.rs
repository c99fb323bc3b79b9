//! Where events go. Each sink reads the spool at its own pace and remembers what it has; after a crash it is asked what it
//! really has, so nothing is lost and nothing is there twice.

pub(crate) mod file;
pub(crate) mod hub;
pub(crate) mod ledger;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::Sender,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    AgentError, machine,
    spool::{frame::Kept, reader::Reader},
};

/// Events that are taken at once.
const BATCH: usize = 200;
/// How long nobody looks where nothing happens: a sink may have been woken while it worked.
const IDLE: Duration = Duration::from_secs(30);
/// How much memory a thread may take for its calls.
const STACK: usize = 512 << 10;

/// What takes events.
pub(crate) trait Sink: Send {
    /// Takes events, which come in order. Says up to which number it has them.
    ///
    /// # Errors
    /// Why it does not have them all; it is asked again later.
    fn take(&mut self, events: &[Kept]) -> Result<u64, AgentError>;

    /// How long to wait after so many failures in a row.
    fn patience(&self, failures: u32) -> Duration {
        Duration::from_secs(1 << failures.min(5))
    }
}

/// The way of events to one sink.
pub(crate) struct Delivery {
    name: &'static str,
    sink: Box<dyn Sink>,
    reader: Reader,
    cursor: PathBuf,
    done: Arc<AtomicU64>,
}

/// What wakes and ends threads.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    count: Mutex<u64>,
    woken: Condvar,
    ends: AtomicBool,
}

impl Signal {
    /// There is something to do.
    pub(crate) fn wake(&self) {
        if let Ok(mut count) = self.count.lock() {
            *count += 1;
        }
        self.woken.notify_all();
    }

    /// There will be nothing more to do.
    pub(crate) fn end(&self) {
        self.ends.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn is_over(&self) -> bool {
        self.ends.load(Ordering::SeqCst)
    }

    fn count(&self) -> u64 {
        self.count.lock().map_or(0, |count| *count)
    }

    /// Waits until somebody woke it since `seen`.
    fn wait(&self, seen: u64, time: Duration) {
        if let Ok(count) = self.count.lock() {
            drop(self.woken.wait_timeout_while(count, time, |count| *count == seen && !self.is_over()));
        }
    }

    /// Waits for a time, or until the end.
    fn pause(&self, time: Duration) {
        if let Ok(count) = self.count.lock() {
            drop(self.woken.wait_timeout_while(count, time, |_| !self.is_over()));
        }
    }
}

impl Delivery {
    pub(crate) fn new(name: &'static str, sink: Box<dyn Sink>, state: &Path) -> Self {
        let cursor = state.join(format!("sink-{name}"));
        let done = fs::read_to_string(&cursor).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let reader = Reader::new(&state.join("spool"));
        Self { name, sink, reader, cursor, done: Arc::new(AtomicU64::new(done)) }
    }

    /// Goes back to the beginning where the sink is said to have more than there is, and says so: what comes next would
    /// be passed over. Sinks know what they have already.
    pub(crate) fn set_back(&self, last: u64) -> Result<Option<String>, AgentError> {
        let done = self.done.load(Ordering::SeqCst);
        if done <= last {
            return Ok(None);
        }
        self.done.store(0, Ordering::SeqCst);
        machine::replace(&self.cursor, b"0")?;
        let path = self.cursor.display();
        Ok(Some(format!(
            "{path}: says {done}, and the spool ends with {last}: what is in the spool is handed over again"
        )))
    }

    /// What of the spool could not be read since this was asked last.
    pub(crate) fn unread(&mut self) -> Vec<String> {
        self.reader.unread()
    }

    /// Number of the last event that the sink has.
    pub(crate) fn done(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.done)
    }

    /// Hands over what there is. What fails is begun again with the next call.
    pub(crate) fn step(&mut self) -> Result<(), AgentError> {
        loop {
            let after = self.done.load(Ordering::SeqCst);
            let events = self.reader.events(after, BATCH)?;
            let Some(last) = events.last().map(|kept| kept.number) else { return Ok(()) };
            let taken = self.sink.take(&events);
            let done = taken.as_ref().copied().unwrap_or(after);
            if done > after {
                machine::replace(&self.cursor, done.to_string().as_bytes())?;
                self.done.store(done, Ordering::SeqCst);
            }
            if done < last {
                // The reader goes back to what was not taken.
                self.reader = self.reader.again();
            }
            taken?;
        }
    }

    /// Hands over events for as long as the agent runs.
    pub(crate) fn start(mut self, signal: Arc<Signal>, told: Sender<String>) -> Result<JoinHandle<()>, AgentError> {
        let name = self.name;
        let run = move || {
            let mut failures = 0;
            loop {
                let (seen, is_over) = (signal.count(), signal.is_over());
                let before = self.done.load(Ordering::SeqCst);
                match self.step() {
                    Ok(()) => {
                        if failures > 0 {
                            told.send(format!("{}: it takes events again", self.name)).unwrap_or_default();
                        }
                        failures = 0;
                    }
                    Err(error) => {
                        // Said once, and again when it still fails much later.
                        if failures % 10 == 0 {
                            told.send(format!("{}: {error}; the events are kept", self.name)).unwrap_or_default();
                        }
                        // A sink that took some of them is there.
                        let went_on = self.done.load(Ordering::SeqCst) > before;
                        failures = if went_on { 1 } else { failures + 1 };
                    }
                }
                for note in self.unread() {
                    told.send(format!("{}: {note}", self.name)).unwrap_or_default();
                }
                if is_over {
                    return;
                }
                if failures > 0 { signal.pause(self.sink.patience(failures)) } else { signal.wait(seen, IDLE) }
            }
        };
        let started = thread::Builder::new().name(format!("agent-{name}")).stack_size(STACK).spawn(run);
        started.map_err(|source| AgentError::System { what: "a thread", source })
    }
}

#[cfg(test)]
mod tests {
    use testudo_model::AgentEventBody;

    use super::{file::AlertFile, *};
    use crate::spool::Spool;

    #[test]
    fn a_cursor_behind_the_end_is_told_and_set_back() {
        let state = std::env::temp_dir().join(format!("testudo-cursor-{}", std::process::id()));
        drop(fs::remove_dir_all(&state));
        let (mut spool, _) = Spool::open(&state.join("spool"), "web-1", 1 << 20).unwrap();
        for (cursor, told) in [("1", false), ("2", true)] {
            let alerts = state.join("alerts.jsonl");
            spool.add(AgentEventBody::Start(testudo_model::AgentStart::default()));
            spool.commit().unwrap();
            fs::write(state.join("sink-alerts"), cursor).unwrap();
            let mut delivery = Delivery::new("alerts", Box::new(AlertFile::new(&alerts, "web-1")), &state);
            let note = delivery.set_back(1).unwrap();
            assert_eq!(note.is_some(), told, "{note:?}");
            delivery.step().unwrap();
            assert_eq!(fs::read_to_string(&alerts).unwrap_or_default().lines().count(), usize::from(told) * 2);
        }
        fs::remove_dir_all(&state).unwrap();
    }
}
