//! Signals to this program, handed on to the one that it runs.

use std::{
    io::{self, IsTerminal as _},
    os::unix::process::CommandExt as _,
    process::{Child, Command},
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH},
    iterator::{Handle, Signals},
};

/// Who gets the signals.
pub(super) struct Group {
    signals: Signals,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The program leads a group of its own, and all of the group get them.
    Own,
    /// The program reads from a terminal, which only the group in the foreground may. The terminal itself sends it what is
    /// typed.
    OfTerminal,
}

impl Group {
    /// Prepares a command. Signals that come from now on are kept for it.
    pub(super) fn choose(command: &mut Command) -> Result<Self> {
        let kind = if io::stdin().is_terminal() { Kind::OfTerminal } else { Kind::Own };
        if kind == Kind::Own {
            command.process_group(0);
        }
        let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];
        let signals = Signals::new(all).context("signals cannot be received")?;
        Ok(Self { signals, kind })
    }

    /// Hands signals on until the program has ended.
    pub(super) fn forward(mut self, child: &Child) -> Result<Forwarding> {
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("the command has no process id")?;
        let handle = self.signals.handle();
        let thread = thread::spawn(move || {
            for number in self.signals.forever() {
                let typed = matches!(number, SIGINT | SIGQUIT | SIGWINCH);
                if self.kind == Kind::OfTerminal && typed {
                    continue;
                }
                let Some(signal) = Signal::from_named_raw(number) else { continue };
                let sent = match self.kind {
                    Kind::Own => kill_process_group(id, signal),
                    Kind::OfTerminal => kill_process(id, signal),
                };
                if sent.is_err() {
                    // A program that has just ended needs no signal.
                    break;
                }
            }
        });
        Ok(Forwarding { handle, thread })
    }
}

/// A thread that hands signals on.
pub(super) struct Forwarding {
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Forwarding {
    /// Ends it.
    pub(super) fn end(self) {
        self.handle.close();
        drop(self.thread.join());
    }
}
