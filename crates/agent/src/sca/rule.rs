//! One rule of a policy: where to look, and what a line there has to be. The language is that of Wazuh's security
//! configuration assessment (user manual, "Creating custom SCA policies", section "Rules").

use std::collections::BTreeMap;

use super::{Answer, host};
use crate::log::{Dialect, Expression, Haystack};

/// Stands between a place and what is looked for there.
const ARROW: &str = " -> ";
/// Stands between terms that one line has to meet.
const AND: &str = " && ";
/// Stands between an expression with a group and what its number is compared with.
const COMPARE: &str = " compare ";

/// What `&&` between terms looks like without the spaces around it.
const BARE_AND: &str = "&&";
/// What an arrow looks like without the spaces around it.
const BARE_ARROW: &str = "->";
/// Longest place, once its variables are replaced, in bytes.
const MAX_PLACE: usize = 64 << 10;

/// How the rules of a policy are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language<'v> {
    pub(super) variables: &'v Variables,
    pub(super) dialect: Dialect,
    pub(super) ending: Ending,
}

/// How a command has to end for what it wrote to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With any status.
    Any,
    /// With the status 0.
    Success,
}

/// Names of policies, and what they stand for.
pub(super) type Variables = BTreeMap<String, String>;

/// A rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) negated: bool,
    pub(super) question: Question,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// Is there such a file, or such a line in one of them?
    Files { paths: Vec<String>, pattern: Option<Pattern> },
    /// Is there such a folder, such a file below one of them, or such a line in it?
    Folders { paths: Vec<String>, name: Option<Name>, pattern: Option<Pattern> },
    /// Does such a program run?
    Process(Pattern),
    /// Does a command write such a line?
    Command { line: String, pattern: Pattern, ending: Ending },
    /// What a command writes, which may not be run.
    Refused(String),
    /// A key of the registry of Windows, which is not here.
    Registry,
}

/// What the name of a file has to be.
#[derive(Debug, Clone)]
pub(super) struct Name(Vec<Expression>);

/// What a line has to be: every term holds for it.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<Term>);

#[derive(Debug, Clone)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    /// The whole line, in any case.
    Line(String),
    Expression(Expression),
    /// The number in the first group, compared with another.
    Number {
        expression: Expression,
        comparison: Comparison,
        than: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    AtMost,
    AtLeast,
    Less,
    More,
}

impl Rule {
    /// Reads a rule. Variables stand in places, not in patterns. What is most likely mistyped is told, where Wazuh would look
    /// for a file or run a command that nobody meant.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(text: &str, language: Language<'_>) -> Result<Self, String> {
        let (negated, rest) = match text.strip_prefix("not ").or_else(|| text.strip_prefix("NOT ")) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let no_kind = || format!("`{text}` does not begin with f:, d:, p:, c: or r:");
        let (kind, rest) = rest.split_once(':').ok_or_else(no_kind)?;
        let question = match kind.strip_prefix('!').unwrap_or(kind) {
            "f" => {
                let (place, pattern) = halves(rest);
                Question::Files { paths: listed(place, language)?, pattern: pattern_of(pattern, language)? }
            }
            "d" => folders(rest, language)?,
            "p" => Question::Process(Pattern::new(rest, language.dialect)?),
            "c" => command(rest, language)?,
            "r" => Question::Registry,
            _ => return Err(no_kind()),
        };
        Ok(Self { negated, question })
    }

    /// From here on the command of the rule, if it has one, is not run.
    pub(super) fn refuse_commands(&mut self) {
        if let Question::Command { line, .. } = &mut self.question {
            self.question = Question::Refused(std::mem::take(line));
        }
    }
}

fn halves(text: &str) -> (&str, Option<&str>) {
    text.split_once(ARROW).map_or((text, None), |(place, rest)| (place, Some(rest)))
}

fn pattern_of(text: Option<&str>, language: Language<'_>) -> Result<Option<Pattern>, String> {
    text.map(|text| Pattern::new(text, language.dialect)).transpose()
}

fn folders(text: &str, language: Language<'_>) -> Result<Question, String> {
    let (place, rest) = halves(text);
    let (name, pattern) = rest.map_or((None, None), |rest| {
        let (name, pattern) = halves(rest);
        (Some(name), pattern)
    });
    let name = name.map(Name::new).transpose()?;
    Ok(Question::Folders { paths: listed(place, language)?, name, pattern: pattern_of(pattern, language)? })
}

/// A command, and what it has to write. Wazuh takes one without a pattern as a rule that always holds; here it is none, for
/// nothing would be asked, and most often the arrow is mistyped.
fn command(text: &str, language: Language<'_>) -> Result<Question, String> {
    let (line, pattern) = halves(text);
    let line = replaced(line, language.variables)?;
    no_arrow(&line)?;
    let Some(pattern) = pattern else {
        return Err(format!("the command `{line}` names no pattern; is a space missing before `->`?"));
    };
    let words = host::words(&line)?;
    // PowerShell has `$env:NAME`; without a shell nothing else replaces a name.
    if let Some(word) = words.iter().find(|word| is_name(word) && !word.contains(':')) {
        return Err(format!("there is no variable {word}"));
    }
    Ok(Question::Command { line, pattern: Pattern::new(pattern, language.dialect)?, ending: language.ending })
}

/// Whether a text begins as a variable does.
fn is_name(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

fn no_arrow(place: &str) -> Result<(), String> {
    match place.contains(BARE_ARROW) {
        true => Err(format!("`{place}` has an arrow without a space on both sides")),
        false => Ok(()),
    }
}

/// A place with its variables replaced, the longest name first. What stands for one is not looked at again.
fn replaced(place: &str, variables: &Variables) -> Result<String, String> {
    let mut names: Vec<(&String, &String)> = variables.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let (mut out, mut rest) = (String::new(), place);
    while let Some(c) = rest.chars().next() {
        let found = names.iter().find(|(name, _)| rest.starts_with(name.as_str()));
        let (text, length) = found.map_or((&rest[..c.len_utf8()], c.len_utf8()), |(name, value)| (value, name.len()));
        out.push_str(text);
        rest = &rest[length..];
        if out.len() > MAX_PLACE {
            return Err(format!("with its variables replaced, a place is longer than {MAX_PLACE} bytes"));
        }
    }
    Ok(out)
}

fn listed(place: &str, language: Language<'_>) -> Result<Vec<String>, String> {
    let place = replaced(place, language.variables)?;
    no_arrow(&place)?;
    let paths: Vec<String> =
        place.split(',').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned).collect();
    if paths.is_empty() {
        return Err("it names no place".to_owned());
    }
    for path in &paths {
        if let Some(at) = path.find('$').filter(|at| is_name(&path[*at..])) {
            return Err(format!("there is no variable {}", &path[at..]));
        }
        if !path.starts_with('/') && !of_windows(path) {
            return Err(format!("`{path}` does not begin with `/`"));
        }
    }
    Ok(paths)
}

/// `C:\x`, `%VAR%\x`.
fn of_windows(path: &str) -> bool {
    path.starts_with('%') || matches!(path.as_bytes(), [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic())
}

impl Name {
    fn new(text: &str) -> Result<Self, String> {
        let mut expressions = vec![Expression::new(Dialect::OsMatch, text)?];
        if let Some(regex) = expression_of(text, 'r') {
            expressions.push(compiled(Dialect::OsRegex, regex)?);
        }
        Ok(Self(expressions))
    }

    pub(super) fn fits(&self, name: &[u8]) -> bool {
        let lower = name.to_ascii_lowercase();
        self.0.iter().any(|expression| expression.holds(Haystack { text: name, lower: &lower }))
    }
}

/// What stands behind `r:` or `n:`, in any case.
fn expression_of(text: &str, kind: char) -> Option<&str> {
    let mut chars = text.chars();
    let begins = chars.next()?.eq_ignore_ascii_case(&kind) && chars.next()? == ':';
    begins.then_some(chars.as_str())
}

fn compiled(dialect: Dialect, pattern: &str) -> Result<Expression, String> {
    Expression::new(dialect, pattern).map_err(|why| format!("the expression `{pattern}`: {why}"))
}

impl Pattern {
    fn new(text: &str, dialect: Dialect) -> Result<Self, String> {
        let term = |text: &str| {
            let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
            Ok(Term { negated, test: Test::new(text, dialect)? })
        };
        let terms: Vec<&str> = text.split(AND).collect();
        if let Some(term) = terms.iter().find(|term| term.contains(BARE_AND)) {
            return Err(format!("`{term}` has `&&` without a space on both sides"));
        }
        Ok(Self(terms.into_iter().map(term).collect::<Result<_, String>>()?))
    }

    /// Whether every term holds for a line.
    pub(super) fn on(&self, line: &[u8]) -> Answer {
        let mut all = Answer::Yes;
        for term in &self.0 {
            match term.on(line) {
                Answer::No => return Answer::No,
                Answer::Yes => {}
                unknown @ Answer::Unknown(_) => all = all.or(unknown),
            }
        }
        all
    }
}

impl Term {
    fn on(&self, line: &[u8]) -> Answer {
        let answer = match &self.test {
            Test::Line(own) => Answer::of(line.eq_ignore_ascii_case(own.as_bytes())),
            // No expression of these policies looks at the text in lower case.
            Test::Expression(own) => Answer::of(own.holds(Haystack { text: line, lower: line })),
            Test::Number { expression, comparison, than } => {
                numbered(expression, line, |own| comparison.holds(own, *than))
            }
        };
        answer.turned(self.negated)
    }
}

fn numbered(expression: &Expression, line: &[u8], holds: impl Fn(i64) -> bool) -> Answer {
    let Some(found) = expression.find(Haystack { text: line, lower: line }, 0) else { return Answer::No };
    let Some(Some(group)) = found.groups.first() else {
        return Answer::Unknown("the expression of a comparison has no group that takes the number".to_owned());
    };
    let text = String::from_utf8_lossy(&line[group.clone()]).into_owned();
    let text = text.trim_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()) + (text.len() - digits.len());
    match text[..end].parse() {
        Ok(number) => Answer::of(holds(number)),
        // What stands there may be nobody's business: reasons are recorded.
        Err(_) => Answer::Unknown("what the expression of a comparison finds is no number".to_owned()),
    }
}

impl Test {
    fn new(text: &str, dialect: Dialect) -> Result<Self, String> {
        if let Some(pattern) = expression_of(text, 'r') {
            return Ok(Self::Expression(compiled(dialect, pattern)?));
        }
        let Some(number) = expression_of(text, 'n') else { return Ok(Self::Line(text.to_owned())) };
        let (pattern, comparison) =
            number.split_once(COMPARE).ok_or_else(|| format!("`{text}` does not say `compare OPERATOR NUMBER`"))?;
        let (comparison, than) = Comparison::read(comparison)?;
        Ok(Self::Number { expression: compiled(dialect, pattern)?, comparison, than })
    }
}

impl Comparison {
    /// `<= 5`. What begins with `=` asks whether both are equal, also `=>` and `=<`: that is how these policies are read.
    fn read(text: &str) -> Result<(Self, i64), String> {
        let digits: String =
            text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        let than = digits.parse().map_err(|_| format!("`compare {text}` names no number"))?;
        const SIGNS: [(&str, Comparison); 5] = [
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        if text.starts_with('=') {
            return Ok((Self::Equal, than));
        }
        let sign = SIGNS.iter().find(|(sign, _)| text.contains(sign));
        sign.map(|(_, own)| (*own, than)).ok_or_else(|| format!("`compare {text}` names no operator"))
    }

    fn holds(self, own: i64, than: i64) -> bool {
        match self {
            Self::Equal => own == than,
            Self::NotEqual => own != than,
            Self::AtMost => own <= than,
            Self::AtLeast => own >= than,
            Self::Less => own < than,
            Self::More => own > than,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: &str, variables: &Variables) -> Result<Rule, String> {
        Rule::new(rule, Language { variables, dialect: Dialect::OsRegex, ending: Ending::Any })
    }

    fn on(pattern: &str, line: &str) -> Result<Answer, String> {
        Ok(Pattern::new(pattern, Dialect::OsRegex)?.on(line.as_bytes()))
    }

    #[test]
    fn lines_and_what_they_have_to_be() {
        for (pattern, line, expected) in [
            ("yes", "YES", true),
            ("yes", "yes ", false),
            (r"r:^\s*PermitRootLogin\s+no", "PermitRootLogin no", true),
            ("!r:^#", "# x", false),
            ("!r:^# && r:TMOUT", "export TMOUT=5", true),
            ("!r:^# && r:TMOUT", "# TMOUT=5", false),
            (r"n:^MaxAuthTries\s+(\d+) compare <= 4", "MaxAuthTries 4", true),
            (r"n:^MaxAuthTries\s+(\d+) compare <= 4", "MaxAuthTries 6", false),
            (r"n:(\d+) compare != 0", "x 0", false),
            (r"n:(\d+) compare >= 7", "7", true),
            (r"n:(\d+) compare > 7", "7", false),
            (r"n:(\d+) compare < 7", "6", true),
            (r"n:(\d+) compare => 7", "8", false),
            (r"n:(\d+) compare =< 7", "7", true),
            (r"!n:(\d+) compare == 7", "8", true),
            (r"N:(\d+) compare == 7", "none", false),
        ] {
            assert_eq!(on(pattern, line).unwrap(), Answer::of(expected), "{pattern} on {line}");
        }
        for (pattern, line) in
            [(r"n:\d+ compare > 1", "5"), (r"n:(\w+) compare > 1", "many"), (r"!n:(\w+) compare > 1", "many")]
        {
            assert!(matches!(on(pattern, line).unwrap(), Answer::Unknown(_)), "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let none = Variables::new();
        for (rule, why) in [
            ("/etc/passwd", "does not begin with f:"),
            ("x:/etc/passwd", "does not begin with f:"),
            (r"f:/a -> n:(\d+) < 4", "does not say `compare"),
            (r"f:/a -> n:(\d+) compare <", "names no number"),
            (r"f:/a -> n:(\d+) compare ~ 4", "names no operator"),
            (r"f:/a -> r:\q", "the expression"),
            ("c:auditctl -l-> r:^-a", "an arrow without a space"),
            ("c:auditctl -l", "names no pattern; is a space missing before `->`?"),
            ("c: -> r:x", "the command is empty"),
            ("c:echo 'a -> a", "a ' that is never closed"),
            ("c:$none -x -> a", "there is no variable $none"),
            ("c:psql -U $user -> a", "there is no variable $user"),
            ("f:/etc/a ->r:x", "an arrow without a space"),
            ("f:$none -> r:x", "there is no variable $none"),
            ("f:/a/$none/b", "there is no variable $none/b"),
            ("f: -> x", "names no place"),
            ("f:, -> x", "names no place"),
            ("d:etc/ssh -> x", "does not begin with `/`"),
            ("f:/a -> r:a&& r:b", "`&&` without a space"),
            ("f:/a -> r:a &&r:b", "`&&` without a space"),
            ("p:r:a &&", "`&&` without a space"),
        ] {
            let told = read(rule, &none).unwrap_err();
            assert!(told.contains(why), "{rule}: {told}");
        }
    }

    #[test]
    fn places_take_lists_and_variables() {
        let variables =
            Variables::from([("$ssh".to_owned(), "/etc/ssh".to_owned()), ("$sshd".to_owned(), "/a,/b".to_owned())]);
        let rule = read("not f:$sshd, $ssh/x -> r:x", &variables).unwrap();
        let Question::Files { paths, pattern } = &rule.question else { panic!("{rule:?}") };
        assert_eq!((paths.join(" "), pattern.is_some(), rule.negated), ("/a /b /etc/ssh/x".to_owned(), true, true));
        for fine in [r"f:C:\a", r"f:%WINDIR%\a", r"c:powershell $env:TEMP\a -> x", r"c:awk '{print $1}' /a -> x"] {
            assert!(read(fine, &variables).is_ok(), "{fine}");
        }
    }

    #[test]
    fn what_stands_for_a_variable_is_not_replaced_again() {
        let variables = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Variables>()
        };
        assert_eq!(replaced("$ab $a", &variables(&[("$a", "$ab"), ("$ab", "$a")])).unwrap(), "$a $ab");
        assert_eq!(replaced("é$aé", &variables(&[("$a", "x")])).unwrap(), "éxé");
        let long = "x".repeat(MAX_PLACE / 2);
        assert!(replaced("$a$a$a", &variables(&[("$a", &long)])).unwrap_err().contains("longer than"));
    }

    #[test]
    fn names_are_literals_or_expressions() {
        for (name, file, expected) in [
            (r"r:\.conf$", "a.conf", true),
            (r"r:\.conf$", "a.conf.bak", false),
            ("^ssh", "sshd", true),
            ("^ssh", "openssh", false),
        ] {
            assert_eq!(Name::new(name).unwrap().fits(file.as_bytes()), expected, "{name} {file}");
        }
    }
}
