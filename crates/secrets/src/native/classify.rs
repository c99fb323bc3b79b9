//! The key/value classifier: is the value assigned to a name that speaks of secrets a secret?
//!
//! What the name says (password, token, key ...) decides what a value must look like; where it stands (quoted in code,
//! bare in a configuration file) decides whether it is a value at all. The verdict is a confidence, so that the default
//! view stays quiet and an audit sees everything.

use testudo_model::Confidence;

pub use super::names::Kind;
use super::{
    labels::{self, is_coined, is_constant, is_field, is_label, is_made_up, is_message, names_itself},
    names::{is_action, is_passing, is_sealed, kind_of},
    placeholder, reference, validate, words,
};
use crate::{base64, entropy::shannon};

/// Kind of file, as far as it says what a bare word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Bare words are values: env, ini, properties, yaml, shell.
    Settings,
    /// Bare words are names of the program; only literals are values.
    Code,
    /// Prose with samples in it.
    Prose,
}

impl Syntax {
    /// Decides by the name of a file.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let file = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        // A template is written in the language of what it makes.
        let templates = [
            ".j2",
            ".jinja",
            ".jinja2",
            ".erb",
            ".tpl",
            ".tmpl",
            ".template",
            ".dist",
            ".example",
            ".sample",
            ".default",
            ".in",
            ".bak",
            ".backup",
            ".old",
            ".orig",
            ".save",
            "~",
        ];
        let file = templates.iter().find_map(|end| file.strip_suffix(end)).unwrap_or(&file);
        let extension = file.rsplit_once('.').map_or("", |(_, e)| e);
        match extension {
            "md" | "markdown" | "rst" | "adoc" | "asciidoc" | "txt" | "html" | "htm" | "po" | "pot" | "tex" => {
                Self::Prose
            }
            "env" | "ini" | "cfg" | "conf" | "cnf" | "config" | "properties" | "props" | "yml" | "yaml" | "tfvars"
            | "sh" | "bash" | "zsh" | "bat" | "cmd" | "envrc" | "local" | "production" | "development" | "staging"
            | "test" | "prod" | "dev" | "stage" | "qa" | "uat" | "log" | "sql" | "ovpn" | "service" | "plist"
            | "toml" | "http" | "rest" | "ldif" | "mk" | "hosts" | "inventory" | "rc" | "secret" | "secrets"
            | "credentials" | "xcconfig" | "dockerfile" | "containerfile" => Self::Settings,
            _ if file.starts_with('.') => Self::Settings,
            _ if PROGRAMS.contains(&extension) => Self::Code,
            _ if file.starts_with("env")
                || file.starts_with("dockerfile")
                || file.starts_with("containerfile")
                || file.starts_with("docker-compose")
                || file == "makefile" =>
            {
                Self::Settings
            }
            "" => Self::Settings,
            _ => Self::Code,
        }
    }
}

/// Ends of names of programs and of data that programs read, however they begin: `environment.py`.
const PROGRAMS: &[&str] = &[
    "c", "cc", "cjs", "cpp", "cs", "dart", "go", "h", "java", "js", "json", "jsx", "kt", "lua", "mjs", "php", "pl",
    "py", "rb", "rs", "scala", "swift", "ts", "tsx", "vue", "xml",
];

/// One assignment.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'a> {
    /// The whole name on the left, quotes and brackets off.
    pub name: &'a str,
    /// The value, quotes off.
    pub value: &'a str,
    /// Whether it stood in quotes.
    pub quoted: Quoting,
    /// Kind of file.
    pub syntax: Syntax,
}

/// Whether a value stood in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// It did.
    Quoted,
    /// It stood between backticks.
    Backtick,
    /// It did not.
    Bare,
}

/// Judges one assignment; none where it holds no secret.
#[must_use]
pub fn judge(assignment: &Assignment<'_>) -> Option<(Kind, Confidence)> {
    let value = default_of(assignment.value.trim());
    if !is_literal(assignment, value) || reference::is_reference(value) {
        return None;
    }
    let Some(kind) = kind_of(assignment.name) else { return passing(assignment.name, value) };
    let value = match scheme_of(assignment.name) {
        Scheme::Header if value.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("basic ")) => {
            let pair = base64::lenient(value[6..].trim().as_bytes()).and_then(|b| String::from_utf8(b).ok())?;
            return Some((kind, password(pair.split_once(':')?.1)?));
        }
        Scheme::Header => after_scheme(value)?,
        Scheme::Pair => value.split_once(':').map_or(value, |(_, password)| password),
        Scheme::Plain => value,
    };
    if kind != Kind::Unqualified && words::is_shipped(value) {
        let sure = assignment.syntax != Syntax::Prose;
        return Some((kind, if sure { Confidence::High } else { Confidence::Medium }));
    }
    let confidence = match kind {
        Kind::Password => password(value)?,
        Kind::Secret => shared(value).or_else(|| short_secret(assignment, value))?,
        Kind::Token | Kind::Key => machine(kind, value)?,
        Kind::Unqualified => machine(kind, value).filter(|c| *c == Confidence::High).map(|_| {
            let sure = value.len() >= 20 && shannon(value.as_bytes()) >= 3.5;
            if sure { Confidence::Medium } else { Confidence::Low }
        })?,
    };
    if carries_word(value) || carries_public(value) || names_signer(value) {
        return Some((kind, Confidence::Low));
    }
    Some((kind, adjust(assignment, kind, value, confidence)?))
}

/// What opens something for as long as a session or a form lives: a token against forged requests. It is shown to whoever looks
/// at everything.
fn passing(name: &str, value: &str) -> Option<(Kind, Confidence)> {
    let made = is_passing(name) && is_strong(value) && !validate::is_uuid(value);
    (made && machine(Kind::Token, value) == Some(Confidence::High)).then_some((Kind::Token, Confidence::Low))
}

/// Whether a value is base64 of what is no secret: a word that stands for one, or an address without credentials.
fn carries_word(value: &str) -> bool {
    let padded = (8..=120).contains(&value.len()) && value.len().is_multiple_of(4);
    let decoded = padded.then(|| base64::standard_padded(value.as_bytes())).flatten();
    let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let text = text.trim();
    let text = text.split_once(':').map_or(text, |(_, password)| password);
    // A sentence, whatever it says, was written to be the secret.
    let readable = (4..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let address = text.starts_with("//") && !text.contains('@');
    let worded =
        || words::is_common(text) || placeholder::is_placeholder(text) || is_worded(text) && names_itself(text);
    readable && (address || worded()) && !words::is_often_chosen(text)
}

/// Whether a value says who signed a request and for what, as addresses of AWS do: `ID/20240101/us-east-1/s3/aws4_request`.
fn names_signer(value: &str) -> bool {
    value.ends_with("/aws4_request") || value.ends_with("%2Faws4_request")
}

/// Whether a value is base64 of what everybody may see: a certificate, armour with nothing in it, or the token of an origin
/// trial, which pages send to every browser.
fn carries_public(value: &str) -> bool {
    let armoured = value.starts_with("LS0tLS1CRUdJTi");
    let trial = value.starts_with('A') && value.len() >= 120;
    let decoded = (armoured || trial).then(|| base64::lenient(value.as_bytes())).flatten().unwrap_or_default();
    let holds = |mark: &[u8]| memchr::memmem::find(&decoded, mark).is_some();
    let body =
        decoded.split(|b| *b == b'\n').filter(|line| !line.starts_with(b"-----")).map(<[u8]>::len).sum::<usize>();
    armoured && (holds(b"BEGIN CERTIFICATE") || body < 32) || trial && holds(b"{\"origin\":")
}

/// Judges bytes written as numbers under a name: what else would be a salt or a key.
#[must_use]
pub(super) fn bytes(name: &str) -> Option<(Kind, Confidence)> {
    let kind = kind_of(name)?;
    Some((kind, if kind == Kind::Unqualified { Confidence::Low } else { Confidence::Medium }))
}

/// `welcomeHome123`: words and a number behind them, of more than a digit, as people make passwords.
fn is_word_and_number(value: &str) -> bool {
    let words = value.trim_end_matches(|c: char| c.is_ascii_digit());
    value.len() - words.len() >= 2 && words.len() >= 6 && words.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Whether a value alone is a sign strong enough to outweigh a weak form.
#[must_use]
pub(super) fn is_strong(value: &str) -> bool {
    let s = shape(value);
    let typed = s.classes() >= 3 && s.len >= 8 && s.space == 0;
    let made = s.len >= 20 && s.digit > 0 && s.lower + s.upper > 0 && shannon(value.as_bytes()) >= 3.5;
    (typed || made) && !is_worded(value)
}

/// Whether a password inside an address was chosen, and is no word that stands for one. Escapes (`%40`) say nothing.
#[must_use]
pub(super) fn is_chosen_in_address(value: &str) -> bool {
    let mut pieces = value.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    let bare = pieces.fold(first, |text, piece| text + piece.get(2..).unwrap_or_default());
    let digits = bare.bytes().any(|b| b.is_ascii_digit());
    !bare.contains(';') && (is_strong(&bare) || digits && password(&bare) == Some(Confidence::High))
}

/// What a name says of the form of its value.
enum Scheme {
    /// Scheme and credential, as in HTTP's `Authorization`.
    Header,
    /// User and password, a colon between them.
    Pair,
    /// Nothing.
    Plain,
}

fn scheme_of(name: &str) -> Scheme {
    let lower = name.to_ascii_lowercase();
    let last = lower.rsplit(['.', '-', '_']).next().unwrap_or(&lower);
    if matches!(last, "authorization" | "auth") {
        Scheme::Header
    } else if ["userpwd", "userpass", "auth.user", "userinfo", "user.info", "credential", "creds"]
        .iter()
        .any(|n| lower.contains(n))
    {
        Scheme::Pair
    } else {
        Scheme::Plain
    }
}

/// The credential behind a scheme of HTTP; none where there is only the scheme, or a scheme whose rest is no secret.
fn after_scheme(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" | "apikey" | "key" => Some(rest.trim()).filter(|r| !r.is_empty()),
        lower if lower.starts_with("aws4-") || lower.contains("hmac") => None,
        "digest" | "ntlm" | "negotiate" | "hawk" | "external" | "oauth" | "basic" | "kerberos" | "plain"
        | "xoauth2" | "login" => None,
        // Mechanisms are written in capitals, and what is filled in has marks around it.
        _ if !value.bytes().any(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) || value.contains(['%', '@']) => None,
        _ => Some(value),
    }
}

/// The value that holds when nothing else is set: `${NAME:value}`, `${NAME:-value}`.
fn default_of(value: &str) -> &str {
    let value = value.strip_prefix("{noop}").unwrap_or(value);
    let inside = value.strip_prefix("${").and_then(|v| v.strip_suffix('}'));
    let default = inside.and_then(|v| v.split_once(':')).map(|(_, d)| d.trim_start_matches(['-', '=']));
    default.filter(|d| !d.is_empty() && !d.starts_with(['?', '+', '$'])).unwrap_or(value)
}

/// Whether the value is written here at all.
fn is_literal(assignment: &Assignment<'_>, value: &str) -> bool {
    if value.is_empty() || value.len() > 512 || value.bytes().any(|b| b < 0x20) {
        return false;
    }
    // A made value may hold anything; a setting that holds these otherwise is a piece of a program.
    let call = value.split_once('(').is_some_and(|(head, argument)| {
        !head.bytes().any(|b| b.is_ascii_digit()) || words::is_identifier(argument.trim_end_matches(')'))
    });
    let made = assignment.syntax == Syntax::Settings && is_strong(value) && !call && !value.ends_with([')', '}']);
    if assignment.quoted == Quoting::Bare
        && !made
        && (value.contains('(')
            || value.contains('}') && !value.contains('{')
            || value.starts_with(['+', '?', '|', '&'])
            || value.contains("->"))
    {
        return false;
    }
    match (assignment.quoted, assignment.syntax) {
        (Quoting::Quoted | Quoting::Backtick, _) | (Quoting::Bare, Syntax::Settings) => true,
        // In prose, commands and settings are quoted: `NAME=value`, all in capitals. Anything else has to look chosen.
        (Quoting::Bare, Syntax::Prose) => {
            assignment.name.len() > 4 && !assignment.name.bytes().any(|b| b.is_ascii_lowercase())
                || value.len() >= 6 && value.bytes().any(|b| b.is_ascii_digit()) && !is_worded(value)
                || is_password(assignment.name) && (is_word_and_number(value) || words::is_often_chosen(value))
        }
        // In code a bare word is a name; only something no name can be is a value.
        (Quoting::Bare, Syntax::Code) => is_no_name(value),
    }
}

/// Whether a bare word is neither a name nor a number of a program: hexadecimal digits of a key, or digits before letters. It
/// stands in settings that a comment or a text of the program shows.
fn is_no_name(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let plain = value.len() == digits + letters && letters >= 4;
    let hexadecimal = value.len() >= 20 && digits >= 6 && value.bytes().all(|b| b.is_ascii_hexdigit());
    let begun = value.len() >= 16 && value.starts_with(|c: char| c.is_ascii_digit()) && !value.starts_with("0x");
    plain && (hexadecimal || begun)
}

/// Counts of character classes.
struct Shape {
    lower: usize,
    upper: usize,
    digit: usize,
    other: usize,
    space: usize,
    len: usize,
}

impl Shape {
    /// Number of classes that occur, white space aside.
    fn classes(&self) -> usize {
        [self.lower, self.upper, self.digit, self.other].iter().filter(|n| **n > 0).count()
    }
}

fn shape(value: &str) -> Shape {
    let count = |f: fn(&char) -> bool| value.chars().filter(f).count();
    let len = value.chars().count();
    let (lower, upper, digit) = (count(|c| c.is_lowercase()), count(|c| c.is_uppercase()), count(char::is_ascii_digit));
    let space = count(|c| c.is_whitespace());
    Shape { lower, upper, digit, other: len - lower - upper - digit - space, space, len }
}

/// Whether a value is words, whatever a selector or a sentence puts around them: `#password`, `Password:`.
fn is_worded(value: &str) -> bool {
    let core = value.trim_start_matches(['#', '.', '@', '*', ':', '-', '&', '+']);
    let core = core.trim_end_matches([':', '.', ',', '*', '-', ';', '=', '?']);
    core.is_empty() || !is_chosen(core) && (words::is_identifier(core) || words::is_common(core) || is_constant(core))
}

/// Words changed as people change them for passwords: a digit in the place of a letter, separators of several kinds.
fn is_chosen(value: &str) -> bool {
    let bytes = value.as_bytes();
    let replaced =
        bytes.windows(3).any(|w| w[0].is_ascii_alphabetic() && b"01345".contains(&w[1]) && w[2].is_ascii_lowercase());
    let separators = ['_', '-', '.'].iter().filter(|c| value.contains(**c)).count();
    let marked = value.bytes().any(|b| b.is_ascii_digit()) && !value.contains(['/', ':', '|']);
    replaced && value.len() >= 6 || separators >= 2 && marked && value.len() >= 10
}

/// Whether a value was made from several parts of a ciphertext: base64, and more base64 behind bars.
fn is_sealed_value(value: &str) -> bool {
    let mut parts = value.split('|');
    let first = parts.next().is_some_and(|part| part.ends_with('='));
    first && parts.next().is_some_and(|part| part.len() >= 16 && base64::lenient(part.as_bytes()).is_some())
}

/// Whether a value is in another language than English: letters beyond ASCII and nothing that a password has beside them,
/// or characters of a script without cases, which nobody types into a mask.
fn is_foreign(value: &str) -> bool {
    let beyond = |c: char| !c.is_ascii() && c.is_alphabetic();
    let caseless = value.chars().filter(|c| beyond(*c) && !c.is_lowercase() && !c.is_uppercase()).count();
    let plain = |c: char| c.is_alphabetic() || matches!(c, '-' | '.' | ',' | '\'' | ':' | '!' | '?' | '\u{2019}');
    caseless >= 2 || value.contains(beyond) && value.chars().all(plain)
}

/// What a password was turned into for storage: crypt(3) and its kin, LDAP's schemes.
fn is_hash(value: &str) -> bool {
    let value = value.strip_prefix("{bcrypt}").unwrap_or(value);
    [
        "$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$apr1$", "$argon2", "$pbkdf2", "pbkdf2_", "bcrypt$",
        "{SSHA", "{SHA", "{PBKDF2", "md5$", "sha1$", "sha256$", "scrypt$", "scrypt:",
    ]
    .iter()
    .any(|prefix| value.starts_with(prefix))
        || is_postgres_hash(value)
}

/// The digits of a SHA-1 sum, which nobody types and no generator of passwords makes.
fn is_sha1(value: &str) -> bool {
    value.len() == 40 && value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `md5` and the digest of password and user, as PostgreSQL stores it.
fn is_postgres_hash(value: &str) -> bool {
    let digits = value.strip_prefix("md5").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// An algorithm and how it is applied, and no value: `sha1:6`.
fn is_algorithm(value: &str) -> bool {
    let (name, rest) = value.split_once([':', '-']).unwrap_or((value, ""));
    let known = ["md5", "sha1", "sha256", "sha512", "bcrypt", "scrypt", "argon2", "pbkdf2", "crypt"];
    known.contains(&name.to_ascii_lowercase().as_str()) && rest.bytes().all(|b| b.is_ascii_digit())
}

/// A value without its escapes of an address: `%40` may be one character of a password, and is no word.
fn without_escapes(value: &str) -> usize {
    let mut pieces = value.split('%');
    let first = pieces.next().map_or(0, str::len);
    first + pieces.map(|piece| piece.len().saturating_sub(1)).sum::<usize>()
}

/// A mail address, or a path of words: names a person or a place.
fn is_address(value: &str) -> bool {
    let mail = value.split_once('@').is_some_and(|(user, host)| {
        let host: Vec<&str> = host.split('.').collect();
        let label = |l: &&str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let top = |l: &&str| l.len() >= 2 && l.bytes().all(|b| b.is_ascii_alphabetic());
        !user.is_empty() && host.len() >= 2 && host.iter().all(label) && host.last().is_some_and(top)
    });
    // Random base64 has slashes too, but hardly a piece without letters of both cases and digits.
    let random = |part: &str| {
        let s = shape(part);
        s.lower > 0 && s.upper > 0 && s.digit > 0
    };
    let path = value.split('/').count() >= 3 && !value.ends_with('=') && !value.split('/').any(random);
    mail || path
}

/// Judges what programs share, which a person may have typed.
fn shared(value: &str) -> Option<Confidence> {
    let named = names_itself(value) && value.contains('-');
    let typed = password(value).filter(|c| *c == Confidence::High && value.len() >= 8 && !named);
    let typed = typed.map(|c| if is_strong(value) { c } else { Confidence::Medium });
    machine(Kind::Secret, value).max(typed)
}

/// A short word that a variable of the environment is set to: too weak for a secret, but one all the same.
fn short_secret(assignment: &Assignment<'_>, value: &str) -> Option<Confidence> {
    let variable = !assignment.name.bytes().any(|b| b.is_ascii_lowercase()) && assignment.name.contains('_');
    let letter = |b: u8| b.is_ascii_lowercase();
    let word = value.len() >= 4 && value.bytes().any(letter) && value.bytes().all(|b| letter(b) || b.is_ascii_digit());
    let stands = words::is_common(value) || placeholder::is_placeholder(value);
    (variable && word && assignment.syntax == Syntax::Settings && !stands).then_some(Confidence::Low)
}

/// Judges what a person typed.
fn password(value: &str) -> Option<Confidence> {
    let s = shape(value);
    if s.space > 2 || s.len < 3 || s.len > 128 || s.lower + s.upper + s.digit == 0 {
        return None;
    }
    if is_algorithm(value) || value.contains('%') && without_escapes(value) < 5 {
        return None;
    }
    let counted = s.len >= 16 && placeholder::is_sequence(value);
    if counted || placeholder::is_placeholder(value) || words::is_common(value) {
        return (s.space == 0 && s.len >= 4 && !placeholder::is_template(value)).then_some(Confidence::Low);
    }
    if is_hash(value) {
        return Some(Confidence::Low);
    }
    if is_foreign(value)
        || is_coined(value)
        || is_message(value)
        || labels::is_migration(value)
        || labels::is_assignment(value)
        || labels::denies(value)
    {
        return Some(Confidence::Low);
    }
    if s.space > 0 || is_address(value) {
        // A phrase of several words is a passphrase now and then, and prose most of the time.
        return (s.space == 0 || s.digit > 0 && s.other > 0 || s.space + s.lower == s.len && s.len <= 24)
            .then_some(Confidence::Low);
    }
    let about = names_itself(value) || labels::speaks_of(value);
    // Words that are rare in English are words all the same.
    if about && s.digit == 0 && labels::is_spelled(value) && !is_chosen(value) && !labels::is_phrase(value) {
        return Some(Confidence::Low);
    }
    if is_worded(value) && (s.digit == 0 || s.digit == 1 && value.contains(['_', '-']) || value.contains(['|', ':'])) {
        let plain = !value.to_ascii_lowercase().starts_with("test");
        let joined = value.contains(['.', '/', ':', '|', '_']);
        return Some(if labels::is_phrase(value) || s.len >= 6 && plain && !about && !joined {
            Confidence::Medium
        } else {
            Confidence::Low
        });
    }
    let noise = words::is_noise(value);
    Some(match (s.classes(), s.len) {
        (3.., 6..) => Confidence::High,
        (2, 8..) if s.digit > 0 || s.other > 0 || noise => Confidence::High,
        (2.., 5..) => Confidence::Medium,
        (1, _) if s.digit == s.len => {
            if s.len >= 5 && !placeholder::is_sequence(value) {
                Confidence::Medium
            } else {
                Confidence::Low
            }
        }
        // Letters that make no word were chosen or made.
        (1, 8..) if noise => Confidence::High,
        (1, 6..) => Confidence::Medium,
        _ => Confidence::Low,
    })
}

fn machine(kind: Kind, value: &str) -> Option<Confidence> {
    let s = shape(value);
    if s.space > 0 || s.len < 6 || s.lower + s.upper + s.digit == 0 {
        return (s.len >= 8 && s.space <= 3 && s.lower + s.digit + s.space == s.len).then_some(Confidence::Low);
    }
    if is_hash(value) {
        return Some(Confidence::Low);
    }
    let slashes = value.bytes().filter(|b| *b == b'/').count();
    if is_address(value) || slashes >= 3 && !value.ends_with('=') && words::unlikely_pairs(value) * 6 < s.len {
        return Some(Confidence::Low);
    }
    if placeholder::is_placeholder(value) || words::is_common(value) || placeholder::is_sequence(value) {
        return (s.len >= 6 && !placeholder::is_template(value) && s.digit > 0).then_some(Confidence::Low);
    }
    // What programs make is ASCII.
    if value.contains(|c: char| !c.is_ascii() && c.is_alphabetic())
        || is_coined(value)
        || is_message(value)
        || is_sealed_value(value)
        || labels::is_list(value)
        || labels::is_migration(value)
        || labels::is_assignment(value)
    {
        return Some(Confidence::Low);
    }
    if is_worded(value) || labels::is_spelled(value) && !is_chosen(value) {
        // People write sentences for what programs share, and tokens are made by programs.
        let phrase = kind != Kind::Token && labels::is_phrase(value);
        let phrase = if phrase { Confidence::Medium } else { Confidence::Low };
        return (s.digit > 0 || s.len >= 16).then_some(phrase);
    }
    // `user:password` in base64 is as good as the password in it.
    let pair = base64::lenient(value.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((user, typed)) = pair.as_deref().and_then(|pair| pair.split_once(':'))
        && !user.is_empty()
        && user.bytes().all(|b| b.is_ascii_graphic())
    {
        return password(typed);
    }
    // `peer2-secret`, `neo4j/secret`: what ends in the name of what it would be was written to be read.
    if names_itself(value) && value.contains(['-', '_', '/', '.']) {
        return Some(Confidence::Low);
    }
    let entropy = shannon(value.as_bytes());
    let letters = s.lower + s.upper;
    let random = entropy >= 3.0 && (s.digit > 0 && letters > 0 || words::is_noise(value));
    let shared = matches!(kind, Kind::Secret | Kind::Key);
    Some(match s.len {
        _ if validate::is_uuid(value) && kind == Kind::Secret => Confidence::High,
        _ if validate::is_uuid(value) => Confidence::Medium,
        16.. if random && entropy >= 3.2 => Confidence::High,
        12.. if random && shared && s.digit >= 2 && entropy >= 3.2 => Confidence::High,
        10.. if random || is_mixed_hex(value) => Confidence::Medium,
        8.. if s.digit > 0 && (s.other > 0 || s.upper > 0 || kind == Kind::Secret) => Confidence::Medium,
        _ => Confidence::Low,
    })
}

/// Short hexadecimal digits with letters and figures among them: few kinds of characters, and made all the same.
fn is_mixed_hex(value: &str) -> bool {
    let figures = value.bytes().filter(u8::is_ascii_digit).count();
    let hex = value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    hex && figures >= 3 && value.len() - figures >= 3
}

/// Lowers what the place makes doubtful; none where it makes it senseless.
fn adjust(assignment: &Assignment<'_>, kind: Kind, value: &str, confidence: Confidence) -> Option<Confidence> {
    let lower = |c| match c {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    };
    let bare = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let same_word = value.len() >= 4 && bare(assignment.name).contains(&bare(value));
    let variable = is_password_variable(assignment.name);
    let word = value.len() >= 6 && value.bytes().all(|b| b.is_ascii_lowercase());
    if is_action(assignment.name) && is_worded(value.trim_end_matches('!')) {
        return None;
    }
    Some(match assignment.syntax {
        // Accounts that a system is set up with often have their own name for a password.
        Syntax::Settings if variable && words::is_account(value) => Confidence::High,
        Syntax::Prose if variable && words::is_account(value) => Confidence::Medium,
        // So do products: `HARBOUR_DB_PASSWORD=harbour`.
        Syntax::Settings if variable && is_owner(assignment.name, value) => Confidence::Medium,
        _ if same_word || is_sealed(assignment.name) || labels::is_echo(assignment.name, value) => Confidence::Low,
        _ if kind == Kind::Password && is_sha1(value) => Confidence::Low,
        // Programs know devices, brands and features by UUIDs; hardly anybody's password is one.
        Syntax::Code if kind == Kind::Password && validate::is_uuid(value) || is_field(value) => Confidence::Low,
        Syntax::Code | Syntax::Prose if is_made_up(value) => Confidence::Low,
        // `credentialsSecret: aws-creds-v2` names an object of Kubernetes.
        Syntax::Settings if kind == Kind::Secret && !variable && is_label(value) => Confidence::Low,
        Syntax::Settings | Syntax::Prose if variable && word && confidence == Confidence::Medium => Confidence::High,
        Syntax::Settings if kind == Kind::Password && is_password(assignment.name) => {
            configured(variable, value, confidence)
        }
        // What whoever breaks in tries first is a password wherever one is set.
        _ if kind == Kind::Password && is_password(assignment.name) && words::is_often_chosen(value) => {
            confidence.max(Confidence::Medium)
        }
        // Samples in prose are often invented; what is plainly made is often not.
        Syntax::Prose if !is_strong(value) && (kind == Kind::Password || value.len() < 24) => lower(confidence),
        // In a program a plain word is the name of something more often than not.
        Syntax::Code if words::is_plain_word(value) => lower(confidence),
        _ if is_weak_name(assignment.name) => lower(lower(confidence)),
        _ => confidence,
    })
}

/// Whether a name is that of a variable of the environment that holds a password.
fn is_password_variable(name: &str) -> bool {
    !name.bytes().any(|b| b.is_ascii_lowercase())
        && name.contains('_')
        && ["PASSWORD", "PASSWD", "_PASS", "_PWD"].iter().any(|end| name.ends_with(end))
}

/// Whether a value is the name of whose password a variable holds: what stands in front of `PASSWORD` in its name.
fn is_owner(name: &str, value: &str) -> bool {
    let owner = name.rsplit_once('_').map_or("", |(owner, _)| owner).replace('_', "");
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric());
    let nouns = ["user", "admin", "login", "access", "client", "master", "test", "db", "app"];
    let upper = value.to_ascii_uppercase();
    plain && value.len() >= 4 && owner.contains(&upper) && !nouns.iter().any(|noun| value.eq_ignore_ascii_case(noun))
}

/// Whether a name says that its value is a password, and not something about one.
fn is_password(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["password", "passwd", "passphrase", "pwd"].iter().any(|end| lower.ends_with(end))
        || lower.rsplit(['.', '-', '_', ':']).next() == Some("pass")
}

/// What a configuration sets a password to is one, however weak, unless it is a word that only stands for it.
fn configured(variable: bool, value: &str, confidence: Confidence) -> Confidence {
    let plain = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let counted = value.len() >= 16 && placeholder::is_sequence(value);
    let stands = counted || words::is_common(value) || placeholder::is_placeholder(value);
    match confidence {
        Confidence::Medium if plain && value.len() >= 5 => Confidence::High,
        Confidence::Low if words::is_account(value) => Confidence::Medium,
        Confidence::Low if stands && !digits || value.len() < 4 => Confidence::Low,
        // `orchardsecretpassword`, where there is no doubt that a password is set.
        Confidence::Low if plain && (variable || !names_itself(value)) => Confidence::Medium,
        confidence => confidence,
    }
}

/// Names whose values need not be secret: a nonce travels in the clear, and most seeds are for games.
fn is_weak_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["nonce", "seed"].iter().any(|word| lower.contains(word)) && !lower.contains("secret") && !lower.contains("key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_tell_how_they_are_written() {
        for (name, expected) in [
            ("a/.env.test", Syntax::Settings),
            ("env.staging", Syntax::Settings),
            ("environment.ts", Syntax::Code),
            ("EnvBuilder.cs", Syntax::Code),
            ("env", Syntax::Settings),
        ] {
            assert_eq!(Syntax::of(name), expected, "{name}");
        }
    }

    #[test]
    fn values_are_weighed() {
        let verdict = |name, value, quoted, syntax| judge(&Assignment { name, value, quoted, syntax }).map(|(_, c)| c);
        use Quoting::{Bare, Quoted};
        for (name, value, quoted, syntax, expected) in [
            ("password", "Tr0ub4dor&3", Quoted, Syntax::Code, Some(Confidence::High)),
            ("password", "Tr0ub4dor&3", Bare, Syntax::Settings, Some(Confidence::High)),
            ("password", "getPassword()", Quoted, Syntax::Code, None),
            ("password", "user_password", Bare, Syntax::Code, None),
            ("password", "changeme", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("password", "${DB_PASS}", Bare, Syntax::Settings, None),
            ("api_key", "9f86d081884c7d659a2feaa0c55ad015", Quoted, Syntax::Code, Some(Confidence::High)),
            ("api_key", "9f86d081884c7d659a2feaa0c55ad015", Bare, Syntax::Code, Some(Confidence::High)),
            ("password", "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", Quoted, Syntax::Code, None),
            ("api_key", "deadbeefcafefeedbeef", Bare, Syntax::Code, None),
            ("api_key", "0x5bc275da8a33d6d0ae", Bare, Syntax::Code, None),
            ("token", "refresh_token", Quoted, Syntax::Code, None),
            ("password", "#password", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("password", "Kn0blauch_brot", Quoted, Syntax::Code, Some(Confidence::High)),
            ("password", "Rosen.kavalier_4", Quoted, Syntax::Code, Some(Confidence::High)),
            ("password", "WeAllWantOneStrongSentence!", Quoted, Syntax::Code, Some(Confidence::High)),
            ("password", "@VMWARE_PASSWORD", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("password", "some.Provider/vaults/secrets@2022-07-01", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("jwt_secret", "this-is-our-own-signing-text", Quoted, Syntax::Code, Some(Confidence::Medium)),
            ("secret", "v01p+Kuckuck", Bare, Syntax::Settings, Some(Confidence::High)),
            ("DB_ROOT_PASSWORD", "root", Bare, Syntax::Settings, Some(Confidence::High)),
            ("DB_ROOT_PASSWORD", "password", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("datasource.password", "postgres", Bare, Syntax::Settings, Some(Confidence::Medium)),
            ("datasource.password", "sparrowhawk", Bare, Syntax::Settings, Some(Confidence::High)),
            ("datasource.password", "4711", Quoted, Syntax::Settings, Some(Confidence::Medium)),
            ("password", "Kombuese", Bare, Syntax::Settings, Some(Confidence::Medium)),
            ("password", "Passwort", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("EMAIL_PASSWORD", "outgoing_email_password", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("password", "external-dockmq-password", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("HARBOUR_DB_PASSWORD", "harbour", Bare, Syntax::Settings, Some(Confidence::Medium)),
            ("password", "welcomeHome123", Bare, Syntax::Prose, Some(Confidence::Medium)),
            ("password", "abcdef0123456789abcdef0123456789", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("DB_PASSWORD", "orchardsecretpassword", Bare, Syntax::Settings, Some(Confidence::Medium)),
            ("DB_PASSWORD", "if_you_see_this_use_another", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("COMMUNITY_PORT", "8087", Bare, Syntax::Settings, None),
            ("DB_PASSWORD", "Xk9(2mPq!vR", Bare, Syntax::Settings, Some(Confidence::High)),
            ("DB_PASSWORD", "&7Tz!qPw93kd", Bare, Syntax::Settings, Some(Confidence::High)),
            ("password", "MD5(password", Bare, Syntax::Settings, None),
            ("reset_password", "R\u{e9}initialiser", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("DB_PASSWORD", "decrypt(Xk92!)", Bare, Syntax::Settings, None),
            ("DB_PASSWORD_TEST", "hV7qLz2Xw9Rt", Bare, Syntax::Settings, Some(Confidence::High)),
            ("CSRF_SECRET", "f2Kq8ZtW1mXv9LpR4sYb", Bare, Syntax::Settings, Some(Confidence::High)),
            ("credentialsSecret", "aws-creds-v2", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("WRAPPING_SALT", "acmefs-kek-wrapping-v1", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("NewPassword", "ab-12241-old-password-dialog", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("DB_PASSWORD", "\u{5bf9}\u{5e94}Harbour7", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("password", "Dock\u{e4}7!rope", Bare, Syntax::Settings, Some(Confidence::High)),
            ("node.password", "cGFzc3dvcmQ=", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("node.password", "c3BhcnJvdw==", Bare, Syntax::Settings, Some(Confidence::High)),
            ("wrappedKey", "9f86d081884c7d659a2feaa0c55ad015", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("OnePassword", "7f3c9a52-41d8-4e06-b3a7-2c5d8e9f1b04", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("password", "2011-02-04", Quoted, Syntax::Code, None),
            ("canaryToken", "mock-dock-token-12345", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("tokenState", "admin.oauth2.token-status-made", Quoted, Syntax::Code, None),
            ("adminToken", "admin.oauth2.token-status-made", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("MasterPassword", "existing-hash", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("HashedPassword", "password_hash_b64", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("mspSecret", "org1-dock2-secret", Bare, Syntax::Settings, Some(Confidence::Low)),
            (
                "privateKey",
                "2.AOs41Hd8OQiCPXjy==|O6OHgt2U2hJGBSNGnimJmg==",
                Quoted,
                Syntax::Code,
                Some(Confidence::Low),
            ),
            ("newPassword", "password3", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("JWT_SECRET", "harbour", Bare, Syntax::Settings, Some(Confidence::Low)),
            ("nonce", "5300d17a1d695bd411e4cdf96f9548c2", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("password", "hashed", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("password", "xkqzvjwh", Quoted, Syntax::Code, Some(Confidence::High)),
            ("update_password", "always", Bare, Syntax::Settings, None),
            ("password", "mara@corp.example", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("Authorization", "AWS4-HMAC-SHA256", Bare, Syntax::Settings, None),
            ("Authorization", "Basic dXNlcjpwYXNzd29yZA==", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("Authorization", "Basic bWFyYTpTcHJvdHRlLldlbGxlXzQ1", Quoted, Syntax::Code, Some(Confidence::High)),
            ("password", "am@z1ng_p@ssw0rd#!", Quoted, Syntax::Code, Some(Confidence::High)),
            ("credential", "user/19700101/us-east-2/es/aws4_request", Bare, Syntax::Settings, Some(Confidence::Low)),
            (
                "X-Amz-Credential",
                "q8%2F20240101%2Fus-east-1%2Fs3%2Faws4_request",
                Quoted,
                Syntax::Code,
                Some(Confidence::Low),
            ),
            ("Authorization", "Bearer o49ha6zvvktA6ngcBewk", Quoted, Syntax::Code, Some(Confidence::High)),
            ("basic.auth.user", "reader:Mandel_Kern04", Bare, Syntax::Settings, None),
            ("client_secret", "02512c34-db9d-4445-b00a-125c4bcc7665", Quoted, Syntax::Code, Some(Confidence::High)),
            ("pbkdf2-password", "1.2.1", Quoted, Syntax::Code, None),
            ("DB_PASSWORD", "${DB_PASSWORD:-Zug.Spitze7}", Bare, Syntax::Settings, Some(Confidence::High)),
            ("password", "Please enter your password", Quoted, Syntax::Code, None),
            ("password", "root", Quoted, Syntax::Code, Some(Confidence::Medium)),
            ("password", "foobarbaz", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("verbose_passwords", "sha1:6", Bare, Syntax::Settings, None),
            ("password", "%3A%40c", Quoted, Syntax::Code, None),
            ("password", "md5a3f0c1d2e4b5968778695a4b3c2d1e0f", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("DB_PASSWORD", "!!!SET", Bare, Syntax::Settings, None),
            ("password", "password-of-the-harbour", Quoted, Syntax::Settings, Some(Confidence::Low)),
            ("NOPASSWD", "SETENV", Bare, Syntax::Settings, None),
            ("TOKEN_THROTTLE_RATE", "1000/min", Quoted, Syntax::Settings, None),
            ("disk_key_sha256", "74D93920-ED26-11E3-AC10-0800200C9A66", Quoted, Syntax::Code, None),
            ("login.password", "123456", Bare, Syntax::Prose, Some(Confidence::Medium)),
            ("password", "hashed", Quoted, Syntax::Prose, Some(Confidence::Low)),
            ("session.secret", "keyboard cat", Quoted, Syntax::Code, Some(Confidence::High)),
            ("executor.accessToken", "default_token", Bare, Syntax::Settings, Some(Confidence::High)),
        ] {
            assert_eq!(verdict(name, value, quoted, syntax), expected, "{name} = {value}");
        }
    }
}
