//! Paths to values: as sops has them, `["db"]["hosts"][0]`, or with dots, `db.hosts.0`.

use std::fmt;

use crate::{VaultError, tree::Tree};

/// A path: one step at least.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A key of a map.
    Key(String),
    /// An item of a list, from 0.
    Item(usize),
    /// A number between dots: a key of a map, or an item of a list.
    Either(String, usize),
}

impl Path {
    /// Reads a path. One that begins with a bracket is one of sops; with dots, a bracket may follow a key too: `db.hosts[0]`.
    ///
    /// # Errors
    /// It is empty, or a bracket or quote is not closed.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let wrong = |why: &str| VaultError::Path { path: text.to_owned(), why: why.to_owned() };
        let (mut steps, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (step, behind) = bracket(inner).ok_or_else(|| {
                    wrong("is no path: in brackets stands a key in quotes or the number of an item, as in [\"db\"][0]")
                })?;
                steps.push(step);
                rest = behind.strip_prefix('.').filter(|behind| !behind.is_empty()).unwrap_or(behind);
                continue;
            }
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, behind) = rest.split_at(end);
            if key.is_empty() || behind == "." {
                return Err(wrong("is no path: a key between its dots is empty; write such keys as [\"key\"]"));
            }
            steps.push(key.parse().map_or_else(|_| Step::Key(key.to_owned()), |n| Step::Either(key.to_owned(), n)));
            rest = behind.strip_prefix('.').unwrap_or(behind);
        }
        if steps.is_empty() { Err(wrong("is empty, where a path to a value is expected")) } else { Ok(Self(steps)) }
    }

    /// The path of a key at the top.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        Self(vec![Step::Key(key.to_owned())])
    }

    /// The key, where the path is one at the top.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        if let [step] = self.0.as_slice() { step.key() } else { None }
    }

    /// What stands at the path.
    #[must_use]
    pub fn get<'t>(&self, tree: &'t Tree) -> Option<&'t Tree> {
        self.0.iter().try_fold(tree, |tree, step| match tree {
            Tree::Map(entries) => Some(&entries.get(step.entry(entries)?)?.1),
            Tree::List(items) => items.get(step.item(items)?),
            Tree::Leaf(_) | Tree::Null => None,
        })
    }

    /// Puts a value at the path. Maps on the way that are missing are made; the item behind the last one is added.
    ///
    /// # Errors
    /// A value stands in the way, or an item that is not there.
    pub fn set(&self, tree: &mut Tree, value: Tree) -> Result<(), VaultError> {
        *self.place(tree)? = value;
        Ok(())
    }

    fn place<'t>(&self, mut tree: &'t mut Tree) -> Result<&'t mut Tree, VaultError> {
        for (depth, step) in self.0.iter().enumerate() {
            if depth > 0 && *tree == Tree::Null {
                *tree = match step {
                    Step::Item(_) => Tree::List(Vec::new()),
                    Step::Key(_) | Step::Either(..) => Tree::Map(Vec::new()),
                };
            }
            tree = match tree {
                Tree::Map(entries) => {
                    let key = step.key().ok_or_else(|| self.wrong(depth, "is a map, where a list is expected"))?;
                    let at = step.entry(entries).unwrap_or(entries.len());
                    if at == entries.len() {
                        entries.push((key.to_owned(), Tree::Null));
                    }
                    &mut entries[at].1
                }
                Tree::List(items) => {
                    let number =
                        step.number().ok_or_else(|| self.wrong(depth, "is a list; name an item by its number"))?;
                    let count = items.iter().filter(|item| !item.is_comment()).count();
                    if number == count {
                        items.push(Tree::Null);
                    }
                    let at = step.item(items).ok_or_else(|| self.wrong(depth, "is a list with fewer items"))?;
                    &mut items[at]
                }
                Tree::Leaf(_) | Tree::Null => return Err(self.wrong(depth, "is a value, and nothing can be in it")),
            };
        }
        Ok(tree)
    }

    /// Takes out what stands at the path. The comments above it stay.
    ///
    /// # Errors
    /// Nothing stands there.
    pub fn unset(&self, tree: &mut Tree) -> Result<(), VaultError> {
        let (last, way) = self.0.split_last().ok_or_else(|| self.wrong(0, "is empty"))?;
        let mut inner = tree;
        for (depth, step) in way.iter().enumerate() {
            inner = match inner {
                Tree::Map(entries) => step.entry(entries).map(|at| &mut entries[at].1),
                Tree::List(items) => step.item(items).map(|at| &mut items[at]),
                Tree::Leaf(_) | Tree::Null => None,
            }
            .ok_or_else(|| self.wrong(depth + 1, "is not there"))?;
        }
        let found = match inner {
            Tree::Map(entries) => last.entry(entries).map(|at| drop(entries.remove(at))),
            Tree::List(items) => last.item(items).map(|at| drop(items.remove(at))),
            Tree::Leaf(_) | Tree::Null => None,
        };
        found.ok_or_else(|| self.wrong(self.0.len(), "is not there; `testudo vault keys` lists what is"))
    }

    fn wrong(&self, depth: usize, why: &str) -> VaultError {
        let path = if depth == 0 { self.clone() } else { Self(self.0[..depth].to_vec()) };
        VaultError::Path { path: path.to_string(), why: why.to_owned() }
    }
}

/// Every value of a document with its path, in order; lists and maps that are empty among them, comments not.
#[must_use]
pub fn leaves(tree: &Tree) -> Vec<(Path, &Tree)> {
    fn walk<'t>(tree: &'t Tree, way: &mut Vec<Step>, found: &mut Vec<(Path, &'t Tree)>) {
        let mut inner = |step, value, found: &mut _| {
            way.push(step);
            walk(value, way, found);
            way.pop();
        };
        match tree {
            Tree::Map(entries) if entries.iter().any(|(_, value)| !value.is_comment()) => {
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_comment()) {
                    inner(Step::Key(key.clone()), value, found);
                }
            }
            Tree::List(items) if items.iter().any(|item| !item.is_comment()) => {
                for (at, item) in items.iter().filter(|item| !item.is_comment()).enumerate() {
                    inner(Step::Item(at), item, found);
                }
            }
            _ if way.is_empty() => {}
            other => found.push((Path(way.clone()), other)),
        }
    }
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut found);
    found
}

impl Step {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) | Self::Either(key, _) => Some(key),
            Self::Item(_) => None,
        }
    }

    fn number(&self) -> Option<usize> {
        match self {
            Self::Item(number) | Self::Either(_, number) => Some(*number),
            Self::Key(_) => None,
        }
    }

    /// Which entry of a map it leads to.
    fn entry(&self, entries: &[(String, Tree)]) -> Option<usize> {
        let key = self.key()?;
        entries.iter().position(|(name, value)| name == key && !value.is_comment())
    }

    /// Which item of a list it leads to; comments are not counted.
    fn item(&self, items: &[Tree]) -> Option<usize> {
        let mut values = items.iter().enumerate().filter(|(_, item)| !item.is_comment());
        values.nth(self.number()?).map(|(at, _)| at)
    }
}

/// A step in brackets, and what follows.
fn bracket(text: &str) -> Option<(Step, &str)> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let (number, rest) = text.split_once(']')?;
        return Some((Step::Item(number.parse().ok()?), rest));
    };
    let (key, rest) = text[1..].split_once(&format!("{quote}]"))?;
    Some((Step::Key(key.to_owned()), rest))
}

impl fmt::Display for Path {
    /// With dots; keys that hold one in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(number) => write!(f, "[{number}]")?,
                Step::Key(key)
                    if key.is_empty() || key.contains(['.', '[', ']', '"']) || key.parse::<usize>().is_ok() =>
                {
                    write!(f, "[\"{key}\"]")?;
                }
                Step::Key(key) | Step::Either(key, _) => write!(f, "{}{key}", if at > 0 { "." } else { "" })?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    const TEXT: &str = "a:\n    b: 1\n    x.y: 2\n# c\nl:\n    # d\n    - 3\n    - k: 4\n\"0\": 5\n";

    #[test]
    fn paths_lead_to_values() {
        let documents = yaml::read(TEXT).unwrap();
        for (path, expected) in [
            ("a.b", "1\n"),
            ("[\"a\"][\"b\"]", "1\n"),
            ("['a']['x.y']", "2\n"),
            ("a[\"x.y\"]", "2\n"),
            ("l.0", "3\n"),
            ("l[1].k", "4\n"),
            ("[\"l\"][1][\"k\"]", "4\n"),
            ("0", "5\n"),
            ("l[2]", ""),
            ("a.b.c", ""),
            ("a.1", ""),
        ] {
            let found = Path::parse(path).unwrap().get(&documents[0]).map(yaml::write_value).unwrap_or_default();
            assert_eq!(found, expected, "{path}");
        }
        for path in ["", ".", "a.", "a..b", "[a]", "[\"a]", "[-1]", "[0"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
        let found: Vec<String> = leaves(&documents[0]).iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(found, ["a.b", "a[\"x.y\"]", "l[0]", "l[1].k", "[\"0\"]"]);
        for path in found {
            assert!(Path::parse(&path).unwrap().get(&documents[0]).is_some(), "{path}");
        }
    }

    #[test]
    fn values_are_put_in_and_taken_out() {
        let set = |path: &str| -> Result<String, String> {
            let mut documents = yaml::read(TEXT).unwrap();
            Path::parse(path).unwrap().set(&mut documents[0], Tree::Null).map_err(|error| error.to_string())?;
            Ok(yaml::write(&documents))
        };
        assert_eq!(set("a.b"), Ok(TEXT.replace("b: 1", "b: null")));
        assert_eq!(set("z.m"), Ok(TEXT.to_owned() + "z:\n    m: null\n"));
        assert_eq!(set("z[0].m"), Ok(TEXT.to_owned() + "z:\n    - m: null\n"));
        assert_eq!(set("l.2"), Ok(TEXT.replace("k: 4\n", "k: 4\n    - null\n")));
        assert_eq!(set("a.b.c").unwrap_err(), "a.b: is a value, and nothing can be in it");
        assert_eq!(set("l.3").unwrap_err(), "l: is a list with fewer items");
        assert_eq!(set("l.x").unwrap_err(), "l: is a list; name an item by its number");
        let unset = |path: &str| -> Result<String, String> {
            let mut documents = yaml::read(TEXT).unwrap();
            Path::parse(path).unwrap().unset(&mut documents[0]).map_err(|error| error.to_string())?;
            Ok(yaml::write(&documents))
        };
        assert_eq!(unset("a.b"), Ok(TEXT.replace("    b: 1\n", "")));
        assert_eq!(unset("l[0]"), Ok(TEXT.replace("    - 3\n", "")));
        assert!(unset("a.c").unwrap_err().starts_with("a.c: is not there"));
        assert!(unset("l.0.x").unwrap_err().starts_with("l.0.x: is not there"));
    }
}
