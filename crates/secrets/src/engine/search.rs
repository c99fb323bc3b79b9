//! Runs every rule over a buffer, following each rule's [`Plan`].

use std::{collections::HashMap, ops::Range, sync::OnceLock};

use regex_automata::{Anchored, Input, meta};

use super::{
    literal::{Hit, LiteralScanner},
    pattern::{Alphabet, Pattern, PatternError, compile, parse, sees_non_ascii},
    plan::{Plan, Prefix, Reach, core_of, plan, reach},
};

/// What the engine needs to know of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Expression in Go's RE2 syntax.
    pub regex: String,
    /// The rule applies only to buffers that hold one of these, in any ASCII case; to all where empty.
    pub keywords: Vec<String>,
}

/// One match of one rule's whole expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawMatch {
    /// Index of the rule.
    pub rule: u32,
    /// First byte.
    pub start: usize,
    /// First byte behind.
    pub end: usize,
}

/// A place where anchored rules are tried: an occurrence of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// Offset of the literal.
    pub(crate) start: usize,
    /// First offset that cannot influence what the rules of this literal find here.
    pub(crate) extent: usize,
    /// Index of the literal.
    pub(crate) literal: u32,
}

/// A match of a rule's core, before neighbouring matches are weighed against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Evaluated {
    /// Index of the rule.
    pub(crate) rule: u32,
    /// Where the core starts.
    pub(crate) anchor: usize,
    /// First byte behind the match.
    pub(crate) end: usize,
}

#[derive(Debug)]
struct Program {
    pattern: Pattern,
    plan: Plan,
    /// Core expressions, one an alphabet, compiled when first needed.
    core: [OnceLock<Option<meta::Regex>>; 2],
    /// Whether the two alphabets differ at all.
    two_alphabets: bool,
    /// Literals of which one must be in the buffer; empty where the rule always applies.
    gates: Vec<u32>,
    /// Whether the plan's literals imply the gate.
    gated_by_plan: bool,
}

impl Program {
    fn alphabet(&self, of_text: Alphabet) -> Alphabet {
        if self.two_alphabets { of_text } else { Alphabet::Bytes }
    }

    /// The expression to run at a literal: the core, or the pattern itself where nothing was split off.
    fn core(&self, of_text: Alphabet) -> Option<&meta::Regex> {
        let alphabet = self.alphabet(of_text);
        let Plan::Anchored { prefix: Some(_), .. } = &self.plan else { return self.pattern.regex(alphabet) };
        self.core[alphabet as usize]
            .get_or_init(|| {
                let hir = parse(self.pattern.as_str(), alphabet).ok()?;
                core_of(&hir).and_then(|core| compile(&core).ok())
            })
            .as_ref()
    }
}

#[derive(Debug, Clone, Default)]
struct Roles {
    anchors: Vec<u32>,
    windows: Vec<u32>,
}

/// All rules, ready to run. Shared between threads; each thread brings its own [`Workspace`].
#[derive(Debug)]
pub struct Engine {
    programs: Vec<Program>,
    scanner: LiteralScanner,
    roles: Vec<Roles>,
    literal_lengths: Vec<usize>,
    whole: Vec<u32>,
}

/// Scratch memory of one thread.
#[derive(Debug, Default)]
pub struct Workspace {
    seen: Vec<bool>,
    hits: Vec<Hit>,
    last_end: Vec<usize>,
    windows: HashMap<u32, Vec<usize>>,
    /// Indexed by rule and alphabet.
    caches: Vec<Option<meta::Cache>>,
}

impl Workspace {
    fn cache(&mut self, rule: u32, alphabet: Alphabet, regex: &meta::Regex) -> &mut meta::Cache {
        let slot = rule as usize * 2 + alphabet as usize;
        if self.caches.len() <= slot {
            self.caches.resize_with(slot + 1, || None);
        }
        self.caches[slot].get_or_insert_with(|| regex.create_cache())
    }
}

impl Engine {
    /// Plans all rules.
    ///
    /// # Errors
    /// The index of the first rule whose expression cannot be parsed, and why.
    pub fn new(specs: Vec<Spec>) -> Result<Self, (usize, PatternError)> {
        let mut literals: Vec<Vec<u8>> = Vec::new();
        let mut index: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut roles: Vec<Roles> = Vec::new();
        let mut intern = |literal: Vec<u8>, roles: &mut Vec<Roles>| {
            *index.entry(literal).or_insert_with_key(|key| {
                literals.push(key.clone());
                roles.push(Roles::default());
                u32::try_from(literals.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let (mut programs, mut whole) = (Vec::with_capacity(specs.len()), Vec::new());
        for (at, spec) in specs.into_iter().enumerate() {
            let rule = u32::try_from(at).unwrap_or(u32::MAX);
            let mut program = Program::new(&spec).map_err(|e| (at, e))?;
            let folded = |k: &String| k.to_lowercase().into_bytes();
            program.gates = spec.keywords.iter().map(|k| intern(folded(k), &mut roles)).collect();
            match &program.plan {
                Plan::Anchored { literals, .. } => {
                    for literal in literals {
                        roles_of(intern(literal.clone(), &mut roles), &mut roles).anchors.push(rule);
                    }
                }
                Plan::Windowed { literals, .. } => {
                    for literal in literals {
                        roles_of(intern(literal.clone(), &mut roles), &mut roles).windows.push(rule);
                    }
                }
                Plan::Whole => whole.push(rule),
            }
            programs.push(program);
        }
        let scanner = LiteralScanner::new(&literals);
        let literal_lengths = literals.iter().map(Vec::len).collect();
        Ok(Self { programs, scanner, roles, literal_lengths, whole })
    }

    /// Rules for which no faster way than a run over the whole text was found.
    #[must_use]
    pub fn whole_text_rules(&self) -> &[u32] {
        &self.whole
    }

    /// Appends every match of every rule in `text` to `out`, sorted by rule and place: exactly the leftmost-first,
    /// non-overlapping matches of each rule's expression, for each rule whose keyword is in `text`.
    pub fn find(&self, text: &[u8], workspace: &mut Workspace, out: &mut Vec<RawMatch>) {
        let first = out.len();
        self.collect_hits(text, workspace);
        let alphabet = Alphabet::of(text);
        let hits = std::mem::take(&mut workspace.hits);
        workspace.last_end.clear();
        workspace.last_end.resize(self.programs.len(), 0);
        for hit in &hits {
            let roles = &self.roles[hit.literal as usize];
            for &rule in &roles.anchors {
                if hit.start >= workspace.last_end[rule as usize] && self.applies(rule, workspace) {
                    self.try_anchor(text, alphabet, rule, hit.start, workspace, out);
                }
            }
            for &rule in &roles.windows {
                workspace.windows.entry(rule).or_default().push(hit.start);
            }
        }
        workspace.hits = hits;
        self.run_windows(text, alphabet, workspace, out);
        self.run_whole(text, alphabet, workspace, out);
        out[first..].sort_unstable();
    }

    fn collect_hits(&self, text: &[u8], workspace: &mut Workspace) {
        workspace.seen.clear();
        workspace.seen.resize(self.roles.len(), false);
        workspace.hits.clear();
        let Workspace { seen, hits, .. } = workspace;
        self.scanner.scan(text, 0..text.len(), |hit| {
            seen[hit.literal as usize] = true;
            let roles = &self.roles[hit.literal as usize];
            if !(roles.anchors.is_empty() && roles.windows.is_empty()) {
                hits.push(hit);
            }
        });
        // Literals are recognised at their rarest letters, so starts come out of order by a few bytes.
        hits.sort_unstable();
    }

    fn applies(&self, rule: u32, workspace: &Workspace) -> bool {
        let program = &self.programs[rule as usize];
        program.gated_by_plan || program.gates.is_empty() || program.gates.iter().any(|g| workspace.seen[*g as usize])
    }

    fn try_anchor(&self, text: &[u8], alphabet: Alphabet, rule: u32, at: usize, workspace: &mut Workspace, out: &mut Vec<RawMatch>) {
        let Some(end) = self.anchored_end(text, alphabet, rule, at, workspace) else { return };
        let floor = workspace.last_end[rule as usize];
        let start = self.extend_left(text, rule, at, floor);
        workspace.last_end[rule as usize] = end.max(at + 1);
        out.push(RawMatch { rule, start, end });
    }

    /// End of the core's match that starts at `at`.
    fn anchored_end(&self, text: &[u8], alphabet: Alphabet, rule: u32, at: usize, workspace: &mut Workspace) -> Option<usize> {
        let program = &self.programs[rule as usize];
        let regex = program.core(alphabet)?;
        let cache = workspace.cache(rule, program.alphabet(alphabet), regex);
        let input = Input::new(text).span(at..text.len()).anchored(Anchored::Yes);
        regex.search_half_with(cache, &input).map(|half| half.offset())
    }

    /// Where the match of a core at `at` starts once its lazy prefix is put back.
    fn extend_left(&self, text: &[u8], rule: u32, at: usize, floor: usize) -> usize {
        let Plan::Anchored { prefix: Some(Prefix { class, max }), .. } = &self.programs[rule as usize].plan else { return at };
        let floor = floor.max(at.saturating_sub(*max));
        (floor..at).rev().take_while(|p| class.contains(text[*p])).last().unwrap_or(at)
    }

    fn run_windows(&self, text: &[u8], alphabet: Alphabet, workspace: &mut Workspace, out: &mut Vec<RawMatch>) {
        if workspace.windows.is_empty() {
            return;
        }
        let mut windows: Vec<_> = workspace.windows.drain().collect();
        windows.sort_unstable();
        for (rule, starts) in windows {
            if self.applies(rule, workspace) {
                let Plan::Windowed { reach, .. } = &self.programs[rule as usize].plan else { continue };
                for window in merged_windows(text, reach, &starts) {
                    self.find_in(text, window, alphabet, rule, workspace, out);
                }
            }
        }
    }

    fn run_whole(&self, text: &[u8], alphabet: Alphabet, workspace: &mut Workspace, out: &mut Vec<RawMatch>) {
        for &rule in &self.whole {
            if self.applies(rule, workspace) {
                self.find_in(text, 0..text.len(), alphabet, rule, workspace, out);
            }
        }
    }

    /// Every match inside one stretch, with the surroundings visible to `\b`, `^` and `$`.
    fn find_in(&self, text: &[u8], range: Range<usize>, alphabet: Alphabet, rule: u32, workspace: &mut Workspace, out: &mut Vec<RawMatch>) {
        let program = &self.programs[rule as usize];
        let alphabet = program.alphabet(alphabet);
        let Some(regex) = program.pattern.regex(alphabet) else { return };
        let cache = workspace.cache(rule, alphabet, regex);
        let mut at = range.start;
        while at <= range.end {
            let Some(found) = regex.search_with(cache, &Input::new(text).span(at..range.end)) else { break };
            out.push(RawMatch { rule, start: found.start(), end: found.end() });
            at = if found.is_empty() { found.end() + 1 } else { found.end() };
        }
    }

    /// The expression of a rule as written.
    pub(crate) fn pattern(&self, rule: u32) -> &Pattern {
        &self.programs[rule as usize].pattern
    }
}

/// What a scan that knows the text's ancestor needs: places and their results one by one.
impl Engine {
    /// Literal occurrences inside `range`, with the stretch of text that each one's result depends on.
    /// `seen` collects which literals occur at all.
    pub(crate) fn candidates(&self, text: &[u8], range: Range<usize>, seen: &mut [bool], out: &mut Vec<Candidate>) {
        self.scanner.scan(text, range, |hit| {
            seen[hit.literal as usize] = true;
            out.push(Candidate { start: hit.start, extent: self.extent(text, &hit), literal: hit.literal });
        });
    }

    fn extent(&self, text: &[u8], hit: &Hit) -> usize {
        let anchors = &self.roles[hit.literal as usize].anchors;
        let end = hit.start + self.literal_lengths[hit.literal as usize];
        let reach = |rule: &u32| match &self.programs[*rule as usize].plan {
            Plan::Anchored { reach, .. } => reach.right(text, hit.start) + 1,
            _ => end,
        };
        anchors.iter().map(reach).max().unwrap_or(end).max(end)
    }

    /// Number of distinct literals, the length of a `seen` list.
    pub(crate) fn literals(&self) -> usize {
        self.roles.len()
    }

    /// Longest literal in bytes.
    pub(crate) fn longest_literal(&self) -> usize {
        self.scanner.longest()
    }

    /// Results of the anchored rules at one candidate.
    pub(crate) fn evaluate(&self, text: &[u8], alphabet: Alphabet, candidate: &Candidate, workspace: &mut Workspace, out: &mut Vec<Evaluated>) {
        for &rule in &self.roles[candidate.literal as usize].anchors {
            if let Some(end) = self.anchored_end(text, alphabet, rule, candidate.start, workspace) {
                out.push(Evaluated { rule, anchor: candidate.start, end });
            }
        }
    }

    /// Puts single results together: keyword gates, overlaps, lazy prefixes, and the rules that are not anchored.
    /// `evaluated` is sorted by anchor.
    pub(crate) fn assemble(
        &self,
        text: &[u8],
        alphabet: Alphabet,
        (candidates, evaluated, seen): (&[Candidate], &[Evaluated], &[bool]),
        workspace: &mut Workspace,
        out: &mut Vec<RawMatch>,
    ) {
        let first = out.len();
        workspace.seen.clear();
        workspace.seen.extend_from_slice(seen);
        workspace.last_end.clear();
        workspace.last_end.resize(self.programs.len(), 0);
        for found in evaluated {
            let floor = workspace.last_end[found.rule as usize];
            if found.anchor >= floor && self.applies(found.rule, workspace) {
                let start = self.extend_left(text, found.rule, found.anchor, floor);
                workspace.last_end[found.rule as usize] = found.end.max(found.anchor + 1);
                out.push(RawMatch { rule: found.rule, start, end: found.end });
            }
        }
        for candidate in candidates {
            for &rule in &self.roles[candidate.literal as usize].windows {
                workspace.windows.entry(rule).or_default().push(candidate.start);
            }
        }
        self.run_windows(text, alphabet, workspace, out);
        self.run_whole(text, alphabet, workspace, out);
        out[first..].sort_unstable();
        out.dedup();
    }
}

impl Program {
    fn new(spec: &Spec) -> Result<Self, PatternError> {
        let hir = parse(&spec.regex, Alphabet::Bytes)?;
        let mut plan = plan(&hir, &spec.keywords);
        let two_alphabets = sees_non_ascii(&hir);
        if two_alphabets {
            // Characters are up to four bytes: the wider of the two reaches serves both.
            let wide = parse(&spec.regex, Alphabet::Characters)?;
            let wide = reach(&wide);
            if let Plan::Anchored { reach, .. } | Plan::Windowed { reach, .. } = &mut plan {
                reach.bounded = reach.bounded.max(wide.bounded);
                reach.free.union_with(&wide.free);
            }
        }
        let gated_by_plan = match &plan {
            Plan::Anchored { literals, .. } | Plan::Windowed { literals, .. } => {
                literals.iter().all(|l| spec.keywords.iter().any(|k| contains(l, k.to_lowercase().as_bytes())))
            }
            Plan::Whole => false,
        };
        Ok(Self {
            pattern: Pattern::unchecked(&spec.regex),
            plan,
            core: [OnceLock::new(), OnceLock::new()],
            two_alphabets,
            gates: Vec::new(),
            gated_by_plan,
        })
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|w| w == needle)
}

fn roles_of(literal: u32, roles: &mut [Roles]) -> &mut Roles {
    &mut roles[literal as usize]
}

/// The stretches around `starts` (sorted) that can hold a match, merged where they touch.
fn merged_windows(text: &[u8], reach: &Reach, starts: &[usize]) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for &start in starts {
        if merged.last().is_some_and(|w| w.end == text.len()) {
            break;
        }
        let window = reach.left(text, start)..reach.right(text, start);
        match merged.last_mut() {
            Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
            _ => merged.push(window),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[(&str, &[&str])] = &[
        (r"\b(gh[pousr]_[0-9A-Za-z]{6})\b", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
        (r#"(?i)[\w.-]{0,50}?(?:access|api|key|token)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|:)[\s"]{0,5}([\w.=-]{4,10})(?:["\s;]|$)"#, &["access", "api", "key", "token"]),
        (r"[0-9a-f]{8}-us[0-9]{1,2}", &["-us"]),
        (r"(?i)-----BEGIN[ A-Z]{0,20}KEY-----[\s\S-]{4,}?KEY-----", &["-----begin"]),
        (r"xo[a-z]-(?:\d+-)+[a-z0-9]{4}", &["xo"]),
        (r"k.y[^=]{2}=[a-z]+", &["k"]),
        (r"[0-9]{4}", &[]),
        (r"(?i)[\w.-]{0,5}?(?:tasks.initialize|tasks)[ =]{0,3}([a-z]{3})", &["tasks"]),
    ];

    fn specs() -> Vec<Spec> {
        let own = |k: &&[&str]| k.iter().map(|s| (*s).to_owned()).collect();
        RULES.iter().map(|(regex, keywords)| Spec { regex: (*regex).to_owned(), keywords: own(keywords) }).collect()
    }

    /// Each expression over the whole text, the definition of the right answer.
    fn naive(patterns: &[Pattern], text: &[u8]) -> Vec<RawMatch> {
        let mut out = Vec::new();
        let lower = text.to_ascii_lowercase();
        for (rule, (pattern, (_, keywords))) in patterns.iter().zip(RULES).enumerate() {
            if !keywords.is_empty() && !keywords.iter().any(|k| contains(&lower, k.as_bytes())) {
                continue;
            }
            let regex = pattern.regex(Alphabet::of(text)).unwrap();
            out.extend(regex.find_iter(text).map(|m| RawMatch { rule: rule as u32, start: m.start(), end: m.end() }));
        }
        out.sort_unstable();
        out
    }

    fn random_text(state: &mut u64, length: usize) -> Vec<u8> {
        const PIECES: &[&str] = &[
            "ghp_", "abcdef", "123456", "key", "API_", "token", " = ", ": ", "\"", "\n", "-us1", "deadbeef", "-----BEGIN ", "KEY-----",
            "xoxb-", "12-", "ä", "käy", "tasks", "initialize", "...", "access", "=", "\t", ";", "\u{ff}", "z9",
        ];
        let mut text = Vec::new();
        for _ in 0..length {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.extend_from_slice(PIECES[(*state >> 33) as usize % PIECES.len()].as_bytes());
        }
        text
    }

    #[test]
    fn finds_exactly_what_each_expression_alone_finds() {
        let engine = Engine::new(specs()).unwrap();
        let patterns: Vec<_> = RULES.iter().map(|(regex, _)| Pattern::new(regex).unwrap()).collect();
        let (mut workspace, mut state) = (Workspace::default(), 42);
        for round in 0..3000 {
            let text = random_text(&mut state, round % 60);
            let mut found = Vec::new();
            engine.find(&text, &mut workspace, &mut found);
            assert_eq!(found, naive(&patterns, &text), "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn single_results_put_together_are_the_same() {
        let engine = Engine::new(specs()).unwrap();
        let patterns: Vec<_> = RULES.iter().map(|(regex, _)| Pattern::new(regex).unwrap()).collect();
        let (mut workspace, mut state) = (Workspace::default(), 7);
        for round in 0..1500 {
            let text = random_text(&mut state, round % 60);
            let (mut candidates, mut evaluated, mut seen) = (Vec::new(), Vec::new(), vec![false; engine.literals()]);
            engine.candidates(&text, 0..text.len(), &mut seen, &mut candidates);
            candidates.sort_unstable();
            let alphabet = Alphabet::of(&text);
            for candidate in &candidates {
                engine.evaluate(&text, alphabet, candidate, &mut workspace, &mut evaluated);
            }
            evaluated.sort_unstable_by_key(|e| (e.anchor, e.rule));
            let mut found = Vec::new();
            engine.assemble(&text, alphabet, (&candidates, &evaluated, &seen), &mut workspace, &mut found);
            assert_eq!(found, naive(&patterns, &text), "{:?}", String::from_utf8_lossy(&text));
        }
    }
}
