//! Rules and decoders of files, as the tree in which they are looked at.
//!
//! Siblings are tried by level: level 0 first, then from the highest on; equal ones in the order of their files. A rule
//! without parents stands below the first rule of its category, whose id is below 10.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    decoder::{Category, Decoders},
    dull::Dull,
    list::Lists,
    problem::{Part, RuleProblem, Told},
    rule::{self, Above, Condition, Correlation, Rule, Watched},
    xml::{self, Element},
};
use crate::AgentError;

/// Ids below this one are the first rules of their categories.
const FIRST: u32 = 10;
/// Files that are read of a folder, at most.
const MAX_FILES: usize = 10_000;
/// Substitutions of variables in one text, at most.
const MAX_SUBSTITUTIONS: usize = 1000;

/// Which counting of events holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counting {
    /// A rule with `frequency="8"` fires on the eighth event, as in Wazuh 4.
    #[default]
    Wazuh,
    /// It fires on the tenth, as in OSSEC.
    Ossec,
}

/// A file of rules and decoders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'s> {
    pub(crate) name: &'s str,
    pub(crate) text: &'s str,
}

/// All rules and decoders, ready to be used.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    pub(crate) decoders: Decoders,
    pub(crate) rules: Vec<Rule>,
    /// The first rules of categories, in the order of files.
    pub(crate) first: Vec<usize>,
    pub(crate) children: Vec<Vec<usize>>,
    /// For each rule, those that count its events.
    pub(crate) watchers: Vec<Vec<usize>>,
    pub(crate) counting: Counting,
    pub(crate) dull: Dull,
    /// Whether any rule asks for the time.
    pub(crate) has_hours: bool,
}

/// Rules that were read, and what is wrong with the files.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// What can be used.
    pub ruleset: Ruleset,
    /// What cannot, and why.
    pub problems: Vec<RuleProblem>,
}

impl Ruleset {
    /// How many rules there are.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// How many decoders there are.
    #[must_use]
    pub fn decoders(&self) -> usize {
        self.decoders.len()
    }

    /// Reads the rules and decoders of a folder: `decoders` and `rules` below it, or the files in it. Problems do not keep
    /// the rest from being used.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no XML file.
    pub fn of_folder(folder: &Path, counting: Counting) -> Result<Loaded, AgentError> {
        Self::of_folders(&[folder], None, counting)
    }

    /// The same for several folders. Lists are in a folder of their own, or in `lists` below the first of the others.
    ///
    /// # Errors
    /// A folder cannot be read, or holds no XML file.
    pub fn of_folders(folders: &[&Path], lists: Option<&Path>, counting: Counting) -> Result<Loaded, AgentError> {
        let (mut texts, mut paths) = (Vec::new(), Vec::new());
        for folder in folders {
            paths.extend(files(folder)?);
        }
        let found = folders.first().map(|folder| folder.join("lists")).filter(|below| below.is_dir());
        for path in paths {
            let read = |source| AgentError::Read { path: path.clone(), source };
            if fs::metadata(&path).map_err(read)?.len() > xml::MAX_SIZE as u64 {
                return Err(AgentError::TooLarge { path, limit: xml::MAX_SIZE as u64 });
            }
            let bytes = fs::read(&path).map_err(read)?;
            texts.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
        Ok(Self::of_texts(&texts, lists.or(found.as_deref()), counting))
    }

    /// Reads rules and decoders of one file; `name` is only named in problems.
    #[must_use]
    pub fn of_text(name: &str, text: &str, counting: Counting) -> Loaded {
        Self::of(&[Source { name, text }], counting)
    }

    /// Reads rules and decoders of files, in their order: names, which are only named in problems, and texts.
    #[must_use]
    pub fn of_texts(files: &[(String, String)], lists: Option<&Path>, counting: Counting) -> Loaded {
        let sources: Vec<Source<'_>> = files.iter().map(|(name, text)| Source { name, text }).collect();
        Self::with_lists(&sources, Lists::new(lists), counting)
    }

    /// Reads rules and decoders of files, in their order.
    pub(crate) fn of(sources: &[Source<'_>], counting: Counting) -> Loaded {
        Self::with_lists(sources, Lists::default(), counting)
    }

    fn with_lists(sources: &[Source<'_>], lists: Lists, counting: Counting) -> Loaded {
        let mut loading = Loading { lists, ..Loading::default() };
        loading.ruleset.counting = counting;
        let mut files = Vec::new();
        for source in sources {
            match xml::read(source.text) {
                Ok(elements) => files.push((source.name, elements)),
                Err(fault) => {
                    Told::new(source.name, &mut loading.problems).add(fault.line, Part::File, &fault.why);
                }
            }
        }
        // Rules name decoders, so all decoders come first.
        for (name, elements) in &files {
            loading.decoders(name, elements);
        }
        for (name, elements) in &files {
            loading.rules(name, elements);
        }
        loading.end()
    }
}

/// The XML files below a folder: decoders first, each folder by name; rules of categories first.
fn files(folder: &Path) -> Result<Vec<PathBuf>, AgentError> {
    let mut all = Vec::new();
    for name in ["decoders", "rules"] {
        let below = folder.join(name);
        if below.is_dir() {
            all.extend(xml_files(&below)?);
        }
    }
    all.extend(xml_files(folder)?);
    if all.is_empty() {
        let source =
            io::Error::new(io::ErrorKind::NotFound, "it holds no XML file, nor do `rules` and `decoders` in it");
        return Err(AgentError::Read { path: folder.to_owned(), source });
    }
    if all.len() > MAX_FILES {
        return Err(AgentError::Setting(format!(
            "{}: holds {} files of rules, and {MAX_FILES} is the limit; name a folder of those that you use",
            folder.display(),
            all.len()
        )));
    }
    Ok(all)
}

fn xml_files(folder: &Path) -> Result<Vec<PathBuf>, AgentError> {
    let entries = fs::read_dir(folder).map_err(|source| AgentError::Read { path: folder.to_owned(), source })?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "xml"));
    let is_config = |path: &PathBuf| path.file_name().is_some_and(|name| name == "rules_config.xml");
    paths.sort_by(|a, b| is_config(b).cmp(&is_config(a)).then(a.cmp(b)));
    Ok(paths)
}

#[derive(Default)]
struct Loading {
    ruleset: Ruleset,
    problems: Vec<RuleProblem>,
    by_id: BTreeMap<u32, usize>,
    lists: Lists,
}

impl Loading {
    fn decoders(&mut self, file: &str, elements: &[Element]) {
        let variables = variables(elements);
        for element in elements.iter().filter(|element| element.name == "decoder") {
            let element = substituted(element, &variables);
            self.ruleset.decoders.add(&element, &mut Told::new(file, &mut self.problems));
        }
    }

    fn rules(&mut self, file: &str, elements: &[Element]) {
        let variables = variables(elements);
        for element in elements {
            match element.name.as_str() {
                "group" => {}
                "decoder" | "var" => continue,
                other => {
                    let what = format!("<{other}> is not known here");
                    Told::new(file, &mut self.problems).add(element.line, Part::File, &what);
                    continue;
                }
            }
            let group = substituted(element, &variables);
            let name = group.attribute("name").unwrap_or_default();
            for child in &group.children {
                let mut told = Told::new(file, &mut self.problems);
                if child.name != "rule" {
                    told.add(child.line, Part::File, &format!("<{}> is not known within a group", child.name));
                    continue;
                }
                if let Some(rule) = rule::read(child, name, &mut self.lists, &mut told) {
                    self.place(rule, file);
                }
            }
        }
    }

    fn place(&mut self, rule: Rule, file: &str) {
        let (id, line) = (rule.id.to_string(), rule.line);
        if let Some(&number) = self.by_id.get(&rule.id) {
            if rule.overwrites {
                // Its place in the tree stays.
                let above = self.ruleset.rules[number].above.clone();
                self.ruleset.rules[number] = Rule { above, ..rule };
            } else {
                Told::new(file, &mut self.problems).add(line, Part::Rule(&id), "there is a rule of this id already");
            }
            return;
        }
        if let Above::Rules(ids) = &rule.above
            && ids.iter().any(|id| self.by_id.contains_key(id))
        {
            for missing in ids.iter().filter(|missing| !self.by_id.contains_key(missing)) {
                let what = format!("no rule before it has the id {missing}; it stands below the others");
                Told::new(file, &mut self.problems).add(line, Part::Rule(&id), &what);
            }
        }
        match self.parents(&rule) {
            Ok(parents) => {
                let number = self.ruleset.rules.len();
                for parent in &parents {
                    self.ruleset.children[*parent].push(number);
                }
                if parents.is_empty() {
                    self.ruleset.first.push(number);
                }
                self.by_id.insert(rule.id, number);
                self.ruleset.rules.push(rule);
                self.ruleset.children.push(Vec::new());
            }
            Err(why) => Told::new(file, &mut self.problems).add(line, Part::Rule(&id), &why),
        }
    }

    /// The rules that a rule stands below; none for the first ones.
    fn parents(&self, rule: &Rule) -> Result<Vec<usize>, String> {
        let rules = &self.ruleset.rules;
        let all = |wanted: &dyn Fn(&Rule) -> bool| -> Vec<usize> {
            rules.iter().enumerate().filter(|(_, other)| wanted(other)).map(|(number, _)| number).collect()
        };
        let (found, what) = match &rule.above {
            Above::Category if rule.id < FIRST => return Ok(Vec::new()),
            Above::Category => {
                let is_first = |other: &Rule| other.id < FIRST && other.category == rule.category;
                (all(&is_first), "no rule with an id below 10 begins its category".to_owned())
            }
            Above::Rules(ids) => {
                // One of them is enough; which are missing is told.
                let found = ids.iter().filter_map(|id| self.by_id.get(id).copied()).collect();
                (found, format!("no rule before it has the id {}", ids.first().copied().unwrap_or_default()))
            }
            Above::Group(group) => {
                (all(&|other| in_group(other, group)), format!("no rule before it is of the group `{group}`"))
            }
            Above::Level(level) => {
                (all(&|other| other.level >= *level), format!("no rule before it is of level {level}"))
            }
        };
        let unique: BTreeSet<usize> = found.into_iter().collect();
        if unique.is_empty() { Err(what) } else { Ok(unique.into_iter().collect()) }
    }

    fn end(mut self) -> Loaded {
        let rules = &self.ruleset.rules;
        for children in &mut self.ruleset.children {
            // Stable, so that equal ones stay in the order of files.
            children.sort_by_key(|number| match rules[*number].level {
                0 => (0, 0),
                level => (1, u8::MAX - level),
            });
        }
        self.ruleset.dull = if self.ruleset.decoders.has_plugins() {
            // What a plug-in reads is no part of the line as it stands.
            Dull::default()
        } else {
            Dull::new(rules, &self.ruleset.children)
        };
        let asks = |rule: &Rule| rule.conditions.iter().any(|condition| matches!(condition, Condition::At(_)));
        self.ruleset.has_hours = rules.iter().any(asks);
        self.ruleset.watchers = rules.iter().map(|rule| watchers(rules, rule)).collect();
        Loaded { ruleset: self.ruleset, problems: self.problems }
    }
}

/// Whether a rule is of a group. Names of groups are looked for within its groups, as they always were.
fn in_group(rule: &Rule, group: &str) -> bool {
    rule.groups.iter().any(|own| own.contains(group))
}

fn watchers(rules: &[Rule], watched: &Rule) -> Vec<usize> {
    let watches = |correlation: &Correlation| match &correlation.watched {
        Watched::Rule(id) => *id == watched.id,
        Watched::Group(group) => in_group(watched, group),
    };
    let numbered = rules.iter().enumerate();
    numbered.filter(|(_, rule)| rule.correlation.as_ref().is_some_and(watches)).map(|(number, _)| number).collect()
}

/// `<var name="X">value</var>` of a file.
fn variables(elements: &[Element]) -> Vec<(String, String)> {
    let variables = elements.iter().filter(|element| element.name == "var");
    let mut all: Vec<(String, String)> = variables
        .filter_map(|element| Some((format!("${}", element.attribute("name")?), element.text.clone())))
        .collect();
    // The longest name first: `$A` begins `$AB`.
    all.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    all
}

fn substituted(element: &Element, variables: &[(String, String)]) -> Element {
    if variables.is_empty() {
        return element.clone();
    }
    let mut left = MAX_SUBSTITUTIONS;
    let mut replaced = |text: &str| {
        let mut text = text.to_owned();
        for (name, value) in variables {
            if text.contains(name.as_str()) && left > 0 {
                left -= 1;
                text = text.replace(name.as_str(), value);
            }
        }
        text
    };
    let text = replaced(&element.text);
    let attributes = element.attributes.iter().map(|(key, value)| (key.clone(), replaced(value))).collect();
    let children = element.children.iter().map(|child| substituted(child, variables)).collect();
    Element { text, attributes, children, name: element.name.clone(), line: element.line }
}

impl Ruleset {
    /// The first rules of a category.
    pub(crate) fn first_of(&self, category: Category) -> impl Iterator<Item = usize> + '_ {
        self.first.iter().copied().filter(move |number| self.rules[*number].category == category)
    }
}
