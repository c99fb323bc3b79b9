//! Ends the process, as `kill -9` does, at a point that a test names: only in builds with the feature `fault`.
//!
//! `TESTUDO_FAULT=kill@POINT:N` ends it when POINT is reached for the Nth time. Points: `append.torn` (half of a line is
//! written), `append.unsynced` (the line is written, its head is not), `append.done`, `command.during`, `command.done`.

use std::{env, process, sync::Mutex};

/// Which point was reached how often.
static REACHED: Mutex<Vec<(&str, u64)>> = Mutex::new(Vec::new());

/// Whether the process is to end at this point now.
#[must_use]
pub fn is_due(point: &'static str) -> bool {
    let Ok(wanted) = env::var("TESTUDO_FAULT") else { return false };
    let mut reached = REACHED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let times = match reached.iter_mut().find(|(name, _)| *name == point) {
        Some((_, times)) => {
            *times += 1;
            *times
        }
        None => {
            reached.push((point, 1));
            1
        }
    };
    wanted == format!("kill@{point}:{times}")
}

/// Ends the process where the point is the one that is wanted.
pub fn reach(point: &'static str) {
    if is_due(point) {
        end();
    }
}

/// Ends the process without any cleaning up.
pub fn end() -> ! {
    let killed = process::Command::new("kill").args(["-9", &process::id().to_string()]).status();
    drop(killed);
    process::abort()
}
