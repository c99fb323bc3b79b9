//! What templates write, what they are refused for, and that none of them runs for ever.

use super::*;
use crate::gitleaks::CompatFinding;

fn finding(file: &str, line: usize) -> CompatFinding {
    let owned = str::to_owned;
    CompatFinding {
        rule: owned("r<1>"),
        description: owned("Rule"),
        start_line: line,
        end_line: line,
        start_column: 1,
        end_column: 2,
        line: "l".into(),
        matched: owned("m"),
        secret: owned("s\"é"),
        file: owned(file),
        symlink: String::new(),
        commit: String::new(),
        entropy: 1.25,
        author: String::new(),
        email: String::new(),
        date: String::new(),
        message: String::new(),
        tags: vec![owned("x"), owned("y")],
        link: String::new(),
        required: Vec::new(),
    }
}

fn render(source: &str) -> Result<String, TemplateError> {
    let findings = [finding("a.txt", 1), finding("b/c.txt", 22)];
    // 2023-11-14T22:13:20Z, a Tuesday.
    Template::parse("t", source)?.render(&Values::of(&findings, 1_700_000_000))
}

/// Each was written by gitleaks 8.30.1 in the same way.
#[test]
fn templates_write_what_go_writes() {
    let cases = [
        ("a  {{- /* c */ -}}  b{{/* d */}} c", "ab c"),
        ("{{range .}}{{.File}}:{{.StartLine}} {{end}}", "a.txt:1 b/c.txt:22 "),
        ("{{range $i, $f := .}}{{if $i}}, {{end}}{{$i}}={{$f.Tags}}{{end}}", "0=[x y], 1=[x y]"),
        ("{{range $i, $f := .}}{{if eq $i 1}}{{break}}{{else}}{{continue}}{{end}}x{{end}}", ""),
        ("{{range list}}x{{else}}none{{end}}{{range 3}}{{.}}{{end}}", "none012"),
        ("{{with \"\"}}a{{else with \"b\"}}{{.}}{{end}}{{if 0}}{{else if 1}}y{{else}}n{{end}}", "by"),
        ("{{$x := 1}}{{range list 2 3}}{{$x = add $x .}}{{end}}{{$x}}", "6"),
        ("{{(index . 1).File | base | upper}}{{len .}}{{len \"é\"}}", "C.TXT22"),
        (
            "{{with index . 0}}{{quote .Secret}} {{toJson .RuleID}} {{.Entropy}}{{end}}",
            "\"s\\\"é\" \"r\\u003c1\\u003e\" 1.25",
        ),
        (
            "{{printf \"%5d|%-5d|%05d|%x|%q|%.2s|%8.3f|%v|%t|%%\" 42 42 -42 255 \"q\" \"cut\" 3.14159 1.5 true}}",
            "   42|42   |-0042|ff|\"q\"|cu|   3.142|1.5|true|%",
        ),
        ("{{printf \"%d\" \"x\"}}{{printf \"%s\"}}{{printf \"x\" 1}}", "%!d(string=x)%!s(MISSING)x%!(EXTRA int=1)"),
        ("{{1e6}} {{123456.0}} {{1.5e-5}} {{0x1F}} {{print 1 2 \"a\" 3 4}}", "1e+06 123456 1.5e-05 31 1 2a3 4"),
        (
            "{{and 1 0 2}}{{or 0 \"\" \"x\"}}{{not 1}}{{eq \"a\" \"b\" \"a\"}}{{lt 1 2}}{{1 | and 2}}",
            "0xfalsetruetrue1",
        ),
        (
            "{{default \"d\" \"\"}} {{ternary 1 2 true}} {{join \"-\" (list 1 nil \"a\")}} {{trunc -2 \"abc\"}}",
            "d 1 1-a bc",
        ),
        ("{{toJson (dict \"b\" (list 1 1.5 nil) \"a\" \"<\")}}", "{\"a\":\"\\u003c\",\"b\":[1,1.5,null]}"),
        ("{{toPrettyJson (list 1 (list))}}", "[\n  1,\n  []\n]"),
        (
            "{{title \"o'neil x-y foo_bar\"}} {{nospace \" a b \"}} {{indent 2 \"a\\nb\"}}",
            "O'Neil X-Y Foo_bar ab   a\n  b",
        ),
        (
            "{{now | date \"Mon Jan _2 15:04:05 MST 2006, 02.01.06 3PM -07:00\"}}",
            "Tue Nov 14 22:13:20 UTC 2023, 14.11.23 10PM +00:00",
        ),
        (
            "{{html \"<a b='c'>\"}} {{urlquery \"a b/c\"}} {{regexReplaceAll \"a+\" \"baac\" \"x\"}}",
            "&lt;a b=&#39;c&#39;&gt; a+b%2Fc bxc",
        ),
        ("{{(dict).x}}{{'a'}}{{slice (list 1 2 3) 1 2}}", "<no value>97[2]"),
    ];
    for (source, expected) in cases {
        assert_eq!(render(source).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn what_is_not_supported_is_refused_with_its_place() {
    let cases = [
        ("a\n {{ nope 1 }}", (2, 5), "function `nope`"),
        ("{{define \"x\"}}{{end}}", (1, 3), "named templates"),
        ("{{if 1}}x", (1, 3), "without an `end`"),
        ("{{end}}", (1, 3), "without a block"),
        ("{{ .x", (1, 1), "unclosed action"),
        ("{{/* a", (1, 1), "unclosed comment"),
        ("{{\"a}}", (1, 3), "unclosed string"),
        ("{{(1}}", (1, 4), "not closed"),
        ("{{$y}}", (1, 3), "undefined variable `$y`"),
        ("{{1 | 2}}", (1, 7), "only a function"),
        ("{{nil}}", (1, 3), "nil"),
        ("{{break}}", (1, 3), "outside of a range"),
        ("{{.Foo}}", (1, 3), "field Foo in a slice"),
        ("{{range .}}{{.Foo}}{{end}}", (1, 14), "field Foo in a finding"),
        ("{{eq 1 \"a\"}}", (1, 3), "cannot compare"),
        ("{{index . 9}}", (1, 3), "out of range"),
        ("{{env \"HOME\"}}", (1, 3), "function `env`"),
        ("{{printf \"%*d\" 1 2}}", (1, 3), "not supported"),
        ("{{range until 2000000}}{{end}}", (1, 9), "more than"),
    ];
    for (source, place, what) in cases {
        let error = render(source).unwrap_err();
        assert_eq!((error.line, error.column), place, "{source}: {error}");
        assert!(error.what.contains(what), "{source}: {error}");
    }
}

#[test]
fn nothing_runs_for_ever() {
    let deep = "{{if 1}}".repeat(200) + &"{{end}}".repeat(200);
    assert!(render(&deep).unwrap_err().what.contains("nested deeper"));
    let brackets = format!("{{{{{}1{}}}}}", "(".repeat(500), ")".repeat(500));
    assert!(render(&brackets).unwrap_err().what.contains("nested deeper"));
    let loops = "{{range until 1000000}}{{range until 1000}}{{end}}{{end}}";
    assert!(render(loops).unwrap_err().what.contains("steps"));
    let wide = "{{$x := list 1}}{{range until 90}}{{$x = list $x $x}}{{end}}{{$x}}";
    assert!(render(wide).unwrap_err().what.contains("steps"));
    let kept = "{{range until 100000}}{{$x := repeat 1000000 \"x\"}}{{end}}";
    assert!(render(kept).unwrap_err().what.contains("steps"));
    let nested = "{{$x := list 1}}{{range until 100000}}{{$x = list $x}}{{end}}{{$x}}";
    assert!(render(nested).unwrap_err().what.contains("nests deeper"));
    let long = "{{range until 100000}}{{repeat 10000 \"x\"}}{{end}}";
    assert!(render(long).unwrap_err().what.contains("longer than"));
}

#[test]
fn no_value_grows_without_end() {
    let cases = [
        "{{ len (printf \"%1000000d\" (until 20000)) }}",
        "{{ len (join (repeat 1000000 \"x\") (until 100000)) }}",
        "{{ len (indent 1000 (repeat 16000000 \"\\n\")) }}",
        "{{ len (replace \"x\" (repeat 100000 \"y\") (repeat 100000 \"x\")) }}",
        "{{ $x := repeat 16000000 \"x\" }}{{ $y := list $x $x $x $x $x $x }}{{ len (toString $y) }}",
        "{{ $x := repeat 16000000 \"x\" }}{{ $y := list $x $x $x $x $x $x }}{{ len (toJson $y) }}",
        "{{ $x := repeat 16000000 \"x\" }}{{ $y := list $x $x $x $x $x $x }}{{ len (sortAlpha $y) }}",
        "{{ $x := repeat 16000000 \"<\" }}{{ len (js $x) }}",
        "{{ $x := repeat 16000000 \"x\" }}{{ len (cat $x $x $x $x $x) }}",
        "{{ repeat 9223372036854775807 \"xx\" }}",
    ];
    for source in cases {
        let error = render(source).unwrap_err();
        assert!(error.what.contains("too long"), "{source}: {error}");
    }
    assert!(render("{{ splitList \"\" (repeat 2000000 \"x\") }}").unwrap_err().what.contains("more than"));
    assert!(render("{{ printf \"%.100000f\" 1.5 }}").unwrap_err().what.contains("precision"));
}

#[test]
fn no_number_is_too_large() {
    let cases = [
        ("{{ div -9223372036854775808 -1 }} {{ mod -9223372036854775808 -1 }}", "-9223372036854775808 0"),
        ("{{ len (untilStep 9223372036854775807 0 -9223372036854775808) }}", "1"),
        ("{{ date \"2006\" 9223372036854775807 }}{{ date \" Jan\" -9223372036854775808 }}", "9999 Jan"),
        ("{{ len (repeat 9223372036854775807 \"\") }}", "0"),
    ];
    for (source, expected) in cases {
        assert_eq!(render(source).as_deref(), Ok(expected), "{source}");
    }
    for source in ["{{ until -9223372036854775808 }}", "{{ until 9223372036854775807 }}"] {
        assert!(render(source).unwrap_err().what.contains("more than"), "{source}");
    }
    assert!(render("{{ div 1 0 }}").unwrap_err().what.contains("divides by zero"));
}

#[test]
fn many_brackets_and_variables_are_read_or_refused() {
    let source = format!("{{{{ len (print{}) }}}}", " (1)".repeat(40_000));
    assert_eq!(render(&source).as_deref(), Ok("79999"));
    let many: String = (0..600).map(|at| format!("{{{{ $v{at} := 1 }}}}")).collect();
    assert!(render(&many).unwrap_err().what.contains("variables"));
}

/// Pieces of templates put together at random: each result is text or a place in the template, and twice the same.
#[test]
fn any_text_is_written_or_refused() {
    const PIECES: [&str; 24] = [
        "{{",
        "}}",
        "{{-",
        " -}}",
        "if ",
        "range $i, $f := .",
        "end",
        "else",
        "with ",
        ".File",
        " . ",
        "$f",
        "$",
        "|",
        "(",
        ")",
        "printf \"%5v\" ",
        "index ",
        "len ",
        "\"a\"",
        " 1 ",
        "/*",
        "*/",
        "é\n",
    ];
    let mut state = 3_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..20_000 {
        let source: String = (0..next(14)).map(|_| PIECES[next(PIECES.len())]).collect();
        let once = render(&source);
        assert_eq!(once, render(&source), "{source}");
        if let Err(error) = once {
            assert!(error.line <= source.split('\n').count(), "{source}: {error}");
        }
    }
}
