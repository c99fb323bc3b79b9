//! How a match of one of the forms is read: what is the name, what the value.

use std::ops::Range;

use super::{
    around,
    classify::{self, Assignment, Quoting, Syntax},
    columns,
    forms::Form,
    labels, layouts,
};
use crate::engine::Pattern;

/// A value with its name, located in the text.
#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) assignment: Assignment<'a>,
    pub(super) range: Range<usize>,
    /// Whether the form alone is a weak sign.
    pub(super) doubtful: bool,
    /// Whether what is around tells that it is not the value of its name, or opens nothing: neighbours in a list, the
    /// address of a badge, a piece of a text that is put together.
    pub(super) aside: bool,
}

/// Reads a match of a form: the values it names. `found` is the match in `text`.
pub(super) fn read<'a>(
    text: &'a [u8],
    found: Range<usize>,
    form: Form,
    pattern: &Pattern,
    syntax: Syntax,
) -> Vec<Named<'a>> {
    match form {
        Form::Layout => layouts::read(text, &found, pattern, syntax).unwrap_or_default(),
        Form::Columns => columns::read(text, &found, syntax),
        _ => single(text, found, form, pattern, syntax).into_iter().collect(),
    }
}

fn single<'a>(text: &'a [u8], found: Range<usize>, form: Form, pattern: &Pattern, syntax: Syntax) -> Option<Named<'a>> {
    let matched = &text[found.clone()];
    let groups = pattern.captures(matched)?;
    let value = groups.get(1)?.clone()?;
    let head = std::str::from_utf8(&matched[..value.start]).ok()?;
    let before = &text[found.start.saturating_sub(BEFORE)..found.start];
    let (value, literal) = unquote(matched, value);
    // What is cut short (`eyJhbGciOi...`) is shown, and opens nothing.
    if literal == Quoting::Bare
        && [&b"..."[..], "\u{2026}".as_bytes()].iter().any(|mark| text[found.start + value.end..].starts_with(mark))
    {
        return None;
    }
    let comma = head.trim_end_matches([' ', '\t', '"', '\'', '`', '\\', '(', '@']).ends_with(',');
    // `${NAME:+value}` and `${NAME:?message}` of the shell give no value.
    if form == Form::Assign && before.ends_with(b"${") && matches!(matched.get(value.start), Some(b'+' | b'?')) {
        return None;
    }
    let around = (before, text.get(found.end).copied());
    if !stands(form, head, around, literal, syntax) || form == Form::Switch && comma && literal == Quoting::Bare {
        return None;
    }
    // Where the form says that something is a value, quotes need not.
    let stated =
        matches!(form, Form::Element | Form::Attribute | Form::Call | Form::Sql | Form::Switch | Form::Signing);
    // So does a literal around the whole: `"${name:value}"`.
    let bare = &matched[value.clone()];
    let set = literal == Quoting::Bare && is_set(head, syntax, bare, (before, &text[found.start + value.end..]));
    let stated = stated || form == Form::Assign && (before.ends_with(b"\"${") || set);
    let quoted = if stated { Quoting::Quoted } else { literal };
    let range = found.start + value.start..found.start + value.end;
    let name = match form {
        Form::ValueFirst => std::str::from_utf8(&matched[groups.get(2)?.clone()?]).ok()?,
        _ => name(head, form)?,
    };
    if form == Form::Assign && literal == Quoting::Bare && around::is_in_template(before) {
        return None;
    }
    // `"name": "PASSWORD", "value": ...`: what stands behind the comma is a name, too.
    if form == Form::Assign && comma && (matched.ends_with(b":") || is_key(&text[found.end..])) {
        return None;
    }
    let value = std::str::from_utf8(text.get(range.clone())?).ok()?;
    let is_value = match (form, literal) {
        // Bare words of programs are names, and are judged as such.
        (Form::Assign, Quoting::Bare) if syntax != Syntax::Code => {
            is_assigned(name, value, head, (before, &text[range.end..]))
        }
        (Form::Switch, Quoting::Bare) => is_passed(value),
        (_, Quoting::Quoted) => !around::is_between_literals(value),
        _ => true,
    };
    if !is_value {
        return None;
    }
    // `setopt(handle, NAME, "value")`: a constant and what it is set to.
    let constant = !name.bytes().any(|b| b.is_ascii_lowercase());
    let argument = comma && !head.contains(['"', '\'', '`']) && constant;
    let neighbour = form == Form::Assign && comma && !argument && !is_switch(head, before) && !follows_bracket(before);
    // `["DB_USER", "DB_PASSWORD"]`: names of variables, and no value of any.
    if neighbour && labels::is_constant(value) {
        return None;
    }
    let behind = &text[found.end..];
    let aside = neighbour
        || around::is_of_another(before, name)
        || around::is_in_badge(text, found.start)
        || around::is_in_page(before)
        || around::is_of_mock(before)
        || literal != Quoting::Bare && around::is_piece(value, behind) && !classify::is_strong(value);
    let doubtful = match form {
        Form::Space => !(constant && before.ends_with(b"define ")),
        Form::Block | Form::Arguments | Form::Signing => true,
        Form::Assign => comma && !names_setter(before) || head.trim_end_matches([' ', '"', '\'']).ends_with("=="),
        _ => comma,
    };
    Some(Named { assignment: Assignment { name, value, quoted, syntax }, range, doubtful, aside })
}

/// Whether what is around a bare word says that it is a value: an address, the settings of a connection, an option of a command,
/// a user in front of it.
fn is_set(head: &str, syntax: Syntax, value: &[u8], (before, behind): (&[u8], &[u8])) -> bool {
    // A piece of a program is none, wherever it stands.
    let piece = value.iter().any(|b| b"(}".contains(b)) || value.first().is_some_and(|b| b"+?|&".contains(b));
    let option = head.starts_with("--");
    let listed =
        head.ends_with('=') && (option || around::is_in_query(before) || around::is_in_connection(before, behind));
    let introduced = syntax == Syntax::Prose && around::follows_user(before);
    !piece && memchr::memmem::find(value, b"->").is_none() && (listed || introduced)
}

/// Whether a bare word behind a switch is a secret, and not the name of a variable or, as in `--secret id=name,env=NAME`, a
/// note of where a secret is.
fn is_passed(value: &str) -> bool {
    let pointed = value.split_once('=').is_some_and(|(key, rest)| {
        key.bytes().all(|b| b.is_ascii_lowercase()) && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
    });
    !pointed && value.bytes().any(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Whether a bare word behind a name and a sign is its value, by what stands `before` the name and `behind` the word.
fn is_assigned(name: &str, value: &str, head: &str, (before, behind): (&[u8], &[u8])) -> bool {
    // `NAME=value command` of the shell.
    let variable = head.ends_with('=') && !name.bytes().any(|b| b.is_ascii_lowercase());
    // A call takes a name that is not in quotes for a variable: `String(length=200)`.
    !head.ends_with('(') && !around::is_in_urn(before, head) && (variable || !around::begins_prose(value, behind))
}

/// Bytes in front of a match that are looked at.
const BEFORE: usize = 40;

/// Whether what is around a match, before it and the byte behind, lets it be one of its form.
fn stands(form: Form, head: &str, (before, next): (&[u8], Option<u8>), literal: Quoting, syntax: Syntax) -> bool {
    match form {
        Form::Switch => head.starts_with('-') && before.last().is_none_or(|b| b" \t\n\"'`[(".contains(b)),
        Form::Directive => layouts::is_directive(before, head, syntax) && matches!(next, None | Some(b'\r' | b'\n')),
        // What a tag calls encrypted is no value in the clear.
        Form::Element if head.contains("crypt\"") || head.contains("crypted=") => false,
        // Inside of a tag only the attribute that names something counts.
        Form::Element if head.contains(['"', '\'']) && !head.contains('<') => {
            let lower = before.to_ascii_lowercase();
            [&b" name=\""[..], b" name='", b" key=\"", b" key='"].iter().any(|attribute| lower.ends_with(attribute))
        }
        // Between marks of code in prose stands a value, in a program a template.
        Form::Space if literal == Quoting::Backtick => syntax == Syntax::Prose,
        Form::Default => !puts_together(head),
        // A call that ended before the comma is no name.
        Form::Assign => !(head.trim_end_matches([' ', '\t', '"', '\'', '`']).ends_with(',') && head.contains(')')),
        _ => true,
    }
}

/// Whether the call whose last argument follows makes a text of its arguments, and does not fall back on the last one:
/// `os.path.join(folder, "pgpass")`.
fn puts_together(head: &str) -> bool {
    let Some((before, _)) = head.rsplit_once('(') else { return false };
    let callee = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    let callee = callee.to_ascii_lowercase();
    ["join", "path", "resolve", "format", "sprintf", "concat", "open", "file", "replace", "split"]
        .iter()
        .any(|start| callee.starts_with(start))
}

/// Whether a name is written as an option of a command, alone in its quotes: `"--requirepass", "x"`.
fn is_switch(head: &str, before: &[u8]) -> bool {
    head.starts_with("--") && before.ends_with(b"\"") || before.ends_with(b"\"--")
}

/// Whether a call that gives names values begins before a match: `define("X", ...`, `setProperty("x", ...`.
fn names_setter(before: &[u8]) -> bool {
    let Some(open) = before.iter().rposition(|b| *b == b'(') else { return false };
    let word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let length = before[..open].iter().rev().take_while(word).count();
    let callee = before[open - length..open].to_ascii_lowercase();
    let quiet = before[open + 1..].iter().all(|b| b" '\"`".contains(b));
    quiet && SETTERS.iter().any(|setter| callee.starts_with(setter.as_bytes()))
}

/// Beginnings of the names of calls that give a name a value.
const SETTERS: &[&str] =
    &["define", "put", "set", "add", "with", "env", "property", "param", "header", "append", "config"];

/// The value's range without its quotes (escaped ones too), or without what ends a bare word.
fn unquote(matched: &[u8], mut range: Range<usize>) -> (Range<usize>, Quoting) {
    // The letters before a literal (`b"..."`) are part of the match and not of the value.
    let letters = matched[range.clone()]
        .iter()
        .take(2)
        .take_while(|b| matches!(b.to_ascii_lowercase(), b'b' | b'r' | b'u' | b'f' | b'l' | b'@' | b'$'))
        .count();
    if matches!(matched.get(range.start + letters), Some(b'"' | b'\'' | b'\\')) {
        range.start += letters;
    }
    let escaped = matched[range.start] == b'\\';
    let open = range.start + usize::from(escaped);
    let quote = matched.get(open).copied();
    if !matches!(quote, Some(b'"' | b'\'' | b'`')) {
        range.end = range.start + around::end_in_query(&matched[range.clone()]);
        range.end = range.start + end_of_scheme(&matched[range.clone()]);
        while range.end > range.start
            && match matched[range.end - 1] {
                b')' | b']' | b'\\' | b'.' | b'|' | b':' => true,
                // What closes a brace of its own belongs to the value: `${NAME:default}`.
                b'}' => !matched[range.clone()].contains(&b'{'),
                _ => false,
            }
        {
            range.end -= 1;
        }
        return (range, Quoting::Bare);
    }
    range.start = open + 1;
    range.end -= 1;
    // A value in an escaped literal ends at the escape, not at the outer quote.
    if let Some(escape) = matched[range.clone()].iter().position(|b| *b == b'\\').filter(|_| escaped) {
        range.end = range.start + escape;
    }
    (range, if quote == Some(b'`') { Quoting::Backtick } else { Quoting::Quoted })
}

/// Where a bare value ends: what stands behind the name of a scheme belongs to it, unless it is a word (`token needed`).
fn end_of_scheme(value: &[u8]) -> usize {
    let blank = value.iter().position(|b| *b == b' ');
    blank.filter(|at| !value[*at..].iter().any(u8::is_ascii_digit)).unwrap_or(value.len())
}

/// Whether what ends here is the key of what follows.
fn is_key(behind: &[u8]) -> bool {
    let behind = &behind[..behind.len().min(BEFORE)];
    behind.trim_ascii_start().starts_with(b":")
}

/// Whether an argument list begins before a name: `put("password", ...` and not `["password", ...`.
fn follows_bracket(before: &[u8]) -> bool {
    let before = before.iter().rev().take(8).find(|b| !matches!(b, b'"' | b'\'' | b'`' | b' ' | b'\\'));
    before == Some(&b'(')
}

/// The name in front of a value.
pub(super) fn name(head: &str, form: Form) -> Option<&str> {
    let member = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let head = head.trim_start_matches(['<', ':', '.', '-', '/']);
    let end = head.find(|c: char| !member(c)).unwrap_or(head.len());
    let (name, rest) = head.split_at(end);
    // `ns:password` of an element, where the first part is a name space.
    let (name, rest) = match rest.strip_prefix(':').filter(|_| form == Form::Element) {
        Some(local) => local.split_at(local.find(|c: char| !member(c)).unwrap_or(local.len())),
        None => (name, rest),
    };
    let separator = rest.trim_start_matches(['"', '\'', '`', ']', ')', '\\', ' ', '\t']);
    match form {
        // A comma separates a name from its value only where the name is a literal, as in `put("password", "x")`.
        // Go gives two values at once: `key, err := f(...)`.
        Form::Assign if separator.starts_with(',') && !rest.contains(":=") => {
            let constant = name.len() > 4 && !name.bytes().any(|b| b.is_ascii_lowercase());
            (constant && rest.trim_start().starts_with(',') || rest.starts_with(['"', '\'', '`', '\\'])).then_some(name)
        }
        Form::Call => called(name),
        Form::Arguments => Some("password"),
        Form::Signing => Some("secret"),
        Form::Sql => Some("password"),
        Form::Directive => Some(layouts::directive(head)),
        Form::Marker | Form::Packed | Form::Columns => None,
        _ => Some(name),
    }
}

/// Beginnings of the names of calls that take a secret.
const TAKING: &[&str] = &["set", "with", "enter", "fill", "type", "input", "add", "use"];
/// Calls of a named thing that give it its value.
const GIVING: &[&str] =
    &[".sendkeys", ".send_keys", ".fill", ".settext", ".setvalue", ".set", ".val", ".type", ".value"];

/// What a call gives a value to; none where it does something else.
fn called(name: &str) -> Option<&str> {
    let lower = name.to_ascii_lowercase();
    if let Some(verb) = GIVING.iter().find(|verb| lower.ends_with(*verb)) {
        let thing = name.get(..name.len() - verb.len())?;
        let kinds = ["field", "input", "box", "element"];
        let end = kinds.iter().find(|kind| lower[..thing.len()].ends_with(*kind)).map_or(0, |kind| kind.len());
        return thing.get(..thing.len() - end);
    }
    let last = lower.rsplit('.').next().unwrap_or(&lower);
    (TAKING.iter().any(|verb| last.starts_with(verb))
        || matches!(last, "password" | "secret" | "token" | "apikey" | "passwd" | "passphrase"))
    .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{
        super::forms::{FORMS, KEYWORDS},
        *,
    };

    /// Name and value that a form reads in a text.
    fn named(form: Form, text: &str, syntax: Syntax) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (_, regex) in FORMS.iter().filter(|(f, _)| *f == form) {
            let engine = crate::engine::Engine::new(vec![crate::engine::Spec {
                regex: (*regex).to_owned(),
                keywords: KEYWORDS.iter().map(|k| (*k).to_owned()).collect(),
            }])
            .unwrap();
            let mut matches = Vec::new();
            engine.find(text.as_bytes(), &mut crate::engine::Workspace::default(), &mut matches);
            let pattern = Pattern::unchecked(regex);
            for m in matches {
                let named = read(text.as_bytes(), m.start..m.end, form, &pattern, syntax);
                found.extend(named.into_iter().map(|n| (n.assignment.name.to_owned(), n.assignment.value.to_owned())));
            }
        }
        found
    }

    #[test]
    fn forms_give_names_and_values() {
        use Syntax::{Code, Prose, Settings};
        for (form, text, syntax, expected) in [
            (Form::Assign, "char wifi_password[16] = \"Rope-7\";", Code, &[("wifi_password", "Rope-7")][..]),
            (Form::Assign, "the_token=Rope-7dOck8...", Settings, &[]),
            (Form::Assign, "db.password=${DB_PASS:Rope-7}", Settings, &[("db.password", "${DB_PASS:Rope-7}")]),
            (Form::Assign, "hmac('password'), 'da28fc43'", Code, &[]),
            (Form::Assign, "echo \"Pass: harbour was found\"", Settings, &[]),
            (Form::Assign, "a_password=Harbour", Settings, &[("a_password", "Harbour")]),
            (Form::Assign, "A_PASSWORD=harbour dock now", Settings, &[("A_PASSWORD", "harbour")]),
            (Form::Assign, "token_secret = String(length=200)", Prose, &[]),
            (Form::Assign, "?x_token=29971f&x_secret=238eb8", Prose, &[("x_token", "29971f")]),
            (Form::Assign, "urn:app:secret:name:key1", Settings, &[]),
            (Form::NextLine, "SECRET_KEY = (\n    'Rope-7'\n)", Code, &[("SECRET_KEY", "Rope-7")]),
            (Form::NextLine, "password:\n    'Rope-7'\n", Code, &[]),
            (Form::Element, "<property name=\"db.password\">Rope-7</property>", Code, &[("db.password", "Rope-7")]),
            (Form::Element, "<label for=\"password\">Rope-7</label>", Code, &[]),
            (Form::Element, "<password>\n  Rope-7\n</password>", Code, &[("password", "Rope-7")]),
            (Form::Call, "user.setPassword(\"Rope-7\")", Code, &[("user.setPassword", "Rope-7")]),
            (Form::Call, "passwordField.sendKeys(\"Rope-7\")", Code, &[("password", "Rope-7")]),
            (Form::Call, ".password(encoder.encode(\"Rope-7\"))", Code, &[("password", "Rope-7")]),
            (Form::Call, "getPassword(\"Rope-7\")", Code, &[]),
            (Form::Block, "password(name: 'SU_PASSWORD', defaultValue: 'Rope-7')", Code, &[("SU_PASSWORD", "Rope-7")]),
            (Form::Block, "variable \"db_password\" {\n  default = \"Rope-7\"\n}", Code, &[("db_password", "Rope-7")]),
            (Form::Arguments, "new NetworkCredential(\"joe\", \"Rope-7\")", Code, &[("password", "Rope-7")]),
            (Form::Arguments, "auth=('joe', 'Rope-7')", Code, &[("password", "Rope-7")]),
            (Form::Arguments, "mysql_connect('h', 'joe', 'Rope-7')", Code, &[("password", "Rope-7")]),
            (
                Form::Arguments,
                "pymysql.connect(\"db\", \"root\", \"Rope-7\", \"shop\")",
                Code,
                &[("password", "Rope-7")],
            ),
            (Form::Arguments, "connect('ready', 'now')", Code, &[]),
            (Form::Arguments, "client.login('joe', 'Rope-7')", Code, &[("password", "Rope-7")]),
            (Form::Arguments, "ks.load(in, \"Rope-7\".toCharArray());", Code, &[("password", "Rope-7")]),
            (Form::Signing, "jwt.sign({ id: 7 }, 'Rope-7')", Code, &[("secret", "Rope-7")]),
            (Form::Signing, "hash_hmac('sha256', $text, 'Rope-7')", Code, &[("secret", "Rope-7")]),
            (Form::Signing, "hmac.New(sha256.New, []byte(\"Rope-7\"))", Code, &[("secret", "Rope-7")]),
            (Form::Signing, "new SecretKeySpec(\"Rope-7\".getBytes(), \"AES\")", Code, &[("secret", "Rope-7")]),
            (Form::Default, "process.env.SECRET_KEY || 'Rope-7'", Code, &[("process.env.SECRET_KEY", "Rope-7")]),
            (Form::Default, "os.environ.get(\"API_SECRET\") or 'Rope-7'", Code, &[("API_SECRET", "Rope-7")]),
            (Form::Assign, "url = 'https://x.example/v1?api_key=Rope7&x=1'", Code, &[("api_key", "Rope7")]),
            (Form::Assign, "key, _ := hex.DecodeString(\"a1b2c3\")", Code, &[("key", "a1b2c3")]),
            (Form::Assign, "user: joe, password: rope", Prose, &[("password", "rope")]),
            (Form::Default, "ENV['API_KEY'] ||= 'Rope-7'", Code, &[("API_KEY", "Rope-7")]),
            (Form::Default, "let(:api_token) { 'Rope-7' }", Code, &[("api_token", "Rope-7")]),
            (Form::Default, "fill_in 'Password', with: 'Rope-7'", Code, &[("Password", "Rope-7")]),
            (Form::Arguments, "request.basic_auth 'joe', 'Rope-7'", Code, &[("password", "Rope-7")]),
            (Form::Arguments, "generate_password_hash('Rope-7')", Code, &[("password", "Rope-7")]),
            (Form::Signing, "signWith(HS512, \"Rope-7\")", Code, &[("secret", "Rope-7")]),
            (Form::Assign, "\"host=db user=joe password=Rope-7 dbname=x\"", Code, &[("password", "Rope-7")]),
            (Form::Assign, "-H \"Authorization: token Rope7a\"", Settings, &[("Authorization", "token Rope7a")]),
            (Form::Attribute, "<meta name=\"api-key\" content=\"Rope7\">", Code, &[("api-key", "Rope7")]),
            (Form::Assign, "run('--db-password=rope')", Code, &[("db-password", "rope")]),
            (Form::Space, "the password is `Rope-7`", Prose, &[("password", "Rope-7")]),
            (Form::Directive, "\nbindpw Rope-7\n", Settings, &[("password", "Rope-7")]),
            (Form::Switch, "run --db-password Rope-7 x", Settings, &[("db-password", "Rope-7")]),
            (Form::Switch, "one-password manager", Prose, &[]),
            (Form::Switch, "build --secret id=dock,env=ROPE x", Settings, &[]),
            (Form::Switch, "run --token TOKEN", Settings, &[]),
            (Form::Switch, "('--password', value)", Code, &[]),
            (Form::Space, "user `joe`, password `Rope-7`", Prose, &[("password", "Rope-7")]),
            (Form::Space, "password `Rope-7`", Code, &[]),
            (Form::Pair, "- name: DB_PASS\n  value: Rope-7\n", Settings, &[("DB_PASS", "Rope-7")]),
            (
                Form::Pair,
                "\"name\": \"DB_PASS\",\n \"slot\": false,\n \"value\": \"Rope-7\"",
                Code,
                &[("DB_PASS", "Rope-7")],
            ),
            (Form::Pair, "- name: DB_PASS\n- name: X\n  value: Rope-7\n", Settings, &[]),
            (Form::ValueFirst, "- value: Rope-7\n  name: DB_PASS\n", Settings, &[("DB_PASS", "Rope-7")]),
            (Form::ValueFirst, "<add value='Rope-7' key='db.pass'/>", Settings, &[("db.pass", "Rope-7")]),
            (Form::ValueFirst, "- value: Rope-7\n- name: DB_PASS\n", Settings, &[]),
            (Form::ValueFirst, "{value: 'Rope-7', name: 'Password reset'}", Code, &[]),
            (Form::Layout, "<key>db.pass</key>\n <string>Rope-7</string>", Code, &[("db.pass", "Rope-7")]),
            (Form::Layout, "<setting name=\"DbPass\" a=\"b\">\n<value>Rope-7</value>", Code, &[("DbPass", "Rope-7")]),
            (Form::Layout, "<key>db.pass</key><key>Rope-7</key>", Code, &[]),
            (Form::Layout, "db_pass: >-\n  Rope-7\n", Settings, &[("db_pass", "Rope-7")]),
            (Form::Layout, "DB_PASS=$(cat <<EOF\nRope-7\nEOF\n)", Settings, &[("DB_PASS", "Rope-7")]),
            (
                Form::Layout,
                "api_keys: ['Rope-7dO', \"Rope-8dO\"]",
                Code,
                &[("api_key", "Rope-7dO"), ("api_key", "Rope-8dO")],
            ),
            (Form::Layout, "api_keys: ['name', 'Rope']", Code, &[]),
            (Form::Layout, "issue_keys: ['Rope-7dO']", Code, &[]),
            (
                Form::Layout,
                "api_keys:\n- Rope-7dO\n- Rope-8dO\n- x: y\n",
                Settings,
                &[("api_key", "Rope-7dO"), ("api_key", "Rope-8dO")],
            ),
            (Form::Layout, "DB_PASS=\n  - DB_USER=Rope-7dO\n", Settings, &[]),
            (Form::Directive, "FROM x\nENV DB_PASS Rope-7\n", Settings, &[("DB_PASS", "Rope-7")]),
            (Form::Directive, "username joe privilege 15 password 0 Rope-7\n", Settings, &[("password", "Rope-7")]),
            (Form::Directive, "set password FOR joe\n", Settings, &[]),
            (Form::Directive, "<auth-user-pass>\njoe\nRope-7\n</auth-user-pass>", Settings, &[("password", "Rope-7")]),
            (Form::Layout, "db.pass=Rope;7dOck\n", Settings, &[("db.pass", "Rope;7dOck")]),
            (Form::Layout, "db.pass=Rope;7dOck;user=x\n", Settings, &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(named(form, text, syntax), expected, "{form:?}: {text}");
        }
    }
}
