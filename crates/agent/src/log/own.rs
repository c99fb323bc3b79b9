//! Our own rules: the files under `rules/agent`, each with a document of the same name that explains its rules and holds
//! their cases.

use testudo_model::{Confidence, DetectorId, Persona, RuleInfo, Severity};

use super::ruleset::{Counting, Loaded, Ruleset, Source};

/// A file of rules and its document.
struct File {
    name: &'static str,
    rules: &'static str,
    document: &'static str,
}

macro_rules! files {
    ($($name:literal),+) => {
        /// In the order in which they are read.
        const FILES: &[File] = &[$(File {
            name: concat!("rules/agent/", $name, ".xml"),
            rules: include_str!(concat!("../../../../rules/agent/", $name, ".xml")),
            document: include_str!(concat!("../../../../rules/agent/", $name, ".md")),
        }),+];
    };
}

files!("base", "sshd", "privilege", "accounts", "web");

/// The document of rules that are code.
const NATIVE: &str = include_str!("../../../../rules/agent/host.md");
/// Rules that are code: id, severity, weaknesses, entries of the Top Ten, techniques.
const NATIVE_RULES: &[(&str, Severity, &[u32], &[&str])] = &[
    ("agent-file-changed", Severity::Medium, &[354], INTEGRITY),
    ("agent-file-created", Severity::Medium, &[354], INTEGRITY),
    ("agent-file-deleted", Severity::Medium, &[354], INTEGRITY),
    ("agent-file-privileged", Severity::Critical, &[250, 732], INTEGRITY),
    ("agent-file-renamed", Severity::Medium, &[354], INTEGRITY),
    ("agent-files-unwatched", Severity::Low, &[778], INTEGRITY),
    ("agent-firewall-emptied", Severity::High, &[693], CONFIGURATION),
    ("agent-log-behind", Severity::Low, &[778], RECORDING),
    ("agent-log-lost", Severity::Medium, &[778], RECORDING),
    ("agent-port-opened", Severity::High, &[1327], CONFIGURATION),
    ("agent-spool-damaged", Severity::High, &[778], RECORDING),
    ("agent-spool-waited", Severity::Low, &[778], RECORDING),
];
const INTEGRITY: &[&str] = &["A08:2021", "A08:2025"];
const RECORDING: &[&str] = &["A09:2021", "A09:2025"];
const CONFIGURATION: &[&str] = &["A05:2021", "A02:2025"];

/// One rule of ours.
#[derive(Debug, Clone)]
pub struct OwnRule {
    /// Its number; 0 where it is code.
    pub number: u32,
    /// Metadata in the common form, with its part of the document.
    pub info: RuleInfo,
    /// Its part of the document with its cases.
    pub document: &'static str,
}

/// Our decoders and rules.
#[must_use]
pub fn ruleset() -> Ruleset {
    loaded().ruleset
}

fn loaded() -> Loaded {
    let sources: Vec<Source<'_>> = FILES.iter().map(|file| Source { name: file.name, text: file.rules }).collect();
    Ruleset::of(&sources, Counting::Wazuh)
}

/// The severity of a level. Levels are those of Wazuh: from 12 on somebody should look at once, below 4 nobody has to.
pub(crate) fn severity(level: u8) -> Severity {
    match level {
        0..=3 => Severity::Info,
        4..=6 => Severity::Low,
        7..=9 => Severity::Medium,
        10..=12 => Severity::High,
        _ => Severity::Critical,
    }
}

/// A value of `<info>`: `id=agent-x cwe=307 owasp=A07:2021`.
pub(crate) fn value<'i>(info: &'i str, key: &str) -> Option<&'i str> {
    info.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// Every rule of ours that tells something, sorted by id.
#[must_use]
pub fn own_rules() -> Vec<OwnRule> {
    let documents: Vec<(&str, &'static str)> =
        FILES.iter().map(|file| file.document).chain([NATIVE]).flat_map(parts).collect();
    let document =
        |id: &str| -> &'static str { documents.iter().find(|(own, _)| *own == id).map_or("", |(_, text)| *text) };
    let mut rules = Vec::new();
    for rule in &loaded().ruleset.rules {
        let Some(info) = rule.info.as_deref() else { continue };
        let Some(id) = value(info, "id") else { continue };
        let list = |key: &str| value(info, key).map(|text| text.split(',').collect::<Vec<_>>()).unwrap_or_default();
        let cwe: Vec<u32> = list("cwe").iter().filter_map(|number| number.parse().ok()).collect();
        rules.push(own_rule((rule.id, id), severity(rule.level), (&cwe, &list("owasp")), document(id)));
    }
    for (id, severity, cwe, owasp) in NATIVE_RULES {
        rules.push(own_rule((0, id), *severity, (cwe, owasp), document(id)));
    }
    rules.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    rules
}

fn own_rule(
    (number, id): (u32, &str),
    severity: Severity,
    (cwe, owasp): (&[u32], &[&str]),
    document: &'static str,
) -> OwnRule {
    let title = document.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
    let end = ["\n## Found", "\n## Not found"].iter().filter_map(|heading| document.find(heading)).min();
    // The second line holds the id.
    let body = document[..end.unwrap_or(document.len())].replacen(&format!("`{id}`\n"), "", 1);
    OwnRule {
        number,
        info: RuleInfo {
            id: id.to_owned(),
            domain: DetectorId::Agent,
            title,
            severity,
            confidence: if severity >= Severity::High { Confidence::High } else { Confidence::Medium },
            persona: if severity >= Severity::Low { Persona::Regular } else { Persona::Auditor },
            cwe: cwe.to_vec(),
            owasp: owasp.iter().map(|id| (*id).to_owned()).collect(),
            aliases: if number == 0 { Vec::new() } else { vec![number.to_string()] },
            references: Vec::new(),
            help: body.trim().to_owned(),
        },
        document,
    }
}

/// The parts of a document: each begins with a heading of the first level, and the id of its rule on the line behind it.
fn parts(document: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut starts: Vec<usize> = document.match_indices("\n# ").map(|(at, _)| at + 1).collect();
    if document.starts_with("# ") {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([document.len()]);
    let part = |(start, end): (usize, usize)| {
        let text = document[start..end].trim_end();
        let id = text.lines().find_map(|line| line.strip_prefix('`')?.strip_suffix('`'))?;
        Some((id, text))
    };
    starts.iter().copied().zip(ends).filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::LogFormat,
        log::{Engine, Line},
    };

    #[test]
    fn our_files_have_no_problem() {
        let loaded = loaded();
        let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "{told:#?}");
        assert!(loaded.ruleset.rules() > 50);
    }

    #[test]
    fn every_rule_has_a_whole_document() {
        let rules = own_rules();
        assert!(rules.len() >= 45, "{}", rules.len());
        assert!(rules.windows(2).all(|pair| pair[0].info.id < pair[1].info.id));
        for rule in &rules {
            let id = &rule.info.id;
            assert!(id.starts_with("agent-"), "{id}");
            assert!(rule.document.starts_with("# "), "{id} has no document");
            assert!(rule.info.help.contains("\n## Why it matters\n"), "{id}");
            assert!(rule.info.help.contains("\n## How to fix\n"), "{id}");
            assert!(!rule.info.cwe.is_empty() && rule.info.owasp.len() == 2, "{id}");
        }
        let known = rules.len();
        let parts: usize = FILES.iter().map(|file| parts(file.document).len()).sum::<usize>() + parts(NATIVE).len();
        assert_eq!(known, parts, "a document is of no rule");
    }

    /// Whether a rule has to fire, and on which lines.
    type Case<'d> = (bool, Vec<&'d str>);

    /// Fenced blocks of a document, as lines: `bad` ones have to bring the rule, `good` ones must not.
    fn cases(document: &str) -> Vec<Case<'_>> {
        let (mut cases, mut open): (Vec<Case<'_>>, Option<Case<'_>>) = (Vec::new(), None);
        for line in document.lines() {
            match (&mut open, line) {
                (None, "```bad" | "```good") => open = Some((line == "```bad", Vec::new())),
                (None, _) => {}
                (Some(_), "```") => cases.extend(open.take()),
                (Some((_, lines)), line) => lines.push(line),
            }
        }
        cases
    }

    /// What has to be read from the last line of a case: `-> srcip=192.0.2.1 dstuser=root`.
    fn wanted<'d>(lines: &[&'d str]) -> Vec<(&'d str, &'d str)> {
        let wanted = lines.iter().filter_map(|line| line.strip_prefix("-> "));
        wanted.flat_map(str::split_whitespace).filter_map(|word| word.split_once('=')).collect()
    }

    /// The lines of a case: `5x LINE` stands for five of them, in which `N` is 1 to 5.
    fn expanded(lines: &[&str]) -> Vec<String> {
        let mut all = Vec::new();
        for line in lines.iter().filter(|line| !line.starts_with("-> ")) {
            match line.split_once("x ").and_then(|(count, rest)| Some((count.parse::<usize>().ok()?, rest))) {
                Some((count, rest)) => all.extend((1..=count).map(|number| rest.replace("{N}", &number.to_string()))),
                None => all.push((*line).to_owned()),
            }
        }
        all
    }

    #[test]
    fn cases_of_documents_hold() {
        let mut failures = Vec::new();
        for rule in own_rules().iter().filter(|rule| rule.number > 0) {
            let id = &rule.info.id;
            let cases = cases(rule.document);
            if !cases.iter().any(|(bad, _)| *bad) || cases.iter().all(|(bad, _)| *bad) {
                failures.push(format!("{id} needs a bad and a good case"));
            }
            for (bad, lines) in cases {
                let mut engine = Engine::new(ruleset());
                let (mut hits, mut fields) = (Vec::new(), std::collections::BTreeMap::new());
                for line in expanded(&lines) {
                    let judged = engine.judge(Line {
                        text: line.as_bytes(),
                        location: "case",
                        arrival: 1,
                        format: LogFormat::Syslog,
                    });
                    hits.push(judged.rule.map(|rule| rule.id));
                    fields = judged.fields;
                }
                for (name, value) in wanted(&lines) {
                    if fields.get(name).map(String::as_str) != Some(value) {
                        failures.push(format!("{id}: {name} is not {value} in {lines:?}: {fields:?}"));
                    }
                }
                if hits.contains(&Some(rule.number)) != bad {
                    failures.push(format!("{id}: bad={bad} {lines:?}: {hits:?}"));
                }
            }
        }
        assert!(failures.is_empty(), "{failures:#?}");
    }
}
