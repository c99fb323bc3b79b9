//! The way past a hook: only with a reason, and never silently.

use std::env;

use super::Hook;

/// Lets a commit or a push pass.
pub(super) const VARIABLE: &str = "TESTUDO_BYPASS_REASON";

/// Lets a push pass on the server. The server's own environment does not: the person who pushes has to say why.
pub(super) const PUSH_OPTION: &str = "testudo-bypass";

/// git numbers push options from 0; more than this many nobody gives.
const MAX_OPTIONS: usize = 1000;

/// The reason that was given, where one was.
pub(super) fn reason(hook: Hook) -> Option<String> {
    let given = match hook {
        Hook::PreCommit | Hook::PrePush => variable(VARIABLE),
        Hook::PreReceive => push_option(),
    };
    given.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty())
}

fn push_option() -> Option<String> {
    let count = variable("GIT_PUSH_OPTION_COUNT")?.parse::<usize>().ok()?.min(MAX_OPTIONS);
    (0..count).find_map(|n| {
        let option = variable(&format!("GIT_PUSH_OPTION_{n}"))?;
        Some(option.strip_prefix(PUSH_OPTION)?.strip_prefix('=')?.to_owned())
    })
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// How to get past, for the one who is stopped.
pub(super) fn advice(hook: Hook) -> String {
    match hook {
        Hook::PreCommit => format!("to commit all the same, say why: {VARIABLE}='reason' git commit ..."),
        Hook::PrePush => format!("to push all the same, say why: {VARIABLE}='reason' git push ..."),
        Hook::PreReceive => {
            format!(
                "to push all the same, say why: git push -o {PUSH_OPTION}='reason' ... (the server needs receive.advertisePushOptions)"
            )
        }
    }
}
