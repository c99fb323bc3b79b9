//! Secrets in names of files and folders: a download named after its token, a folder named after a key.

use std::{cell::RefCell, collections::HashMap};

use testudo_model::{Confidence, Finding, Notice};
use testudo_scan::Output;
use testudo_source::{Origin, Unit};

use super::{Candidate, Display, Meaning, Place, SecretsDetector, build, classify::Syntax, decode, structured};
use crate::engine::{RawMatch, Workspace};

/// Which names of files make them worth reading whatever is in them: credential files, and names that hold a token.
#[derive(Debug)]
pub struct Names<'a> {
    detector: &'a SecretsDetector,
    memory: RefCell<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    workspace: Workspace,
    matches: Vec<RawMatch>,
    /// A history has the same few names in every tree.
    known: HashMap<String, bool>,
}

impl<'a> Names<'a> {
    /// The names that `detector` has something to say about.
    #[must_use]
    pub fn new(detector: &'a SecretsDetector) -> Self {
        Self { detector, memory: RefCell::default() }
    }

    /// Whether a file of this name, folders left out, is worth reading.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let Memory { workspace, matches, known } = &mut *self.memory.borrow_mut();
        if let Some(known) = known.get(name) {
            return *known;
        }
        let place = Place {
            unit: &Unit::new("", Vec::new(), Origin::File),
            syntax: Syntax::Settings,
            display: name.to_owned(),
            encrypted: false,
        };
        let wanted = structured::wants(name) || !tokens(self.detector, &place, workspace, matches).is_empty();
        known.insert(name.to_owned(), wanted);
        wanted
    }
}

/// Looks for tokens in a unit's name; gives the findings and the values.
pub(super) fn find(
    detector: &SecretsDetector,
    place: &Place<'_>,
    workspace: &mut Workspace,
    matches: &mut Vec<RawMatch>,
) -> (Vec<Finding>, Vec<String>) {
    let found = tokens(detector, place, workspace, matches);
    let findings = found.iter().map(|candidate| build::name_finding(detector, place, candidate)).collect();
    (findings, found.into_iter().map(|candidate| candidate.value).collect())
}

/// The tokens in a place's name. Only vendors' tokens count: a name is no place where passwords are assigned.
fn tokens(
    detector: &SecretsDetector,
    place: &Place<'_>,
    workspace: &mut Workspace,
    matches: &mut Vec<RawMatch>,
) -> Vec<Candidate> {
    let name = place.display.as_bytes();
    matches.clear();
    detector.engine.find(name, workspace, matches);
    let vendor = |m: &&RawMatch| matches!(detector.meanings[m.rule as usize], Meaning::Rule(_));
    let mut found: Vec<_> = matches
        .iter()
        .filter(vendor)
        .flat_map(|m| detector.candidates(place, name, m))
        .filter(|candidate| candidate.confidence == Confidence::High && !candidate.generic)
        .collect();
    found.sort_by(|a, b| (a.range.start, &detector.infos[a.info].id).cmp(&(b.range.start, &detector.infos[b.info].id)));
    found.dedup_by(|later, kept| later.range.start < kept.range.end);
    found
}

impl SecretsDetector {
    /// A text of one line with every secret in it masked, as far as this detector knows one; as it is where values are
    /// shown. For what reports say beside findings: subjects of commits, names of their authors.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        if self.options.display == Display::Clear {
            return text.to_owned();
        }
        let unit = Unit::new("", text.as_bytes().to_vec(), Origin::File);
        let place = Place { unit: &unit, syntax: Syntax::Settings, display: String::new(), encrypted: false };
        let (mut workspace, mut matches) = (Workspace::default(), Vec::new());
        self.engine.find(text.as_bytes(), &mut workspace, &mut matches);
        let found = matches.iter().flat_map(|m| self.candidates(&place, text.as_bytes(), m));
        let mut ranges: Vec<_> = found.map(|candidate| candidate.range).collect();
        ranges.extend(
            decode::find(self, &place, &mut workspace, &mut Output::default(), &matches).into_iter().map(|c| c.range),
        );
        testudo_redact::mask_ranges(text.as_bytes(), &ranges).0
    }

    /// Masks tokens in the name of the place that a notice is about, and in what it says.
    pub fn mask_place(&self, notice: &mut Notice) {
        let Some(path) = notice.location.path.clone().filter(|_| self.options.display == Display::Masked) else {
            return;
        };
        let unit = Unit::new("", Vec::new(), Origin::File);
        let place = Place { unit: &unit, syntax: Syntax::Settings, display: path.clone(), encrypted: false };
        for token in tokens(self, &place, &mut Workspace::default(), &mut Vec::new()) {
            let mask = testudo_redact::mask(&token.value);
            notice.location.path = notice.location.path.take().map(|path| path.replace(&token.value, &mask));
            notice.message = notice.message.replace(&token.value, &mask);
        }
    }
}

/// Masks the secrets of a name in the places of findings, so that no report shows them.
pub(super) fn mask(findings: &mut [Finding], secrets: &[String]) {
    let masked = |text: &str| {
        secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), &testudo_redact::mask(secret)))
    };
    for finding in findings {
        finding.location.path = finding.location.path.as_deref().map(masked);
        finding.location.members.iter_mut().for_each(|member| *member = masked(member));
    }
}
