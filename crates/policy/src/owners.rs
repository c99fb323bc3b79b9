//! CODEOWNERS: who answers for a path. Reads the dialects of GitHub and of GitLab (sections, exclusions).
//!
//! The last pattern that matches decides. In GitLab it does so in each section, and the owners of all sections join.
//! A line that cannot be read is a notice and owns nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use testudo_model::{Location, Notice, NoticeCode, NoticeLevel, Span};

use crate::{
    PolicyError, atomic,
    glob::{Flavour, Glob},
    line::lines,
};

/// Where the file is looked for below the root of a repository, the first plain file counts.
const PLACES: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// Largest file that is read, in bytes (GitHub reads up to 3 MB).
const MAX_BYTES: u64 = 3 << 20;
/// Malformed lines that are told one by one.
const MAX_NOTICES: usize = 100;

/// Whose rules of reading hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Patterns as in `.gitignore`; comments may stand behind owners; no sections.
    GitHub,
    /// Sections, exclusions, `/` in front anchors; comments only on their own line.
    GitLab,
}

impl Dialect {
    /// The dialect of a file. The folder decides where it belongs to one of them; elsewhere a section or an exclusion,
    /// which GitHub does not know, means GitLab.
    #[must_use]
    pub fn of(path: &str, text: &str) -> Self {
        let gitlab_line = |line: &str| line.trim_start().starts_with(['!', '[']) || line.trim_start().starts_with("^[");
        match path {
            _ if path.ends_with(".github/CODEOWNERS") => Self::GitHub,
            _ if path.ends_with(".gitlab/CODEOWNERS") || text.lines().any(gitlab_line) => Self::GitLab,
            _ => Self::GitHub,
        }
    }
}

/// How the paths of findings lie to the root of the repository, which is what CODEOWNERS counts from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PathBase {
    /// They count from the root.
    #[default]
    Root,
    /// They count from this folder of the repository, such as `services/api`.
    Inside(String),
    /// They start with the way to the root, such as `../other` or `/srv/other`.
    Outside(String),
}

/// A compiled CODEOWNERS file.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    sections: Vec<Section>,
    base: PathBase,
}

#[derive(Debug, Clone, Default)]
struct Section {
    /// In lower case; empty for what stands before the first section.
    name: String,
    excluded: Vec<Glob>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    glob: Glob,
    owners: Vec<String>,
}

impl Owners {
    /// The CODEOWNERS file below a root, in the order `.github/`, the root, `docs/`, `.gitlab/`.
    #[must_use]
    pub fn discover(root: &Path) -> Option<PathBuf> {
        // A link is passed over: what it points to is either at one of the other places or outside.
        let plain = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
        PLACES.iter().map(|place| root.join(place)).find(plain)
    }

    /// Reads a file; none where there is no such file. `shown` is the path in notices.
    ///
    /// # Errors
    /// The file cannot be read, is too large, or is not a plain file.
    pub fn load(path: &Path, shown: &str) -> Result<Option<(Self, Vec<Notice>)>, PolicyError> {
        Ok(atomic::read_plain(path, MAX_BYTES)?.map(|text| Self::parse(&text, shown)))
    }

    /// Reads a text. `path` decides about the dialect and is named in notices.
    #[must_use]
    pub fn parse(text: &str, path: &str) -> (Self, Vec<Notice>) {
        let mut reader = Reader { dialect: Dialect::of(path, text), sections: Vec::new(), open: None };
        let (mut notices, mut malformed) = (Vec::new(), 0_usize);
        for (start, line) in lines(text) {
            if let Err(message) = reader.read(line.trim()) {
                malformed += 1;
                if malformed <= MAX_NOTICES {
                    notices.push(notice(path, start.span(line, 0), &message));
                }
            }
        }
        if malformed > MAX_NOTICES {
            let message = format!("{} more lines are not read", malformed - MAX_NOTICES);
            notices.push(Notice {
                level: NoticeLevel::Info,
                ..Notice::new(NoticeCode::ParseGap, Location::file(path), message)
            });
        }
        (Self { sections: reader.sections, base: PathBase::Root }, notices)
    }

    /// The same file for paths that do not count from the root of the repository.
    #[must_use]
    pub fn with_base(self, base: PathBase) -> Self {
        Self { base, ..self }
    }

    /// The owners of a path, in the order of the file, each once; empty where nobody owns it.
    #[must_use]
    pub fn of(&self, path: &str) -> Vec<String> {
        let Some(path) = self.counted_from_root(path) else { return Vec::new() };
        let mut owners: Vec<String> = Vec::new();
        for section in self.sections.iter().filter(|s| !s.excluded.iter().any(|glob| glob.matches(&path))) {
            let rule = section.rules.iter().rev().find(|rule| rule.glob.matches(&path));
            for owner in rule.into_iter().flat_map(|rule| &rule.owners) {
                if !owners.contains(owner) {
                    owners.push(owner.clone());
                }
            }
        }
        owners
    }

    /// A path counted from the root, none for one that lies outside of the repository.
    fn counted_from_root(&self, path: &str) -> Option<String> {
        let path = path.strip_prefix("./").unwrap_or(path);
        let joined = match &self.base {
            PathBase::Root => path.to_owned(),
            PathBase::Inside(folder) => format!("{}/{path}", folder.trim_end_matches('/')),
            PathBase::Outside(way) => path.strip_prefix(way.trim_end_matches('/'))?.strip_prefix('/')?.to_owned(),
        };
        normal(&joined)
    }
}

/// A path without `.` and `..`; none for one that leaves its start or is absolute.
fn normal(path: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" if names.is_empty() => return None,
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names.join("/"))
}

/// Lower than its code: an owner that is not known does not mean that something was not scanned.
fn notice(path: &str, span: Span, message: &str) -> Notice {
    let message = format!("{message}. The line owns nothing; correct or delete it");
    Notice { level: NoticeLevel::Info, ..Notice::new(NoticeCode::ParseGap, Location::span(path, span), message) }
}

/// Reads line by line.
struct Reader {
    dialect: Dialect,
    sections: Vec<Section>,
    /// The section that lines go to, and its default owners.
    open: Option<(usize, Vec<String>)>,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        match self.dialect {
            Dialect::GitHub => self.read_github(line),
            Dialect::GitLab if line.starts_with('[') || line.starts_with("^[") => self.open_section(line),
            Dialect::GitLab => self.read_gitlab(line),
        }
    }

    fn read_github(&mut self, line: &str) -> Result<(), String> {
        let (pattern, rest) = split_pattern(line);
        if pattern.starts_with('!') {
            return Err("GitHub does not know exclusions with `!`".to_owned());
        }
        let owners: Vec<&str> = rest.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
        if let Some(word) = owners.iter().find(|word| !is_owner(word)) {
            return Err(format!(
                "`{}` is no owner (expected @user, @organisation/team or an e-mail address)",
                word.escape_debug()
            ));
        }
        let rule = Rule { glob: Glob::new(pattern, Flavour::Gitignore)?, owners: owned(&owners) };
        self.section().rules.push(rule);
        Ok(())
    }

    fn read_gitlab(&mut self, line: &str) -> Result<(), String> {
        let (pattern, rest) = split_pattern(line);
        if let Some(pattern) = pattern.strip_prefix('!') {
            let glob = Glob::new(pattern, Flavour::Fnmatch)?;
            self.section().excluded.push(glob);
            return Ok(());
        }
        let glob = Glob::new(pattern, Flavour::Fnmatch)?;
        let mut owners = gitlab_owners(rest);
        if owners.is_empty() {
            owners = self.open.as_ref().map(|(_, default)| default.clone()).unwrap_or_default();
        }
        self.section().rules.push(Rule { glob, owners });
        Ok(())
    }

    /// `[Name]`, `^[Name]`, `[Name][2]`, each with default owners behind it. Sections of one name are one section.
    fn open_section(&mut self, line: &str) -> Result<(), String> {
        let inner = line.trim_start_matches('^').trim_start_matches('[');
        let (name, rest) = inner.split_once(']').ok_or("the bracket of the section is not closed")?;
        let name = name.trim().to_lowercase();
        if name.is_empty() {
            return Err("the section has no name".to_owned());
        }
        let rest = match rest.strip_prefix('[') {
            Some(approvals) => {
                let (number, rest) = approvals.split_once(']').ok_or("the number of approvals is not closed")?;
                number.trim().parse::<u32>().map_err(|_| "the number of approvals is no number")?;
                rest
            }
            None => rest,
        };
        let index = self.index_of(&name);
        self.open = Some((index, gitlab_owners(rest)));
        Ok(())
    }

    fn index_of(&mut self, name: &str) -> usize {
        self.sections.iter().position(|section| section.name == name).unwrap_or_else(|| {
            self.sections.push(Section { name: name.to_owned(), ..Section::default() });
            self.sections.len() - 1
        })
    }

    /// The section that lines go to now.
    fn section(&mut self) -> &mut Section {
        let index = self.open.as_ref().map(|(index, _)| *index);
        let index = index.unwrap_or_else(|| self.index_of(""));
        &mut self.sections[index]
    }
}

/// The pattern up to the first blank that is not escaped, and what follows.
fn split_pattern(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = c.is_whitespace() && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    line.split_at(end.unwrap_or(line.len()))
}

/// GitLab takes every word that looks like an owner and passes over the rest, comments included.
fn gitlab_owners(text: &str) -> Vec<String> {
    owned(&text.split_whitespace().filter(|word| is_owner(word)).collect::<Vec<_>>())
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// `@name`, `@group/name`, `@@role`, or an e-mail address.
fn is_owner(word: &str) -> bool {
    match word.split_once('@') {
        Some(("", name)) => !name.trim_start_matches('@').is_empty(),
        Some((user, host)) => !user.is_empty() && !host.is_empty() && !host.contains('@'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn check(path: &str, text: &str, cases: &[(&str, &str)]) {
        let (owners, notices) = Owners::parse(text, path);
        assert_eq!(notices, []);
        for (file, expected) in cases {
            assert_eq!(owners.of(file).join(" "), *expected, "{file}");
        }
    }

    #[test]
    fn in_github_the_last_match_wins() {
        check(
            ".github/CODEOWNERS",
            "# all\n*       @global me@example.com # not @this\n*.js\t@js\n/docs/ @docs @docs\napps/ @apps\n\
             /apps/github\nmy\\ file @space\n/src/[x].rs @brackets\n",
            &[
                ("README", "@global me@example.com"),
                ("./a/b.js", "@js"),
                ("docs/x/b.js", "@docs"),
                ("x/apps/y", "@apps"),
                ("apps/github/z", ""),
                ("my file", "@space"),
                ("src/[x].rs", "@brackets"),
                ("src/../docs/a", "@docs"),
                ("../outside", ""),
                ("/abs", ""),
            ],
        );
    }

    #[test]
    fn in_gitlab_sections_join_and_exclusions_hold() {
        check(
            "CODEOWNERS",
            "* @all\n\\#x @hash\n[Docs][2] @docs @@maintainer\n*.md\n/internal/*.md @int # and @more\n!/vendor/\n\
             ^[Ruby]\n*.rb no-owner @ruby\n[DOCS] @late\nnotes/\n",
            &[
                ("main.c", "@all"),
                ("#x", "@hash"),
                ("a/b.md", "@all @docs @@maintainer"),
                ("internal/b.md", "@all @int @more"),
                ("vendor/b.md", "@all"),
                ("x.rb", "@all @ruby"),
                ("notes/a.rb", "@all @late @ruby"),
                ("internal/x/b.md", "@all @docs @@maintainer"),
            ],
        );
    }

    #[test]
    fn the_folder_or_the_text_decides_the_dialect() {
        for (path, text, expected) in [
            ("CODEOWNERS", "* @a\n", Dialect::GitHub),
            ("CODEOWNERS", "* @a\n^[X]\n", Dialect::GitLab),
            ("CODEOWNERS", "* @a\n!b\n", Dialect::GitLab),
            ("x/.github/CODEOWNERS", "[X]\n", Dialect::GitHub),
            (".gitlab/CODEOWNERS", "* @a\n", Dialect::GitLab),
        ] {
            assert_eq!(Dialect::of(path, text), expected, "{path} {text:?}");
        }
    }

    #[test]
    fn lines_that_cannot_be_read_are_told_and_the_rest_counts() {
        for (path, line, message) in [
            (".github/CODEOWNERS", "a.rs someone", "`someone` is no owner"),
            (".github/CODEOWNERS", "!a.rs @x", "exclusions"),
            (".github/CODEOWNERS", "/ @x", "names no file"),
            (".gitlab/CODEOWNERS", "[Open @x", "not closed"),
            (".gitlab/CODEOWNERS", "[] @x", "no name"),
            (".gitlab/CODEOWNERS", "[A][x] @x", "no number"),
            (".gitlab/CODEOWNERS", "a[b @x", "not closed"),
        ] {
            let (owners, notices) = Owners::parse(&format!("* @all\n{line}\n"), path);
            assert_eq!(notices.len(), 1, "{line}");
            assert!(notices[0].message.contains(message), "{line}: {}", notices[0].message);
            assert_eq!((notices[0].location.line(), notices[0].level), (2, NoticeLevel::Info));
            assert_eq!(owners.of("a.rs"), ["@all"]);
        }
    }

    #[test]
    fn paths_may_count_from_elsewhere() {
        let (owners, _) = Owners::parse("/api/ @api\n", "CODEOWNERS");
        for (base, path, expected) in [
            (PathBase::Root, "api/a", true),
            (PathBase::Inside("api".to_owned()), "a", true),
            (PathBase::Inside("api/".to_owned()), "../b", false),
            (PathBase::Inside("web".to_owned()), "../api/b", true),
            (PathBase::Outside("../repo".to_owned()), "../repo/api/a", true),
            (PathBase::Outside("../repo".to_owned()), "../repository/api/a", false),
            (PathBase::Outside("/srv/repo/".to_owned()), "/srv/repo/api/a", true),
        ] {
            assert_eq!(!owners.clone().with_base(base.clone()).of(path).is_empty(), expected, "{base:?} {path}");
        }
    }

    #[test]
    fn random_text_is_read_without_panic() {
        let pieces = ["[", "]", "^", "!", "*", "**", "/", "a", " ", "\n", "@x", "#", "\\", "?", "-", "ü", "\t"];
        let mut random = Random::new(3);
        for round in 0..5_000 {
            let text = random.text(&pieces, 24);
            let path = [".github/CODEOWNERS", ".gitlab/CODEOWNERS"][round % 2];
            let (owners, notices) = Owners::parse(&text, path);
            assert!(notices.len() <= text.lines().count());
            assert!(owners.of("a/a").iter().all(|owner| owner.contains('@')), "{text:?}");
        }
    }

    #[test]
    fn files_are_found_in_order() {
        let root = std::env::temp_dir().join(format!("testudo-owners-{}", std::process::id()));
        assert_eq!(Owners::discover(&root), None);
        for place in PLACES.iter().rev() {
            let path = root.join(place);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "* @x\n").unwrap();
            assert_eq!(Owners::discover(&root), Some(path));
        }
        let path = Owners::discover(&root).unwrap();
        assert_eq!(Owners::load(&path, "CODEOWNERS").unwrap().unwrap().0.of("a"), ["@x"]);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
