//! `--verify`: what may be asked, the memory of answers in the user's cache directory, and the call.
//!
//! A scanned tree must not decide where secrets are sent. So the settings of the live check, and the rules of users with
//! their requests, count from flags, from the environment, and from a configuration file that was named with
//! `--config`. In a file that was merely found above the target they are told and not followed.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use testudo_model::{Finding, Fingerprint, Location, Notice, NoticeCode};
use testudo_net::HostRule;
use testudo_policy::config::{Effective, Origin};
use testudo_secrets::{
    native::SecretsDetector,
    verify::{Asked, Asking, Cache, PAUSE},
};

use crate::{cache, clock, progress, terminal};

/// A live check that was asked for.
pub(super) struct LiveCheck {
    /// Hosts that requests of users' rules may go to.
    hosts: Vec<HostRule>,
    timeout: Duration,
}

/// How the configuration file was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    /// With `--config`.
    Named,
    /// Found above the target.
    Found,
}

impl Chosen {
    /// Whether a value may say what is sent where.
    fn trusts(self, origin: &Origin) -> bool {
        self == Self::Named || !matches!(origin, Origin::File { .. })
    }
}

impl LiveCheck {
    /// The live check that the configuration asks for, if it does, and what of the configuration is not followed.
    ///
    /// # Errors
    /// A host that cannot be allowed.
    pub(super) fn of(effective: &Effective, chosen: Chosen) -> Result<(Option<Self>, Vec<Notice>)> {
        let secrets = &effective.config.secrets;
        let mut notices = Vec::new();
        let mut trusts = |key: &str, advice: &str| {
            let origin = effective.origin(key);
            let trusted = chosen.trusts(&origin);
            if let (false, Origin::File { path, line }) = (trusted, origin) {
                let place = Location::file(path);
                let message = format!(
                    "line {line}: `{key}` of a file that was only found does not count for the live check; {advice}"
                );
                notices.push(Notice::new(NoticeCode::VerificationSetting, place, message));
            }
            trusted
        };
        if !secrets.verify.is_on() || !trusts("secrets.verify", "use --verify, or name the file with --config") {
            return Ok((None, notices));
        }
        let mut hosts = Vec::new();
        for text in &secrets.verify_hosts {
            hosts.push(
                HostRule::parse(text)
                    .map_err(|why| effective.refuse("secrets.verify-hosts", &format!("no host to ask: {why}")))?,
            );
        }
        let advice = "use --verify-host, or name the file with --config";
        if !hosts.is_empty() && !trusts("secrets.verify-hosts", advice) {
            hosts.clear();
        }
        let advice = "requests of its rules are not sent; use --rules, or name the file with --config";
        if !hosts.is_empty() && !effective.config.scan.rules.is_empty() && !trusts("scan.rules", advice) {
            hosts.clear();
        }
        let timeout = Duration::from_secs(u64::from(secrets.verify_timeout.max(1)));
        Ok((Some(Self { hosts, timeout }), notices))
    }

    /// Asks about the findings that `counting` names.
    pub(super) fn run(
        &self,
        detector: &SecretsDetector,
        findings: &mut [Finding],
        counting: &BTreeSet<Fingerprint>,
    ) -> Asked {
        let now = clock::seconds();
        let file = cache_file();
        let cache = file.as_deref().map(|path| read(path, now)).unwrap_or_default();
        let before = cache.clone();
        let watch = progress::Watch::new(progress::Doing::Asking);
        let asking = Asking {
            hosts: self.hosts.clone(),
            timeout: self.timeout,
            pause: PAUSE,
            now,
            cache,
            progress: &watch.shared().done,
        };
        let asked = detector.verify(findings, &|finding| counting.contains(&finding.fingerprint), asking);
        drop(watch);
        if let Some(path) = file.filter(|_| asked.cache != before)
            && let Err(error) = cache::write(&path, asked.cache.write().as_bytes())
        {
            terminal::warn(&format!("answers of the live check are not remembered: {error:#}"));
        }
        asked
    }
}

/// The file that remembers answers; none where there is no place for it.
fn cache_file() -> Option<PathBuf> {
    cache::folder().map(|folder| folder.join("live-checks"))
}

/// What the file remembers.
fn read(path: &Path, now: u64) -> Cache {
    let text = cache::read(path, Cache::MAX_BYTES).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    Cache::read(&text, now)
}
