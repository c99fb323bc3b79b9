//! From a candidate to a finding: fingerprint, masked snippet, words for people.

use std::{collections::BTreeMap, ops::Range};

use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use testudo_model::{Finding, Fingerprint, Fix, Location, Snippet, hex};
use testudo_source::{LineIndex, Origin};

use super::{Candidate, Place, SecretsDetector, armour, severity_at, validate};
use crate::{document, rule::Conventions};

/// The 32-byte key of fingerprints.
#[derive(Clone)]
pub struct FingerprintKey(pub [u8; 32]);

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

impl FingerprintKey {
    /// 128 bits of HMAC-SHA256 over the parts, each ended by a NUL.
    #[must_use]
    pub fn digest(&self, parts: &[&str]) -> [u8; 16] {
        let mut out = [0; 16];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            for part in parts {
                mac.update(part.as_bytes());
                mac.update(&[0]);
            }
            out.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        }
        out
    }

    /// 64 bits of HMAC-SHA256 over the parts, each preceded by its length.
    pub(super) fn short(&self, parts: &[&[u8]]) -> u64 {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return 0 };
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let bytes = mac.finalize().into_bytes();
        bytes[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Identity of a value, wherever it stands: 32 hexadecimal digits.
    #[must_use]
    pub fn secret(&self, value: &str) -> String {
        hex(&self.digest(&["secret", value]))
    }

    /// Identity of an answer: rule, request and value, in 32 hexadecimal digits.
    pub(crate) fn answer(&self, rule: &str, request: &str, value: &str) -> String {
        hex(&self.digest(&["answer", rule, request, value]))
    }
}

/// Whether findings carry the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Display {
    /// Masked everywhere.
    #[default]
    Masked,
    /// In clear text, because the user asked for it on a terminal.
    Clear,
}

/// Builds the finding of a candidate. `ranges` are all secrets of the unit, so that a snippet shows none of them.
pub(super) fn finding(
    detector: &SecretsDetector,
    place: &Place<'_>,
    lines: &LineIndex<'_>,
    candidate: &Candidate,
    ranges: &[Range<usize>],
) -> Finding {
    let info = &detector.infos[candidate.info];
    let key = &detector.options.key;
    let secret = key.secret(&candidate.value);
    detector.keep(candidate, &secret);
    let masked = testudo_redact::mask(&candidate.value);
    let mut properties = BTreeMap::from([
        ("secret_hmac".to_owned(), Value::from(secret.clone())),
        ("incident".to_owned(), Value::from(secret)),
        ("masked".to_owned(), Value::from(masked.clone())),
    ]);
    if let Origin::Blob(oid) | Origin::Message(oid) = &place.unit.origin {
        properties.insert("blob".to_owned(), Value::from(oid.clone()));
    }
    if candidate.proven {
        properties.insert("proof".to_owned(), Value::from("structure or checksum verified offline"));
    }
    if !candidate.decoded.is_empty() {
        properties.insert("decoded".to_owned(), Value::from(candidate.decoded.clone()));
    }
    if let Some(facts) = armour::read(&candidate.value) {
        properties.insert("private_key".to_owned(), facts.to_json());
    }
    if let Some(expires) = validate::jwt_expiry(&candidate.value) {
        properties.insert("expires".to_owned(), Value::from(expires));
    }
    if detector.options.display == Display::Clear {
        properties.insert("secret".to_owned(), Value::from(candidate.value.clone()));
    }
    // Some tools name the line on which the match of a rule begins; ignore files and baselines of theirs count on it.
    let by_match = |r: usize| matches!(detector.rules[r].conventions, Conventions::Foreign | Conventions::NoseyParker);
    let foreign = candidate.rule.is_some_and(by_match);
    let shown = if foreign { candidate.matched.clone() } else { candidate.range.clone() };
    let hidden =
        if candidate.decoded.is_empty() { String::new() } else { format!(" behind {}", candidate.decoded.join(", ")) };
    Finding {
        id: String::new(),
        rule: info.id.clone(),
        title: info.title.clone(),
        message: format!("{}: {masked}{hidden} can be read by everybody who can read this", info.title),
        severity: severity_at(&place.display, info.severity),
        confidence: candidate.confidence,
        persona: info.persona,
        detector: info.domain,
        location: Location { span: Some(lines.span(shown)), ..place.unit.location() },
        related: Vec::new(),
        fingerprint: Fingerprint::from_digest(key.digest(&[
            &Fingerprint::VERSION.to_string(),
            &info.id,
            &candidate.value,
            &place.display,
        ])),
        cwe: info.cwe.clone(),
        owasp: info.owasp.clone(),
        aliases: info.aliases.clone(),
        owner: Vec::new(),
        snippet: snippet(detector, place, lines, candidate, ranges),
        fix: Some(Fix { description: advice(&info.help), edits: Vec::new() }),
        verification: None,
        suppressed: None,
        properties,
    }
}

/// Builds the finding of a secret in the name of the unit itself.
pub(super) fn name_finding(detector: &SecretsDetector, place: &Place<'_>, candidate: &Candidate) -> Finding {
    let lines = LineIndex::new(b"");
    let nowhere = Candidate { range: 0..0, ..candidate.clone() };
    let found = finding(detector, place, &lines, &nowhere, &[]);
    let mut properties = found.properties;
    properties.insert("in_name".to_owned(), Value::from(true));
    Finding {
        message: format!("{}, in the name of the file", found.message),
        location: Location { span: None, ..found.location },
        snippet: None,
        properties,
        ..found
    }
}

/// The steps of a document's "How to fix" section, on one line each.
fn advice(help: &str) -> String {
    let steps = document::section(help, "How to fix").unwrap_or(
        "Revoke the value where it was issued, issue a new one, and load it from the environment or a vault.",
    );
    steps.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes kept on each side of the secret in a long line.
const AROUND: usize = 120;

/// The line of the secret with every secret in it masked.
fn snippet(
    detector: &SecretsDetector,
    place: &Place<'_>,
    lines: &LineIndex<'_>,
    candidate: &Candidate,
    ranges: &[Range<usize>],
) -> Option<Snippet> {
    let text = &place.unit.bytes;
    if place.unit.content == testudo_source::Content::Binary {
        return None;
    }
    let first = lines.line_of(candidate.range.start);
    let line = lines.line_range(first);
    let last = lines.line_range(lines.line_of(candidate.range.end.saturating_sub(1).max(candidate.range.start)));
    let start = boundary(text, line.start.max(candidate.range.start.saturating_sub(AROUND)));
    let end = boundary(text, last.end.max(candidate.range.end).min(candidate.range.end + AROUND));
    let shown = text.get(start..end)?;
    let local = |r: &Range<usize>| r.start.max(start).saturating_sub(start)..r.end.min(end).saturating_sub(start);
    let own = local(&candidate.range);
    let (masked, place_in_mask) = if detector.options.display == Display::Clear {
        (String::from_utf8_lossy(shown).into_owned(), own)
    } else {
        let mut all = vec![own];
        // Ranges are sorted by their starts. They do not overlap, but that a token may hold one other: of those that
        // begin before the snippet the last two can reach into it.
        let near = ranges.partition_point(|r| r.start < start).saturating_sub(2);
        all.extend(ranges[near..].iter().take_while(|r| r.start < end).filter(|r| r.end > start).map(local));
        // The same value elsewhere on the line is as secret as it is here, and so is its longer half.
        let value = candidate.value.as_bytes();
        for part in [value, &value[value.len() / 2..], &value[..value.len() / 2]].iter().filter(|p| p.len() >= 4) {
            all.extend(memchr::memmem::find_iter(shown, part).map(|at| at..at + part.len()));
        }
        let (masked, places) = testudo_redact::mask_ranges(shown, &all);
        (masked, places.first().cloned().unwrap_or(0..0))
    };
    let line = u32::try_from(first + 1).unwrap_or(u32::MAX);
    Some(Snippet {
        line,
        highlight: (place_in_mask.start.min(masked.len()), place_in_mask.end.min(masked.len())),
        text: masked,
    })
}

/// Moves an offset left to where a character begins.
fn boundary(text: &[u8], mut at: usize) -> usize {
    while at > 0 && at < text.len() && text[at] & 0xc0 == 0x80 {
        at -= 1;
    }
    at.min(text.len())
}
