//! Secrets behind an encoding: base64, hexadecimal, percent and Unicode escapes line by line; gzip and zlib inside base64;
//! the claims of JSON web tokens; the cells of notebooks. What is found inside one is looked at for the next, until the
//! depth or the budget of decoded bytes is used up.

use std::{io::Read as _, ops::Range};

use testudo_model::{Notice, NoticeCode};

use super::{Candidate, Place, SecretsDetector, classify::Syntax, json};
use crate::{
    base64,
    engine::{RawMatch, Workspace},
    gitleaks::LineDecoder,
};

/// Name of the layer that a JSON web token hides; its secrets are reported beside the token, not instead of it.
pub(super) const TOKEN: &str = "jwt";

/// Where a range of a decoded text is in the unit, and the encodings in between; none where nothing was encoded.
type Lift<'f> = dyn Fn(&Range<usize>) -> Option<(Range<usize>, Vec<String>)> + 'f;

/// A text that was taken out of an encoding as a whole.
struct Layer {
    text: Vec<u8>,
    /// Where the encoded form is in the text around it.
    range: Range<usize>,
    names: &'static [&'static str],
}

/// Looks at what the unit hides. `matches` are the engine's in the unit itself.
pub(super) fn find(
    detector: &SecretsDetector,
    place: &Place<'_>,
    workspace: &mut Workspace,
    output: &mut testudo_scan::Output,
    matches: &[RawMatch],
) -> Vec<Candidate> {
    let text = &place.unit.bytes;
    let budget = text.len().saturating_mul(4).saturating_add(1 << 20);
    let mut search =
        Search { detector, place, workspace, budget, exhausted: false, decoded_bytes: 0, found: Vec::new() };
    let depth = detector.options.decode_depth;
    let clear: &Lift<'_> = &|range| Some((range.clone(), Vec::new()));
    search.lines(text, clear, depth);
    search.layers(text, matches, clear, depth);
    if place.unit.name().ends_with(".ipynb") {
        search.notebook(depth);
    }
    let Search { exhausted, decoded_bytes, found, .. } = search;
    output.count("decoded_bytes", decoded_bytes);
    if exhausted {
        let message = "more encoded text than the budget allows; the rest was scanned as it stands";
        output.notices.push(Notice::new(NoticeCode::DecodeLimit, place.unit.location(), message));
    }
    found
}

struct Search<'a> {
    detector: &'a SecretsDetector,
    place: &'a Place<'a>,
    workspace: &'a mut Workspace,
    /// Bytes that may still be decoded.
    budget: usize,
    exhausted: bool,
    decoded_bytes: u64,
    found: Vec<Candidate>,
}

impl Search<'_> {
    /// Whether a decoded text may be looked at; if so it is paid for.
    fn pay(&mut self, bytes: usize) -> bool {
        let affordable = bytes <= self.budget;
        if affordable {
            self.budget -= bytes;
            self.decoded_bytes += bytes as u64;
        }
        self.exhausted |= !affordable;
        affordable
    }

    /// Candidates of a decoded text. Returns the engine's matches.
    fn candidates(&mut self, text: &[u8], place: &Place<'_>, lift: &Lift<'_>) -> Vec<RawMatch> {
        let mut matches = Vec::new();
        self.detector.engine.find(text, self.workspace, &mut matches);
        for candidate in matches.iter().flat_map(|m| self.detector.candidates(place, text, m)) {
            // What stands in clear text was found there already.
            if let Some((range, decoded)) = lift(&candidate.range) {
                self.found.push(Candidate { matched: range.clone(), range, decoded, ..candidate });
            }
        }
        matches
    }

    /// Encodings that hide a part of a line.
    fn lines(&mut self, text: &[u8], lift: &Lift<'_>, depth: usize) {
        LineDecoder::new(depth).decode(text, &mut |hidden| {
            if !self.pay(hidden.text.len()) {
                return;
            }
            let inner: &Lift<'_> = &|range| {
                let (range, names) = hidden.origin(range)?;
                let (range, before) = lift(&range)?;
                Some((range, [before, names].concat()))
            };
            let matches = self.candidates(hidden.text, self.place, inner);
            self.layers(hidden.text, &matches, inner, depth.saturating_sub(1));
        });
    }

    /// Encodings that hide a whole text.
    fn layers(&mut self, text: &[u8], matches: &[RawMatch], lift: &Lift<'_>, depth: usize) {
        if depth == 0 {
            return;
        }
        for m in matches {
            let Some(range) = self.detector.hides(m) else { continue };
            let Some(layer) = self.open(text, range) else { continue };
            let inner: &Lift<'_> = &|_| {
                let (range, before) = lift(&layer.range)?;
                Some((range, [before, layer.names.iter().map(|n| (*n).to_owned()).collect()].concat()))
            };
            let deeper = self.candidates(&layer.text, self.place, inner);
            self.lines(&layer.text, inner, depth - 1);
            self.layers(&layer.text, &deeper, inner, depth - 1);
        }
    }

    /// Takes the text out of a compressed block or a token.
    fn open(&mut self, text: &[u8], range: Range<usize>) -> Option<Layer> {
        let encoded = &text[range.clone()];
        let layer = if encoded.starts_with(b"ey") {
            claims(encoded).map(|(part, text)| Layer {
                text,
                range: range.start + part.start..range.start + part.end,
                names: &[TOKEN],
            })?
        } else {
            let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
            if text[..range.start].last().is_some_and(inside) {
                return None;
            }
            let (text, names) = inflate(&base64::lenient(encoded)?, self.budget)?;
            Layer { text, range, names }
        };
        (self.pay(layer.text.len()) && std::str::from_utf8(&layer.text).is_ok()).then_some(layer)
    }

    /// Source and text outputs of a notebook's cells (nbformat 4), their lines joined.
    fn notebook(&mut self, depth: usize) {
        let bytes = &self.place.unit.bytes;
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let place = Place {
            unit: self.place.unit,
            syntax: Syntax::Code,
            display: self.place.display.clone(),
            encrypted: self.place.encrypted,
        };
        let (mut cell, mut joined, mut places) = (String::new(), Vec::new(), Vec::new());
        let mut scalars = json::scalars(text, 0).into_iter().filter(|s| s.string && is_cell_text(&s.path)).peekable();
        while let Some(scalar) = scalars.next() {
            // The last part of the path counts the lines of a cell.
            owner(&scalar.path).clone_into(&mut cell);
            json::unescape(bytes, scalar.range, &mut joined, &mut places);
            if scalars.peek().is_some_and(|next| owner(&next.path) == cell) {
                continue;
            }
            if self.pay(joined.len()) {
                let lift: &Lift<'_> = &|range| {
                    let (first, last) = (places.get(range.start)?, places.get(range.end.checked_sub(1)?)?);
                    Some((*first..last + 1, vec!["notebook".to_owned()]))
                };
                let matches = self.candidates(&joined, &place, lift);
                self.layers(&joined, &matches, lift, depth - 1);
            }
            joined.clear();
            places.clear();
        }
    }
}

/// Whether a path of a notebook leads to what people wrote or what a run printed.
fn is_cell_text(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("cells")
        && matches!(parts.nth(1), Some("source" | "outputs"))
        && (path.contains("/source/") || path.contains("/text/") || path.contains("plain/"))
}

/// The path without a position at its end.
fn owner(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').filter(|(_, last)| last.bytes().all(|b| b.is_ascii_digit())).map_or(path, |(head, _)| head)
}

/// The second part of a JSON web token (RFC 7519), decoded, and where it is.
fn claims(token: &[u8]) -> Option<(Range<usize>, Vec<u8>)> {
    let first = memchr::memchr(b'.', token)? + 1;
    let length = memchr::memchr(b'.', &token[first..])?;
    let text = base64::url_raw(&token[first..first + length])?;
    text.starts_with(b"{").then_some((first..first + length, text))
}

/// Undoes gzip (RFC 1952) or zlib (RFC 1950), at most `limit` bytes. What is cut off or damaged gives what came out.
fn inflate(packed: &[u8], limit: usize) -> Option<(Vec<u8>, &'static [&'static str])> {
    let limit = limit as u64 + 1;
    let mut out = Vec::new();
    let names: &[&str] = if packed.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(packed).take(limit).read_to_end(&mut out).ok()?;
        &["base64", "gzip"]
    } else {
        flate2::read::ZlibDecoder::new(packed).take(limit).read_to_end(&mut out).ok()?;
        &["base64", "zlib"]
    };
    Some((out, names))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use testudo_model::{Confidence, Finding, NoticeCode};
    use testudo_scan::{Detector as _, Fuel, Output};
    use testudo_source::{Origin, Unit};

    use super::super::{Display, FingerprintKey, Options, SecretsDetector};
    use super::*;

    fn detector() -> SecretsDetector {
        SecretsDetector::own(Options {
            key: FingerprintKey([7; 32]),
            decode_depth: 4,
            display: Display::Clear,
            disabled: Vec::new(),
            least: Confidence::Low,
        })
    }

    fn gzip(text: &[u8]) -> String {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        base64::encode(&encoder.finish().unwrap(), base64::STANDARD)
    }

    fn zlib(text: &[u8], level: flate2::Compression) -> String {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(text).unwrap();
        base64::encode(&encoder.finish().unwrap(), base64::STANDARD)
    }

    fn token(claims: &str) -> String {
        let part = |text: &str| base64::encode(text.as_bytes(), base64::URL).trim_end_matches('=').to_owned();
        format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part(claims), part("0123456789abcdef0123456789abcdef"))
    }

    /// Value, encodings and the text at the place of each finding.
    fn found(name: &str, text: &str) -> Vec<(String, Vec<String>, u32)> {
        let text_of = |f: &Finding| f.properties["secret"].as_str().unwrap_or_default().to_owned();
        let names = |f: &Finding| {
            let list = f.properties.get("decoded").and_then(|d| d.as_array().cloned()).unwrap_or_default();
            list.iter().filter_map(|n| n.as_str().map(str::to_owned)).collect()
        };
        let findings = detector().findings_of(name, text);
        findings.iter().map(|f| (text_of(f), names(f), f.location.line())).collect()
    }

    const INNER: &str = "first: 1\ndb_password = \"Kuhle-Weide.93\"\n";

    #[test]
    fn compressed_texts_are_opened() {
        let (fast, best) = (flate2::Compression::fast(), flate2::Compression::best());
        for (packed, names) in [
            (gzip(INNER.as_bytes()), vec!["base64", "gzip"]),
            (zlib(INNER.as_bytes(), fast), vec!["base64", "zlib"]),
            (zlib(INNER.as_bytes(), best), vec!["base64", "zlib"]),
            (gzip(gzip(INNER.as_bytes()).as_bytes()), vec!["base64", "gzip", "base64", "gzip"]),
            (base64::encode(gzip(INNER.as_bytes()).as_bytes(), base64::STANDARD), vec!["base64", "base64", "gzip"]),
        ] {
            let expected = vec![("Kuhle-Weide.93".to_owned(), names.into_iter().map(str::to_owned).collect(), 2)];
            assert_eq!(found("a.yaml", &format!("x: 1\nuser-data: {packed}\n")), expected);
        }
    }

    #[test]
    fn a_token_and_what_it_holds_are_both_found() {
        let token = token(r#"{"sub":"joe","exp":1700000000,"password":"Kuhle-Weide.93"}"#);
        let all = found("a.env", &format!("T={token}\n"));
        assert!(all.contains(&(token.clone(), Vec::new(), 1)), "{all:?}");
        assert!(all.contains(&("Kuhle-Weide.93".to_owned(), vec![TOKEN.to_owned()], 1)), "{all:?}");
        let findings = detector().findings_of("a.env", &format!("T={token}\n"));
        assert!(findings.iter().any(|f| f.properties.get("expires").is_some_and(|e| e == 1_700_000_000)));
    }

    #[test]
    fn cells_of_a_notebook_are_joined() {
        let notebook = r#"{"cells": [{"cell_type": "code", "source": [
            "x = 1\n",
            "db.connect(\n",
            "    password=\"Kuhle-Weide.93\")"
        ], "outputs": [{"text": ["api_key = 'k4Jq8Zr2LmX7vT1nQw5p'\n"]}]}], "metadata": {}}"#;
        let all = found("a.ipynb", notebook);
        assert!(all.iter().any(|(v, _, line)| v == "Kuhle-Weide.93" && *line == 4), "{all:?}");
        assert!(all.iter().any(|(v, _, line)| v == "k4Jq8Zr2LmX7vT1nQw5p" && *line == 5), "{all:?}");
    }

    #[test]
    fn a_bomb_costs_the_budget_and_is_told() {
        let bomb = gzip(&vec![b'a'; 8 << 20]);
        let unit = Unit::new("a.txt", bomb.into_bytes(), Origin::File);
        let mut output = Output::default();
        let detector = detector();
        detector.worker().inspect(&unit, &mut Fuel::for_unit(unit.bytes.len()), &mut output);
        assert!(output.notices.iter().any(|n| n.code == NoticeCode::DecodeLimit));
    }

    #[test]
    fn random_packed_text_never_panics() {
        let (detector, mut state) = (detector(), 5u64);
        for _ in 0..300 {
            let mut text = gzip(INNER.as_bytes()).into_bytes();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) as usize % text.len();
                text[at] = b'A' + (state >> 20) as u8 % 26;
            }
            let findings = detector.findings_of("a.ipynb", &String::from_utf8_lossy(&text));
            assert!(findings.iter().all(|f| f.location.line() == 1));
        }
    }
}
