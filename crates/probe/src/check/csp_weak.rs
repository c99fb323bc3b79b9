//! `probe-csp-weak`: a policy that lets scripts run which somebody slipped in. Where there are several, all hold, so the best
//! one counts.

use super::{Hit, Page};
use crate::csp;

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let policies = if page.is_shown() { csp::of(page.answer) } else { Vec::new() };
    let weak: Option<Vec<&str>> = policies.iter().map(csp::weakness).collect();
    let first = weak.and_then(|all| all.first().copied());
    first
        .map(|why| Hit::whole(format!("the Content-Security-Policy does not stop injected scripts: {why}")))
        .into_iter()
        .collect()
}
