//! `--log-opts`: the options of `git log` that decide which changes are shown.
//!
//! gitleaks cuts the text at every space and gives the pieces to git; quotes are not read, so a value cannot hold a
//! space. Options that would make git print something else are refused: nothing here is left out unsaid.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use testudo_secrets::engine::Pattern;
use testudo_source::git::{
    CommitObject, Oid, Repository, Signature,
    log::{Follow, Limits, Merges, Simplify},
    pathspec::{self, Pathspec},
    revision,
};

use super::git_date;

/// What options mean for a repository.
#[derive(Default)]
pub(super) struct LogOptions {
    /// Where the walk begins.
    pub(super) tips: Vec<Oid>,
    /// What is left out, with everything before it.
    pub(super) excluded: Vec<Oid>,
    /// Only these paths.
    pub(super) paths: Option<Pathspec>,
    /// Whether a renamed file is shown as a change of what it was.
    pub(super) renames: Renames,
    since: Option<i64>,
    until: Option<i64>,
    pub(super) follow: Follow,
    merges: Merges,
    simplify: Simplify,
    skip: usize,
    max_count: Option<usize>,
    people: Vec<(Person, Pattern)>,
    messages: Vec<Pattern>,
}

/// Whether git looks for renamed files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Renames {
    /// As it does by default.
    #[default]
    Found,
    /// `--no-renames`.
    NotLookedFor,
}

/// Whose name a pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    Author,
    Committer,
}

impl LogOptions {
    /// What limits the commits; `wanted` and `paths` borrow from closures of the caller.
    pub(super) fn limits(&self) -> Limits<'static> {
        Limits {
            since: self.since,
            until: self.until,
            follow: self.follow,
            merges: self.merges,
            simplify: self.simplify,
            skip: self.skip,
            max_count: self.max_count,
            ..Limits::default()
        }
    }

    /// Whether not all commits that the tips reach are listed.
    pub(super) fn is_limited(&self) -> bool {
        self.since.is_some()
            || self.until.is_some()
            || self.skip > 0
            || self.max_count.is_some()
            || self.paths.is_some()
            || self.follow != Follow::default()
            || self.merges != Merges::default()
            || !self.people.is_empty()
            || !self.messages.is_empty()
    }

    /// Whether author and message are those that were asked for.
    pub(super) fn wants(&self, commit: &CommitObject, object: &[u8]) -> bool {
        let name = |who: &Signature| format!("{} <{}>", who.name, who.email);
        let person = |(person, pattern): &(Person, Pattern)| {
            let who = if *person == Person::Author { &commit.author } else { &commit.committer };
            pattern.is_match(name(who).as_bytes())
        };
        let message = object.get(commit.message_at..).unwrap_or_default();
        let mut lines = message.split(|b| *b == b'\n');
        (self.people.is_empty() || self.people.iter().any(person))
            && (self.messages.is_empty() || lines.any(|line| self.messages.iter().any(|p| p.is_match(line))))
    }
}

/// Where options are read for.
pub(super) struct Place<'a> {
    pub(super) repository: &'a Repository,
    /// The directory that gitleaks would start git in.
    pub(super) directory: &'a Path,
    /// Path from the top of the work tree to the directory, with a slash at its end; empty for the top.
    pub(super) below: String,
    /// Seconds of 1970 UTC.
    pub(super) now: i64,
}

/// Reads options.
///
/// # Errors
/// A revision is unknown, or an option is not supported.
pub(super) fn read(text: &str, place: &Place<'_>) -> Result<LogOptions> {
    let words: Vec<&str> = text.split(' ').collect();
    let mut reader = Reader {
        place,
        words: words.iter(),
        separated: words.contains(&"--"),
        read: LogOptions::default(),
        negated: false,
        sorted: false,
        named: false,
        syntax: Syntax::default(),
        people: Vec::new(),
        messages: Vec::new(),
    };
    while let Some(word) = reader.words.next() {
        if *word == "--" {
            let paths: Vec<&str> = reader.words.by_ref().copied().collect();
            reader.paths(&paths)?;
        } else if word.starts_with('-') && word.len() > 1 {
            reader.option(word).with_context(|| format!("--log-opts {word}"))?;
        } else {
            reader.revision_or_paths(word)?;
        }
    }
    reader.finish()
}

/// How patterns of `--author` and `--grep` are written.
#[derive(Default)]
struct Syntax {
    extended: bool,
    literal: bool,
    ignore_case: bool,
}

struct Reader<'a> {
    place: &'a Place<'a>,
    words: std::slice::Iter<'a, &'a str>,
    /// Whether `--` tells revisions from paths.
    separated: bool,
    read: LogOptions,
    /// Behind `--not`.
    negated: bool,
    /// Behind an option that changes the order of commits.
    sorted: bool,
    /// Whether a revision was named.
    named: bool,
    syntax: Syntax,
    people: Vec<(Person, &'a str)>,
    messages: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn option(&mut self, word: &'a str) -> Result<()> {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        match name {
            "--all" | "--branches" | "--tags" | "--remotes" | "--not" | "--first-parent" | "--merges"
            | "--no-merges" | "--full-history" | "--no-renames" => self.switch(name, value),
            "-p" | "-u" | "--patch" | "-U0" | "--no-color" | "--no-ext-diff" | "--no-decorate" | "--full-index"
            | "--no-notes"
                if value.is_none() =>
            {
                Ok(())
            }
            "--reverse" | "--topo-order" | "--date-order" | "--author-date-order" if value.is_none() => {
                self.sorted |= name != "--reverse";
                Ok(())
            }
            "-E" | "--extended-regexp" => {
                self.syntax.extended = true;
                Ok(())
            }
            "-F" | "--fixed-strings" => {
                self.syntax.literal = true;
                Ok(())
            }
            "-i" | "--regexp-ignore-case" => {
                self.syntax.ignore_case = true;
                Ok(())
            }
            "-n" | "--max-count" | "--skip" | "--since" | "--after" | "--until" | "--before" | "--max-age"
            | "--min-age" | "--author" | "--committer" | "--grep" => {
                let value = match value {
                    Some(value) => value,
                    None => self.words.next().context("a value is needed behind it")?,
                };
                self.valued(name, value)
            }
            _ => match word.strip_prefix("-n").or(word.strip_prefix('-')) {
                Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                    self.valued("-n", digits)
                }
                _ => bail!(
                    "is not supported. Supported are revisions and ranges, --all, --branches, --tags, --remotes, --not, --since, \
                     --until, -n, --skip, --author, --committer, --grep, -E, -F, -i, --first-parent, --merges, --no-merges, \
                     --full-history, --no-renames, options of order, and `-- path...`"
                ),
            },
        }
    }

    fn switch(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        match (name, value) {
            ("--all", None) => self.references("refs/", Some("HEAD"), None),
            ("--branches", pattern) => self.references("refs/heads/", None, pattern),
            ("--tags", pattern) => self.references("refs/tags/", None, pattern),
            ("--remotes", pattern) => self.references("refs/remotes/", None, pattern),
            ("--not", None) => self.negated = !self.negated,
            ("--first-parent", None) => self.read.follow = Follow::FirstParent,
            ("--merges", None) => self.read.merges = Merges::Only,
            ("--no-merges", None) => self.read.merges = Merges::LeftOut,
            ("--full-history", None) => self.read.simplify = Simplify::FullHistory,
            ("--no-renames", None) => self.read.renames = Renames::NotLookedFor,
            _ => bail!("takes no value"),
        }
        Ok(())
    }

    fn valued(&mut self, name: &str, value: &'a str) -> Result<()> {
        let count = || value.parse::<i64>().with_context(|| format!("`{value}` is not a number of commits"));
        let date = || git_date::read(value, self.place.now);
        let seconds = || value.parse::<i64>().with_context(|| format!("`{value}` is not a number of seconds"));
        match name {
            // A negative count is no limit.
            "-n" | "--max-count" => self.read.max_count = usize::try_from(count()?).ok(),
            "--skip" => self.read.skip = usize::try_from(count()?).unwrap_or(0),
            "--since" | "--after" => self.read.since = Some(date()?),
            "--until" | "--before" => self.read.until = Some(date()?),
            "--max-age" => self.read.since = Some(seconds()?),
            "--min-age" => self.read.until = Some(seconds()?),
            "--author" => self.people.push((Person::Author, value)),
            "--committer" => self.people.push((Person::Committer, value)),
            _ => self.messages.push(value),
        }
        Ok(())
    }

    /// Takes references by the start of their names, and by a pattern for the rest of it.
    fn references(&mut self, start: &str, other: Option<&str>, pattern: Option<&str>) {
        self.named = true;
        let pattern = pattern.map(|text| {
            let text = text.trim_end_matches('/');
            if pathspec::is_glob(text.as_bytes()) { text.to_owned() } else { format!("{text}/*") }
        });
        let wanted = |name: &str| {
            let rest = name.strip_prefix(start);
            Some(name) == other
                || rest
                    .is_some_and(|rest| pattern.as_ref().is_none_or(|p| pathspec::glob(p.as_bytes(), rest.as_bytes())))
        };
        let found = self.place.repository.references().into_iter().filter(|r| wanted(&r.name)).map(|r| r.target);
        if self.negated { &mut self.read.excluded } else { &mut self.read.tips }.extend(found);
    }

    fn revision_or_paths(&mut self, word: &'a str) -> Result<()> {
        let range = revision::range(self.place.repository, word);
        // A word that leaves out alone has no tip, which a range by itself has to have.
        let range = match (range, word.strip_prefix('^')) {
            (Err(_), Some(name)) => revision::commit(self.place.repository, name)
                .map(|oid| revision::Range { from: vec![oid], to: Vec::new() }),
            (range, _) => range,
        };
        // Without a work tree there are no files that a word could name, also where `HEAD` lies beside the objects.
        let has_files = self.place.repository.work_tree().is_some();
        let is_path = has_files && !self.separated && !word.is_empty() && self.place.directory.join(word).exists();
        match range {
            Ok(_) if is_path => bail!("--log-opts {word}: is a revision and a file; put `--` before paths"),
            Ok(revision::Range { from, to }) => {
                self.named = true;
                let (from, to) = if self.negated { (to, from) } else { (from, to) };
                self.read.excluded.extend(from);
                self.read.tips.extend(to);
                Ok(())
            }
            Err(_) if is_path => {
                let rest = self.words.by_ref().copied();
                let paths: Vec<&str> = std::iter::once(word).chain(rest).collect();
                match paths.iter().find(|path| !self.place.directory.join(path).exists()) {
                    Some(path) => bail!("--log-opts {path}: is no file of the work tree; put `--` before paths"),
                    None => self.paths(&paths),
                }
            }
            Err(error) => Err(error).with_context(|| {
                format!(
                    "--log-opts `{word}` (the text is cut at every space, quotes are not read; put `--` before paths)"
                )
            }),
        }
    }

    fn paths(&mut self, paths: &[&str]) -> Result<()> {
        let read = Pathspec::new(paths.iter().copied(), &self.place.below).context("--log-opts")?;
        self.read.paths = (!paths.is_empty()).then_some(read);
        Ok(())
    }

    fn finish(mut self) -> Result<LogOptions> {
        if self.sorted && (self.read.skip > 0 || self.read.max_count.is_some()) {
            bail!("--log-opts: an option of order together with -n or --skip is not supported");
        }
        let both = |who| self.people.iter().any(|(person, _)| *person == who);
        if both(Person::Author) && both(Person::Committer) {
            bail!("--log-opts: --author together with --committer is not supported");
        }
        if !self.named {
            self.read.tips.extend(self.place.repository.head());
        }
        for (person, text) in std::mem::take(&mut self.people) {
            let pattern = self.pattern(text)?;
            self.read.people.push((person, pattern));
        }
        for text in std::mem::take(&mut self.messages) {
            let pattern = self.pattern(text)?;
            self.read.messages.push(pattern);
        }
        Ok(self.read)
    }

    fn pattern(&self, text: &str) -> Result<Pattern> {
        let source = if self.syntax.literal {
            text.chars()
                .map(|c| if c.is_alphanumeric() { c.to_string() } else { format!("\\x{{{:x}}}", c as u32) })
                .collect()
        } else if self.syntax.extended {
            text.to_owned()
        } else {
            from_basic(text)
        };
        let source = if self.syntax.ignore_case { format!("(?i:{source})") } else { source };
        Pattern::new(&source).with_context(|| format!("--log-opts: the pattern `{text}`"))
    }
}

/// A basic regular expression (POSIX.1-2017, 9.3, with GNU's `\+`, `\?` and `\|`) as an extended one: signs that are
/// special with a backslash there are special without it here.
fn from_basic(text: &str) -> String {
    const SWAPPED: &str = "(){}+?|";
    let (mut out, mut chars, mut in_class) = (String::new(), text.chars().peekable(), false);
    while let Some(c) = chars.next() {
        match c {
            '[' if !in_class => in_class = true,
            ']' => in_class = false,
            '\\' if !in_class && chars.peek().is_some_and(|next| SWAPPED.contains(*next)) => {
                out.extend(chars.next());
                continue;
            }
            '*' if out.is_empty() => out.push('\\'),
            c if !in_class && SWAPPED.contains(c) => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_expressions_become_extended_ones() {
        for (basic, extended) in [
            ("Ada", "Ada"),
            ("a(b)+", "a\\(b\\)\\+"),
            ("\\(a\\|b\\)\\{2\\}", "(a|b){2}"),
            ("*a*", "\\*a*"),
            ("[(+]x", "[(+]x"),
            ("\\.\\+", "\\.+"),
        ] {
            assert_eq!(from_basic(basic), extended, "{basic}");
        }
    }
}
