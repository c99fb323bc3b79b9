//! What a project says about itself: components, ways in and stores, read from the files that build and run it.
//!
//! Nothing is guessed where a file says it. What no file can say (who uses an entry, which data a component handles) is
//! assumed to be the worst, and the draft of the plan says so.

mod compose;
mod dockerfile;
mod kinds;
mod kubernetes;
mod manifest;
mod openapi;
mod terraform;

pub(crate) use kinds::stores;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testudo_syntax::yaml;

use crate::nouns::Reach;

/// Largest file that is looked into, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;
/// Most components that are taken.
const MAX_PARTS: usize = 500;

/// A file of the project.
#[derive(Debug, Clone, Copy)]
pub struct ProjectFile<'a> {
    /// `/`-separated, from the root.
    pub path: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// A component that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// One of [`crate::nouns::KINDS`].
    pub kind: &'static str,
    /// The folder of its code; none where that is elsewhere.
    pub source: Option<String>,
    /// The account it runs under.
    pub runs_as: Option<String>,
    /// The file that says so.
    pub seen_in: String,
}

/// A way in that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Id of the component.
    pub component: String,
    /// From where, as far as a file says it; the internet where none does.
    pub reach: Reach,
    /// How users show who they are; none where no file says it.
    pub auth: Option<String>,
    /// Whether files can be sent in.
    pub upload: bool,
    /// Its OpenAPI description.
    pub spec: Option<String>,
    /// The file that says so.
    pub seen_in: String,
}

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Components by id.
    pub parts: BTreeMap<String, Part>,
    /// Ways in by id.
    pub ways: BTreeMap<String, Way>,
    /// Who asks whom: ids of components.
    pub flows: BTreeSet<(String, String)>,
    /// Files that were not understood, and what was left out.
    pub notes: Vec<String>,
    /// The name of what lies in the root.
    product: String,
}

/// Whether a file of this path is worth reading. Tests, examples and code of others are not the product.
#[must_use]
pub fn wants(path: &str) -> bool {
    const NOT_OURS: [&str; 10] =
        ["test", "tests", "testing", "e2e", "example", "examples", "fixtures", "node_modules", "vendor", "testdata"];
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let ours = lower.split(['/', '.', '-', '_']).all(|part| !NOT_OURS.contains(&part));
    ours && (dockerfile::is_one(name)
        || name.ends_with(".yml")
        || name.ends_with(".yaml")
        || name.ends_with(".tf")
        || openapi::may_be(name)
        || manifest::is_one(name))
}

/// Looks through files in the order given. `product` names what lies in the root of the project.
#[must_use]
pub fn discover(product: &str, files: &[ProjectFile<'_>]) -> Discovery {
    let mut found = Discovery { product: id_of(product), ..Discovery::default() };
    let mut documents = Vec::new();
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or(file.path).to_ascii_lowercase();
        if dockerfile::is_one(&name) {
            dockerfile::read(file, &mut found);
        } else if name.ends_with(".tf") {
            terraform::read(file, &mut found);
        } else if name.ends_with(".yml") || name.ends_with(".yaml") || openapi::may_be(&name) {
            match yaml::documents(file.text) {
                Ok(parsed) => documents.extend(parsed.iter().map(|node| (file, node.to_json()))),
                Err(error) => found.notes.push(format!("{}:{error}: was not read", file.path)),
            }
        }
    }
    // Compose comes after the images that it builds, and descriptions after the components that they describe.
    for (file, document) in documents.iter().filter(|(_, document)| compose::is_one(document)) {
        compose::read(file, document, &mut found);
    }
    kubernetes::read(&documents, &mut found);
    for file in files {
        manifest::read(file, &mut found);
    }
    for (file, document) in documents.iter().filter(|(_, document)| openapi::is_one(document)) {
        openapi::read(file, document, &mut found);
    }
    found
}

impl Discovery {
    /// Adds a component, unless one has its id already.
    fn part(&mut self, id: &str, part: Part) -> String {
        let id = id_of(id);
        if self.parts.len() < MAX_PARTS {
            self.parts.entry(id.clone()).or_insert(part);
        }
        id
    }

    /// Adds a way into a component that is there. Of two the wider one stays.
    fn way(&mut self, id: String, way: Way) {
        if !self.parts.contains_key(&way.component) {
            return;
        }
        match self.ways.get_mut(&id) {
            Some(known) => known.reach = known.reach.max(way.reach),
            None => drop(self.ways.insert(id, way)),
        }
    }

    /// The component whose code is in the nearest folder above a path.
    fn owner_of(&self, path: &str) -> Option<String> {
        let holds = |part: &Part| {
            let source = part.source.as_deref()?;
            if source == "." {
                return Some(0);
            }
            path.strip_prefix(source).filter(|rest| rest.starts_with('/')).map(|_| source.len())
        };
        let nearest = self.parts.iter().filter_map(|(id, part)| Some((holds(part)?, id)));
        nearest.max_by_key(|(len, id)| (*len, std::cmp::Reverse(*id))).map(|(_, id)| id.clone())
    }
}

/// A name as an id: small letters, digits, dots and dashes.
#[must_use]
pub fn id_of(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let id: String = name.chars().take(60).map(plain).collect();
    let id = id.trim_matches(['-', '.']);
    if id.is_empty() { "app".to_owned() } else { id.to_owned() }
}

/// The folder of a path; `.` for the root.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// A text at a pointer of a document.
fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
