//! Secrets behind an encoding: base64, hexadecimal, percent, Unicode escapes, and gzip inside base64.

use super::{Candidate, Place, SecretsDetector};
use crate::{engine::Workspace, gitleaks::LineDecoder};

/// Looks at what each line hides. A candidate's place is the encoded stretch of the line.
pub(super) fn find(
    detector: &SecretsDetector,
    place: &Place<'_>,
    workspace: &mut Workspace,
    output: &mut testudo_scan::Output,
    found: &mut Vec<Candidate>,
) {
    let mut budget = place.unit.bytes.len().saturating_mul(4).saturating_add(1 << 20);
    let mut exhausted = false;
    LineDecoder::new(detector.options.decode_depth).decode(&place.unit.bytes, &mut |hidden| {
        if hidden.text.len() > budget {
            exhausted = true;
            return;
        }
        budget -= hidden.text.len();
        output.count("decoded_bytes", hidden.text.len() as u64);
        let mut matches = Vec::new();
        detector.engine.find(hidden.text, workspace, &mut matches);
        for m in &matches {
            let Some(candidate) = detector.candidate(place, hidden.text, m) else { continue };
            // What stands in clear text was found there already.
            if let Some((range, names)) = hidden.origin(&candidate.range) {
                found.push(Candidate { range, decoded: names, ..candidate });
            }
        }
    });
    if exhausted {
        use testudo_model::{Notice, NoticeCode};
        let message = "more encoded text than the budget allows; the rest was scanned as it stands";
        output.notices.push(Notice::new(NoticeCode::DecodeLimit, place.unit.location(), message));
    }
}
