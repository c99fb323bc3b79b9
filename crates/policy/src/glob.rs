//! Path patterns of CODEOWNERS, matched in time proportional to path times pattern.
//!
//! A pattern becomes a row of tokens. Matching walks the path once and keeps the set of tokens that could come next
//! (Thompson's construction), so no pattern makes it go back.

/// Longest pattern, in characters.
const MAX_PATTERN: usize = 1024;

/// How a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// As in `.gitignore`, without character sets: a slash inside or in front anchors the pattern, a match takes in
    /// everything below a folder, and a last segment `*` means the files of one folder only.
    Gitignore,
    /// As GitLab reads it: a slash in front anchors, a slash behind takes in everything below, and nothing else does.
    /// Sets such as `[a-z]` and `[!0-9]` are known.
    Fnmatch,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// This character.
    Literal(char),
    /// One character that is no slash.
    One,
    /// Any number of characters that are no slash.
    Many,
    /// One character of a set (or, negated, outside of it) that is no slash.
    Set { negated: bool, ranges: Vec<(char, char)> },
    /// Nothing, or whole folders up to and with a slash. Always followed by `InFolders`.
    Folders,
    /// Inside of such folders.
    InFolders,
    /// Nothing, or a slash and anything. Always followed by `Rest`.
    Children,
    /// One character of any kind. Always followed by `Rest`.
    Any,
    /// Any number of characters of any kind.
    Rest,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob(Vec<Token>);

impl Glob {
    /// Compiles a pattern; the error is one sentence.
    pub(crate) fn new(pattern: &str, flavour: Flavour) -> Result<Self, String> {
        if pattern.chars().count() > MAX_PATTERN {
            return Err(format!("the pattern is longer than {MAX_PATTERN} characters"));
        }
        let (anchored, body, folder) = match flavour {
            Flavour::Gitignore => gitignore_parts(pattern),
            Flavour::Fnmatch => fnmatch_parts(pattern),
        };
        let segments: Vec<&str> = body.split('/').filter(|s| !s.is_empty()).collect();
        let Some((last, parents)) = segments.split_last() else {
            return Err("the pattern names no file".to_owned());
        };
        let mut tokens = Vec::new();
        if !anchored {
            tokens.extend([Token::Folders, Token::InFolders]);
        }
        for segment in parents {
            if *segment == "**" {
                tokens.extend([Token::Folders, Token::InFolders]);
            } else {
                push_segment(&mut tokens, segment, flavour)?;
                tokens.push(Token::Literal('/'));
            }
        }
        push_last(&mut tokens, last, flavour)?;
        match (flavour, folder, *last) {
            (_, true, _) => tokens.extend([Token::Literal('/'), Token::Any, Token::Rest]),
            (Flavour::Fnmatch, ..) | (Flavour::Gitignore, false, "*" | "**") => {}
            (Flavour::Gitignore, false, _) => tokens.extend([Token::Children, Token::Rest]),
        }
        Ok(Self(tokens))
    }

    /// Whether a path matches. The path is `/`-separated, without a slash in front or behind.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut now = Active::new(self.0.len());
        let mut next = Active::new(self.0.len());
        self.enter(&mut now, 0);
        for c in path.chars() {
            for &state in &now.states {
                self.step(&mut next, state, c);
            }
            std::mem::swap(&mut now, &mut next);
            next.clear();
            if now.states.is_empty() {
                return false;
            }
        }
        now.present[self.0.len()]
    }

    /// Adds a state and those that it reaches without a character.
    fn enter(&self, active: &mut Active, mut state: usize) {
        while active.add(state) {
            state += match self.0.get(state) {
                Some(Token::Many | Token::Rest) => 1,
                // Their second half is entered by a character only.
                Some(Token::Folders | Token::Children) => 2,
                _ => return,
            };
        }
    }

    /// Where a character leads from a state.
    fn step(&self, next: &mut Active, state: usize, c: char) {
        let target = match self.0.get(state) {
            None => None,
            Some(Token::Literal(own)) => (*own == c).then_some(state + 1),
            Some(Token::One) => (c != '/').then_some(state + 1),
            Some(Token::Many) => (c != '/').then_some(state),
            Some(Token::Set { negated, ranges }) => {
                let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                (c != '/' && inside != *negated).then_some(state + 1)
            }
            Some(Token::Folders) => Some(state + 1),
            Some(Token::InFolders) => {
                if c == '/' {
                    self.enter(next, state + 1);
                }
                Some(state)
            }
            Some(Token::Children) => (c == '/').then_some(state + 1),
            Some(Token::Any) => Some(state + 1),
            Some(Token::Rest) => Some(state),
        };
        if let Some(target) = target {
            self.enter(next, target);
        }
    }
}

/// The states that are possible at one place of the path, each once.
struct Active {
    states: Vec<usize>,
    present: Vec<bool>,
}

impl Active {
    /// For a pattern of so many tokens; one state more is the end.
    fn new(tokens: usize) -> Self {
        Self { states: Vec::new(), present: vec![false; tokens + 1] }
    }

    /// Whether the state is new.
    fn add(&mut self, state: usize) -> bool {
        let new = !std::mem::replace(&mut self.present[state], true);
        if new {
            self.states.push(state);
        }
        new
    }

    fn clear(&mut self) {
        for state in self.states.drain(..) {
            self.present[state] = false;
        }
    }
}

/// Anchored or not, the segments, and whether only what is below a folder matches.
fn gitignore_parts(pattern: &str) -> (bool, &str, bool) {
    let folder = pattern.ends_with('/');
    let body = pattern.strip_suffix('/').unwrap_or(pattern);
    (body.contains('/'), body, folder)
}

/// The same for GitLab, where a slash inside does not anchor, and `*` alone means every file.
fn fnmatch_parts(pattern: &str) -> (bool, &str, bool) {
    let anchored = pattern.starts_with('/');
    (anchored, pattern.strip_suffix('/').unwrap_or(pattern), pattern.ends_with('/'))
}

/// The last segment, where `**` has no slash behind it.
fn push_last(tokens: &mut Vec<Token>, segment: &str, flavour: Flavour) -> Result<(), String> {
    if segment == "**" && flavour == Flavour::Gitignore {
        tokens.extend([Token::Any, Token::Rest]);
        return Ok(());
    }
    push_segment(tokens, segment, flavour)
}

fn push_segment(tokens: &mut Vec<Token>, segment: &str, flavour: Flavour) -> Result<(), String> {
    let mut chars = segment.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' if tokens.last() == Some(&Token::Many) => {}
            '*' => tokens.push(Token::Many),
            '?' => tokens.push(Token::One),
            '\\' => {
                tokens.push(Token::Literal(chars.next().ok_or("a backslash at the end of a part escapes nothing")?))
            }
            '[' if flavour == Flavour::Fnmatch => tokens.push(set(&mut chars)?),
            c => tokens.push(Token::Literal(c)),
        }
    }
    Ok(())
}

/// A set, after its opening bracket. A bracket in first place belongs to the set.
fn set(chars: &mut std::str::Chars<'_>) -> Result<Token, String> {
    let open = || "the bracket `[` is not closed".to_owned();
    let negated = chars.as_str().starts_with(['!', '^']);
    if negated {
        chars.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = match chars.next().ok_or_else(open)? {
            ']' if !ranges.is_empty() => return Ok(Token::Set { negated, ranges }),
            '\\' => chars.next().ok_or_else(open)?,
            c => c,
        };
        let rest = chars.as_str();
        let high = if rest.starts_with('-') && !rest.starts_with("-]") {
            chars.next();
            match chars.next().ok_or_else(open)? {
                '\\' => chars.next().ok_or_else(open)?,
                c => c,
            }
        } else {
            low
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn check(flavour: Flavour, cases: &[(&str, &[&str], &[&str])]) {
        for (pattern, yes, no) in cases {
            let glob = Glob::new(pattern, flavour).unwrap();
            for path in *yes {
                assert!(glob.matches(path), "{pattern} has to match {path}");
            }
            for path in *no {
                assert!(!glob.matches(path), "{pattern} must not match {path}");
            }
        }
    }

    #[test]
    fn gitignore_patterns() {
        check(
            Flavour::Gitignore,
            &[
                ("*", &["a", "a/b.rs", ".x"], &[]),
                ("*.js", &["a.js", "x/y/a.js", "dir.js/a"], &["a.jsx", "js"]),
                ("/build/logs/", &["build/logs/a", "build/logs/a/b"], &["build/logs", "x/build/logs/a"]),
                ("docs/*", &["docs/a.md"], &["docs/x/a.md", "x/docs/a.md"]),
                ("apps/", &["apps/a", "x/apps/a/b"], &["apps", "myapps/a"]),
                ("/apps/github", &["apps/github", "apps/github/a"], &["apps/github2", "x/apps/github"]),
                ("**/logs", &["logs", "a/logs", "a/b/logs/x"], &["alogs"]),
                ("a/**/b", &["a/b", "a/x/b", "a/x/y/b/c"], &["a/xb", "ab"]),
                ("a/**", &["a/b", "a/b/c"], &["a", "b/a/c"]),
                ("**", &["a", "a/b"], &[]),
                ("a?c", &["abc", "x/aüc"], &["a/c", "ac"]),
                ("a\\*b", &["a*b"], &["axb"]),
                ("with\\ space", &["with space"], &["with"]),
                ("[ab]", &["[ab]"], &["a"]),
                ("/*.md", &["a.md"], &["x/a.md"]),
            ],
        );
    }

    #[test]
    fn gitlab_patterns() {
        check(
            Flavour::Fnmatch,
            &[
                ("*", &["a", "a/b.rs", ".x/y"], &[]),
                ("/docs/", &["docs/a", "docs/a/b"], &["docs", "x/docs/a"]),
                ("/docs/*", &["docs/a"], &["docs/a/b"]),
                ("/docs/**/*.md", &["docs/a.md", "docs/x/y/a.md"], &["docs/a.rb", "x/docs/a.md"]),
                ("lib/", &["lib/a", "x/lib/y/a"], &["lib"]),
                ("internal/README.md", &["internal/README.md", "x/internal/README.md"], &["README.md"]),
                ("/docs", &["docs"], &["docs/a"]),
                ("/a/**", &["a/b"], &["a/b/c"]),
                ("[a-c]x[!0-9]", &["axb", "d/cx-"], &["dxb", "ax1", "ax/"]),
                ("[]a]", &["]", "a"], &["b"]),
                ("\\#x", &["#x"], &["x"]),
            ],
        );
    }

    #[test]
    fn patterns_that_mean_nothing_are_errors() {
        for pattern in ["", "/", "//", "a\\", "a\\/b"] {
            assert!(Glob::new(pattern, Flavour::Gitignore).is_err(), "{pattern}");
        }
        for pattern in ["[a", "[", "[a-", "[!", "[\\"] {
            assert!(Glob::new(pattern, Flavour::Fnmatch).is_err(), "{pattern}");
        }
        assert!(Glob::new(&"a".repeat(MAX_PATTERN + 1), Flavour::Fnmatch).is_err());
    }

    /// Matches segment by segment and tries every way: slow, and plainly what the documentation says.
    fn naive(flavour: Flavour, pattern: &str, path: &str) -> bool {
        let folder = pattern.ends_with('/');
        let body = pattern.strip_suffix('/').unwrap_or(pattern);
        let anchored = match flavour {
            Flavour::Gitignore => body.contains('/'),
            Flavour::Fnmatch => body.starts_with('/') || (body.is_empty() && folder),
        };
        let mut segments: Vec<&str> = body.split('/').filter(|s| !s.is_empty()).collect();
        if !anchored {
            segments.insert(0, "**");
        }
        let path: Vec<&str> = path.split('/').collect();
        naive_segments(flavour, folder, &segments, &path)
    }

    fn naive_segments(flavour: Flavour, folder: bool, pattern: &[&str], path: &[&str]) -> bool {
        let (Some((first, rest)), Some((name, below))) = (pattern.split_first(), path.split_first()) else {
            return false;
        };
        if *first == "**" && !rest.is_empty() {
            return (0..path.len()).any(|n| naive_segments(flavour, folder, rest, &path[n..]));
        }
        if !rest.is_empty() {
            return naive_name(first, name) && naive_segments(flavour, folder, rest, below);
        }
        let deep = *first == "**" && flavour == Flavour::Gitignore;
        let names_match = naive_name(first, name);
        match (folder, deep, flavour) {
            (true, true, _) => path.len() >= 2,
            (true, false, _) => names_match && !below.is_empty(),
            (false, true, _) => true,
            (false, false, Flavour::Fnmatch) => names_match && below.is_empty(),
            (false, false, Flavour::Gitignore) => names_match && (below.is_empty() || *first != "*"),
        }
    }

    fn naive_name(pattern: &str, name: &str) -> bool {
        let mut rest = name.chars();
        match pattern.chars().next() {
            None => name.is_empty(),
            Some('*') => {
                naive_name(&pattern[1..], name) || (rest.next().is_some() && naive_name(pattern, rest.as_str()))
            }
            Some(c) => {
                rest.next().is_some_and(|n| c == '?' || c == n) && naive_name(&pattern[c.len_utf8()..], rest.as_str())
            }
        }
    }

    #[test]
    fn the_matcher_agrees_with_a_naive_one() {
        let mut random = Random::new(5);
        let mut pick = |n| random.below(n);
        let mut matched = 0;
        for _ in 0..40_000 {
            let pattern: String = (0..1 + pick(7)).map(|_| ["a", "b", "*", "**", "?", "/", "/**/"][pick(7)]).collect();
            let names: Vec<String> =
                (0..1 + pick(4)).map(|_| (0..1 + pick(3)).map(|_| ["a", "b", "ü"][pick(3)]).collect()).collect();
            let path = names.join("/");
            for flavour in [Flavour::Gitignore, Flavour::Fnmatch] {
                let Ok(glob) = Glob::new(&pattern, flavour) else { continue };
                let expected = naive(flavour, &pattern, &path);
                matched += usize::from(expected);
                assert_eq!(glob.matches(&path), expected, "{flavour:?} {pattern} {path}");
            }
        }
        assert!(matched > 5_000, "only {matched} cases match");
    }

    #[test]
    fn many_stars_stay_cheap() {
        // A matcher that goes back needs longer than the age of the universe for this.
        let glob = Glob::new(&"*a".repeat(300), Flavour::Gitignore).unwrap();
        assert!(!glob.matches(&"a".repeat(299)));
        assert!(!glob.matches(&format!("{}b", "a".repeat(2_000))));
        let deep = Glob::new(&"**/a/".repeat(100), Flavour::Gitignore).unwrap();
        assert!(!deep.matches(&"a/".repeat(99)));
    }
}
