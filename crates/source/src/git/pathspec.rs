//! Paths and patterns of paths as `git log -- path...` takes them (gitglossary(7), "pathspec").
//!
//! A pattern matches a file, everything below a directory, or by `*`, `?` and `[...]`, which also match `/`. The magic
//! `:(exclude)`, `:!` and `:^` takes paths away, `:/` and `:(top)` count from the top of the work tree.

/// A list of patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pathspec {
    wanted: Vec<Vec<u8>>,
    left_out: Vec<Vec<u8>>,
}

/// Magic that is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path `{0}` uses magic that is not supported; `:(exclude)`, `:!`, `:^`, `:(top)` and `:/` are")]
pub struct UnknownMagic(String);

impl Pathspec {
    /// Reads patterns. They count from `below`, the path from the top of the work tree to the directory where git would
    /// run: empty, or with a slash at its end.
    ///
    /// # Errors
    /// A pattern has magic that is not supported.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>, below: &str) -> Result<Self, UnknownMagic> {
        let mut read = Self::default();
        for text in patterns {
            let (pattern, magic) = split_magic(text)?;
            let path = clean(if magic.top { "" } else { below }, pattern);
            if magic.exclude { &mut read.left_out } else { &mut read.wanted }.push(path);
        }
        if read.wanted.is_empty() {
            read.wanted.push(Vec::new());
        }
        Ok(read)
    }

    /// Whether a path, from the top of the work tree, is matched.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        let any = |patterns: &[Vec<u8>]| patterns.iter().any(|pattern| one(pattern, path));
        any(&self.wanted) && !any(&self.left_out)
    }
}

#[derive(Default)]
struct Magic {
    top: bool,
    exclude: bool,
}

fn split_magic(text: &str) -> Result<(&str, Magic), UnknownMagic> {
    let mut magic = Magic::default();
    let unknown = || UnknownMagic(text.to_owned());
    let Some(rest) = text.strip_prefix(':') else { return Ok((text, magic)) };
    if let Some((words, pattern)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        for word in words.split(',') {
            match word {
                "top" => magic.top = true,
                "exclude" => magic.exclude = true,
                _ => return Err(unknown()),
            }
        }
        return Ok((pattern, magic));
    }
    let marks = rest.find(|c| !matches!(c, '/' | '!' | '^')).unwrap_or(rest.len());
    let (marks, pattern) = rest.split_at(marks);
    magic.top = marks.contains('/');
    magic.exclude = marks.contains(['!', '^']);
    let pattern = pattern.strip_prefix(':').unwrap_or(pattern);
    if marks.is_empty() { Err(unknown()) } else { Ok((pattern, magic)) }
}

/// Joins and takes out `.`, `..` and double slashes. A slash at the end stays: it means a directory.
fn clean(below: &str, pattern: &str) -> Vec<u8> {
    let mut parts: Vec<&str> = Vec::new();
    for part in below.split('/').chain(pattern.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let slash = if pattern.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    (parts.join("/") + slash).into_bytes()
}

fn one(pattern: &[u8], path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(pattern) else { return is_glob(pattern) && glob(pattern, path) };
    pattern.is_empty() || rest.is_empty() || pattern.ends_with(b"/") || rest.starts_with(b"/") || {
        is_glob(pattern) && glob(pattern, path)
    }
}

/// Whether a text has a sign that [`glob`] does not take for itself.
#[must_use]
pub fn is_glob(pattern: &[u8]) -> bool {
    pattern.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'\\'))
}

/// Whether a pattern of `*`, `?`, `[...]` and `\` matches the whole text; `/` is a character like others.
#[must_use]
pub fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // The last star, and how far it has reached: only the last one ever has to be taken back.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match step(&pattern[at..], text[from]) {
            Step::Star => {
                at += 1;
                star = Some((at, from));
            }
            Step::Taken(length) => (at, from) = (at + length, from + 1),
            Step::No => match &mut star {
                Some((behind, reached)) => {
                    *reached += 1;
                    (at, from) = (*behind, *reached);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|b| *b == b'*')
}

enum Step {
    Star,
    /// The character matches; so many bytes of the pattern are done.
    Taken(usize),
    No,
}

fn step(pattern: &[u8], byte: u8) -> Step {
    let taken = |yes: bool, length: usize| if yes { Step::Taken(length) } else { Step::No };
    match pattern {
        [] => Step::No,
        [b'*', ..] => Step::Star,
        [b'?', ..] => Step::Taken(1),
        [b'\\', literal, ..] => taken(*literal == byte, 2),
        [b'[', rest @ ..] => match class(rest, byte) {
            Some((holds, length)) => taken(holds, length + 1),
            None => taken(byte == b'[', 1),
        },
        [literal, ..] => taken(*literal == byte, 1),
    }
}

/// Whether a byte is of a class, and the length of the class up to its closing bracket; none where it is not closed.
fn class(rest: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(rest.first(), Some(b'!' | b'^'));
    let (mut at, mut holds, first) = (usize::from(negated), false, usize::from(negated));
    loop {
        let low = *rest.get(at)?;
        if low == b']' && at > first {
            return Some((holds != negated, at + 1));
        }
        match (rest.get(at + 1), rest.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                holds |= (low..=*high).contains(&byte);
                at += 3;
            }
            _ => {
                holds |= low == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns, the directory they count from, paths that they match, and paths that they do not.
    type Case = (&'static [&'static str], &'static str, &'static [&'static str], &'static [&'static str]);

    #[test]
    fn paths_are_matched_as_git_matches_them() {
        let cases: &[Case] = &[
            (&["src"], "", &["src", "src/a", "src/b/c"], &["srcs/a", "a/src"]),
            (&["src/"], "", &["src/a"], &["src"]),
            (&["./src//b/"], "", &["src/b/c"], &["src/a"]),
            (&["*.py"], "", &["a.py", "b/c.py"], &["a.pyc"]),
            (&["b?[c-e].x"], "", &["b1d.x"], &["b1f.x", "bd.x"]),
            (&["[!a]"], "", &["b"], &["a", "bc"]),
            (&["[a"], "", &["[a"], &["a"]),
            (&[":!vendor", ":(exclude)*.lock"], "", &["a"], &["vendor/a", "x/y.lock"]),
            (&["."], "sub/", &["sub/a"], &["a"]),
            (&["../a"], "sub/", &["a"], &["sub/a"]),
            (&[":/a", "b"], "sub/", &["a", "sub/b"], &["b"]),
            (&[":(top,exclude)a"], "sub/", &["sub/a"], &["a"]),
        ];
        for (patterns, below, yes, no) in cases {
            let read = Pathspec::new(patterns.iter().copied(), below).unwrap();
            for path in *yes {
                assert!(read.matches(path.as_bytes()), "{patterns:?} {path}");
            }
            for path in *no {
                assert!(!read.matches(path.as_bytes()), "{patterns:?} {path}");
            }
        }
        assert!(Pathspec::new([":(glob)a/**"], "").is_err());
        assert!(Pathspec::new([":x"], "").is_err());
    }

    /// What a pattern of literals, `*` and `?` means, tried in every way.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            ([b'?', rest @ ..], [_, text @ ..]) => naive(rest, text),
            ([literal, rest @ ..], [byte, text @ ..]) => literal == byte && naive(rest, text),
            _ => false,
        }
    }

    #[test]
    fn patterns_match_what_trying_everything_matches() {
        let mut state = 7_u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..20_000 {
            let pattern: Vec<u8> = (0..next(7)).map(|_| b"ab*?*"[next(5) as usize]).collect();
            let text: Vec<u8> = (0..next(9)).map(|_| b"ab"[next(2) as usize]).collect();
            assert_eq!(glob(&pattern, &text), naive(&pattern, &text), "{pattern:?} {text:?}");
        }
    }
}
