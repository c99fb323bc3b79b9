//! How git would show changes of a file: the attribute `diff` (gitattributes(5)).
//!
//! `.gitattributes` of the work tree and `info/attributes` count, as they do for `git log`; files of the user's own
//! configuration do not, so that a scan gives the same result on every machine.

use std::{
    collections::HashMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Repository;

/// How the changes of a file are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// As lines, unless the content is binary.
    #[default]
    ByContent,
    /// As lines, whatever the content is.
    Lines,
    /// Not at all.
    Never,
}

/// Largest attribute file that is read, in bytes (git has the same limit).
const MAX_FILE: u64 = 100 << 20;
/// Longest line, in bytes (git ignores longer ones).
const MAX_LINE: usize = 2048;

/// The attribute files of a repository, read when first needed.
#[derive(Debug)]
pub struct Attributes {
    work_tree: Option<PathBuf>,
    own: Rules,
    /// Rules by directory, relative to the work tree.
    directories: HashMap<String, Rules>,
    macros: HashMap<String, Option<Show>>,
}

/// Rules of one file; none says anything about most paths.
#[derive(Debug, Default)]
struct Rules {
    patterns: Option<Gitignore>,
    /// What each pattern says, by its text.
    says: HashMap<String, Option<Show>>,
}

impl Attributes {
    /// Attributes of a repository.
    #[must_use]
    pub fn new(repository: &Repository) -> Self {
        let mut attributes = Self {
            work_tree: repository.work_tree().map(Path::to_owned),
            own: Rules::default(),
            directories: HashMap::new(),
            macros: HashMap::from([("binary".to_owned(), Some(Show::Never))]),
        };
        // Macros may only be defined in these two places.
        if let Some(root) = attributes.work_tree.clone() {
            let rules = attributes.read(&root.join(".gitattributes"));
            attributes.directories.insert(String::new(), rules);
        }
        attributes.own = attributes.read(&repository.common_dir().join("info/attributes"));
        attributes
    }

    /// How changes of the file at `path` are shown, a path relative to the top of the repository.
    pub fn show(&mut self, path: &str) -> Show {
        if let Some(said) = self.own.said(path) {
            return said.unwrap_or_default();
        }
        let mut directory = path;
        while let Some(cut) = directory.rfind('/') {
            directory = &directory[..cut];
            if let Some(said) = self.rules(directory).and_then(|rules| rules.said(&path[cut + 1..])) {
                return said.unwrap_or_default();
            }
        }
        self.rules("").and_then(|rules| rules.said(path)).flatten().unwrap_or_default()
    }

    fn rules(&mut self, directory: &str) -> Option<&Rules> {
        if !self.directories.contains_key(directory) {
            let safe = directory.split('/').all(|part| !matches!(part, "" | "." | ".."));
            let file = self.work_tree.as_ref()?.join(directory).join(".gitattributes");
            let rules = if safe { self.read(&file) } else { Rules::default() };
            self.directories.insert(directory.to_owned(), rules);
        }
        self.directories.get(directory)
    }

    fn read(&mut self, file: &Path) -> Rules {
        let mut bytes = Vec::new();
        // Only a regular file: git does not follow a link here either, for its target may lie anywhere.
        let regular = std::fs::symlink_metadata(file).is_ok_and(|m| m.is_file() && m.len() <= MAX_FILE);
        let read = regular.then(|| File::open(file).and_then(|f| f.take(MAX_FILE).read_to_end(&mut bytes)));
        if !matches!(read, Some(Ok(_))) {
            return Rules::default();
        }
        self.parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(&mut self, text: &str) -> Rules {
        let mut rules = Rules::default();
        let mut builder = GitignoreBuilder::new("");
        for line in text.lines().map(str::trim).filter(|l| l.len() <= MAX_LINE && !l.starts_with('#')) {
            let Some((pattern, words)) = split(line) else { continue };
            let Some(said) = self.says(words) else { continue };
            if let Some(name) = pattern.strip_prefix("[attr]") {
                self.macros.insert(name.to_owned(), said);
            } else if !pattern.starts_with('!') && builder.add_line(None, &pattern).is_ok() {
                rules.says.insert(pattern, said);
            }
        }
        rules.patterns = builder.build().ok().filter(|p| !p.is_empty());
        rules
    }

    /// What the attributes of a line say about `diff`: nothing, that it is unspecified, or how to show.
    fn says(&self, words: &str) -> Option<Option<Show>> {
        let mut said = None;
        for word in words.split_ascii_whitespace() {
            match word {
                "diff" => said = Some(Some(Show::Lines)),
                "-diff" => said = Some(Some(Show::Never)),
                "!diff" => said = Some(None),
                _ if word.starts_with("diff=") => said = Some(Some(Show::ByContent)),
                _ => said = self.macros.get(word).copied().or(said),
            }
        }
        said
    }
}

impl Rules {
    /// What the last matching line says about a path relative to the file's directory.
    fn said(&self, path: &str) -> Option<Option<Show>> {
        match self.patterns.as_ref()?.matched(path, false) {
            ignore::Match::Ignore(glob) => self.says.get(glob.original()).copied(),
            ignore::Match::None | ignore::Match::Whitelist(_) => None,
        }
    }
}

/// Pattern and attributes of a line. A pattern with blanks stands in quotes, with C escapes.
fn split(line: &str) -> Option<(String, &str)> {
    let Some(quoted) = line.strip_prefix('"') else {
        let (pattern, words) = line.split_once([' ', '\t'])?;
        return Some((pattern.to_owned(), words));
    };
    let (mut pattern, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((pattern, &quoted[at + 1..])),
            '\\' => pattern.push(characters.next()?.1),
            _ => pattern.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(files: &[(&str, &str)]) -> Attributes {
        let mut all = Attributes {
            work_tree: None,
            own: Rules::default(),
            directories: HashMap::new(),
            macros: HashMap::from([("binary".to_owned(), Some(Show::Never))]),
        };
        for (directory, text) in files {
            let rules = all.parse(text);
            all.directories.insert((*directory).to_owned(), rules);
        }
        all
    }

    #[test]
    fn the_last_line_of_the_nearest_file_decides() {
        let mut all = attributes(&[
            (
                "",
                "[attr]made -diff linguist-generated\n*.lock -diff\n*.png binary\nkept.lock diff\n/docs/*.md diff=markdown\n\
                 \"a b.txt\" -diff\n*.pb.go made\n# *.rs -diff\n*.txt text\n*.lock eol=lf\n",
            ),
            ("vendor", "*.lock diff\ninner/*.js -diff\n*.png !diff\n"),
        ]);
        for (path, expected) in [
            ("yarn.lock", Show::Never),
            ("deep/below/yarn.lock", Show::Never),
            ("kept.lock", Show::Lines),
            ("a.png", Show::Never),
            ("docs/x.md", Show::ByContent),
            ("a b.txt", Show::Never),
            ("x.pb.go", Show::Never),
            ("main.rs", Show::ByContent),
            ("vendor/yarn.lock", Show::Lines),
            ("vendor/inner/x.js", Show::Never),
            ("vendor/x.js", Show::ByContent),
            ("vendor/x.png", Show::ByContent),
        ] {
            assert_eq!(all.show(path), expected, "{path}");
        }
    }

    #[test]
    fn broken_lines_say_nothing() {
        let mut all = attributes(&[("", "\"open -diff\n!x -diff\n*.a\n\\ -diff\n")]);
        for path in ["x", "b.a", "open"] {
            assert_eq!(all.show(path), Show::ByContent, "{path}");
        }
    }
}
