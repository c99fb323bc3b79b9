//! Our own detector: vendor rules with proof, a key/value classifier, and readers of credential files.

mod armour;
mod around;
mod build;
pub mod classify;
mod columns;
mod decode;
mod file_name;
mod foreign;
pub(crate) mod forms;
mod json;
mod labels;
mod layouts;
mod names;
mod nearby;
mod patterns;
mod placeholder;
mod ranks;
mod reference;
mod rules;
mod stand_in;
mod structured;
mod translation;
mod trigrams;
mod validate;
mod words;
mod yaml;

use std::{collections::BTreeMap, ops::Range};

use testudo_model::{Confidence, DetectorId, Notice, NoticeCode, RuleInfo, Severity};
use testudo_scan::{Fuel, Output, RulesIdentity, Worker};
use testudo_source::{Content, LineIndex, Unit, archive, text};

pub use build::{Display, FingerprintKey};
pub use file_name::Names;
pub use foreign::compute_filters;
pub use rules::{NATIVE, NativeRule};
pub use validate::NAMES as VALIDATORS;

use self::{
    classify::{Kind, Syntax},
    forms::{FORMS, Form},
    patterns::Named,
    validate::Proof,
};
use crate::{
    embedded,
    engine::{Engine, Pattern, Prepared, RawMatch, Workspace},
    entropy::shannon,
    expr::Expr,
    gitleaks::LineDecoder,
    history::Judge,
    rule::{Allowlist, Conventions, Rule, Ruleset, Subject, Unapplied},
    verify::{self, Kept},
};

impl SecretsDetector {
    /// What a match is known by in a memory of the history: keyed, so that it tells nothing about the value.
    #[must_use]
    pub fn match_identity(&self, rule: u32, matched: &[u8]) -> u64 {
        self.options.key.short(&[b"history", &rule.to_le_bytes(), matched])
    }

    /// What a memory of the history depends on beside the repository: rules, version, and options that decide what is found.
    #[must_use]
    pub fn history_context(&self) -> String {
        let Options { key: _, decode_depth, display: _, disabled, least } = &self.options;
        format!("{} {} {decode_depth} {disabled:?} {least:?}", env!("CARGO_PKG_VERSION"), self.digest)
    }
}

/// How the detector is set.
#[derive(Debug, Clone)]
pub struct Options {
    /// Key of fingerprints.
    pub key: FingerprintKey,
    /// Decoding passes; 0 for none.
    pub decode_depth: usize,
    /// Whether findings carry the value itself.
    pub display: Display,
    /// Rules that are left out.
    pub disabled: Vec<String>,
    /// Candidates of less confidence are not followed through history.
    pub least: Confidence,
}

/// The secret detector.
#[derive(Debug)]
pub struct SecretsDetector {
    rules: Vec<Rule>,
    allowlists: Vec<Allowlist>,
    /// Expressions that drop a finding where they are true, for all rules.
    filters: Vec<Expr>,
    /// Expressions that leave out a file where they are true.
    prefilters: Vec<Expr>,
    infos: Vec<RuleInfo>,
    engine: Engine,
    /// What each rule of the engine is.
    meanings: Vec<Meaning>,
    /// Patterns of [`FORMS`], for reading groups.
    forms: Vec<Pattern>,
    digest: String,
    options: Options,
    /// The first so many rules are ours.
    own: usize,
    /// Values that may be asked about; none where nobody is asked.
    kept: Option<Kept>,
    /// What loaded rule files say and is not done.
    unapplied: Vec<Unapplied>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A rule with an expression, by index.
    Rule(usize),
    /// A form of the classifier, by index in [`FORMS`].
    Form(usize),
}

/// Something that looks like a secret, before it becomes a finding.
#[derive(Debug, Clone)]
struct Candidate {
    /// Index into `infos`.
    info: usize,
    /// Index into `rules`, for those with an expression.
    rule: Option<usize>,
    /// Where it is in the unit.
    range: Range<usize>,
    /// Where all that the expression matched is.
    matched: Range<usize>,
    value: String,
    confidence: Confidence,
    proven: bool,
    /// Whether only the name of the value speaks for it.
    generic: bool,
    /// Names of the encodings that hid it.
    decoded: Vec<String>,
}

impl SecretsDetector {
    /// Our own rules.
    #[must_use]
    pub fn own(options: Options) -> Self {
        let wanted = |id: &str| !options.disabled.iter().any(|d| d == id);
        let embedded: Vec<_> = embedded::all().iter().filter(|r| wanted(r.id)).collect();
        let mut prepared: Vec<Prepared> = embedded.iter().map(|r| r.prepared()).collect();
        let rules: Vec<Rule> = embedded.iter().map(|r| r.rule()).collect();
        let mut meanings: Vec<Meaning> = (0..rules.len()).map(Meaning::Rule).collect();
        prepared.extend(embedded::forms());
        meanings.extend((0..FORMS.len()).map(Meaning::Form));
        let mut infos: Vec<RuleInfo> = rules.iter().map(|r| r.info.clone()).collect();
        infos.extend(NATIVE.iter().map(NativeRule::info));
        let digest = embedded::digest();
        let own = rules.len();
        Self { own, ..Self::assemble(rules, Vec::new(), infos, prepared, meanings, digest, options) }
    }

    /// Rules loaded from files, instead of or (with `own`) beside ours.
    ///
    /// # Errors
    /// Names the rule whose expression cannot be used.
    pub fn with_rules(sets: Vec<Ruleset>, own: Own, options: Options) -> Result<Self, String> {
        let base = match own {
            Own::Add => Self::own(options),
            Own::Replace => {
                Self::assemble(Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), String::new(), options)
            }
        };
        base.and(sets)
    }

    fn and(self, sets: Vec<Ruleset>) -> Result<Self, String> {
        let own = self.own;
        let native = if self.infos.len() > own { NATIVE.len() } else { 0 };
        let mut prepared: Vec<Prepared> = Vec::new();
        let mut meanings = Vec::new();
        let mut rules = self.rules;
        let mut allowlists = self.allowlists;
        let mut digest = self.digest;
        let (mut filters, mut prefilters, mut unapplied) = (Vec::new(), Vec::new(), Vec::new());
        for set in sets {
            digest = format!("{digest}{}", set.digest);
            allowlists.extend(set.allowlists);
            filters.extend(set.filters);
            prefilters.extend(set.prefilters);
            unapplied.extend(set.unapplied);
            rules.extend(set.rules.into_iter().filter(|r| !self.options.disabled.contains(&r.info.id)));
        }
        for (at, rule) in rules.iter().enumerate() {
            let planned = match (at < own, rule.spec()) {
                (true, _) => embedded::all().iter().find(|e| e.id == rule.info.id).map(|e| Ok(e.prepared())),
                (false, Some(spec)) => Some(Prepared::new(spec).map_err(|e| format!("rule {}: {e}", rule.info.id))),
                (false, None) => None,
            };
            if let Some(planned) = planned {
                prepared.push(planned?);
                meanings.push(Meaning::Rule(at));
            }
        }
        if native > 0 {
            prepared.extend(embedded::forms());
            meanings.extend((0..FORMS.len()).map(Meaning::Form));
        }
        let mut infos: Vec<RuleInfo> = rules.iter().map(|r| r.info.clone()).collect();
        infos.extend(NATIVE.iter().filter(|_| native > 0).map(NativeRule::info));
        let detector = Self::assemble(rules, allowlists, infos, prepared, meanings, digest, self.options);
        Ok(Self { filters, prefilters, own, kept: self.kept, unapplied, ..detector })
    }

    fn assemble(
        rules: Vec<Rule>,
        allowlists: Vec<Allowlist>,
        infos: Vec<RuleInfo>,
        prepared: Vec<Prepared>,
        meanings: Vec<Meaning>,
        digest: String,
        options: Options,
    ) -> Self {
        let forms = FORMS.iter().map(|(_, regex)| Pattern::unchecked(regex)).collect();
        let engine = Engine::from_prepared(prepared);
        Self {
            rules,
            allowlists,
            filters: Vec::new(),
            prefilters: Vec::new(),
            infos,
            engine,
            meanings,
            forms,
            digest,
            options,
            own: 0,
            kept: None,
            unapplied: Vec::new(),
        }
    }

    /// The same detector, which also keeps the values of findings that an issuer can be asked about. They stay in memory
    /// and leave it only in the requests of [`Self::verify`].
    #[must_use]
    pub fn keeping_values(self) -> Self {
        Self { kept: Some(Kept::default()), ..self }
    }

    /// Keeps a value that was found, where there is somebody to ask about it.
    fn keep(&self, candidate: &Candidate, digest: &str) {
        let Some((kept, index)) = self.kept.as_ref().zip(candidate.rule) else { return };
        let rule = &self.rules[index];
        // A rule about paths has no value.
        if rule.verify.is_some() && rule.regex.is_some() {
            kept.keep(&rule.info.id, digest, index, &candidate.value);
        }
    }

    /// What there is to ask about a finding: the request of the rule that found it, and the value.
    pub(crate) fn subject(&self, id: &str, digest: &str) -> Option<verify::Subject<'_>> {
        let value = self.kept.as_ref()?.get(id, digest)?;
        let request = self.rules.get(value.rule)?.verify.as_ref()?;
        Some(verify::Subject { request, ours: value.rule < self.own, value: value.text })
    }

    /// The key of digests.
    pub(crate) fn key(&self) -> &FingerprintKey {
        &self.options.key
    }

    /// Metadata of every rule.
    #[must_use]
    pub fn infos(&self) -> &[RuleInfo] {
        &self.infos
    }

    /// What loaded rule files say and is not done, in the order in which the files were given.
    #[must_use]
    pub fn unapplied(&self) -> &[Unapplied] {
        &self.unapplied
    }

    /// The engine, for scans along deltas.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Every finding of a text under a name, masked; for rule tests.
    #[must_use]
    pub fn findings_of(&self, name: &str, text: &str) -> Vec<testudo_model::Finding> {
        let mut output = Output::default();
        let unit = Unit::new(name, text.as_bytes().to_vec(), testudo_source::Origin::File);
        testudo_scan::Detector::worker(self).inspect(&unit, &mut Fuel::for_unit(text.len()), &mut output);
        output.findings
    }

    /// The rule of a name that is code. Loaded rules of that name are others.
    fn native_info(&self, id: &str) -> Option<usize> {
        let first = self.rules.len();
        self.infos[first..].iter().position(|i| i.id == id).map(|at| first + at)
    }
}

/// Whether our own rules run beside loaded ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// Beside them.
    Add,
    /// Not at all.
    Replace,
}

impl testudo_scan::Detector for SecretsDetector {
    fn id(&self) -> DetectorId {
        DetectorId::Secrets
    }

    fn rules(&self) -> RulesIdentity {
        RulesIdentity { digest: self.digest.clone(), count: self.infos.len() as u64 }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(SecretsWorker { detector: self, workspace: Workspace::default(), matches: Vec::new() })
    }
}

struct SecretsWorker<'a> {
    detector: &'a SecretsDetector,
    workspace: Workspace,
    matches: Vec<RawMatch>,
}

impl Worker for SecretsWorker<'_> {
    fn inspect(&mut self, unit: &Unit, fuel: &mut Fuel, output: &mut Output) {
        let (detector, before) = (self.detector, output.findings.len());
        let place = Place {
            unit,
            syntax: Syntax::of(unit.name()),
            display: unit.display_path(),
            encrypted: is_encrypted(&unit.bytes),
        };
        if detector.allowlists.iter().any(|a| a.allows_place(&place.display, ""))
            || foreign::skips(&detector.prefilters, &place.display)
        {
            return;
        }
        let mut found = Vec::new();
        self.matches.clear();
        self.workspace.fuel(fuel);
        detector.engine.find(&unit.bytes, &mut self.workspace, &mut self.matches);
        for m in &self.matches {
            found.extend(detector.candidates(&place, &unit.bytes, m));
        }
        if detector.options.decode_depth > 0 && unit.content != Content::Binary {
            found.extend(decode::find(detector, &place, &mut self.workspace, output, &self.matches));
        }
        if detector.native_info("generic-password").is_some()
            && unit.content != Content::Binary
            && let Ok(text) = std::str::from_utf8(&unit.bytes)
        {
            found.extend(structured::find(unit.name(), text).into_iter().filter_map(|s| detector.structured(text, s)));
        }
        self.workspace.take_fuel(fuel);
        if unit.content != Content::Binary && is_lfs_pointer(&unit.bytes) {
            let message = "Git LFS pointer: the file itself is elsewhere and was not scanned; run `git lfs pull` first";
            output.notices.push(Notice::new(NoticeCode::LfsPointer, unit.location(), message));
        }
        found.extend(foreign::path_rules(detector, &place));
        let (own, foreign) = foreign::settle(detector, &unit.bytes, found);
        let mut found = best(own);
        found.extend(foreign);
        found.sort_by_key(|c| (c.range.start, c.range.end));
        if !found.is_empty() {
            let lines = LineIndex::new(&unit.bytes);
            let ranges: Vec<_> = found.iter().map(|c| c.range.clone()).collect();
            for candidate in &found {
                // Empty fuel is what tells the scheduler; what was found until then stands.
                if fuel.spend(FINDING).is_err() {
                    break;
                }
                output.findings.push(build::finding(detector, &place, &lines, candidate, &ranges));
            }
        }
        let (named, secrets) = file_name::find(detector, &place, &mut self.workspace, &mut self.matches);
        if !secrets.is_empty() {
            output.findings.extend(named);
            file_name::mask(&mut output.findings[before..], &secrets);
        }
    }
}

/// Steps that a finding costs: its digests and its snippet are as much work as a look at so many bytes.
const FINDING: u64 = 1 << 14;

/// A unit with what is decided once for it.
struct Place<'a> {
    unit: &'a Unit,
    syntax: Syntax,
    display: String,
    /// Whether the values of this file are encrypted, names left readable.
    encrypted: bool,
}

/// Whether all values of a file are encrypted in place, in a form that nothing but the file's kind tells. Values that
/// say so themselves (`ENC[...]`, `!vault`) need no such mark, and beside them stand others in the clear.
fn is_encrypted(text: &[u8]) -> bool {
    let kind = |at: usize| {
        let before = text[..at].trim_ascii_end();
        let before = before.strip_suffix(b"\"").unwrap_or(before).trim_ascii_end();
        before.ends_with(b"kind:") || before.ends_with(b"kind\":")
    };
    memchr::memmem::find_iter(text, b"SealedSecret").any(kind)
}

fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

impl SecretsDetector {
    fn candidates(&self, place: &Place<'_>, text: &[u8], found: &RawMatch) -> Vec<Candidate> {
        match self.meanings[found.rule as usize] {
            Meaning::Rule(rule) => self.by_rule(place, text, found.start..found.end, rule).into_iter().collect(),
            Meaning::Form(form) => self.by_form(place, text, found.start..found.end, form),
        }
    }

    /// Where a match is encoded text that is looked into as a whole.
    fn hides(&self, found: &RawMatch) -> Option<Range<usize>> {
        let opens = match self.meanings[found.rule as usize] {
            Meaning::Rule(rule) => self.rules[rule].validate.iter().any(|check| check == "jwt"),
            Meaning::Form(form) => FORMS[form].0 == Form::Packed,
        };
        opens.then_some(found.start..found.end)
    }

    fn by_rule(&self, place: &Place<'_>, text: &[u8], found: Range<usize>, index: usize) -> Option<Candidate> {
        let rule = &self.rules[index];
        if rule.path.as_ref().is_some_and(|p| !p.is_match(place.display.as_bytes())) {
            return None;
        }
        match rule.conventions {
            Conventions::Own => {}
            Conventions::Foreign => return foreign::judge(self, place, text, found, index),
            Conventions::NoseyParker | Conventions::Kingfisher => return yaml::judge(self, place, text, found, index),
        }
        let matched = &text[found.clone()];
        let groups = rule.pattern()?.captures(matched).unwrap_or_else(|| vec![Some(0..matched.len())]);
        let group = match rule.secret_group {
            0 => groups[1..].iter().flatten().find(|g| !g.is_empty()).cloned().unwrap_or(0..matched.len()),
            n => groups.get(n).cloned().flatten()?,
        };
        let secret = &matched[group.clone()];
        if rule.entropy > 0.0 && shannon(secret) <= rule.entropy {
            return None;
        }
        let line = line_around(text, &found);
        let subject = Subject { secret, matched, line, path: &place.display, commit: "" };
        let mut lists = self.allowlists.iter().chain(&rule.allowlists);
        if lists.any(|a| a.allows(&subject)) || rule.allowlists.iter().any(|a| a.allows_place(&place.display, "")) {
            return None;
        }
        let value = String::from_utf8_lossy(secret).into_owned();
        let proofs: Vec<Proof> = rule.validate.iter().map(|name| validate::check(name, &value)).collect();
        if proofs.contains(&Proof::Refuted) {
            return None;
        }
        let proven = proofs.contains(&Proof::Proven);
        // Long values such as armoured keys hold any short word by chance.
        if !proven && value.len() <= 200 && (placeholder::is_placeholder(&value) || placeholder::is_sequence(&value)) {
            return None;
        }
        let confidence = match carried_password(rule, &value) {
            _ if proven => Confidence::High,
            _ if rule.info.id == "google-api-key" && is_shipped(&place.display) => Confidence::Low,
            Some(carried) if is_stand_in(matched, &group, &carried) => Confidence::Low,
            Some(carried) if classify::is_chosen_in_address(&carried) => Confidence::High,
            None if words::is_account(&value) => Confidence::Low,
            _ => rule.info.confidence,
        };
        let range = found.start + group.start..found.start + group.end;
        Some(Candidate {
            info: index,
            rule: Some(index),
            range,
            matched: found,
            value,
            confidence,
            proven,
            generic: false,
            decoded: Vec::new(),
        })
    }

    fn by_form(&self, place: &Place<'_>, text: &[u8], found: Range<usize>, index: usize) -> Vec<Candidate> {
        let form = FORMS[index].0;
        let named = patterns::read(text, found, form, &self.forms[index], place.syntax);
        let judged = named.into_iter().filter_map(|named| self.by_name(place, form, named));
        judged.map(|candidate| settled(place, text, form, candidate)).collect()
    }

    fn by_name(&self, place: &Place<'_>, form: Form, named: Named<'_>) -> Option<Candidate> {
        let (kind, confidence) = match form {
            Form::Bytes => classify::bytes(named.assignment.name)?,
            _ => classify::judge(&named.assignment)?,
        };
        let doubtful = is_generated(&place.display) || named.doubtful && !classify::is_strong(named.assignment.value);
        let confidence = if doubtful { confidence.min(Confidence::Medium) } else { confidence };
        let shown = &place.display;
        let hidden =
            named.aside || is_lock(shown) || translation::is_translation(shown) || is_shipped(shown) || place.encrypted;
        let confidence = if hidden { Confidence::Low } else { confidence };
        self.generic(kind, named.range, named.assignment.value.to_owned(), confidence)
    }

    fn generic(&self, kind: Kind, range: Range<usize>, value: String, confidence: Confidence) -> Option<Candidate> {
        let info = self.native_info(kind.rule())?;
        Some(Candidate {
            info,
            rule: None,
            matched: range.clone(),
            range,
            value,
            confidence,
            proven: false,
            generic: true,
            decoded: Vec::new(),
        })
    }

    fn structured(&self, text: &str, found: structured::Structured) -> Option<Candidate> {
        let info = self.native_info(found.rule)?;
        let value = text.get(found.range.clone())?.to_owned();
        Some(Candidate {
            info,
            rule: None,
            matched: found.range.clone(),
            range: found.range,
            value,
            confidence: found.confidence,
            proven: false,
            generic: false,
            decoded: Vec::new(),
        })
    }
}

impl Judge for SecretsDetector {
    fn worth(&self, rule: u32, matched: &[u8]) -> bool {
        // The path is not known here: the most permissive one decides, and the blob is looked at in full afterwards.
        let place = Place {
            unit: &Unit::new("", Vec::new(), testudo_source::Origin::File),
            syntax: Syntax::Settings,
            display: String::new(),
            encrypted: false,
        };
        match self.meanings[rule as usize] {
            Meaning::Form(form) if matches!(FORMS[form].0, Form::Marker | Form::Packed | Form::Columns) => true,
            Meaning::Form(_) => {
                let found = RawMatch { rule, start: 0, end: matched.len() };
                self.candidates(&place, matched, &found).iter().any(|c| c.confidence >= self.options.least)
            }
            Meaning::Rule(index) if self.rules[index].path.is_some() || !self.filters.is_empty() => true,
            Meaning::Rule(index) if self.rules[index].filter.is_some() || self.rules[index].prefilter.is_some() => true,
            Meaning::Rule(index) => self.by_rule(&place, matched, 0..matched.len(), index).is_some(),
        }
    }

    fn opaque(&self, bytes: &[u8]) -> bool {
        let head = &bytes[..bytes.len().min(HEAD)];
        // A zero is rare in what is neither wide text nor an archive, and looking for one is cheap.
        memchr::memchr(0, head).is_some() && (text::is_wide(head) || archive::Kind::detect("", head).is_some())
    }

    fn hidden(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>, &[u8])) {
        LineDecoder::new(self.options.decode_depth).decode(text, &mut |hidden| found(hidden.line(), hidden.text));
    }
}

/// Lowers a candidate in a program that stands on one line: there only what is strong by itself counts, and only where a
/// form says that it is a value.
fn settled(place: &Place<'_>, text: &[u8], form: Form, candidate: Candidate) -> Candidate {
    if candidate.confidence > Confidence::Low && around::is_stored_hash(text, &candidate.range) {
        return Candidate { confidence: Confidence::Low, ..candidate };
    }
    let stated = matches!(form, Form::Assign | Form::Pair | Form::ValueFirst | Form::Attribute | Form::Element);
    let program = candidate.confidence > Confidence::Low && place.syntax == Syntax::Code;
    let sure = || stated && classify::is_strong(&candidate.value);
    if program && around::is_on_long_line(text, &candidate.range) && !sure() {
        return Candidate { confidence: Confidence::Low, ..candidate };
    }
    candidate
}

/// How much of a blob tells what it is.
const HEAD: usize = 8192;

/// The password in what a rule found, where the rule says that it holds one: a part of an address, or `user:password` in
/// base64.
fn carried_password(rule: &Rule, value: &str) -> Option<String> {
    let checks = |name: &str| rule.validate.iter().any(|check| check == name);
    if checks("password-in-url") {
        return Some(value.to_owned());
    }
    let pair = checks("base64").then(|| crate::base64::lenient(value.as_bytes())).flatten()?;
    String::from_utf8(pair).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

/// Whether a password in an address stands for one: a word that everybody writes, a placeholder, a name in capitals, or the
/// other half of a user that only says that it is one. `group` is where the password is in the match.
fn is_stand_in(matched: &[u8], group: &Range<usize>, carried: &str) -> bool {
    let before = String::from_utf8_lossy(&matched[..group.start]);
    let user = before.strip_suffix(':').map(|head| head.rsplit(['/', ' ', '"', '\'']).next().unwrap_or_default());
    words::is_common(carried)
        || labels::is_constant(carried)
        || placeholder::is_placeholder(carried)
        || user.is_some_and(|user| labels::is_pair_of_labels(user, carried))
}

/// Whether every copy of a mobile program holds this file: Firebase's client configuration, whose keys only name it.
fn is_shipped(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    matches!(file, "google-services.json" | "GoogleService-Info.plist")
}

/// Severity of a candidate at its place: one step lower where only tests or documentation hold it.
fn severity_at(path: &str, severity: Severity) -> Severity {
    if !is_test(path) {
        return severity;
    }
    one_step_down(severity)
}

/// Less severe, but still in the default view.
pub(crate) fn one_step_down(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        other => other,
    }
}

fn is_test(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.split('/').any(|p| {
        matches!(
            p,
            "test"
                | "tests"
                | "spec"
                | "specs"
                | "testdata"
                | "fixtures"
                | "examples"
                | "example"
                | "docs"
                | "doc"
                | "__tests__"
        )
    }) || lower.contains("_test.")
        || lower.contains(".test.")
        || lower.contains(".spec.")
        || lower.contains("_spec.")
}

fn is_generated(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.ends_with(".min.js")
        || lower.ends_with(".map")
        || lower.ends_with(".snap")
        || lower.contains("/node_modules/")
        || lower.contains("/vendor/")
}

fn is_lock(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.ends_with(".lock")
        || lower.ends_with("-lock.json")
        || lower.ends_with("-lock.yaml")
        || lower.ends_with("go.sum")
        || lower.ends_with(".lockfile")
}

/// Bytes of a line on each side of a match that allow lists see: a file that is one line must not cost its square.
const LINE: usize = 1 << 14;

fn line_around<'a>(text: &'a [u8], found: &Range<usize>) -> &'a [u8] {
    &text[lines_of(text, found, LINE)]
}

/// The lines of a range without the break at the end, at most so many bytes on each side of it.
fn lines_of(text: &[u8], found: &Range<usize>, most: usize) -> Range<usize> {
    let (from, to) = (found.start.saturating_sub(most), text.len().min(found.end + most));
    let start = memchr::memrchr(b'\n', &text[from..found.start]).map_or(from, |p| from + p + 1);
    let end = memchr::memchr(b'\n', &text[found.end..to]).map_or(to, |p| found.end + p);
    start..end
}

/// Of candidates that overlap, the one that says most. What a token holds stands beside the token.
fn best(found: Vec<Candidate>) -> Vec<Candidate> {
    let (held, whole): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|c| c.decoded.iter().any(|name| name == decode::TOKEN));
    let mut kept = strongest(whole);
    kept.extend(strongest(held));
    kept.sort_by_key(|c| (c.range.start, c.range.end));
    kept
}

/// Without overlaps: proven before specific before general, then the surer, then the longer.
fn strongest(mut found: Vec<Candidate>) -> Vec<Candidate> {
    let rank = |c: &Candidate| {
        (
            c.proven,
            c.rule.is_some() && c.confidence >= Confidence::Medium,
            c.confidence,
            c.rule.is_some() || !c.generic,
            c.range.len(),
        )
    };
    found.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| (a.range.start, a.info).cmp(&(b.range.start, b.info))));
    // What is kept never overlaps, so only the last one that starts before an end can.
    let mut kept: BTreeMap<usize, Candidate> = BTreeMap::new();
    for candidate in found {
        let before = kept.range(..candidate.range.end.max(1)).next_back();
        match before.map(|(start, _)| *start).and_then(|start| kept.get_mut(&start)) {
            // Two signs for one value are as good as the better of them.
            Some(other) if other.range.end > candidate.range.start => {
                if other.value.ends_with(&candidate.value) || candidate.value.ends_with(&other.value) {
                    other.confidence = other.confidence.max(candidate.confidence);
                }
            }
            _ => {
                kept.insert(candidate.range.start, candidate);
            }
        }
    }
    kept.into_values().collect()
}
