//! What the front tells on standard error, by gitleaks' `--log-level`.

/// How grave a message has to be to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// Where messages go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log(Level);

impl Log {
    /// Reads a level; one that is unknown is told, and counts as `info`.
    pub(super) fn new(level: &str) -> Self {
        let known = match level.to_lowercase().as_str() {
            "trace" => Level::Trace,
            "debug" => Level::Debug,
            "info" => Level::Info,
            "warn" => Level::Warn,
            "err" | "error" => Level::Error,
            "fatal" => Level::Fatal,
            _ => {
                crate::terminal::warn(&format!("unknown log level: {level}"));
                Level::Info
            }
        };
        Self(known)
    }

    /// Something worth knowing.
    pub(super) fn info(self, text: &str) {
        if self.0 <= Level::Info {
            crate::terminal::note(text);
        }
    }

    /// Something that needs a look.
    pub(super) fn warn(self, text: &str) {
        if self.0 <= Level::Warn {
            crate::terminal::warn(text);
        }
    }

    /// Something that was not done.
    pub(super) fn error(self, text: &str) {
        if self.0 <= Level::Error {
            crate::terminal::error(text);
        }
    }
}
