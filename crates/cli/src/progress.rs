//! A line on standard error for scans that take longer than two seconds.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use testudo_scan::Progress;

/// What takes so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Looking at so many files.
    Files(usize),
    /// Walking the history.
    History,
    /// Asking issuers.
    Asking,
}

/// Shows progress while it lives.
pub(crate) struct Watch {
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

const FIRST: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(200);

impl Watch {
    /// Starts watching.
    pub(crate) fn new(doing: Doing) -> Self {
        let (progress, stop) = (Arc::new(Progress::default()), Arc::new(AtomicBool::new(false)));
        let thread = std::io::stderr().is_terminal().then(|| {
            let (progress, stop) = (Arc::clone(&progress), Arc::clone(&stop));
            std::thread::spawn(move || show(&progress, &stop, doing))
        });
        Self { progress, stop, thread }
    }

    /// What the scan counts into.
    pub(crate) fn shared(&self) -> &Progress {
        &self.progress
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

fn show(progress: &Progress, stop: &AtomicBool, doing: Doing) {
    std::thread::park_timeout(FIRST);
    let mut shown = false;
    while !stop.load(Ordering::Relaxed) {
        let (done, bytes) = (progress.done.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed) >> 20);
        let text = match doing {
            Doing::Files(total) => format!("{done} of {total} files, {bytes} MiB"),
            Doing::History => "scanning the history".to_owned(),
            Doing::Asking => format!("asking issuers, {done} answered"),
        };
        drop(write!(std::io::stderr().lock(), "\r\x1b[K{text}"));
        shown = true;
        std::thread::park_timeout(STEP);
    }
    if shown {
        drop(write!(std::io::stderr().lock(), "\r\x1b[K"));
    }
}
