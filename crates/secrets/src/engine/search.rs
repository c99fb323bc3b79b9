//! Runs every rule over a buffer, following each rule's [`Plan`].

use std::{collections::HashMap, ops::Range, sync::OnceLock};

use regex_automata::{Input, hybrid::dfa::Cache, meta};
use testudo_scan::Fuel;

use super::{
    anchored::{Run, Runner},
    gate::Ahead,
    literal::{Hit, LiteralScanner},
    pattern::{Alphabet, Pattern, PatternError, parse},
    plan::{Plan, Prefix, Reach, core_of},
    prepare::{Prepared, Spec},
};

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
    /// Offset behind the last byte that the results here depend on; one more than the length of the text where its
    /// end was seen.
    pub(crate) extent: usize,
    /// Index of the literal.
    pub(crate) literal: u32,
}

/// A match of a rule's core, before neighbouring matches are weighed against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Evaluated {
    /// Index of the rule.
    pub(crate) rule: u32,
    /// Where the core starts.
    pub(crate) anchor: usize,
    /// First byte behind the match.
    pub(crate) end: usize,
    /// What a caller noted about the match, and how far left of the anchor the match began then.
    pub(crate) memo: Option<(u32, Option<u32>)>,
}

#[derive(Debug)]
struct Program {
    pattern: Pattern,
    plan: Plan,
    /// What runs at the literals of an anchored plan, one an alphabet, built when first needed.
    runners: [OnceLock<Option<Runner>>; 2],
    /// Whether the two alphabets differ at all.
    two_alphabets: bool,
    /// Literals of which one must be in the buffer; empty where the rule always applies.
    gates: Vec<u32>,
    /// Whether the plan's literals imply the gate.
    gated_by_plan: bool,
    longest: usize,
}

impl Program {
    fn alphabet(&self, of_text: Alphabet) -> Alphabet {
        if self.two_alphabets { of_text } else { Alphabet::Bytes }
    }

    /// What to run at a literal: the core, or the pattern itself where nothing was split off.
    fn runner(&self, of_text: Alphabet) -> Option<&Runner> {
        let alphabet = self.alphabet(of_text);
        self.runners[alphabet as usize]
            .get_or_init(|| {
                let hir = parse(self.pattern.as_str(), alphabet).ok()?;
                let Plan::Anchored { literals, prefix } = &self.plan else { return None };
                let core = if prefix.is_some() { core_of(&hir)? } else { hir };
                Runner::new(&core, literals).map(|runner| runner.within(self.longest))
            })
            .as_ref()
    }
}

#[derive(Debug, Clone, Default)]
struct Roles {
    anchors: Vec<u32>,
    windows: Vec<u32>,
    /// Whether its mere presence opens a rule whose plan does not imply its gate.
    gates: bool,
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

/// A literal in a text.
struct Place<'t> {
    text: &'t [u8],
    alphabet: Alphabet,
    at: usize,
    ahead: Option<Ahead>,
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
    /// Likewise, for runs at one place.
    runs: Vec<Option<Cache>>,
    /// Steps taken, for the fuel of a unit; none left ends the search.
    steps: Option<u64>,
}

impl Workspace {
    /// Searches until this fuel is used up.
    pub fn fuel(&mut self, fuel: &Fuel) {
        self.steps = Some(fuel.left());
    }

    /// Takes what was used.
    pub fn take_fuel(&mut self, fuel: &mut Fuel) {
        if let Some(left) = self.steps.take() {
            // Using up the rest is what tells the scheduler; there is nothing else to do about it here.
            fuel.spend(if left == 0 { u64::MAX } else { fuel.left() - left }).ok();
        }
    }

    fn spend(&mut self, steps: usize) {
        if let Some(left) = &mut self.steps {
            *left = left.saturating_sub(steps as u64);
        }
    }

    fn is_spent(&self) -> bool {
        self.steps == Some(0)
    }

    fn cache(&mut self, rule: u32, alphabet: Alphabet, regex: &meta::Regex) -> &mut meta::Cache {
        let slot = rule as usize * 2 + alphabet as usize;
        if self.caches.len() <= slot {
            self.caches.resize_with(slot + 1, || None);
        }
        self.caches[slot].get_or_insert_with(|| regex.create_cache())
    }

    fn run_cache(&mut self, rule: u32, alphabet: Alphabet, runner: &Runner) -> &mut Cache {
        let slot = rule as usize * 2 + alphabet as usize;
        if self.runs.len() <= slot {
            self.runs.resize_with(slot + 1, || None);
        }
        self.runs[slot].get_or_insert_with(|| runner.cache())
    }
}

impl Engine {
    /// Plans all rules.
    ///
    /// # Errors
    /// The index of the first rule whose expression cannot be parsed, and why.
    pub fn new(specs: Vec<Spec>) -> Result<Self, (usize, PatternError)> {
        let prepared = specs.into_iter().enumerate().map(|(at, spec)| Prepared::new(spec).map_err(|e| (at, e)));
        Ok(Self::from_prepared(prepared.collect::<Result<_, _>>()?))
    }

    /// Takes rules that are planned already.
    #[must_use]
    pub fn from_prepared(rules: Vec<Prepared>) -> Self {
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
        let (mut programs, mut whole) = (Vec::with_capacity(rules.len()), Vec::new());
        for (at, prepared) in rules.into_iter().enumerate() {
            let rule = u32::try_from(at).unwrap_or(u32::MAX);
            let folded = |k: &String| k.to_lowercase().into_bytes();
            let keywords = prepared.spec.keywords.clone();
            let mut program = Program::from(prepared);
            program.gates = keywords.iter().map(|k| intern(folded(k), &mut roles)).collect();
            if !program.gated_by_plan {
                program.gates.iter().for_each(|g| roles[*g as usize].gates = true);
            }
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
        Self { programs, scanner, roles, literal_lengths, whole }
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
            let place = self.place(text, alphabet, hit.start, hit.literal);
            for &rule in &roles.anchors {
                if hit.start >= workspace.last_end[rule as usize] && self.applies(rule, workspace) {
                    self.try_anchor(&place, rule, workspace, out);
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

    fn place<'t>(&self, text: &'t [u8], alphabet: Alphabet, at: usize, literal: u32) -> Place<'t> {
        Place { text, alphabet, at, ahead: Ahead::of(text, at + self.literal_lengths[literal as usize]) }
    }

    fn try_anchor(&self, place: &Place<'_>, rule: u32, workspace: &mut Workspace, out: &mut Vec<RawMatch>) {
        let Some(end) = self.run_at(place, rule, workspace).end else { return };
        let floor = workspace.last_end[rule as usize];
        let start = self.extend_left(place.text, rule, place.at, floor);
        workspace.last_end[rule as usize] = end.max(place.at + 1);
        out.push(RawMatch { rule, start, end });
    }

    /// Runs the core of an anchored rule at a literal.
    fn run_at(&self, place: &Place<'_>, rule: u32, workspace: &mut Workspace) -> Run {
        let Place { text, alphabet, at, ahead } = place;
        let program = &self.programs[rule as usize];
        let nothing = Run { end: None, extent: *at };
        let Some(runner) = program.runner(*alphabet).filter(|_| !workspace.is_spent()) else { return nothing };
        let run = runner
            .closed(ahead.as_ref())
            .unwrap_or_else(|| runner.run(workspace.run_cache(rule, program.alphabet(*alphabet), runner), text, *at));
        workspace.spend(run.extent - at + 1);
        run
    }

    /// Where the match of a core at `at` starts once its lazy prefix is put back.
    fn extend_left(&self, text: &[u8], rule: u32, at: usize, floor: usize) -> usize {
        let Plan::Anchored { prefix: Some(Prefix { class, max }), .. } = &self.programs[rule as usize].plan else {
            return at;
        };
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
    fn find_in(
        &self,
        text: &[u8],
        range: Range<usize>,
        alphabet: Alphabet,
        rule: u32,
        workspace: &mut Workspace,
        out: &mut Vec<RawMatch>,
    ) {
        let program = &self.programs[rule as usize];
        let alphabet = program.alphabet(alphabet);
        let Some(regex) = program.pattern.regex(alphabet) else { return };
        let cache = workspace.cache(rule, alphabet, regex);
        let (mut at, mut ended) = (range.start, usize::MAX);
        while at <= range.end {
            let Some(found) = regex.search_with(cache, &Input::new(text).span(at..range.end)) else { break };
            // An empty match where the match before ended is none (Go and the library agree).
            if !(found.is_empty() && found.end() == ended) {
                out.push(RawMatch { rule, start: found.start(), end: found.end() });
            }
            ended = found.end();
            at = if found.is_empty() { found.end() + 1 } else { found.end() };
        }
    }
}

/// What a scan that knows the text's ancestor needs: places and their results one by one.
impl Engine {
    /// Literal occurrences inside `range` that matter to some rule, in no promised order.
    pub(crate) fn places(&self, text: &[u8], range: Range<usize>, out: &mut Vec<(usize, u32)>) {
        self.scanner.scan(text, range, |hit| {
            let roles = &self.roles[hit.literal as usize];
            if roles.gates || !roles.anchors.is_empty() || !roles.windows.is_empty() {
                out.push((hit.start, hit.literal));
            }
        });
    }

    /// Number of distinct literals, the length of a `seen` list.
    pub(crate) fn literals(&self) -> usize {
        self.roles.len()
    }

    /// Longest literal in bytes.
    pub(crate) fn longest_literal(&self) -> usize {
        self.scanner.longest()
    }

    /// Runs the anchored rules of one place. Their matches go to `out`.
    pub(crate) fn evaluate(
        &self,
        text: &[u8],
        alphabet: Alphabet,
        (start, literal): (usize, u32),
        workspace: &mut Workspace,
        out: &mut Vec<Evaluated>,
    ) -> Candidate {
        let mut extent = start + self.literal_lengths[literal as usize];
        let place = self.place(text, alphabet, start, literal);
        for &rule in &self.roles[literal as usize].anchors {
            let run = self.run_at(&place, rule, workspace);
            extent = extent.max(run.extent);
            out.extend(run.end.map(|end| Evaluated { rule, anchor: start, end, memo: None }));
        }
        Candidate { start, extent, literal }
    }

    /// Puts single results together: keyword gates, overlaps, lazy prefixes, and the rules that are not anchored.
    /// `evaluated` is sorted by anchor. Matches of anchored rules go to `anchored` with their place in `evaluated` and
    /// their start, the others to `out`.
    pub(crate) fn assemble(
        &self,
        text: &[u8],
        alphabet: Alphabet,
        (candidates, evaluated, seen): (&[Candidate], &[Evaluated], &[bool]),
        workspace: &mut Workspace,
        anchored: &mut Vec<(usize, usize)>,
        out: &mut Vec<RawMatch>,
    ) {
        workspace.seen.clear();
        workspace.seen.extend_from_slice(seen);
        workspace.last_end.clear();
        workspace.last_end.resize(self.programs.len(), 0);
        for (at, found) in evaluated.iter().enumerate() {
            let floor = workspace.last_end[found.rule as usize];
            if found.anchor >= floor && self.applies(found.rule, workspace) {
                workspace.last_end[found.rule as usize] = found.end.max(found.anchor + 1);
                anchored.push((at, self.extend_left(text, found.rule, found.anchor, floor)));
            }
        }
        for candidate in candidates {
            for &rule in &self.roles[candidate.literal as usize].windows {
                workspace.windows.entry(rule).or_default().push(candidate.start);
            }
        }
        self.run_windows(text, alphabet, workspace, out);
        self.run_whole(text, alphabet, workspace, out);
    }
}

impl Engine {
    /// Whether a rule is run at its literals, each run on its own.
    pub(crate) fn is_anchored(&self, rule: u32) -> bool {
        matches!(self.programs[rule as usize].plan, Plan::Anchored { .. })
    }

    /// Matches that an earlier match of the same rule, begun on a line before, keeps from being found: where the lines are
    /// looked at apart they are. Asked after [`Self::assemble`] of the same text; gives places in `evaluated` and starts.
    pub(crate) fn hidden_behind_lines(
        &self,
        text: &[u8],
        evaluated: &[Evaluated],
        workspace: &Workspace,
    ) -> Vec<(usize, usize)> {
        let mut holds: HashMap<u32, Range<usize>> = HashMap::new();
        let mut hidden = Vec::new();
        for (at, found) in evaluated.iter().enumerate() {
            let held = holds.entry(found.rule).or_default();
            if found.anchor >= held.end {
                *held = found.anchor..found.end.max(found.anchor + 1);
            } else if memchr::memchr(b'\n', &text[held.start..found.anchor]).is_some()
                && self.applies(found.rule, workspace)
            {
                hidden.push((at, self.extend_left(text, found.rule, found.anchor, 0)));
            }
        }
        hidden
    }
}

impl From<Prepared> for Program {
    fn from(prepared: Prepared) -> Self {
        Self {
            pattern: Pattern::unchecked(&prepared.spec.regex),
            plan: prepared.plan,
            runners: [OnceLock::new(), OnceLock::new()],
            two_alphabets: prepared.two_alphabets,
            gates: Vec::new(),
            gated_by_plan: prepared.gated_by_plan,
            longest: prepared.longest,
        }
    }
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

    fn contains(haystack: &[u8], needle: &[u8]) -> bool {
        haystack.windows(needle.len()).any(|w| w == needle)
    }

    const RULES: &[(&str, &[&str])] = &[
        (r"\b(gh[pousr]_[0-9A-Za-z]{6})\b", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
        (
            r#"(?i)[\w.-]{0,50}?(?:access|api|key|token)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|:)[\s"]{0,5}([\w.=-]{4,10})(?:["\s;]|$)"#,
            &["access", "api", "key", "token"],
        ),
        (r"[0-9a-f]{8}-us[0-9]{1,2}", &["-us"]),
        (r"(?i)-----BEGIN[ A-Z]{0,20}KEY-----[\s\S-]{4,}?KEY-----", &["-----begin"]),
        (r"xo[a-z]-(?:\d+-)+[a-z0-9]{4}", &["xo"]),
        (r"k.y[^=]{2}=[a-z]+", &["k"]),
        (r"[0-9]{4}", &[]),
        (r"z9|x*", &["z9"]),
        (r"\bghp_[a-zé]{3}\b", &["ghp_"]),
        (r"(?i)key[a-z:= ]{2}", &["key"]),
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
            "ghp_",
            "abcdef",
            "123456",
            "key",
            "API_",
            "token",
            " = ",
            ": ",
            "\"",
            "\n",
            "-us1",
            "deadbeef",
            "-----BEGIN ",
            "KEY-----",
            "xoxb-",
            "12-",
            "ä",
            "käy",
            "tasks",
            "initialize",
            "...",
            "access",
            "=",
            "\t",
            ";",
            "\u{ff}",
            "z9",
            "\u{17f}",
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
            let (mut places, mut evaluated, mut seen) = (Vec::new(), Vec::new(), vec![false; engine.literals()]);
            engine.places(&text, 0..text.len(), &mut places);
            places.sort_unstable();
            let alphabet = Alphabet::of(&text);
            let mut candidates = Vec::new();
            for place in places {
                seen[place.1 as usize] = true;
                candidates.push(engine.evaluate(&text, alphabet, place, &mut workspace, &mut evaluated));
            }
            evaluated.sort_unstable_by_key(|e| (e.anchor, e.rule));
            let mut found = Vec::new();
            let mut anchored = Vec::new();
            engine.assemble(
                &text,
                alphabet,
                (&candidates, &evaluated, &seen),
                &mut workspace,
                &mut anchored,
                &mut found,
            );
            found.extend(anchored.iter().map(|(at, start)| RawMatch {
                rule: evaluated[*at].rule,
                start: *start,
                end: evaluated[*at].end,
            }));
            found.sort_unstable();
            assert_eq!(found, naive(&patterns, &text), "{:?}", String::from_utf8_lossy(&text));
        }
    }
}
