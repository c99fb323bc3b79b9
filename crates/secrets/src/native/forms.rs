//! Expressions that bring candidates to the classifier. Constants only: the build plans them too.

/// A form in which values are given names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `name = value` and its kin; the last group is the value.
    Assign,
    /// `name =` on one line and a literal on the next.
    NextLine,
    /// `<name>value</name>`.
    Element,
    /// `key="name" value="value"`.
    Attribute,
    /// `setName("value")`.
    Call,
    /// `IDENTIFIED BY 'value'`, `PASSWORD 'value'`.
    Sql,
    /// A literal behind `?:`, `||`, `??` or a comma.
    Default,
    /// White space instead of an operator.
    Space,
    /// A name and its value as two fields.
    Pair,
    /// The same, the value first.
    ValueFirst,
    /// A name whose value is elsewhere than behind a sign on its line: a block, a list, a neighbouring element.
    Layout,
    /// Words of a known kind of configuration file at the start of a line, blanks between them.
    Directive,
    /// `--password value`.
    Switch,
    /// A name, and in the block or list of arguments behind it `default` or `example` with a value.
    Block,
    /// A user and a password as arguments: `Credential("user", "password")`.
    Arguments,
    /// The secret that a call signs or encrypts with: `jwt.sign(payload, "secret")`.
    Signing,
    /// The columns of a table, whose rows follow.
    Columns,
    /// Bytes written as numbers.
    Bytes,
    /// Base64 of a gzip or zlib stream, to be looked into.
    Packed,
    /// Holds no value itself: says that a reader of structured files has something to do.
    Marker,
}

macro_rules! words {
    () => {
        "(?:pass|pwd|_pw|psk|secret|token|key|auth|cred|salt|pepper|nonce|seed|community|kennwort|senha|contrase)"
    };
}

/// The forms with their expressions, in the order in which the engine numbers them. Most lengths are open: a bound in an
/// expression costs a state for each step of it, so the engine bounds the match as a whole.
pub(crate) const FORMS: &[(Form, &str)] = &[
    (
        Form::Assign,
        concat!(
            r"(?i)[\w.\-/]{0,40}?",
            words!(),
            r#"[\w.\-]*(?:\\?["'`]|\]|\)|\[\w{0,12}\]){0,3}[ \t]*(?:=>|(?:,[ ]?(?:_|err)[ ])?:=|->|={1,3}|:[ \t]{0,4}[&a-z][\w<>\[\]?.|&' ]{0,30}=|:|,)[ \t]*"#,
            r#"(?:(?:\[\]byte|bytes?|new [\w.]{1,30}|[\w.]{0,30}(?:decode|encode|base64string|buffer\.from|decodestring|getbytes|string|fromhex|unhexlify))\([ \t]{0,4})?"#,
            r#"((?:[brufl@$]{1,2})?\\?"[^"\r\n]+"|(?:[brufl]{1,2})?\\?'[^'\r\n]+'|`[^`\r\n]+`|(?:(?:token|apikey|bot)[ ])?[^\s"'`,;<>(){}\[\]=][^\s"'`,;<>]{2,})"#
        ),
    ),
    (
        Form::NextLine,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]*["'\])]{0,3}[ \t]*(?:=>|:=|=)[ \t]{0,8}\(?[ \t]{0,4}\r?\n[ \t]{1,60}("[^"\r\n]+"|'[^'\r\n]+'|`[^`\r\n]+`)"#
        ),
    ),
    (
        Form::Element,
        concat!(
            r"(?i)[\w.:\-<]{0,31}?",
            words!(),
            r#"[\w.\-]{0,30}["']?(?:[ \t][^<>\r\n]{0,80})?>[ \t]{0,4}(?:\r?\n[ \t]{0,60})?([^<>\s][^<>\r\n]+)(?:\r?\n[ \t]{0,60})?</"#
        ),
    ),
    (
        Form::Attribute,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]*["']\s{1,40}(?:[\w:]{1,20}="[^"\r\n]{0,60}"\s{1,40}){0,3}(?:value|content)[ \t]{0,3}=[ \t]{0,3}("[^"\r\n]+"|'[^'\r\n]+')"#
        ),
    ),
    (
        Form::Call,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.]{0,30}\([ \t]{0,4}(?:[\w.]{2,30}\()?(@?"[^"\r\n]+"|'[^'\r\n]+')[ \t]{0,4}\)"#
        ),
    ),
    (Form::Sql, r"(?i)(?:identified[ \t]{1,4}by|password)[ \t]{1,4}('[^'\r\n]{1,100}')"),
    // The value that is used where nothing is configured.
    (
        Form::Default,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]*["'\]]{0,2}(?:[ \t]{0,12}(?:=>|:=|=|:)[ \t]{0,4}(?:[\w.:\[\](){}'"$>\-]{3,80}(?:[ \t]{0,4}(?:\?:|\|\||\?\?)|[ \t]{1,4}or)|[\w.]{2,40}\([^()\r\n]{1,60},)"#,
            // The same without another name in front: `process.env.SECRET || "value"`, `let(:secret) { "value" }`.
            r#"|\)?(?:[ \t]{0,4}(?:\?:|\|\|=?|\?\?=?)|[ \t]{1,4}or[ \t])|\)[ \t]?\{|,[ \t]{0,2}with:)[ \t]{0,4}("[^"\r\n]+"|'[^'\r\n]+')"#
        ),
    ),
    // `#define NAME "value"` and settings whose names and values are separated by white space.
    // So are words of a sentence: "the password is `value`".
    (
        Form::Space,
        concat!(r"(?i)[\w.\-]{0,40}?", words!(), r#"[\w.\-]*[ \t]+(?:is[ \t]+)?("[^"\r\n]+"|'[^'\r\n]+'|`[^`\r\n]+`)"#),
    ),
    // `name: NAME` on one line and `value: value` on the next, or both in one element; a field or two may stand between.
    (
        Form::Pair,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]*["']?(?:[ \t]*|(?:,[ \t]*(?:\r?\n[ \t]*)?|[ \t]*(?:#[^\r\n]*)?\r?\n[ \t]*)"#,
            r#"(?:["']?[a-z]+["']?[ \t]*[:=][ \t]*["']?[\w./\-]*["']?,?[ \t]*(?:\r?\n[ \t]*)?){0,2}["']?(?:parameter)?)"#,
            r#"["']?value["']?[ \t]*[:=][ \t]*("[^"\r\n]+"|'[^'\r\n]+'|[^\s"'`,;<>(){}\[\]=][^\s"'`,;<>]{2,})"#
        ),
    ),
    // Each way to write the sign is a literal of its own: the word alone stands everywhere in programs.
    (
        Form::ValueFirst,
        concat!(
            r#"(?i)(?:value: |value":|value':|value=|value = )[ \t]*("[^"\r\n]+"|'[^'\r\n]+'|[^\s"'`,;<>(){}\[\]=][^\s"'`,;<>]{2,})[ \t]*,?[ \t]*(?:\r?\n[ \t]*)?"#,
            r#"["']?(?:parameter)?(?:name|key)["']?[ \t]*[:=][ \t]*["']?([\w.\-]*?"#,
            words!(),
            r#"[\w.\-]*)(?:["']|[ \t]*(?:[,}\r\n]|\z))"#
        ),
    ),
    // One expression for all, since each costs a look at every name. The groups stand in the order of
    // `layouts::SHAPES`.
    (
        Form::Layout,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r"[\w.\-]*(?:",
            r#"(?:</(?:name|key|param-name)>|["'](?:[ \t]+[\w:]+=["'][^"'<>\r\n]*["'])*[ \t]*>)\s*<(?:value|param-value|string)>([^<>\s][^<>\r\n]*)</"#,
            r#"|["']?:[ \t]+[|>][+\-]?[ \t]*\r?\n[ \t]+([^\s#][^\r\n]*)(?:\r?\n[ \t]*|\z)"#,
            r#"|["']?[ \t]*(?:=[ \t]*(?:["']?\$\([ \t]*cat[ \t]+)?)?<<[\-~]?[ \t]*["']?\w+["']?[ \t]*\r?\n[ \t]*([^\s][^\r\n]*)\r?\n[ \t]*\w+"#,
            r#"|["'\]]*[ \t]*(?:=>|:=|[:=])[ \t]*(\[\s*(?:"[^"\r\n]*"|'[^'\r\n]*')(?:\s*,\s*(?:"[^"\r\n]*"|'[^'\r\n]*'))*)"#,
            r#"|["'\]]*[ \t]*:[ \t]*((?:\r?\n[ \t]*-[ \t]+(?:"[^"\r\n]*"|'[^'\r\n]*'|[^\s"'#{}\[\],|>&*!][^\s"'{}\[\],]*)[ \t]*)+)(?:\r?\n|\z)"#,
            r#"|[ \t]*[:=][ \t]*([^\s"'`;=<>(){}\[\]][^\s"'`;=]*(?:;[^\s"'`;=]+)+)[ \t]*(?:\r?\n|\z))"#
        ),
    ),
    // Redis, Docker, and the consoles of network devices.
    (
        Form::Directive,
        concat!(
            r#"(?i)(?:requirepass|masterauth|bindpw|rootpw|enable (?:secret|password)|username [\w.\-]+ (?:privilege [0-9]+ )?(?:secret|password)|snmp-server community|(?:tacacs|radius)-server key|set (?:password|passwd|psksecret)|\nenv [\w.\-]*?"#,
            words!(),
            r#"[\w.\-]*)[ \t]+(?:[07][ \t]+)?("[^"\r\n]+"|[^\s"'`,;<>(){}\[\]=|&$%][^\s"'`,;<>(){}\[\]|]{2,})(?:[ \t]+r[ow]\b[^\r\n]*)?[ \t]*"#
        ),
    ),
    // The user on one line, the password on the next.
    (
        Form::Directive,
        r"(?i)(?:auth|http-proxy)-user-pass>[ \t]{0,4}\r?\n[^\s<][^\r\n]{0,80}\r?\n([^\s<][^\s]+)[ \t]{0,4}",
    ),
    // `password(name: "X", defaultValue: "y")`, `variable "x_password" { default = "y" }`.
    (
        Form::Block,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]*["']?[ \t]{0,4}(?:[:=][ \t]{0,4})?[,{][^{}\r\n"']{0,24}(?:["'][^"'\r\n]{0,40}["'][^{}"'\r\n]{0,24}|\r?\n[^{}"'\r\n]{0,24}){0,4}(?:\b(?:default(?:_?value)?|initial_?value|example|value)|["'](?:default)?value)["']?[ \t]{0,4}[:=][ \t]{0,4}("[^"\r\n]+"|'[^'\r\n]+')"#
        ),
    ),
    // A literal for the user, one for the password.
    (
        Form::Arguments,
        r#"(?i)(?:credentials?|basic_?auth|passwordauthentication|usernamepassword\w{0,24}|auth(?:enticate|entication)?)(?:\(|[ \t]|["']?[ \t]{0,2}[:=][ \t]{0,2}[(\[])[ \t]{0,4}["'][^"'\r\n]{1,60}["'][ \t]{0,2},[ \t]{0,4}("[^"\r\n]{2,100}"|'[^'\r\n]{2,100}')"#,
    ),
    (
        Form::Arguments,
        r#"(?i)(?:getconnection|mysqli?_p?connect|new[ ]mysqli|new[ ]pdo)[ \t]{0,2}\([^"'\r\n]{0,40}(?:["'][^"'\r\n]{0,80}["']|[$\w.]{1,40})[ \t]{0,2},[ \t]{0,4}["'][^"'\r\n]{1,60}["'][ \t]{0,2},[ \t]{0,4}("[^"\r\n]{2,100}"|'[^'\r\n]{2,100}')"#,
    ),
    (
        Form::Arguments,
        r#"(?i)(?:log_?in|log_?on|sign_?in)\([ \t]{0,4}["'][^"'\r\n]{1,60}["'][ \t]{0,2},[ \t]{0,4}("[^"\r\n]{2,100}"|'[^'\r\n]{2,100}')[ \t]{0,2}[,)]"#,
    ),
    // Host or name, user or address, password.
    (
        Form::Arguments,
        r#"(?i)(?:\.connect|create_?(?:super_?)?user)\([ \t]{0,4}(?:["'][^"'\r\n]{1,80}["'][ \t]{0,2},[ \t]{0,4}){2}("[^"\r\n]{2,100}"|'[^'\r\n]{2,100}')[ \t]{0,2}[,)]"#,
    ),
    // What is hashed to be compared with what people type.
    (
        Form::Arguments,
        r#"(?i)(?:bcrypt\.hash(?:sync|pw)?|generate_password_hash|make_password|password_hash)\([ \t]{0,4}(b?"[^"\r\n]+"|b?'[^'\r\n]+')"#,
    ),
    // Key stores of Java take passwords as characters.
    (
        Form::Arguments,
        r#"(?i)(?:\.load|getkey|getprivatekey|\.init|pbekeyspec|passwordprotection)\([^"'\r\n]{0,80}("[^"\r\n]+")\.tochararray\("#,
    ),
    // One or two arguments, then the secret.
    (
        Form::Signing,
        concat!(
            r#"(?i)(?:jwt\.(?:sign|verify|encode|decode)|create(?:hmac|(?:de)?cipher(?:iv)?)|hash_hmac|hmac\.(?:new|(?:hex)?digest)|aes\.(?:en|de)crypt|signwith)\([ \t]{0,4}"#,
            r#"(?:(?:\{[^{}\r\n]{0,120}\}|["'][^"'\r\n]{0,80}["']|[$\w.:\[\]]{1,60}(?:\([^()\r\n]{0,60}\))?)[ \t]{0,2},[ \t]{0,4}){1,2}?(?:\[\]byte\()?(b?"[^"\r\n]+"|b?'[^'\r\n]+')"#
        ),
    ),
    // The secret first.
    (
        Form::Signing,
        concat!(
            r#"(?i)(?:fernet|aes\.new|symmetricsecuritykey|\.hmac(?:256|384|512)|cookieparser|hmac\.new|totp|authenticator\.generate|secretkeyspec|newcookiestore|signedstring|setsigningkey|hmacsha(?:1|256|384|512))\([ \t]{0,4}"#,
            r#"(?:(?:\[\]byte|[\w.]{0,30}getbytes)\([ \t]{0,4})?(b?"[^"\r\n]+"|b?'[^'\r\n]+')"#
        ),
    ),
    (
        Form::Switch,
        r#"(?i)[\w\-]{0,30}?(?:-pass(?:word|wd|phrase)?|-pwd|-token|-secret|-api-?key|-access-?key|-secret-?key|-requirepass|-storepass|-keypass)["']{0,1}(?:[ \t]{1,4}|,[ \t]{0,4})("[^"\r\n]+"|'[^'\r\n]+'|[^\s"'`,;<>(){}\[\]=|&$%\-][^\s"'`,;<>(){}|&]{2,})"#,
    ),
    // Eight bytes or more, in one line or several; the first line is the place.
    (
        Form::Bytes,
        concat!(
            r"(?i)[\w.\-]{0,40}?",
            words!(),
            r#"[\w.\-]{0,30}(?:\[\w{0,12}\])?[ \t]{0,8}[:=][^;{}\[\]\r\n"'(]{0,24}[{\[(]\s{0,60}((?:(?:\((?:byte|char)\)[ \t]?)?0x[0-9a-f]{1,2}[ \t]{0,4},?[ \t]{0,4}){4,})"#
        ),
    ),
    // The rows are read by themselves: there can be many.
    (
        Form::Columns,
        r#"(?i)insert[ \t]{1,4}(?:ignore[ \t]{1,4})?into[ \t]{1,4}[\w.`"\[\]]{1,80}[ \t]{0,4}\([^()]{1,600}\)\s{0,40}values\s{0,40}\("#,
    ),
    // The first bytes of a gzip or zlib stream in base64.
    (Form::Packed, r"(?:H4sI|eJ[wxyz]|eN[opqr]|eA[EFGH]|eF[4567])[0-9A-Za-z+/_\-]{20,}={0,2}"),
    (Form::Marker, r#"kind"?[ \t]{0,4}:[ \t]{0,4}"?Secret\b"#),
];

/// Words of which one must be in the text.
pub(crate) const KEYWORDS: &[&str] = &[
    "pass",
    "pwd",
    "_pw",
    "psk",
    "secret",
    "token",
    "key",
    "auth",
    "cred",
    "salt",
    "pepper",
    "nonce",
    "seed",
    "community",
    "kennwort",
    "senha",
    "contrase",
    "identified",
    "bcrypt",
    "bindpw",
    "insert",
    "rootpw",
    "login",
    "logon",
    "log_in",
    "log_on",
    "signin",
    "sign_in",
    ".connect",
    "createuser",
    "create_user",
    "createsuperuser",
    "create_superuser",
    "tochararray",
    "jwt",
    "hmac",
    "cipher",
    "aes",
    "fernet",
    "cookie",
    "totp",
    "signed",
    "signwith",
    "securitykey",
    "getconnection",
    "mysql_connect",
    "mysqli_connect",
    "mysql_pconnect",
    "mysqli_pconnect",
    "new mysqli",
    "new pdo",
    "kind",
    "h4si",
    "ejw",
    "ejx",
    "ejy",
    "ejz",
    "eno",
    "enp",
    "enq",
    "enr",
    "eae",
    "eaf",
    "eag",
    "eah",
    "ef4",
    "ef5",
    "ef6",
    "ef7",
];
