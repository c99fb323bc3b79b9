//! Tests of the expression language, as data.

use super::*;

/// A world with answers: requests and the clock say what they were asked.
struct World;

impl Effects for World {
    fn call(&self, function: &'static str, arguments: &[Value]) -> Result<Value, String> {
        match function {
            "time.nowUnix" => Ok(Value::text("1700000000")),
            "time.nowRFC3339" => Ok(Value::text("2023-11-14T22:13:20Z")),
            "env.getOrDefault" => Ok(arguments[1].clone()),
            "http.get" if arguments[0] == Value::text("http://refused.example") => Err("refused".to_owned()),
            _ => Ok(Value::map([
                ("status", Value::Int(200)),
                ("body", Value::text(r#"{"login":"me"}"#)),
                ("json", Value::map([("login", Value::text("me")), ("list", Value::list(vec![Value::Int(7)]))])),
                ("headers", Value::map([])),
                ("function", Value::text(function)),
                ("arguments", Value::list(arguments.to_vec())),
            ])),
        }
    }
}

/// A vocabulary of two bytes a token, with one word.
struct TwoBytes;

impl TokenCounter for TwoBytes {
    fn tokens(&self, text: &str) -> usize {
        text.len().div_ceil(2)
    }
    fn has_word(&self, text: &str, length: usize) -> bool {
        length <= 5 && text.contains("apple")
    }
}

fn sample() -> Env<'static> {
    let raw = "line one\nkey = \"Zx81-secret\" # ä\nlast";
    Env {
        finding: Map::of_fields([
            ("secret", Value::text("Zx81-secret")),
            ("match", Value::text("key = \"Zx81-secret\"")),
            ("line", Value::text("key = \"Zx81-secret\" # ä")),
            ("rule_id", Value::text("sample")),
            ("description", Value::text("A sample")),
            ("context", Value::text("")),
            ("entropy", Value::text("3.1")),
            ("fragment_raw", Value::text(raw)),
            ("match_start_idx", Value::Int(9)),
            ("match_end_idx", Value::Int(28)),
            ("match_line_start_idx", Value::Int(9)),
            ("match_line_end_idx", Value::Int(33)),
        ]),
        attributes: Map::of_fields([("path", Value::text("src/app.py")), ("git.sha", Value::text("abc123"))]),
        captures: Map::of_fields([("client-id", Value::text("cid"))]),
        ..Env::default()
    }
}

/// The value of an expression that must parse.
fn value(text: &str, env: &Env<'_>) -> Result<Value, EvalError> {
    Expr::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).eval(env)
}

fn json(text: &str) -> Value {
    Value::from_json(&serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}")))
}

/// Expressions with their values as JSON.
const VALUES: &[(&str, &str)] = &[
    // Operators and their precedence.
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("7 - 2 - 1", "4"),
    ("7 % 4 + 10 / 4", "5.5"),
    ("-2 ** 2", "-4.0"),
    ("2 ** 3 ** 2", "512.0"),
    ("2 ^ 3", "8.0"),
    ("1.5 + 1", "2.5"),
    ("-(3)", "-3"),
    ("- 3 + 5", "2"),
    ("'a' + \"b\" + `c`", "\"abc\""),
    ("1 < 2 and 2 <= 2 and 3 > 2 and 2 >= 2", "true"),
    ("1 < 3 < 2", "false"),
    ("3 > 2 > 1", "true"),
    ("'a' < 'b'", "true"),
    ("1 == 1.0", "true"),
    ("1 == '1'", "false"),
    ("[1, [2]] == [1, [2.0]]", "true"),
    ("{a: 1} == {\"a\": 1.0}", "true"),
    ("nil == nil", "true"),
    ("not false && !false", "true"),
    ("not 1 in [1]", "!"),
    ("not (1 in [1])", "false"),
    ("1 not in [2, 3]", "true"),
    ("'a' in {a: 1}", "true"),
    ("'a' in nil", "false"),
    ("'haystack' contains 'st'", "true"),
    ("'haystack' not contains 'st'", "false"),
    ("'haystack' startsWith 'hay' and 'haystack' endsWith 'stack'", "true"),
    ("'haystack' not startsWith 'x' and 'haystack' not endsWith 'x'", "true"),
    ("'abc1' matches `^[a-c]+\\d$`", "true"),
    ("'abc' not matches `\\d`", "true"),
    ("'abc' matches 'a' + '.'", "true"),
    ("true || 1", "true"),
    ("false && 1", "false"),
    ("false or true", "true"),
    ("true ? 1 : false ? 2 : 3", "1"),
    ("false ? 1 : false ? 2 : 3", "3"),
    ("nil ?? 1", "1"),
    ("nil ?? nil ?? 2", "2"),
    ("nil ?? -1", "-1"),
    ("false ?? true", "false"),
    ("1..4", "[1, 2, 3, 4]"),
    ("4..1", "[]"),
    ("2 in 1..3", "true"),
    // Names, members, indexes, slices.
    ("secret", "\"Zx81-secret\""),
    ("finding.secret", "\"Zx81-secret\""),
    ("finding['nothing']", "\"\""),
    ("attributes[\"git.sha\"]", "\"abc123\""),
    ("captures['client-id']", "\"cid\""),
    ("{a: {b: [10, 20]}}.a.b[1]", "20"),
    ("[1, 2, 3][-1]", "3"),
    ("{a: nil}.a?.b.c", "null"),
    ("{a: nil}?.a", "null"),
    ("{a: nil}.a?.[0]", "null"),
    ("{a: 1}.b", "null"),
    ("{1: 'x', (\"a\" + \"b\"): 2,}", "{\"1\": \"x\", \"ab\": 2}"),
    ("[1, 2, 3, 4][1:3]", "[2, 3]"),
    ("'abcdef'[2:]", "\"cdef\""),
    ("'abcdef'[:-2]", "\"abcd\""),
    ("'abcdef'[:]", "\"abcdef\""),
    ("'abcdef'[4:2]", "\"\""),
    ("'abc'[1]", "98"),
    ("'äbc'[1:]", "\"bc\""),
    ("'äbc'[0:1]", "\"\""),
    ("{in: 1, not: 2}.not", "2"),
    // Bindings.
    ("let x = 2; let y = x * 3; x + y", "8"),
    ("(let x = 1; x) + (let x = 2; x)", "3"),
    ("let a = (let b = 1; b + 1); a * 10", "20"),
    ("let list = [1, 2]; any(list, # == list[1])", "true"),
    ("// first\nlet x = 1; /* second */ x // third", "1"),
    // Predicates.
    ("all([1, 2], # > 0)", "true"),
    ("all([], # > 0)", "true"),
    ("any([1, 2], {# > 1})", "true"),
    ("none([1, 2], # > 2)", "true"),
    ("one([1, 2], # > 1)", "true"),
    ("filter(1..5, # % 2 == 0)", "[2, 4]"),
    ("map([1, 2], # * 10 + #index)", "[10, 21]"),
    ("map([{n: 1}, {n: 2}], .n)", "[1, 2]"),
    ("count([1, 2, 3], # > 1)", "2"),
    ("count([true, false])", "1"),
    ("find([1, 2, 3], # > 1)", "2"),
    ("findIndex([1, 2, 3], # > 1)", "1"),
    ("map([[1, 2], [3]], count(#, # > 1))", "[1, 1]"),
    ("[1, 2, 3] | filter(# > 1) | map(# * 2) | len()", "2"),
    ("'a-b' | split('-') | last()", "\"b\""),
    // Functions.
    ("entropy('aaaa')", "0.0"),
    ("entropy('abcd')", "2.0"),
    ("filter.entropy('')", "0.0"),
    ("matchesAny('abc', [`^b`, `c$`])", "true"),
    ("matchesAny('abc', [`^(?i)AB`])", "true"),
    ("matchesAny('abc', [])", "false"),
    ("filter.matchesAny('a{b', [`^a{`])", "true"),
    ("filter.findMatch('key: abc_1.x', `[\\w.-]{0,50}$`)", "\"abc_1.x\""),
    ("filter.findMatch('abc', `\\d`)", "\"\""),
    ("containsAny('The EXAMPLE', ['example', 'other'])", "true"),
    ("containsAny('The EXAMPLE', ['EXAMPLE'])", "false"),
    ("containsAny('a.b', ['a+b', 'axb'])", "false"),
    ("get(attributes, 'path', '')", "\"src/app.py\""),
    ("get(attributes, 'nothing', 'x')", "\"x\""),
    ("get([5], 0)", "5"),
    ("getPath({data: [{name: 'n'}]}, 'data.0.name', '')", "\"n\""),
    ("getPath({data: []}, 'data.0.name', 'none')", "\"none\""),
    ("[len('äb'), size('äb'), len([1]), size(nil), len({a: 1})]", "[2, 3, 1, 0, 1]"),
    ("max(1, 2.5) + min(3, [2, 4])", "4.5"),
    ("sum([1, 2, 3])", "6"),
    ("substring('key-us19', lastIndexOf('key-us19', '-') + 1)", "\"us19\""),
    ("secret.substring(secret.lastIndexOf('-') + 1)", "\"secret\""),
    ("secret.contains('x8') and secret.startsWith('Z')", "true"),
    ("secret.split('-')[0]", "\"Zx81\""),
    ("replace(replace('a+b*', '+', '%20'), '*', '%2A')", "\"a%20b%2A\""),
    ("strings.urlQueryEscape(\"a b+/:\")", "\"a+b%2B%2F%3A\""),
    ("strings.urlQueryEscape('a b+').replace('+', '%20').replace('%2B', '+')", "\"a%20b+\""),
    ("json.string('a\"b')", "\"\\\"a\\\\\\\"b\\\"\""),
    ("join(['a', 'b'], ', ') + upper('x') + lower('Y') + trim(' z ')", "\"a, bXyz\""),
    ("trimPrefix('abc', 'a') + trimSuffix('abc', 'c') + repeat('-', 3)", "\"bcab---\""),
    (
        "[hasPrefix('abc', 'a'), hasSuffix('abc', 'c'), indexOf('abc', 'c') == 2, indexOf('abc', 'z') == -1]",
        "[true, true, true, true]",
    ),
    (
        "[string(1), int('2'), float(3), type(nil), abs(-4), ceil(1.2), floor(1.8), round(2.5)]",
        "[\"1\", 2, 3.0, \"nil\", 4, 2.0, 1.0, 3.0]",
    ),
    ("[first([1, 2]), last([1, 2]), first([])]", "[1, 2, null]"),
    ("[keys({b: 1, a: 2}), values({b: 1, a: 2})]", "[[\"a\", \"b\"], [2, 1]]"),
    ("hex.encode(crypto.md5(bytes('hello')))", "\"5d41402abc4b2a76b9719d911017c592\""),
    ("hex.encode(crypto.sha1(bytes('hello')))", "\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\""),
    ("hex.encode(crypto.hmacSha1(bytes('key'), bytes('hello')))", "\"b34ceac4516ff23a143e61d79d0fa7a4fbe5f266\""),
    ("size(crypto.hmac_sha256(base64.decode('a2V5'), bytes('msg')))", "32"),
    ("hex.encode(base64.decode('aGVsbG8='))", "\"68656c6c6f\""),
    ("base64.encode(bytes('x:' + secret))", "\"eDpaeDgxLXNlY3JldA==\""),
    ("validate.unknown({status: 429})", "{\"result\": \"unknown\", \"reason\": \"rate limited\"}"),
    ("unknown({status: 500})", "{\"result\": \"unknown\", \"reason\": \"HTTP 500\"}"),
    ("validate.unknown({})", "{\"result\": \"unknown\"}"),
    // The window of the generic rule.
    (
        "finding['fragment_raw'][max(finding['match_start_idx'] - 150, finding['match_line_start_idx']): min(finding['match_end_idx'] + 50, finding['match_line_end_idx'])]",
        "\"key = \\\"Zx81-secret\\\" # ä\"",
    ),
    // Effects.
    ("let r = http.get('https://x.example', {}); r.status in [200, 201] ? (r.json?.login ?? '') : 'no'", "\"me\""),
    ("http.post('https://x.example', {A: 'b'}, 'body').arguments", "[\"https://x.example\", {\"A\": \"b\"}, \"body\"]"),
    ("getPath(http.get('https://x.example').json, 'list.0', 0)", "7"),
    ("time.now_unix() + env.getOrDefault('A', 'b') + time.nowRFC3339()", "\"1700000000b2023-11-14T22:13:20Z\""),
    ("aws.validate('a', 'b').function", "\"aws.validate\""),
    ("http.get('http://refused.example', {}).status", "!"),
    // What has no value.
    ("{a: 1}.a.b", "!"),
    ("1 + 'a'", "!"),
    ("1 && true", "!"),
    ("'x' ? 1 : 2", "!"),
    ("nil.a", "!"),
    ("[1][1]", "!"),
    ("1 % 0", "!"),
    ("1 % 2.0", "!"),
    ("-'a'", "!"),
    ("-true", "!"),
    ("9223372036854775807 + 1", "!"),
    ("'a' matches '(' + ''", "!"),
    ("base64.decode('%')", "!"),
    ("repeat('x', 9223372036854775807)", "!"),
    ("1..9223372036854775807", "!"),
    ("any([1], # + 1)", "!"),
    ("matchesAny('x', [1])", "!"),
];

#[test]
fn values() {
    let env = Env { effects: Some(&World), ..sample() };
    for (text, expected) in VALUES {
        let found = match Expr::parse(text) {
            Ok(expr) => expr.eval(&env).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match (*expected, found) {
            ("!", found) => assert!(found.is_err(), "{text} gave {found:?}"),
            (expected, found) => assert_eq!(found, Ok(json(expected)), "{text}"),
        }
    }
}

/// Texts that are no expressions: line and column of the fault and a word of the message.
const FAULTS: &[(&str, usize, usize, &str)] = &[
    ("", 1, 1, "a value"),
    ("1 +", 1, 4, "the end of the expression"),
    ("1 2", 1, 3, "a number"),
    ("(1", 1, 3, "`)`"),
    ("[1 2]", 1, 4, "`,` or `]`"),
    ("{a 1}", 1, 4, "`:`"),
    ("a", 1, 1, "not defined"),
    ("true &&\n  fnding", 2, 3, "not defined"),
    ("entrpy(secret)", 1, 1, "no function"),
    ("secret.entrpy()", 1, 7, "no function"),
    ("http.head('x')", 1, 1, "no function"),
    ("entropy()", 1, 1, "takes 1 arguments, not 0"),
    ("time.nowUnix(1)", 1, 1, "takes 0 arguments, not 1"),
    ("let x = 1 x", 1, 11, "`;`"),
    ("let finding = 1; finding", 1, 5, "already means something"),
    ("let x = 1; let x = 2; x", 1, 16, "already means something"),
    ("let x = x; x", 1, 9, "not defined"),
    ("(let x = 1; x) + x", 1, 18, "not defined"),
    ("# > 1", 1, 1, "predicate"),
    ("any([1])", 1, 8, "a predicate"),
    ("true ? 1", 1, 9, "`:`"),
    ("secret matches '('", 1, 16, "regular expression"),
    ("matchesAny(secret, [`[`])", 1, 25, "regular expression"),
    ("1 | 2", 1, 5, "a name"),
    ("99999999999999999999", 1, 1, "too large"),
    ("a = 1", 1, 1, "not defined"),
];

#[test]
fn faults_are_placed() {
    for (text, line, column, word) in FAULTS {
        let error = Expr::parse(text).map(|_| ()).expect_err(text);
        assert_eq!((error.line, error.column), (*line, *column), "{text}: {error}");
        assert!(error.message.contains(word), "{text}: {error}");
    }
}

#[test]
fn limits_of_text() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let deep = MAX_DEPTH - 1;
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{a:", "1", "}"),
        ("!", "true", ""),
        ("-", "secret", ""),
        ("1**", "1", ""),
        ("true ? 1 : ", "1", ""),
        ("let x = ", "1", "; 1"),
        ("string(", "1", ")"),
        ("any(nil, ", "true", ")"),
        ("secret[", "1", "]"),
        ("false || nil ?? (", "true", ")"),
    ] {
        let fits = Expr::parse(&nested(open, inner, close, deep)).map(|expr| expr.eval(&sample()).is_ok());
        assert!(fits.is_ok(), "{open}: {fits:?}");
        let error = Expr::parse(&nested(open, inner, close, 3 * MAX_DEPTH)).map(|_| ()).expect_err(open);
        assert!(error.message.contains("nests deeper"), "{open}: {error}");
    }
    // Sides of operators count as well.
    let error =
        Expr::parse(&nested("1 == 2 || 1 == 1 && 1 == 1..1+1*(", "1", ")", deep)).map(|_| ()).expect_err("sides");
    assert!(error.message.contains("nests deeper"), "{error}");
    // What is long but not deep is no fault.
    for (first, more) in [("true", " || false"), ("1", " + 1"), ("nil", " ?? nil"), ("{}", "?.a"), ("1", " < 2")] {
        let expr = Expr::parse(&format!("{first}{}", more.repeat(5000))).unwrap_or_else(|e| panic!("{more}: {e}"));
        assert!(expr.eval(&sample()).is_ok(), "{more}");
    }
    assert!(Expr::parse(&format!("1{}", " | string()".repeat(101))).is_err());
    assert!(Expr::parse(&" ".repeat(MAX_SIZE + 1)).is_err());
}

#[test]
fn hostile_expressions_end() {
    for text in [
        "1..99999999999",
        "map(1..1000, map(1..1000, map(1..1000, 1)))",
        "any(1..30000, matchesAny('x', [string(#)]))",
        "repeat('x', 100000000)",
        "let a = repeat('x', 10000); let b = a.replace('x', a); b.replace('x', b)",
    ] {
        assert_eq!(value(text, &sample()), Err(EvalError::Fuel { limit: DEFAULT_FUEL }), "{text}");
    }
    // A value that holds itself twice at each level is small, but comparing it would take for ever.
    let doubled = |name: &str| -> String {
        (1..90).map(|i| format!("let {name}{i} = [{name}{0}, {name}{0}]; ", i - 1)).collect()
    };
    let text = format!("let a0 = [1]; let b0 = [1]; {} {} a89 == b89", doubled("a"), doubled("b"));
    assert_eq!(value(&text, &sample()), Err(EvalError::Fuel { limit: DEFAULT_FUEL }));
    let chained: String = (1..1000).map(|i| format!("let a{i} = [a{}]; ", i - 1)).collect();
    let deep = value(&format!("let a0 = [1]; {chained} a999"), &sample());
    assert!(matches!(deep, Err(EvalError::TooDeep { .. })), "{deep:?}");
}

#[test]
fn effects_need_leave() {
    for (text, function) in [
        ("http.get('https://x.example', {}).status", "http.get"),
        ("env('A')", ""),
        ("env.get('A')", "env.get"),
        ("obfuscate(secret)", "strings.obfuscate"),
        ("gcp.validate(secret)", "gcp.validate"),
    ] {
        match Expr::parse(text) {
            Ok(expr) => assert_eq!(expr.eval(&sample()), Err(EvalError::EffectForbidden { function })),
            Err(error) => assert!(function.is_empty(), "{error}"),
        }
    }
    let env = Env { effects: Some(&World), ..sample() };
    let refused = value("http.get('http://refused.example')", &env);
    assert_eq!(refused, Err(EvalError::EffectFailed { function: "http.get", message: "refused".to_owned() }));
}

/// What is not known decides nothing, and the rest of a filter may still decide.
#[test]
fn unknown_parts_of_filters() {
    let unknown = Err(EvalError::Unavailable { function: "failsTokenEfficiency" });
    for (text, without, with) in [
        ("failsTokenEfficiency(secret)", unknown.clone(), Ok(false)),
        ("failsTokenEfficiency(secret) || true", Ok(true), Ok(true)),
        ("failsTokenEfficiency(secret) || false", unknown.clone(), Ok(false)),
        ("failsTokenEfficiency(secret) && false", Ok(false), Ok(false)),
        ("true && failsTokenEfficiency(secret) && true", unknown.clone(), Ok(false)),
        ("failsTokenEfficiency('an apple a day')", unknown.clone(), Ok(true)),
        ("failsTokenEfficiency('')", unknown, Ok(false)),
    ] {
        let expr = Expr::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(expr.matches(&sample()), without, "{text}");
        assert_eq!(expr.matches(&Env { tokens: Some(&TwoBytes), ..sample() }), with, "{text}");
    }
}

#[test]
fn filters_are_true_or_false() {
    let expr = Expr::parse("secret").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(expr.matches(&sample()), Err(EvalError::Kind { place: "a filter", expected: "bool", found: "string" }));
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Whatever the text, parsing and evaluating end without a panic.
#[test]
fn any_text_is_an_expression_or_an_error() {
    let words = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ":",
        "?",
        "?.",
        "??",
        "|",
        "||",
        "&&",
        "!",
        "==",
        "<",
        "..",
        "+",
        "-",
        "*",
        "**",
        "/",
        "%",
        ".",
        "#",
        "#index",
        "let x =",
        "x",
        "let y =",
        "y",
        "finding",
        "secret",
        "attributes",
        "'a'",
        "`\\w+`",
        "\"ä\"",
        "0",
        "1",
        "-1",
        "9223372036854775807",
        "1.5",
        "nil",
        "true",
        "in",
        "not in",
        "not",
        "matches",
        "contains",
        "any(",
        "map(",
        "filter(",
        "count(",
        "matchesAny(",
        "containsAny(",
        "replace(",
        "repeat(",
        "split(",
        "substring(",
        "len(",
        "max(",
        "get(",
        "string(",
        "filter.findMatch(",
        "base64.decode(",
        "bytes(",
        "crypto.sha1(",
        "validate.unknown(",
        "http.get(",
        "// c\n",
        "/*",
        "*/",
        "[1:2]",
        "[0]",
        ".b",
        "1..9",
        "{a: 1}",
        "[1, 'b']",
    ];
    let env = Env { fuel: 20_000, ..sample() };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut parsed, mut valued) = (0, 0);
    for _ in 0..40_000 {
        let text: String = (0..1 + dice.below(9)).map(|_| format!("{} ", words[dice.below(words.len())])).collect();
        if let Ok(expr) = Expr::parse(&text) {
            parsed += 1;
            valued += usize::from(expr.eval(&env).is_ok());
        }
    }
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..dice.below(40)).map(|_| dice.below(256) as u8).collect();
        if let Ok(expr) = Expr::parse(&String::from_utf8_lossy(&bytes)) {
            parsed += usize::from(expr.eval(&env).is_ok());
        }
    }
    // The soup must hold real expressions, or nothing was tested.
    assert!(parsed > 500 && valued > 200, "{parsed} parsed, {valued} with a value");
}

/// The published rules, where a copy is named by `TESTUDO_TEST_BETTERLEAKS_CONFIG`.
#[test]
#[allow(clippy::print_stderr)]
fn reads_the_published_rules() {
    let Some(path) = std::env::var_os("TESTUDO_TEST_BETTERLEAKS_CONFIG") else {
        eprintln!("skipped: TESTUDO_TEST_BETTERLEAKS_CONFIG is not set");
        return;
    };
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let config: toml::Table = text.parse().expect("the file is TOML");
    let mut found = Vec::new();
    collect(&config, "", &mut found);
    let effects = Env { effects: Some(&World), ..sample() };
    let (mut faults, mut checks) = (Vec::new(), 0);
    for (place, text) in &found {
        let expr = match Expr::parse(text) {
            Ok(expr) => expr,
            Err(error) => {
                faults.push(format!("{place}: {error}"));
                continue;
            }
        };
        let fault = if place.ends_with("validate") {
            checks += 1;
            let value = expr.eval(&effects);
            (!matches!(&value, Ok(Value::Map(map)) if map.get("result").is_some())).then(|| format!("{value:?}"))
        } else {
            let value = expr.matches(&sample());
            let known = matches!(value, Ok(_) | Err(EvalError::Unavailable { .. }));
            let counted = expr.matches(&Env { tokens: Some(&TwoBytes), ..sample() });
            (!known || counted.is_err()).then(|| format!("{value:?}, {counted:?}"))
        };
        faults.extend(fault.map(|fault| format!("{place}: {fault}")));
    }
    eprintln!("{} expressions, {checks} of them checks", found.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(found.len() > 100, "{} expressions", found.len());
}

/// All filters and checks of a table and the tables in it, with their places.
fn collect(table: &toml::Table, place: &str, out: &mut Vec<(String, String)>) {
    for (name, value) in table {
        let place = format!("{place}/{name}");
        match value {
            toml::Value::String(text) if matches!(name.as_str(), "filter" | "prefilter" | "validate") => {
                out.push((place, text.clone()))
            }
            toml::Value::Table(inner) => collect(inner, &place, out),
            toml::Value::Array(items) => {
                for inner in items.iter().filter_map(toml::Value::as_table) {
                    let id = inner.get("id").and_then(toml::Value::as_str).unwrap_or("?");
                    collect(inner, &format!("{place}/{id}"), out);
                }
            }
            _ => {}
        }
    }
}
