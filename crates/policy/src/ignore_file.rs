//! `testudo.ignore`: one accepted finding a line, keyed by what was found, never by where.
//!
//! ```text
//! # comment
//! hmac16:<32 hex> rule=<id|*> reason="why" owner=@team expires=2027-01-31
//! fp:1:<32 hex> rule=<id|*> reason="why"
//! ```
//!
//! `hmac16:` is the keyed digest of a secret value (`properties["secret_hmac"]` of a finding): the same value is
//! accepted wherever it stands, another value on the same line is not. `fp:` is a fingerprint, for findings that are
//! no secrets. Lines are sorted by key. Keys are spread evenly, so two branches that add lines rarely touch the same
//! gap. A line that cannot be read is a notice; the rest still counts.

use std::{fmt, path::Path};

use testudo_model::{Finding, Fingerprint, Location, Notice, NoticeCode, Span};

use crate::{
    Date, PolicyError, atomic,
    line::{LineStart, lines},
    suggest::nearest,
};

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// Longest line, in bytes; a longer one is no entry.
const MAX_LINE: usize = 8 << 10;
/// Malformed lines that are told one by one.
const MAX_NOTICES: usize = 100;

const FIELDS: [&str; 4] = ["rule", "reason", "owner", "expires"];

/// What an entry accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKey {
    /// `fp:`: one finding.
    Finding(Fingerprint),
    /// `hmac16:`: one secret value, 32 lower-case hexadecimal digits.
    Secret(String),
}

impl EntryKey {
    /// Name of the finding property that holds the digest of a secret.
    pub const SECRET_PROPERTY: &'static str = "secret_hmac";

    /// The keys that accept a finding: the digest of its secret, where it has one, and its fingerprint.
    pub(crate) fn of(finding: &Finding) -> impl Iterator<Item = Self> + '_ {
        let secret = finding.properties.get(Self::SECRET_PROPERTY).and_then(|value| digest(value.as_str()?));
        secret.map(Self::Secret).into_iter().chain([Self::Finding(finding.fingerprint.clone())])
    }

    fn parse(word: &str) -> Result<Self, String> {
        const EXPECTED: &str = "`hmac16:` and 32 hexadecimal digits, or `fp:` and a fingerprint";
        if let Some(hex) = word.strip_prefix("hmac16:") {
            return digest(hex).map(Self::Secret).ok_or_else(|| format!("not a key; expected {EXPECTED}"));
        }
        match word.strip_prefix("fp:").map(|text| text.to_ascii_lowercase().parse()) {
            Some(Ok(fingerprint)) => Ok(Self::Finding(fingerprint)),
            _ => Err(format!("not a key; expected {EXPECTED}")),
        }
    }
}

/// 32 hexadecimal digits in lower case.
fn digest(text: &str) -> Option<String> {
    (text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finding(fingerprint) => write!(f, "fp:{fingerprint}"),
            Self::Secret(hex) => write!(f, "hmac16:{hex}"),
        }
    }
}

/// One line: what is accepted, why, by whom and until when. Its text form is [`fmt::Display`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is accepted.
    pub key: EntryKey,
    /// Rule that it is limited to; none (`*`) for every rule.
    pub rule: Option<String>,
    /// Why; empty where none was given.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Last day on which it holds.
    pub expires: Option<Date>,
    /// Where it was read; none for a new entry.
    pub place: Option<Span>,
}

impl Entry {
    /// Whether it accepts findings of a rule.
    #[must_use]
    pub fn covers_rule(&self, rule: &str) -> bool {
        self.rule.as_deref().is_none_or(|own| own == rule)
    }

    /// What it says, and the order of the file. The place is left out: it does not make an entry another one.
    fn content(&self) -> impl Ord + '_ {
        (&self.key, &self.rule, &self.reason, &self.owner, self.expires)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rule={}", self.key, word(self.rule.as_deref().unwrap_or("*")))?;
        if !self.reason.is_empty() {
            write!(f, " reason={}", quote(&self.reason))?;
        }
        if let Some(owner) = &self.owner {
            write!(f, " owner={}", word(owner))?;
        }
        self.expires.map_or(Ok(()), |day| write!(f, " expires={day}"))
    }
}

/// A value without quotes where that reads back.
fn word(text: &str) -> String {
    let plain =
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\'));
    if plain { text.to_owned() } else { quote(text) }
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // An entry is one line, and control characters have no business in a reason.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An ignore file or a baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreFile {
    /// Path for messages, empty for a new file.
    path: String,
    /// Comment lines, in the order of the file, with their `#`.
    comments: Vec<String>,
    /// Sorted, each text once.
    entries: Vec<Entry>,
    /// Lines that could not be read, kept so that writing loses nothing.
    unread: Vec<String>,
}

impl IgnoreFile {
    /// A file with these comment lines (without `#`) and no entries.
    #[must_use]
    pub fn with_comments(comments: &[&str]) -> Self {
        Self { comments: comments.iter().map(|c| format!("# {c}")).collect(), ..Self::default() }
    }

    /// Reads a text. Every line that is no entry gives a [`NoticeCode::InvalidSuppression`] with its line and column.
    #[must_use]
    pub fn parse(text: &str, path: &str) -> (Self, Vec<Notice>) {
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let mut notices = Vec::new();
        let mut malformed = 0_usize;
        for (place, line) in lines(text) {
            if let Err(fault) = file.read_line(line, place) {
                malformed += 1;
                file.unread.push(line.to_owned());
                if malformed <= MAX_NOTICES {
                    notices.push(notice(path, place.span(line, fault.column), &fault.message));
                }
            }
        }
        if malformed > MAX_NOTICES {
            let message = format!("{} more lines are no entries", malformed - MAX_NOTICES);
            notices.push(Notice::new(NoticeCode::InvalidSuppression, Location::file(path), message));
        }
        file.sort();
        (file, notices)
    }

    fn read_line(&mut self, line: &str, place: LineStart) -> Result<(), Fault> {
        match line.trim() {
            "" => {}
            comment if comment.starts_with('#') => self.comments.push(comment.to_owned()),
            _ => self.entries.push(Entry { place: Some(place.span(line, 0)), ..parse_entry(line)? }),
        }
        Ok(())
    }

    /// Reads a file; none where there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, is too large, or is not a plain file.
    pub fn load(path: &Path, shown: &str) -> Result<Option<(Self, Vec<Notice>)>, PolicyError> {
        Ok(atomic::read_plain(path, MAX_BYTES)?.map(|text| Self::parse(&text, shown)))
    }

    /// Writes the file as a whole (temporary file and rename), never through a symbolic link.
    ///
    /// # Errors
    /// The file cannot be written, or something else stands at its place.
    pub fn save(&self, path: &Path) -> Result<(), PolicyError> {
        atomic::replace(path, &self.to_text())
    }

    /// The entries, sorted.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Path for messages.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Adds entries and keeps the order; an entry that is there already is not added twice.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.entries.extend(entries);
        self.sort();
    }

    /// Keeps only the entries for which `keep` holds, such as those that are still used.
    pub fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
    }

    fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.content().cmp(&b.content()));
        self.entries.dedup_by(|a, b| a.content() == b.content());
    }

    /// The text of the file: comments first, then the entries one a line and sorted, then what could not be read.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let entries = self.entries.iter().map(ToString::to_string);
        for line in self.comments.iter().cloned().chain(entries).chain(self.unread.iter().cloned()) {
            out.push_str(&line);
            out.push('\n');
        }
        out
    }

    /// The place of an entry, for notices.
    pub(crate) fn location(&self, entry: &Entry) -> Location {
        Location { path: Some(self.path.clone()), span: entry.place, ..Location::default() }
    }
}

/// What is wrong with a line, and the byte (on a character boundary) at which it starts to be wrong.
struct Fault {
    message: String,
    column: usize,
}

fn fault(column: usize, message: impl Into<String>) -> Fault {
    Fault { message: message.into(), column }
}

fn notice(path: &str, span: Span, message: &str) -> Notice {
    let message = format!("{message}. The line does not count; correct or delete it");
    Notice::new(NoticeCode::InvalidSuppression, Location::span(path, span), message)
}

fn parse_entry(line: &str) -> Result<Entry, Fault> {
    if line.len() > MAX_LINE {
        return Err(fault(0, format!("the line is longer than {MAX_LINE} bytes")));
    }
    let mut words = Words { line, at: 0 };
    let (start, key) = words.next_bare().ok_or_else(|| fault(0, "the line holds no key"))?;
    let key = EntryKey::parse(key).map_err(|message| fault(start, message))?;
    let mut entry = Entry { key, rule: None, reason: String::new(), owner: None, expires: None, place: None };
    let mut seen = Vec::new();
    while let Some((start, name, value)) = words.next_field()? {
        if seen.contains(&name) {
            return Err(fault(start, format!("`{name}` is given twice")));
        }
        entry.set(name, value).map_err(|message| fault(start, message))?;
        seen.push(name);
    }
    if !seen.contains(&"rule") {
        return Err(fault(line.len(), "`rule=` is missing; write the id of the rule, or `rule=*`"));
    }
    Ok(entry)
}

impl Entry {
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        if value.is_empty() {
            return Err(format!("`{name}=` has no value"));
        }
        match name {
            "rule" => self.rule = Some(value).filter(|id| id != "*"),
            "reason" => self.reason = value,
            "owner" => self.owner = Some(value),
            "expires" => self.expires = Some(value.parse()?),
            _ => {
                let help = match nearest(name, FIELDS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the fields are {}", FIELDS.join(", ")),
                };
                return Err(format!("`{}` is not a field; {help}", name.escape_debug()));
            }
        }
        Ok(())
    }
}

/// The words of a line: a bare key first, then `name=value` with the value bare or in quotes.
struct Words<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// The next word up to a blank, with its place.
    fn next_bare(&mut self) -> Option<(usize, &'a str)> {
        self.skip_blanks();
        let (start, rest) = (self.at, self.rest());
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        self.at += word.len();
        (!word.is_empty()).then_some((start, word))
    }

    fn next_field(&mut self) -> Result<Option<(usize, &'a str, String)>, Fault> {
        self.skip_blanks();
        let (start, rest) = (self.at, self.rest());
        if rest.is_empty() {
            return Ok(None);
        }
        let name_end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        if !rest[name_end..].starts_with('=') {
            return Err(fault(start, "expected `name=value`; a text with spaces needs quotes"));
        }
        self.at += name_end + 1;
        let value = if self.rest().starts_with('"') { self.quoted()? } else { self.bare_value()? };
        Ok(Some((start, &rest[..name_end], value)))
    }

    fn bare_value(&mut self) -> Result<String, Fault> {
        let rest = self.rest();
        let value = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        if let Some(quote) = value.find('"') {
            return Err(fault(self.at + quote, "a quote inside a value; put the whole value in quotes"));
        }
        self.at += value.len();
        Ok(value.to_owned())
    }

    /// A value in quotes; `\"` and `\\` are the only escapes.
    fn quoted(&mut self) -> Result<String, Fault> {
        let (open, mut value) = (self.at, String::new());
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = open + i + 1;
                    let glued = self.rest().starts_with(|c: char| !c.is_whitespace());
                    return if glued { Err(fault(self.at, "expected a space after the quote")) } else { Ok(value) };
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    _ => return Err(fault(open + i, "only \\\" and \\\\ can be escaped")),
                },
                c => value.push(c),
            }
        }
        Err(fault(open, "the quote is not closed"))
    }
}

#[cfg(test)]
mod tests {
    use testudo_model::Position;

    use super::*;
    use crate::random::Random;

    const HEX: &str = "00112233445566778899aabbccddeeff";

    fn parse(text: &str) -> (IgnoreFile, Vec<Notice>) {
        IgnoreFile::parse(text, "testudo.ignore")
    }

    #[test]
    fn entries_read_back_as_they_are_written() {
        let text = format!(
            "# first\n# second\n\
             fp:1:{HEX} rule=*\n\
             hmac16:{HEX} rule=aws-key reason=\"a \\\"test\\\" key \\\\ ü\" owner=@team/sec expires=2027-01-31\n"
        );
        let (file, notices) = parse(&text);
        assert_eq!(notices, []);
        assert_eq!(file.to_text(), text);
        let entry = &file.entries()[1];
        assert_eq!(entry.reason, "a \"test\" key \\ ü");
        assert_eq!((entry.owner.as_deref(), entry.place.unwrap().start.line), (Some("@team/sec"), 4));
        assert!(entry.covers_rule("aws-key") && !entry.covers_rule("other") && file.entries()[0].covers_rule("other"));
    }

    #[test]
    fn writing_sorts_puts_comments_on_top_and_keeps_what_it_could_not_read() {
        let (b, a) = ("b".repeat(32), "A".repeat(32));
        let text = format!("hmac16:{b} rule=x\r\n\n# why\n<<<<<<< ours\nhmac16:{a} rule=x\nhmac16:{b}\trule=x\n");
        let (file, notices) = parse(&text);
        let a = a.to_lowercase();
        assert_eq!(file.to_text(), format!("# why\nhmac16:{a} rule=x\nhmac16:{b} rule=x\n<<<<<<< ours\n"));
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].location.span.unwrap().start, Position { line: 4, column: 1, offset: 55 });
    }

    #[test]
    fn malformed_lines_are_told_with_their_column_and_do_not_count() {
        let key = format!("hmac16:{HEX}");
        for (line, column, message) in [
            ("hmac16:zz rule=*".to_owned(), 1, "not a key"),
            (format!("fp:{HEX} rule=*"), 1, "not a key"),
            (key.clone(), 40, "`rule=` is missing"),
            (format!("{key} rule="), 41, "no value"),
            (format!("{key} rule=* rule=a"), 48, "twice"),
            (format!("{key} rule=* raeson=x"), 48, "did you mean `reason`?"),
            (format!("{key} rule=* because"), 48, "expected `name=value`"),
            (format!("{key} rule=* reason=\"open"), 55, "not closed"),
            (format!("{key} rule=* reason=\"a\\n\""), 57, "escaped"),
            (format!("{key} rule=* reason=\"a\"b"), 58, "space after"),
            (format!("{key} rule=* reason=a\"b"), 56, "quote inside"),
            (format!("{key} rule=* expires=2027-02-30"), 48, "not a date"),
            (format!("{key} rule=* ü=1"), 48, "not a field"),
            (format!("{key} rule=* reason=\"{}\"", "x".repeat(MAX_LINE)), 1, "longer than"),
        ] {
            let (file, notices) = parse(&format!("{line}\nfp:1:{HEX} rule=*\n"));
            assert_eq!((file.entries().len(), notices.len()), (1, 1), "{line}");
            assert_eq!(notices[0].code, NoticeCode::InvalidSuppression);
            assert!(notices[0].message.contains(message), "{line}: {}", notices[0].message);
            assert_eq!(notices[0].location.span.unwrap().start.column, column, "{line}");
        }
    }

    #[test]
    fn a_flood_of_bad_lines_is_cut() {
        let (_, notices) = parse(&"x\n".repeat(5_000));
        assert_eq!(notices.len(), MAX_NOTICES + 1);
        assert!(notices[MAX_NOTICES].message.starts_with("4900 more"));
    }

    #[test]
    fn random_text_is_read_without_panic_and_writing_is_stable() {
        let pieces = [
            "hmac16:",
            HEX,
            "fp:1:",
            " ",
            "\t",
            "rule=",
            "reason=\"",
            "\"",
            "\\",
            "*",
            "ü",
            "\n",
            "\r",
            "#",
            "expires=",
            "2027-01-31",
            "=",
        ];
        let mut random = Random::new(7);
        for _ in 0..3_000 {
            let text = random.text(&pieces, 20);
            let (file, _) = parse(&text);
            let written = file.to_text();
            assert_eq!(parse(&written).0.to_text(), written, "{text:?}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_never_through_a_link() {
        let dir = std::env::temp_dir().join(format!("testudo-ignore-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("testudo.ignore");
        assert!(IgnoreFile::load(&path, "x").unwrap().is_none());
        let (file, _) = parse(&format!("fp:1:{HEX} rule=*\n"));
        file.save(&path).unwrap();
        let (loaded, _) = IgnoreFile::load(&path, "testudo.ignore").unwrap().unwrap();
        assert_eq!(loaded, file);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "no temporary file stays");
        #[cfg(unix)]
        {
            let link = dir.join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert!(matches!(file.save(&link), Err(PolicyError::NotPlain { .. })));
            assert!(matches!(IgnoreFile::load(&link, "x"), Err(PolicyError::NotPlain { .. })));
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
