//! The gitleaks front: what it was seen to share with gitleaks 8.30.1, held here without it.

use std::fs;

use crate::{Project, Ran};

/// A rule of our own, whose tokens nobody issues.
const RULES: &str = r#"
title = "test"
[[rules]]
id = "tok"
description = "Token"
regex = '''tok_([a-z0-9]{10,})'''
tags = ["a", "b"]
[[rules]]
id = "near"
description = "Near"
regex = '''near-\d+'''
[[rules.required]]
id = "tok"
[[rules]]
id = "pem"
description = "Key file"
path = '''\.pem$'''
"#;

fn with_rules(name: &str) -> Project {
    let project = Project::new(name);
    project.write(".gitleaks.toml", RULES);
    project
}

/// Ends in digits that tell tokens apart.
fn token(number: usize) -> String {
    format!("tok_{:a>10}{number:02}", "")
}

/// File, rule and line of every finding of a run, sorted.
fn found(project: &Project, arguments: &[&str]) -> Vec<String> {
    let ran =
        project.testudo(&[&["gitleaks"], arguments, &["-f", "json", "-r", "-", "--exit-code", "0"]].concat()).ok();
    places(&ran)
}

fn places(ran: &Ran) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let place = |f: &serde_json::Value| {
        format!("{}:{}:{}", f["File"].as_str().unwrap(), f["RuleID"].as_str().unwrap(), f["StartLine"])
    };
    let mut places: Vec<String> = report.as_array().unwrap().iter().map(place).collect();
    places.sort();
    places
}

/// A tar archive (POSIX.1-2017, pax, "ustar interchange format") of these files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in files {
        let mut header = vec![0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(header);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

#[test]
fn archives_are_opened_as_deep_as_asked_and_by_their_names() {
    let project = with_rules("gl-archives");
    let inner = tar(&[("deep/x.txt", format!("\n{}\n", token(1)).as_bytes()), ("k.pem", b"k")]);
    let outer = tar(&[("in/inner.tar", &inner), ("y.txt", token(2).as_bytes()), ("empty.pem", b"")]);
    fs::write(project.path("outer.tar.bak"), &outer).unwrap();
    // No archive by its name, and one that is not what its name says.
    fs::write(project.path("outer.tgz"), &outer).unwrap();
    project.write("note.zip.txt", &token(3));
    project.write("plain.txt", &token(4));
    let at = |depth: &str| found(&project, &["dir", ".", "--max-archive-depth", depth]);
    assert_eq!(at("0"), ["plain.txt:tok:1"]);
    assert_eq!(at("-1"), ["plain.txt:tok:1"]);
    assert_eq!(at("1"), ["outer.tar.bak!y.txt:tok:1", "plain.txt:tok:1"]);
    let all = [
        "outer.tar.bak!in/inner.tar!deep/x.txt:tok:2",
        "outer.tar.bak!in/inner.tar!k.pem:pem:0",
        "outer.tar.bak!y.txt:tok:1",
        "plain.txt:tok:1",
    ];
    assert_eq!(at("2"), all);
    project.testudo(&["gitleaks", "dir", ".", "--max-archive-depth", "1"]).fails(1).says(&["inner.tar", "depth is 1"]);
}

#[test]
fn names_of_files_are_what_gitleaks_calls_them() {
    let project = with_rules("gl-names");
    project.write("sub/a.txt", &token(1));
    project.write("big.txt", &format!("{}\n{}", token(2), "x\n".repeat(600_000)));
    assert_eq!(found(&project, &["dir", "./sub/../sub//", "-c", ".gitleaks.toml"]), ["sub/a.txt:tok:1"]);
    assert_eq!(found(&project, &["file", "./sub/a.txt", "-c", ".gitleaks.toml"]), ["./sub/a.txt:tok:1"]);
    assert_eq!(found(&project, &["dir", ".", "--max-target-megabytes=1"]), ["sub/a.txt:tok:1"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("sub/a.txt", project.path("link")).unwrap();
        std::os::unix::fs::symlink("sub", project.path("folder")).unwrap();
        let twice = ["big.txt:tok:1", "sub/a.txt:tok:1", "sub/a.txt:tok:1"];
        assert_eq!(found(&project, &["dir", ".", "--follow-symlinks"]), twice);
        assert_eq!(found(&project, &["dir", "folder", "-c", ".gitleaks.toml"]), Vec::<String>::new());
    }
}

#[test]
fn findings_are_listed_in_the_words_of_gitleaks() {
    let project = with_rules("gl-listing");
    project.write("a.txt", &format!("x\n{} before {} and much text behind it\n near-1\n", "w".repeat(30), token(7)));
    project.write("k.pem", "k");
    let plain = project.testudo(&["gitleaks", "dir", ".", "-v", "--no-color", "-l", "error"]).fails(1);
    assert_eq!(plain.err, "");
    let tok = "Finding:     TOK\nSecret:      SECRET\nRuleID:      tok\nEntropy:     0.816689\nTags:        [a b]\n\
               File:        a.txt\nLine:        2\nFingerprint: a.txt:tok:2\n\n";
    let near = "Finding:     near-1\nSecret:      near-1\nRuleID:      near\nEntropy:     2.584963\nFile:        a.txt\n\
                Line:        3\nFingerprint: a.txt:near:3\nRequired:    tok:2:SECRET\n\n";
    let pem = "Finding:     file detected: k.pem\nSecret:      \nRuleID:      pem\nEntropy:     0.000000\nFile:        k.pem\n\
               Line:        0\nFingerprint: k.pem:pem:0\n\n";
    let filled = |text: &str| text.replace("TOK", &token(7)).replace("SECRET", &token(7)[4..]);
    assert_eq!(plain.out, filled(&[tok, near, pem].concat()));
    let in_line = project.testudo(&["gitleaks", "dir", ".", "-v"]).fails(1);
    let context = format!("Finding:     ...wwwwwwwwwwww before {} and much text behin...\n", token(7));
    assert!(in_line.out.contains(&context), "{in_line:?}");
    for (flag, secret) in [("--redact", "REDACTED"), ("--redact=250", "REDACTED"), ("--redact=50", "aaaaaa...")] {
        let ran = project.testudo(&["gitleaks", "dir", ".", "-v", flag]).fails(1);
        assert!(ran.out.contains(&format!("Secret:      {secret}\n")) && !ran.out.contains(&token(7)), "{ran:?}");
        assert!(ran.out.contains(&format!("tok:2:{secret}\n")), "{ran:?}");
    }
}

#[test]
fn flags_end_as_they_do_with_gitleaks() {
    let project = with_rules("gl-flags");
    project.write("a.txt", &token(1));
    let cases: &[(&[&str], i32)] = &[
        (&["dir", "."], 1),
        (&["dir", ".", "--exit-code", "300"], 300 % 256),
        (&["dir", ".", "--exit-code=3", "--exit-code", "4"], 4),
        (&["dir", ".", "--verbose=false", "--no-banner=true"], 1),
        (&["dir", ".", "--verbose=maybe"], 1),
        (&["dir", ".", "--nope"], 126),
        (&["git", "--nope=3"], 126),
        (&["dir", ".", "-z"], 1),
        (&["nope"], 1),
        (&[], 0),
        (&["--help"], 0),
        (&["git", "a", "b"], 1),
        (&["dir", ".", "--enable-rule", "nope"], 1),
        (&["dir", ".", "-r", "x.json", "-f", "nope"], 1),
        (&["dir", ".", "-r", "x.txt"], 1),
        (&["dir", ".", "-r", "-", "-f", "json", "--report-template", "a.txt"], 1),
        (&["git", ".", "--platform", "nope"], 1),
        (&["dir", "nowhere"], 1),
    ];
    for (arguments, code) in cases {
        project.testudo(&[&["gitleaks"], *arguments].concat()).fails(*code);
    }
    assert_eq!(project.testudo(&["gitleaks", "version"]).ok().out, "8.30.1\n");
    project.testudo(&["gitleaks", "dir", ".", "--diagnostics", "cpu"]).fails(1).says(&["--diagnostics has no effect"]);
    // A value that is empty counts as none.
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["gitleaks", "dir", ".", "-c", ""]);
    command.env("GITLEAKS_CONFIG", "").env("GITLEAKS_CONFIG_TOML", "");
    Ran::of(command.output().unwrap()).fails(1).says(&["leaks found: 1"]);
}

#[test]
fn what_is_known_is_left_out_as_gitleaks_leaves_it_out() {
    let project = with_rules("gl-known");
    project.write("a.txt", &token(1));
    project.write("sub/b.txt", &token(2));
    let report = project.testudo(&["gitleaks", "dir", ".", "-f", "json", "-r", "base.json"]).fails(1);
    assert!(report.out.is_empty());
    assert_eq!(found(&project, &["dir", ".", "-b", "base.json"]), Vec::<String>::new());
    assert_eq!(found(&project, &["dir", ".", "-b", "base.json", "--redact"]), Vec::<String>::new());
    // A baseline that is none is told, and looked at like any file.
    project.testudo(&["gitleaks", "dir", "sub", "-c", ".gitleaks.toml", "-b", "a.txt"]).fails(1).says(&["not used"]);
    fs::remove_file(project.path("base.json")).unwrap();
    project.write("known/.gitleaksignore", "# sub\nsub\\b.txt:tok:1\nnonsense\n");
    assert_eq!(found(&project, &["dir", ".", "-i", "known"]), ["a.txt:tok:1"]);
    assert_eq!(found(&project, &["dir", ".", "-i", "known/.gitleaksignore"]), ["a.txt:tok:1"]);
}

#[test]
fn a_template_writes_the_report_or_is_refused_with_its_place() {
    let project = with_rules("gl-template");
    project.write("a.txt", &format!("{} {}\n", token(1), token(2)));
    project.write("good.tmpl", "{{ $n := len . }}{{ range $i, $f := . -}}\n  {{ $i }}/{{ $n }} {{ .RuleID | upper | quote }} {{ join \"+\" .Tags }}{{ if ne $i (sub $n 1) }},{{ end }}\n{{ end }}");
    let with = |template: &str| {
        project.testudo(&["gitleaks", "dir", ".", "-f", "template", "--report-template", template, "-r", "-"])
    };
    assert_eq!(with("good.tmpl").fails(1).out, "0/2 \"TOK\" a+b,\n1/2 \"TOK\" a+b\n");
    project.write("bad.tmpl", "ok\n  {{ nope . }}");
    with("bad.tmpl").fails(1).says(&["bad.tmpl:2:6: the function `nope` is not supported"]);
    project.write("field.tmpl", "{{ range . }}{{ .Nope }}{{ end }}");
    with("field.tmpl").fails(1).says(&["field.tmpl:1:17", "Nope"]);
    with("missing.tmpl").fails(1).says(&["missing.tmpl"]);
}

#[test]
fn the_index_that_git_names_is_the_one_that_is_looked_at() {
    let Some(project) = Project::repository("gl-index") else { return };
    project.write(".gitleaks.toml", RULES);
    project.write("a.txt", "one\n");
    project.git(&["add", "-A"]).ok();
    project.git(&["commit", "-qm", "one"]).ok();
    fs::copy(project.path(".git/index"), project.path(".git/other")).unwrap();
    project.write("a.txt", &format!("one\n{}\n", token(1)));
    project.git(&["add", "-A"]).ok();
    let staged = |index: &str| {
        let mut command = project.command(
            env!("CARGO_BIN_EXE_testudo"),
            &["gitleaks", "git", "--staged", "-f", "json", "-r", "-", "--exit-code", "0"],
        );
        command.env("GIT_INDEX_FILE", index);
        places(&Ran::of(command.output().unwrap()).ok())
    };
    assert_eq!(staged(".git/index"), ["a.txt:tok:2"]);
    assert_eq!(staged(".git/other"), Vec::<String>::new());
    assert_eq!(staged(""), ["a.txt:tok:2"]);
}

/// Commits a file at a day of 2020, which git takes for author and committer.
fn commit(project: &Project, day: &str, file: &str, text: &str) {
    project.write(file, text);
    project.git(&["add", "-A"]).ok();
    let message = format!("add {file}\n\nbody of {day}");
    let mut command = project.command("git", &["commit", "-q", "-m", &message]);
    command.env("GIT_AUTHOR_DATE", format!("2020-{day}T10:00:00Z"));
    command.env("GIT_COMMITTER_DATE", format!("2020-{day}T10:00:00Z"));
    Ran::of(command.output().unwrap()).ok();
}

#[test]
fn log_opts_are_what_git_log_makes_of_them() {
    let Some(project) = Project::repository("gl-log") else { return };
    project.write(".git/rules.toml", RULES);
    commit(&project, "01-01", "src/a.py", &token(1));
    project.git(&["tag", "-a", "v1", "-m", "v1"]).ok();
    project.git(&["checkout", "-q", "-b", "side"]).ok();
    commit(&project, "02-01", "side.txt", &token(2));
    project.git(&["checkout", "-q", "main"]).ok();
    commit(&project, "03-01", "src/b.txt", &token(3));
    project.git(&["checkout", "-q", "side"]).ok();
    project.git(&["merge", "-q", "--no-ff", "-m", "merged", "main"]).ok();
    project.git(&["checkout", "-q", "main"]).ok();
    commit(&project, "05-01", "vendor/c.txt", &token(4));
    let scan = |options: &str| {
        let places = found(&project, &["git", ".", "-c", ".git/rules.toml", "--log-opts", options]);
        places.iter().map(|place| place.trim_end_matches(":tok:1").to_owned()).collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("--all", "side.txt src/a.py src/b.txt vendor/c.txt"),
        ("main", "src/a.py src/b.txt vendor/c.txt"),
        ("v1^{}", "src/a.py"),
        ("v1..main", "src/b.txt vendor/c.txt"),
        // A merge of what is left out shows nothing of it.
        ("main..side", "side.txt"),
        ("main...side", "side.txt vendor/c.txt"),
        ("^side main", "vendor/c.txt"),
        ("--not side --not main", "vendor/c.txt"),
        ("--branches=si*", "side.txt src/a.py src/b.txt"),
        ("--tags", "src/a.py"),
        ("--since=2020-02-15T00:00:00Z --until=2020-04-01T00:00:00Z main", "src/b.txt"),
        ("--after=1.day.ago --no-merges --all", ""),
        ("-n 1 main", "vendor/c.txt"),
        ("-2 main", "src/b.txt vendor/c.txt"),
        ("--skip=1 --max-count=1 main", "src/b.txt"),
        ("--author=^Ada.*example --all", "side.txt src/a.py src/b.txt vendor/c.txt"),
        ("--author=ada@ -i main", "src/a.py src/b.txt vendor/c.txt"),
        ("--author=(Ada) main", ""),
        ("-E --author=(Ada|Bob) v1", "src/a.py"),
        ("--grep=of.0[35] --all", "src/b.txt vendor/c.txt"),
        ("--first-parent side", "side.txt src/a.py src/b.txt"),
        ("--merges --all", ""),
        ("main -- src", "src/a.py src/b.txt"),
        ("main src/b.txt", "src/b.txt"),
        ("--all -- *.py", "src/a.py"),
        ("--all -- :!src", "side.txt vendor/c.txt"),
        ("-n 1 main -- src", "src/b.txt"),
    ];
    for (options, expected) in cases {
        assert_eq!(scan(options), expected, "{options}");
    }
    // In a bare repository `HEAD` is a file too, and still a revision.
    project.git(&["clone", "-q", "--bare", ".", "bare.git"]).ok();
    let bare = ["git", "bare.git", "-c", ".git/rules.toml", "--log-opts", "-n 1 HEAD"];
    assert_eq!(found(&project, &bare), ["vendor/c.txt:tok:1"]);
    let refused = [
        ("nowhere", "names no commit"),
        ("\"main\"", "quotes are not read"),
        ("--stat", "is not supported"),
        ("-U3", "is not supported"),
        ("--since=tomorrow", "the date `tomorrow`"),
        ("--topo-order -n 1", "is not supported"),
        ("-n x", "not a number"),
    ];
    for (options, why) in refused {
        let ran = project.testudo(&["gitleaks", "git", ".", "-c", ".git/rules.toml", "--log-opts", options]);
        ran.fails(1).says(&[why]);
    }
}

#[test]
fn findings_of_a_history_say_who_when_why_and_where() {
    let Some(project) = Project::repository("gl-fields") else { return };
    project.write(".git/rules.toml", RULES);
    commit(&project, "01-01", "a b.md", &token(1));
    project.git(&["config", "remote.origin.url", "git@github.com:a/b.git"]).ok();
    let report = |platform: &[&str]| {
        let fixed = ["gitleaks", "git", ".", "-c", ".git/rules.toml", "-f", "json", "-r", "-", "--exit-code", "0"];
        let ran = project.testudo(&[&fixed[..], platform].concat()).ok();
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        report[0].clone()
    };
    let finding = report(&[]);
    assert_eq!(finding["Date"], "2020-01-01T10:00:00Z");
    assert_eq!(finding["Message"], "add a b.md\n\nbody of 01-01");
    assert_eq!((&finding["Author"], &finding["Email"]), (&"Ada".into(), &"ada@example.org".into()));
    let commit = finding["Commit"].as_str().unwrap();
    assert_eq!(finding["Link"], format!("https://github.com/a/b/blob/{commit}/a%20b.md?plain=1#L1"));
    assert_eq!(report(&["--platform", "gitlab"])["Link"], format!("https://github.com/a/b/blob/{commit}/a%20b.md#L1"));
    assert_eq!(report(&["--platform", "none"]).get("Link"), None);
}

#[test]
fn standard_input_and_the_older_verbs() {
    let Some(project) = Project::repository("gl-verbs") else { return };
    project.write(".gitleaks.toml", RULES);
    commit(&project, "01-01", "a.txt", &format!("{}\n", token(1)));
    project.write("b.txt", &token(2));
    assert_eq!(found(&project, &["detect"]), ["a.txt:tok:1"]);
    assert_eq!(found(&project, &["detect", "--log-opts", "-n 0"]), Vec::<String>::new());
    // As with gitleaks, files come before standard input.
    assert_eq!(found(&project, &["detect", "--no-git", "--pipe"]), ["a.txt:tok:1", "b.txt:tok:1"]);
    project.write("a.txt", &format!("{}\n{}\n", token(1), token(3)));
    assert_eq!(found(&project, &["protect"]), ["a.txt:tok:2"]);
    project.git(&["add", "-A"]).ok();
    assert_eq!(found(&project, &["protect", "--staged"]), ["a.txt:tok:2", "b.txt:tok:1"]);
    for verb in [&["stdin"][..], &["detect", "--pipe"]] {
        let mut command =
            project.command(env!("CARGO_BIN_EXE_testudo"), &[&["gitleaks"], verb, &["-r", "-", "-f", "json"]].concat());
        command.stdin(fs::File::open(project.path("b.txt")).unwrap());
        assert_eq!(places(&Ran::of(command.output().unwrap()).fails(1)), [":tok:1"]);
    }
}

#[test]
fn a_long_text_is_looked_at_piece_by_piece() {
    let project = with_rules("gl-long");
    let line = format!("{:.>120}\n", "");
    // More than is in memory at a time, and not a whole number of pieces.
    let before = line.repeat(40_000);
    project.write("long.txt", &format!("{}\n{before}{} {}", token(1), token(2), token(3)));
    let lines = [1, 40_002, 40_002];
    assert_eq!(
        found(&project, &["dir", "long.txt", "-c", ".gitleaks.toml"]),
        lines.map(|n| format!("long.txt:tok:{n}"))
    );
    let mut command = project
        .command(env!("CARGO_BIN_EXE_testudo"), &["gitleaks", "stdin", "-r", "-", "-f", "json", "--exit-code", "0"]);
    command.stdin(fs::File::open(project.path("long.txt")).unwrap());
    assert_eq!(places(&Ran::of(command.output().unwrap()).ok()), lines.map(|n| format!(":tok:{n}")));
}

#[test]
fn a_change_is_looked_at_for_its_own_lines_and_its_path() {
    let Some(project) = Project::repository("own-lines") else { return };
    project.write("rules.toml", "[[rules]]\nid = \"assigned\"\nregex = '''(?:api_key|access_token)\\s*=\\s*(\\w+)'''\nentropy = 3.5\nkeywords = [\"api_key\", \"access_token\"]\n\n[[rules]]\nid = \"store\"\npath = '''^keys/[^/]+\\.p12$'''\n");
    project.write("a.txt", "api_key =\n");
    project.git(&["add", "a.txt"]).ok();
    project.git(&["commit", "-q", "-m", "one"]).ok();
    // In the whole file the first name takes the second for its value.
    project.write(
        "a.txt",
        &format!("api_key =\naccess_token = \"{}\"\n", ["q8Zr7Tn2", "Lw4sXm9K"].concat()).replace('"', ""),
    );
    project.write("keys/store.p12", "plain\n");
    project.git(&["add", "a.txt", "keys"]).ok();
    project.git(&["commit", "-q", "-m", "two"]).ok();
    let ran = project
        .testudo(&["gitleaks", "git", ".", "-c", "rules.toml", "-f", "json", "-r", "-", "--exit-code", "0"])
        .ok();
    assert!(ran.out.contains("\"assigned\"") && ran.out.contains("\"store\""), "{}", ran.out);
}
