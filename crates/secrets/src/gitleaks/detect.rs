//! gitleaks' detection over one fragment.

use std::{collections::HashMap, ops::Range};

use super::{
    codec::{self, Decoder, Segment},
    line::place,
    shared_line::SharedLine,
};
use crate::{
    engine::{Engine, Pattern, RawMatch, Workspace},
    entropy::shannon,
    history::Judge,
    rule::{Allowlist, Condition, RegexTarget, Rule, Ruleset, Subject},
};

/// A piece of text to look at.
#[derive(Debug, Clone, Copy)]
pub struct Fragment<'a> {
    /// The text.
    pub text: &'a [u8],
    /// Path, `/`-separated.
    pub path: &'a str,
    /// Commit id, empty for files.
    pub commit: &'a str,
    /// Line number of the first line; gitleaks counts from 1 for files and takes the hunk's for commits.
    pub start_line: usize,
}

/// A finding with gitleaks' fields. Holds the secret: whoever prints it must have been asked to.
#[derive(Debug, Clone, PartialEq)]
pub struct CompatFinding {
    /// Rule id.
    pub rule: String,
    /// Rule description.
    pub description: String,
    /// First line.
    pub start_line: usize,
    /// Last line.
    pub end_line: usize,
    /// First column.
    pub start_column: usize,
    /// Last column.
    pub end_column: usize,
    /// The line, as far as gitleaks keeps it.
    pub line: SharedLine,
    /// Text of the whole match.
    pub matched: String,
    /// The secret.
    pub secret: String,
    /// Path.
    pub file: String,
    /// The link that led to the file, where one did.
    pub symlink: String,
    /// Commit id, or empty.
    pub commit: String,
    /// Shannon entropy of the secret.
    pub entropy: f64,
    /// Author name, or empty.
    pub author: String,
    /// Author e-mail, or empty.
    pub email: String,
    /// Author date, or empty.
    pub date: String,
    /// Commit message, or empty.
    pub message: String,
    /// Labels of the rule and of decoding.
    pub tags: Vec<String>,
    /// Address of the finding on its platform, or empty.
    pub link: String,
    /// What the rules found that this one requires nearby.
    pub required: Vec<RequiredFinding>,
}

/// What a required rule found near a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredFinding {
    /// Rule id.
    pub rule: String,
    /// First line.
    pub start_line: usize,
    /// The secret.
    pub secret: String,
}

impl CompatFinding {
    /// `commit:file:rule:line`, without the commit for files.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let place = format!("{}:{}:{}", self.file, self.rule, self.start_line);
        if self.commit.is_empty() { place } else { format!("{}:{place}", self.commit) }
    }
}

/// How far gitleaks' switches are set.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Decoding passes.
    pub max_decode_depth: usize,
    /// Whether `gitleaks:allow` on a line is obeyed.
    pub allow_comments: bool,
    /// Fragments of more megabytes than this are skipped; 0 for none.
    pub max_target_megabytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_decode_depth: 5, allow_comments: true, max_target_megabytes: 0 }
    }
}

/// Rules, planned, with gitleaks' settings.
#[derive(Debug)]
pub struct Scanner {
    rules: Vec<Rule>,
    allowlists: Vec<Allowlist>,
    engine: Engine,
    /// Engine index -> rule index.
    of_engine: Vec<usize>,
    by_id: HashMap<String, usize>,
    settings: Settings,
}

impl Scanner {
    /// Plans a ruleset.
    ///
    /// # Errors
    /// Names the rule whose expression cannot be used.
    pub fn new(rules: Ruleset, settings: Settings) -> Result<Self, String> {
        let (mut specs, mut of_engine) = (Vec::new(), Vec::new());
        for (at, rule) in rules.rules.iter().enumerate() {
            if let Some(spec) = rule.spec() {
                specs.push(spec);
                of_engine.push(at);
            }
        }
        let name = |at: usize| rules.rules[of_engine[at]].info.id.clone();
        let engine = Engine::new(specs).map_err(|(at, e)| format!("rule {}: {e}", name(at)))?;
        let by_id = rules.rules.iter().enumerate().map(|(at, r)| (r.info.id.clone(), at)).collect();
        Ok(Self { engine, of_engine, by_id, rules: rules.rules, allowlists: rules.allowlists, settings })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether a path is left out as a whole by a global allow list.
    #[must_use]
    pub fn skips_path(&self, path: &str) -> bool {
        self.allowlists.iter().any(|a| a.allows_path(path))
    }

    /// Whether a rule reports files for their path alone.
    #[must_use]
    pub fn has_path_rules(&self) -> bool {
        self.rules.iter().any(|rule| rule.regex.is_none() && rule.path.is_some())
    }

    /// Whether a rule reports a file of this name, folders left out or not known, for its path alone.
    #[must_use]
    pub fn wants_path(&self, path: &str) -> bool {
        self.rules.iter().any(|r| r.regex.is_none() && r.path.as_ref().is_some_and(|p| p.is_match(path.as_bytes())))
    }

    /// Everything gitleaks would report of a fragment.
    pub fn detect(&self, fragment: &Fragment<'_>, workspace: &mut Workspace) -> Vec<CompatFinding> {
        if self.allowlists.iter().any(|a| a.allows_place(fragment.path, fragment.commit)) {
            return Vec::new();
        }
        let mut look = Look { scanner: self, fragment, breaks: None, last: LastLine::default(), found: Vec::new() };
        look.path_rules();
        let mut decoder = Decoder::default();
        let mut matches = Vec::new();
        look.pass(fragment.text, None, workspace, &mut matches);
        let mut current: Option<Vec<u8>> = None;
        for _ in 0..self.settings.max_decode_depth {
            let Some(next) = decoder.decode(current.as_deref().unwrap_or(fragment.text)) else { break };
            look.pass(&next, Some(&decoder), workspace, &mut matches);
            current = Some(next);
        }
        generic_last(look.found)
    }
}

impl Judge for Scanner {
    fn worth(&self, number: u32, matched: &[u8]) -> bool {
        let rule = &self.rules[self.of_engine[number as usize]];
        let matched = trim_breaks(matched);
        // gitleaks looks at the added lines of each change alone: the first lines of a match can be another one there.
        let first_lines = || {
            let last = memchr::memrchr(b'\n', matched)?;
            let found = rule.pattern()?.find_all(&matched[..last]);
            Some(found.into_iter().any(|range| self.is_worth(rule, trim_breaks(&matched[range]))))
        };
        self.is_worth(rule, matched)
            || first_lines().unwrap_or(false)
            || !self.engine.is_anchored(number) && begins_again(rule, matched)
    }

    fn sees_lines_apart(&self) -> bool {
        true
    }

    fn opaque(&self, _: &[u8]) -> bool {
        // gitleaks sees what `git log -p` shows: nothing of such files.
        false
    }

    fn hidden(&self, text: &[u8], found: &mut dyn FnMut(Range<usize>, &[u8])) {
        if self.settings.max_decode_depth == 0 {
            return;
        }
        let place = |h: &codec::Hidden<'_>| h.line();
        codec::LineDecoder::new(self.settings.max_decode_depth)
            .decode(text, &mut |hidden| found(place(hidden), hidden.text));
    }
}

/// Whether the later lines of a match have what a match of the rule needs.
fn begins_again(rule: &Rule, matched: &[u8]) -> bool {
    let Some(first) = memchr::memchr(b'\n', matched) else { return false };
    let later = matched[first..].to_ascii_lowercase();
    let begins = |keyword: &String| memchr::memmem::find(&later, keyword.to_lowercase().as_bytes()).is_some();
    rule.keywords.is_empty() || rule.keywords.iter().any(begins)
}

impl Scanner {
    /// Whether a match can be a finding somewhere. The line is not known here, so of the allow lists only those decide that
    /// look at the match itself.
    fn is_worth(&self, rule: &Rule, matched: &[u8]) -> bool {
        let Some(secret) = secret_of(rule, matched) else { return false };
        if rule.entropy != 0.0 && shannon(secret) <= rule.entropy {
            return false;
        }
        let decides = |a: &&Allowlist| a.condition == Condition::Any && a.target != RegexTarget::Line;
        let subject = Subject { secret, matched, line: b"", path: "", commit: "" };
        !self.allowlists.iter().chain(&rule.allowlists).filter(decides).any(|a| a.allows(&subject))
    }
}

/// Drops findings of generic rules where a specific rule found the same on the same line.
fn generic_last(found: Vec<CompatFinding>) -> Vec<CompatFinding> {
    let generic = |rule: &str| rule.to_lowercase().contains("generic");
    let covered = |f: &CompatFinding| {
        generic(&f.rule)
            && found.iter().any(|o| {
                o.start_line == f.start_line && o.rule != f.rule && o.secret.contains(&f.secret) && !generic(&o.rule)
            })
    };
    let keep: Vec<bool> = found.iter().map(|f| !covered(f)).collect();
    found.into_iter().zip(keep).filter_map(|(f, keep)| keep.then_some(f)).collect()
}

struct Look<'a> {
    scanner: &'a Scanner,
    fragment: &'a Fragment<'a>,
    breaks: Option<Vec<usize>>,
    last: LastLine,
    found: Vec<CompatFinding>,
}

/// What is known of the lines of the last match. They are those of the next one too in a file that is one line.
#[derive(Default)]
struct LastLine {
    range: Range<usize>,
    /// Whether a comment on it says that it is to be left alone.
    allowed: bool,
    /// What its findings share; made for the first of them.
    shared: Option<SharedLine>,
}

impl Look<'_> {
    /// Rules about the path alone.
    fn path_rules(&mut self) {
        for rule in self.scanner.rules.iter().filter(|r| r.regex.is_none() && !r.skip_report) {
            let by_path = rule.path.as_ref().is_some_and(|p| p.is_match(self.fragment.path.as_bytes()));
            if by_path && !self.allowed_place(rule) {
                let mut finding = self.blank(rule);
                finding.matched = format!("file detected: {}", self.fragment.path);
                self.found.push(finding);
            }
        }
    }

    fn allowed_place(&self, rule: &Rule) -> bool {
        rule.allowlists.iter().any(|a| a.allows_place(self.fragment.path, self.fragment.commit))
    }

    fn blank(&self, rule: &Rule) -> CompatFinding {
        CompatFinding {
            rule: rule.info.id.clone(),
            description: rule.info.title.clone(),
            start_line: 0,
            end_line: 0,
            start_column: 0,
            end_column: 0,
            line: SharedLine::default(),
            matched: String::new(),
            secret: String::new(),
            file: self.fragment.path.to_owned(),
            symlink: String::new(),
            commit: self.fragment.commit.to_owned(),
            entropy: 0.0,
            author: String::new(),
            email: String::new(),
            date: String::new(),
            message: String::new(),
            tags: rule.tags.clone(),
            link: String::new(),
            required: Vec::new(),
        }
    }

    /// One pass over the text, or over what decoding made of it.
    fn pass(&mut self, text: &[u8], decoder: Option<&Decoder>, workspace: &mut Workspace, matches: &mut Vec<RawMatch>) {
        let limit = self.scanner.settings.max_target_megabytes;
        if limit > 0 && text.len() / 1_000_000 > limit {
            return;
        }
        matches.clear();
        self.scanner.engine.find(text, workspace, matches);
        let mut from = 0;
        while let Some(first) = matches.get(from) {
            let len = matches[from..].iter().take_while(|m| m.rule == first.rule).count();
            let rule = &self.scanner.rules[self.scanner.of_engine[first.rule as usize]];
            if !rule.skip_report {
                let mut findings = self.rule_findings(rule, text, &matches[from..from + len], decoder);
                if !rule.required.is_empty() && !findings.is_empty() {
                    findings = self.with_required(rule, findings, text, matches, decoder);
                }
                self.found.append(&mut findings);
            }
            from += len;
        }
    }

    /// Keeps findings near which every required rule matches too.
    fn with_required(
        &mut self,
        rule: &Rule,
        primary: Vec<CompatFinding>,
        text: &[u8],
        matches: &[RawMatch],
        decoder: Option<&Decoder>,
    ) -> Vec<CompatFinding> {
        let mut nearby: Vec<Vec<CompatFinding>> = Vec::new();
        for required in &rule.required {
            let Some(&index) = self.scanner.by_id.get(&required.id) else { return Vec::new() };
            let own: Vec<RawMatch> =
                matches.iter().filter(|m| self.scanner.of_engine[m.rule as usize] == index).copied().collect();
            nearby.push(self.rule_findings(&self.scanner.rules[index], text, &own, decoder));
        }
        let with = |mut p: CompatFinding| {
            for (required, found) in rule.required.iter().zip(&nearby) {
                let near = found.iter().filter(|f| {
                    required.within_lines.is_none_or(|n| p.start_line.abs_diff(f.start_line) <= n as usize)
                        && required.within_columns.is_none_or(|n| p.start_column.abs_diff(f.start_column) <= n as usize)
                });
                let before = p.required.len();
                p.required.extend(near.map(|f| RequiredFinding {
                    rule: f.rule.clone(),
                    start_line: f.start_line,
                    secret: f.secret.clone(),
                }));
                if p.required.len() == before && !required.optional {
                    return None;
                }
            }
            Some(p)
        };
        primary.into_iter().filter_map(with).collect()
    }

    fn rule_findings(
        &mut self,
        rule: &Rule,
        text: &[u8],
        matches: &[RawMatch],
        decoder: Option<&Decoder>,
    ) -> Vec<CompatFinding> {
        let wrong_path = rule.path.as_ref().is_some_and(|p| !p.is_match(self.fragment.path.as_bytes()));
        if wrong_path || self.allowed_place(rule) {
            return Vec::new();
        }
        matches.iter().filter_map(|m| self.judge(rule, text, m.start..m.end, decoder)).collect()
    }

    fn judge(
        &mut self,
        rule: &Rule,
        text: &[u8],
        range: Range<usize>,
        decoder: Option<&Decoder>,
    ) -> Option<CompatFinding> {
        let matched = trim_breaks(&text[range.clone()]);
        let (range, segments): (Range<usize>, Vec<Segment>) = match decoder {
            None => (range.start..range.start + matched.len(), Vec::new()),
            Some(decoder) => {
                let touching = decoder.touching(&range);
                if touching.is_empty() {
                    return None;
                }
                (decoder.original(&touching, range), touching)
            }
        };
        let raw = self.fragment.text;
        let breaks = self.breaks.get_or_insert_with(|| memchr::memchr_iter(b'\n', raw).collect());
        let at = place(breaks, raw, &range);
        let range = at.line.start..at.line.end.min(raw.len());
        let line = raw.get(range.clone()).unwrap_or_default();
        if self.last.range != range {
            let allowed = memchr::memmem::find(line, b"gitleaks:allow").is_some();
            self.last = LastLine { range, allowed, shared: None };
        }
        if self.scanner.settings.allow_comments && self.last.allowed {
            return None;
        }
        let current_line = if segments.is_empty() { line } else { codec::current_line(&segments, text) };
        let secret = secret_of(rule, matched)?;
        let entropy = shannon(secret);
        if rule.entropy != 0.0 && entropy <= rule.entropy {
            return None;
        }
        let subject =
            Subject { secret, matched, line: current_line, path: self.fragment.path, commit: self.fragment.commit };
        if self.scanner.allowlists.iter().chain(&rule.allowlists).any(|a| a.allows(&subject)) {
            return None;
        }
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut finding = self.blank(rule);
        finding.start_line = self.fragment.start_line + at.start_line;
        finding.end_line = self.fragment.start_line + at.end_line;
        (finding.start_column, finding.end_column) = (at.start_column, at.end_column);
        let shared = || SharedLine::from(&*String::from_utf8_lossy(line));
        finding.line = self.last.shared.get_or_insert_with(shared).clone();
        (finding.matched, finding.secret) = (text_of(matched), text_of(secret));
        // A text of one character has an entropy of zero, and not of minus zero.
        finding.entropy = entropy + 0.0;
        if !segments.is_empty() {
            finding.tags.extend(codec::tags(&segments));
        }
        Some(finding)
    }
}

/// A match without the line breaks around it.
fn trim_breaks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| *b != b'\n').unwrap_or(text.len());
    let end = text.iter().rposition(|b| *b != b'\n').map_or(start, |p| p + 1);
    &text[start..end]
}

/// The secret in a match: the rule's group, or the first group that is not empty, found again in the match alone.
fn secret_of<'a>(rule: &Rule, matched: &'a [u8]) -> Option<&'a [u8]> {
    let pattern: &Pattern = rule.pattern()?;
    let Some(groups) = pattern.captures(matched) else { return Some(matched) };
    if groups.len() < 2 {
        return Some(matched);
    }
    let text = |group: &Option<Range<usize>>| group.clone().map_or(&matched[..0], |r| &matched[r]);
    if rule.secret_group > 0 {
        return groups.get(rule.secret_group).map(text);
    }
    Some(groups[1..].iter().map(text).find(|s| !s.is_empty()).unwrap_or(matched))
}
