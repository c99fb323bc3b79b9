//! The commands around a scan, as a user meets them: what they print, what they write, what they exit with.
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

#[path = "cli/book.rs"]
mod book;
#[path = "cli/gitleaks.rs"]
mod gitleaks;
#[path = "cli/hub.rs"]
mod hub;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/ledger.rs"]
mod ledger;
#[cfg(unix)]
#[path = "cli/lifecycle.rs"]
mod lifecycle;
#[path = "cli/plan.rs"]
mod plan;
#[path = "cli/probe.rs"]
mod probe;
#[cfg(unix)]
#[path = "cli/release.rs"]
mod release;
#[path = "cli/status.rs"]
mod status;
#[path = "cli/vault.rs"]
mod vault;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A folder of its own for a test, gone afterwards.
struct Project(PathBuf);

impl Project {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("testudo-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    /// A git repository; none where there is no git, which is said.
    fn repository(name: &str) -> Option<Self> {
        let project = Self::new(name);
        if Command::new("git").arg("--version").output().is_err() {
            eprintln!("skipped: {name}: git is not installed");
            return None;
        }
        project.git(&["init", "-q", "-b", "main", "."]).ok();
        Some(project)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The user's cache directory, beside the project: a scan must not find it.
    fn cache(&self) -> PathBuf {
        self.0.with_extension("cache")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_testudo"));
        let mut path = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>();
        path.insert(0, binary.parent().unwrap().to_owned());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["TESTUDO_", "SOPS_", "GIT_", "GITLEAKS_", "NO_COLOR", "CLICOLOR", "COLUMNS"]
                .iter()
                .any(|ours| name.starts_with(ours))
            {
                command.env_remove(name);
            }
        }
        command.env("PATH", std::env::join_paths(path).unwrap()).env("HOME", &self.0);
        command.env("XDG_CACHE_HOME", self.cache()).env("XDG_CONFIG_HOME", self.0.with_extension("config"));
        command.env("XDG_STATE_HOME", self.0.with_extension("config"));
        command.env("TESTUDO_ACTOR", "ada");
        command.env("GIT_CONFIG_GLOBAL", self.path(".gitconfig")).env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        }
        command
    }

    fn testudo(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(env!("CARGO_BIN_EXE_testudo"), arguments).output().unwrap())
    }

    fn git(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command("git", arguments).output().unwrap())
    }

    fn git_with(&self, variable: (&str, &str), arguments: &[&str]) -> Ran {
        Ran::of(self.command("git", arguments).env(variable.0, variable.1).output().unwrap())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        fs::remove_dir_all(self.cache()).ok();
        fs::remove_dir_all(self.0.with_extension("config")).ok();
        // A test that failed already says more than a folder that stays.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// What a program did.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    #[track_caller]
    fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    #[track_caller]
    fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part) || self.err.contains(part), "{part:?} is missing in {self:?}");
        }
        self
    }
}

/// A line with a key that looks real; `last` makes it another one.
fn key_line(last: char) -> String {
    format!("aws_access_key_id = \"{}QW3RTYU2IOPAS5D{last}\"\n", "AKIA")
}

/// Keys that must not be in any output.
fn key_of(last: char) -> String {
    key_line(last).split('"').nth(1).unwrap().to_owned()
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    let project = Project::new("completions");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        project.testudo(&["completions", shell]).ok().says(&["testudo", "baseline"]);
    }
    project.testudo(&["completions", "csh"]).fails(2);
    project.testudo(&["man"]).ok().says(&[".TH testudo 1"]);
    project.testudo(&["man", "--dir", "pages"]).ok();
    for page in ["testudo.1", "testudo-hook.1", "testudo-hook-install.1", "testudo-rules-explain.1"] {
        assert!(project.path("pages").join(page).is_file(), "{page}");
    }
}

#[test]
fn every_command_has_examples() {
    let project = Project::new("examples");
    for command in ["init", "baseline", "rules", "config", "hook", "completions", "man"] {
        project.testudo(&[command, "--help"]).ok().says(&["Examples:", &format!("testudo {command}")]);
    }
}

#[test]
fn rules_are_listed_as_a_table_and_as_promised_json() {
    let project = Project::new("list");
    let table = project.testudo(&["rules", "list", "--category", "cloud"]).ok();
    assert!(table.out.lines().all(|line| line.contains("  cloud  ")), "{table:?}");
    assert!(table.out.contains("aws-access-key-id"), "{table:?}");
    let all: serde_json::Value = serde_json::from_str(&project.testudo(&["rules", "--json"]).ok().out).unwrap();
    let same: serde_json::Value =
        serde_json::from_str(&project.testudo(&["rules", "list", "--json"]).ok().out).unwrap();
    assert_eq!(all, same);
    let rules = all.as_array().unwrap();
    assert!(rules.len() >= 250, "{}", rules.len());
    for rule in rules {
        let keys: Vec<&str> = rule.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["aliases", "confidence", "cwe", "domain", "id", "owasp", "persona", "severity", "title"]);
        let front = rule["id"].as_str().unwrap().split('-').next().unwrap();
        let domain = if ["agent", "probe"].contains(&front) { front } else { "secrets" };
        assert_eq!(rule["domain"], domain);
    }
    project
        .testudo(&["rules", "list", "--category", "nonsense"])
        .fails(2)
        .says(&["no rule has the category `nonsense`", "cloud"]);
}

#[test]
fn a_rule_is_explained_within_the_width_and_a_wrong_id_gets_an_offer() {
    let project = Project::new("explain");
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["rules", "explain", "aws-access-key-id"]);
    let narrow = Ran::of(command.env("COLUMNS", "50").output().unwrap()).ok().says(&[
        "How to fix\n",
        "CWE-798",
        "id             aws-access-key-id",
    ]);
    let text = narrow.out.split("\nFacts\n").next().unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
    assert!(!narrow.out.contains('\x1b'), "no colour where no terminal is");
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["rules", "explain", "aws-access-key-id"]);
    Ran::of(command.env("CLICOLOR_FORCE", "1").output().unwrap()).ok().says(&["\x1b[1mHow to fix\x1b[0m"]);
    project.testudo(&["rules", "explain", "aws-key"]).fails(2).says(&["did you mean aws-access-key-id"]);
}

const RULE: &str = "[[rules]]\nid = \"acme-token\"\ndescription = \"Acme token\"\nregex = '''\\b(acme_[a-z0-9]{20})\\b'''\nkeywords = [\"acme_\"]\n";

#[test]
fn cases_of_rule_documents_are_run_and_failures_name_their_line() {
    let project = Project::new("cases");
    let bad = "```bad\ntoken = acme_{{lowernum:20}}\n```\n";
    project.write("own/acme-token.toml", RULE);
    project.write("own/acme-token.md", &format!("# Acme\n\n{bad}```good\ntoken = acme_{{{{lowernum:9}}}}\n```\n"));
    project.testudo(&["rules", "test", "own"]).ok().says(&["2 cases, 0 failed"]);
    project.write(
        "own/acme-token.md",
        &format!("# Acme\n\n{bad}\n```bad\nnothing\n```\n```good\ntoken = acme_{{{{lowernum:20}}}}\n```\n"),
    );
    project.testudo(&["rules", "test", "own/acme-token.toml"]).fails(1).says(&[
        "3 cases, 2 failed",
        "own/acme-token.md:7: rule acme-token finds nothing in this bad case",
        "own/acme-token.md:10: rule acme-token finds something in this good case",
    ]);
    project.write("other/acme-token.toml", RULE);
    project.testudo(&["rules", "test", "other"]).fails(2).says(&["acme-token.md", "beside it"]);
    project.testudo(&["rules", "test", "nowhere"]).fails(2).says(&["nowhere"]);
}

#[test]
fn examples_in_yaml_rules_are_cases_too() {
    let project = Project::new("yaml");
    let rule = |example: &str| {
        format!(
            "rules:\n  - id: np.acme.1\n    name: Acme\n    pattern: '\\b(acme_[a-z0-9]{{20}})\\b'\n    examples:\n      - '{example}'\n    negative_examples:\n      - 'acme_short'\n"
        )
    };
    project.write("good.yml", &rule("acme_q8w2e4r6t1y3u5i7o9p0"));
    project.testudo(&["rules", "test", "good.yml"]).ok().says(&["2 cases, 0 failed"]);
    project.write("bad.yml", &rule("acme_"));
    project
        .testudo(&["rules", "test", "bad.yml"])
        .fails(1)
        .says(&["bad.yml:2: rule np.acme.1 does not match its example 1"]);
    // A match that the rule itself drops is told, and no failure.
    project.write("strict.yml", &format!("{}    min_entropy: 7\n", rule("acme_q8w2e4r6t1y3u5i7o9p0")));
    project.testudo(&["rules", "test", "strict.yml"]).ok().says(&[
        "2 cases, 0 failed, 1 matched and not reported",
        "strict.yml:2: rule np.acme.1 matches its example 1, and its conditions drop it",
    ]);
}

#[test]
fn keys_of_yaml_rules_without_effect_are_told() {
    let project = Project::new("unapplied");
    let rule =
        |id: &str, keys: &str| format!("  - {{id: {id}, name: Acme, pattern: 'acme_([a-z0-9]{{20}})', {keys}}}\n");
    let first = format!("rules:\n{}", rule("acme.1", "confidence: high, validation: {type: Http}, colour: red"));
    project.write("rules/a.yml", &first);
    project.write("rules/b.yml", &format!("rules:\n{}", rule("acme.1", "confidence: high")));
    project.write("src/app.txt", "token acme_q8w2e4r6t1y3u5i7o9p0\n");
    let told = [
        "`colour` of acme.1 has no effect: the key is not known",
        "`validation` of acme.1 has no effect: nobody is asked about a value with another tool's requests",
    ];
    project.testudo(&["rules", "validate", "rules/a.yml"]).ok().says(&told);
    let scanned = project.testudo(&["scan", "--rules", "rules", "-f", "json", "src"]).says(&told);
    let scanned =
        scanned.says(&["rule-key-unapplied", "`id` of acme.1 has no effect: rules/b.yml has a rule of the same"]);
    assert_eq!(scanned.out.matches("\"rule\": \"acme.1\"").count(), 1, "{}", scanned.out);
}

#[test]
fn rule_files_are_checked_with_the_place_of_a_fault() {
    let project = Project::new("validate");
    project.write("good.toml", RULE);
    project.write("bad.toml", &RULE.replace("{20}", "{20").replace("(acme", "((acme"));
    project.write("bad.yaml", "rules:\n  - id: a\n    name: A\n    pattern: '(['\n");
    project.testudo(&["rules", "validate", "good.toml"]).ok().says(&["good.toml: ok, rules: 1"]);
    project.testudo(&["rules", "validate", "good.toml", "bad.toml", "bad.yaml", "none.toml"]).fails(2).says(&[
        "good.toml: ok",
        "error: bad.toml:4:",
        "error: bad.yaml:2:",
        "error: none.toml: cannot be read",
    ]);
}

#[test]
fn the_configuration_is_shown_with_its_origins() {
    let project = Project::new("config");
    project.write("testudo.toml", "[view]\npersona = \"pedantic\"\n");
    project.testudo(&["config", "show", "--origin"]).ok().says(&[
        "persona = \"pedantic\"",
        "testudo.toml:2",
        "# default",
    ]);
    let plain = project.testudo(&["config", "show"]).ok();
    assert!(!plain.out.contains('#'), "{plain:?}");
    project.write("copy/testudo.toml", &plain.out);
    assert_eq!(project.testudo(&["config", "show", "copy"]).ok().out, plain.out, "what is shown is a configuration");
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["config", "show", "--format", "json"]);
    let json = Ran::of(command.env("TESTUDO_SCAN_JOBS", "3").output().unwrap()).ok();
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let setting = |key: &str| json["settings"].as_array().unwrap().iter().find(|s| s["key"] == key).unwrap().clone();
    assert_eq!(
        setting("scan.jobs"),
        serde_json::json!({"key": "scan.jobs", "value": 3, "origin": {"kind": "environment", "name": "TESTUDO_SCAN_JOBS"}})
    );
    assert_eq!(
        (&setting("view.persona")["value"], &setting("view.persona")["origin"]["line"]),
        (&"pedantic".into(), &2.into())
    );
    assert_eq!(
        project.testudo(&["config", "path"]).ok().out.trim(),
        project.path("testudo.toml").display().to_string()
    );
    let schema: serde_json::Value = serde_json::from_str(&project.testudo(&["config", "schema"]).ok().out).unwrap();
    assert!(schema["properties"]["gate"].is_object());
}

#[test]
fn a_secret_in_a_file_name_is_found_and_shown_nowhere() {
    let project = Project::new("named");
    project.write(&format!("dump-{}.txt", key_of('Q')), "x = 1\n");
    for format in ["terminal", "json", "sarif", "csv", "markdown", "html", "junit"] {
        let ran = project.testudo(&["scan", ".", "--format", format, "-v"]).ok().says(&["in the name of the file"]);
        assert!(!ran.out.contains(&key_of('Q')) && !ran.err.contains(&key_of('Q')), "{format}: {ran:?}");
    }
}

#[test]
fn what_is_named_or_piped_is_read_whatever_it_is() {
    let Some(project) = Project::repository("named-inputs") else { return };
    project.write(".gitignore", "*.env\n");
    project.write("prod.env", &key_line('R'));
    project.testudo(&["scan", "."]).ok().says(&["no findings"]);
    project.git(&["add", "-f", "prod.env"]).ok();
    project.testudo(&["scan", "."]).ok().says(&["prod.env:1"]);
    project.testudo(&["scan", ".", "--exclude", "*.env"]).ok().says(&["no findings"]);
    project.testudo(&["scan", ".", "--config", "/dev/null"]).ok();
    project.testudo(&["scan", ".", "--rules", "/dev/zero"]).fails(2).says(&["/dev/zero", "larger than"]);
    fs::create_dir(project.path("testudo.toml")).unwrap();
    project.testudo(&["scan", "."]).fails(2).says(&["testudo.toml", "is a directory"]);
}

#[test]
fn a_wrong_configuration_is_shown_with_its_place_and_what_was_meant() {
    let project = Project::new("wrong");
    project.write("testudo.toml", "[view]\npersonna = \"pedantic\"\n");
    project.testudo(&["config", "show"]).fails(2).says(&["testudo.toml:2:1", "did you mean `persona`?"]);
    project.testudo(&["config", "show", "--config", "none.toml"]).fails(2).says(&["none.toml: cannot be read"]);
}

#[test]
fn init_writes_once_and_keeps_the_key() {
    let Some(project) = Project::repository("init") else { return };
    project.write("src/a.py", &key_line('F'));
    project.write(".gitattributes", "*.png binary\n");
    let first = project.testudo(&["init"]).ok().says(&[
        "testudo.toml: written",
        "findings that count: 1 (1 high)",
        "testudo hook install",
    ]);
    assert!(!first.out.contains(&key_of('F')));
    assert_eq!(
        project.read(".gitattributes"),
        "*.png binary\ntestudo.ignore merge=union\ntestudo.baseline merge=union\n"
    );
    assert!(!project.path("testudo.baseline").exists(), "nothing is accepted unless asked");
    let key = project.read(".testudo/key");
    assert_eq!(key.trim().len(), 64);
    project.write("testudo.toml", "# mine\n");
    fs::remove_file(project.path(".gitattributes")).unwrap();
    project.testudo(&["init"]).ok().says(&["testudo.toml: kept", ".gitattributes: written"]);
    assert_eq!(project.read("testudo.toml"), "# mine\n");
    project.testudo(&["init", "--force", "--baseline"]).ok().says(&["key: kept", "1 accepted"]);
    assert_eq!(project.read(".testudo/key"), key);
    assert!(project.read("testudo.toml").contains("fail-on"));
    project.testudo(&["init", "nowhere"]).fails(2).says(&["nowhere: is not a directory"]);
}

#[test]
fn a_baseline_accepts_values_and_not_places() {
    let project = Project::new("baseline");
    project.write("src/a.py", &key_line('F'));
    project.testudo(&["baseline", "create"]).ok().says(&["1 accepted (1 new, 0 gone)"]);
    let gate = ["scan", ".", "--baseline", "testudo.baseline", "--fail-on", "high"];
    project.testudo(&gate).ok();
    project.write("src/a.py", &format!("\n\n{}", key_line('F')));
    project.testudo(&gate).ok();
    project.write("src/a.py", &format!("\n\n{}", key_line('G')));
    project.testudo(&gate).fails(1);
    project.testudo(&["baseline", "create"]).ok().says(&["1 accepted (1 new, 1 gone)"]);
    project.testudo(&["baseline", "create"]).ok().says(&["1 accepted (0 new, 0 gone)"]);
    project.testudo(&["baseline", "create", "--output", "other", "src"]).ok().says(&["other: 1 accepted"]);
    assert!(!project.read("testudo.baseline").contains(&key_of('G')));
}

#[test]
fn accepted_places_of_other_tools_become_values() {
    let project = Project::new("import");
    project.write("src/a.py", &format!("x = 1\n{}", key_line('F')));
    project.write("src/b.py", &key_line('G'));
    project.write("src/c.py", &key_line('H'));
    project.write(".gitleaksignore", "# old\nsrc/a.py:aws-access-token:2\nsrc/a.py:aws-access-token:9\nnonsense\n");
    project.write(
        "report.json",
        "[{\"RuleID\":\"aws-access-token\",\"File\":\"src/b.py\",\"StartLine\":1,\"Commit\":\"\"}]",
    );
    project.write(
        ".secrets.baseline",
        "{\"results\":{\"src/c.py\":[{\"type\":\"AWS Access Key\",\"hashed_secret\":\"00\",\"line_number\":1}]}}",
    );
    project.testudo(&["baseline", "import", ".gitleaksignore", "report.json", ".secrets.baseline"]).ok().says(&[
        "testudo.ignore: 1 added",
        "testudo.baseline: 2 added",
        "src/a.py:9",
        "nothing is found there now",
        ".gitleaksignore:4",
    ]);
    let ignore = project.read("testudo.ignore");
    assert!(ignore.contains("hmac16:") && ignore.contains("reason=\"imported from .gitleaksignore\""), "{ignore}");
    let gate = ["scan", ".", "--baseline", "testudo.baseline", "--fail-on", "high"];
    project.testudo(&gate).ok();
    // What made the other tool blind: a new secret on an accepted line.
    project.write("src/a.py", &format!("x = 1\n{}", key_line('J')));
    project.testudo(&gate).fails(1);
    project.testudo(&["baseline", "import", ".secrets.baseline"]).ok().says(&["0 added, 2 in all"]);
    project.testudo(&["baseline", "import", "none"]).fails(2).says(&["none: cannot be read"]);
}

#[test]
fn paths_of_an_import_count_from_its_target() {
    let project = Project::new("target");
    project.write("services/x/src/a.py", &key_line('F'));
    project.write("services/x/.gitleaksignore", "src/a.py:any:1\n");
    project
        .testudo(&["baseline", "import", "--target", "services/x", "--output", "out", "services/x/.gitleaksignore"])
        .ok()
        .says(&["out: 1 added"]);
}

#[test]
fn an_import_with_history_finds_what_the_tree_has_no_more() {
    let Some(project) = Project::repository("history") else { return };
    project.write("a.py", &key_line('F'));
    project.git(&["add", "."]).ok();
    project.git(&["commit", "-qm", "one"]).ok();
    let commit = project.git(&["rev-parse", "--short=7", "HEAD"]).ok().out.trim().to_owned();
    project.write("a.py", "\n");
    project.git(&["commit", "-qam", "two"]).ok();
    project.write(".gitleaksignore", &format!("{commit}:a.py:aws-access-token:1\n"));
    project.testudo(&["baseline", "import", ".gitleaksignore"]).ok().says(&["0 added", "--history"]);
    project.testudo(&["baseline", "import", "--history", ".gitleaksignore"]).ok().says(&["1 added"]);
}

#[test]
fn a_commit_with_a_secret_is_refused_unless_somebody_says_why() {
    let Some(project) = Project::repository("commit") else { return };
    project.testudo(&["hook", "install"]).ok().says(&["pre-commit: installed", "pre-push: installed"]);
    project.write("a.py", "x = 1\n");
    project.git(&["add", "."]).ok();
    assert_eq!(project.git(&["commit", "-qm", "clean"]).ok().out, "", "a hook with nothing to say says nothing");
    let names: Vec<String> = ('A'..='H').map(|last| format!("{last}.py")).collect();
    for (name, last) in names.iter().zip('A'..='H') {
        project.write(name, &key_line(last));
    }
    project.git(&["add", "."]).ok();
    let refused = project.git(&["commit", "-qm", "leak"]).fails(1).says(&["gate: FAILED", "TESTUDO_BYPASS_REASON"]);
    for (name, last) in names.iter().zip('A'..='H') {
        assert!(
            refused.out.contains(&format!("{name}:1")) || refused.err.contains(&format!("{name}:1")),
            "all are listed: {refused:?}"
        );
        assert!(!refused.out.contains(&key_of(last)) && !refused.err.contains(&key_of(last)));
    }
    project.git_with(("TESTUDO_BYPASS_REASON", " "), &["commit", "-qm", "leak"]).fails(1);
    project
        .git_with(("TESTUDO_BYPASS_REASON", "test keys, INC-1"), &["commit", "-qm", "leak"])
        .ok()
        .says(&["pre-commit was bypassed, reason given: test keys, INC-1", "bypassed: high"]);
}

#[test]
fn a_commit_of_changes_that_were_not_staged_is_looked_at_too() {
    let Some(project) = Project::repository("commit-all") else { return };
    project.write("a.py", "x = 1\n");
    project.git(&["add", "."]).ok();
    project.git(&["commit", "-qm", "clean"]).ok();
    project.testudo(&["hook", "install", "--pre-commit"]).ok();
    project.write("a.py", &key_line('F'));
    // git makes an index of its own for these two and names it in the environment.
    project.git(&["commit", "-qam", "all"]).fails(1).says(&["a.py:1"]);
    project.git(&["commit", "-qm", "named", "a.py"]).fails(1).says(&["a.py:1"]);
}

#[test]
fn a_hook_that_is_there_runs_first_and_comes_back() {
    let Some(project) = Project::repository("chain") else { return };
    let hook = ".git/hooks/pre-commit";
    let mine = "#!/bin/sh\necho mine ran >&2\n[ ! -e stop ]\n";
    project.write(hook, mine);
    executable(&project.path(hook));
    project.testudo(&["hook", "install", "--pre-commit"]).ok().says(&["before-testudo: kept"]);
    project.testudo(&["hook", "install", "--pre-commit"]).ok();
    project.write("a.py", "x = 1\n");
    project.git(&["add", "a.py"]).ok();
    project.write("stop", "");
    project.git(&["commit", "-qm", "stopped"]).fails(1).says(&["mine ran"]);
    fs::remove_file(project.path("stop")).unwrap();
    project.git(&["commit", "-qm", "one"]).ok().says(&["mine ran"]);
    project.testudo(&["hook", "uninstall"]).ok().says(&["the hook from before is back"]);
    assert_eq!(project.read(hook), mine);
    project.testudo(&["hook", "uninstall"]).ok().says(&["no hook of testudo is there"]);
    assert_eq!(project.read(hook), mine);
    project.write(".git/hooks/pre-commit.before-testudo", "#!/bin/sh\n");
    project.testudo(&["hook", "install", "--pre-commit"]).fails(2).says(&["--force"]);
    project.testudo(&["hook", "install", "--pre-commit", "--force"]).ok();
    assert_eq!(project.read(".git/hooks/pre-commit.before-testudo"), mine);
}

/// Lets git run a file, where the system has a mode for that.
fn executable(path: &Path) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    #[cfg(not(unix))]
    assert!(path.is_file());
}

#[test]
fn a_folder_of_hooks_counts_only_inside_the_repository() {
    let Some(project) = Project::repository("hooks-path") else { return };
    let outside = Project::new("hooks-path-outside");
    project.git(&["config", "core.hooksPath", outside.0.to_str().unwrap()]).ok();
    project.testudo(&["hook", "install"]).fails(2).says(&["outside this repository"]);
    project.git(&["config", "core.hooksPath", "../hooks-path-climbs/new"]).ok();
    project.testudo(&["hook", "install"]).fails(2).says(&["outside this repository"]);
    project.git(&["config", "core.hooksPath", ".githooks"]).ok();
    project.write("sub/x", "");
    project.testudo(&["hook", "install", "--pre-commit", "sub"]).ok();
    assert!(project.path(".githooks/pre-commit").is_file());
    assert_eq!(fs::read_dir(&outside.0).unwrap().count(), 0);
    project.testudo(&["hook", "install", outside.0.to_str().unwrap()]).fails(2).says(&["not a git repository"]);
}

#[test]
fn a_worktree_shares_the_hooks_and_has_its_own_index() {
    let Some(project) = Project::repository("worktree") else { return };
    project.git(&["commit", "-q", "--allow-empty", "-m", "root"]).ok();
    project.git(&["worktree", "add", "-q", "tree", "-b", "other"]).ok();
    project.testudo(&["hook", "install", "--pre-commit", "tree"]).ok();
    assert!(project.path(".git/hooks/pre-commit").is_file());
    project.write("tree/a.py", &key_line('F'));
    project.git(&["-C", "tree", "add", "a.py"]).ok();
    project.git(&["-C", "tree", "commit", "-qm", "leak"]).fails(1).says(&["a.py:1"]);
}

#[test]
fn without_the_program_nothing_passes_unseen() {
    let Some(project) = Project::repository("missing") else { return };
    project.testudo(&["hook", "install", "--pre-commit"]).ok();
    let hook = project.path(".git/hooks/pre-commit");
    let mut command = project.command("/bin/sh", &[hook.to_str().unwrap()]);
    Ran::of(command.env("PATH", "/nonexistent").output().unwrap())
        .fails(1)
        .says(&["testudo is not in PATH", "nothing was checked"]);
}

/// A clone with a bare repository beside it, which has one clean commit.
fn pushed(name: &str) -> Option<Project> {
    let project = Project::repository(name)?;
    project.git(&["init", "-q", "--bare", "server.git"]).ok();
    project.git(&["remote", "add", "origin", "server.git"]).ok();
    project.write("a.py", "x = 1\n");
    project.git(&["add", "a.py"]).ok();
    project.git(&["commit", "-qm", "one"]).ok();
    project.git(&["push", "-q", "origin", "main"]).ok();
    Some(project)
}

fn commit(project: &Project, name: &str, text: &str) {
    project.write(name, text);
    project.git(&["add", name]).ok();
    project.git(&["commit", "-qm", name]).ok();
}

#[test]
fn a_push_is_refused_for_what_it_brings_and_not_for_what_is_there() {
    let Some(project) = pushed("push") else { return };
    commit(&project, "old.py", &key_line('A'));
    project.git(&["push", "-q", "origin", "main"]).ok();
    project.testudo(&["hook", "install", "--pre-push"]).ok();
    commit(&project, "clean.py", "x = 2\n");
    project.git(&["push", "-q", "origin", "main"]).ok();
    project.git(&["checkout", "-q", "-b", "topic"]).ok();
    commit(&project, "more.py", "x = 3\n");
    project.git(&["push", "-q", "origin", "topic"]).ok();
    commit(&project, "new.py", &key_line('B'));
    let refused = project.git(&["push", "-q", "origin", "topic"]).fails(1).says(&["new.py:1", "TESTUDO_BYPASS_REASON"]);
    assert!(!refused.out.contains("old.py") && !refused.err.contains("old.py"), "{refused:?}");
    // Several at once, one of them new to the other side, and a deletion.
    let refused = project.git(&["push", "-q", "origin", "topic", "topic:again"]).fails(1).says(&["new.py:1"]);
    assert!(!refused.out.contains("old.py") && !refused.err.contains("old.py"), "{refused:?}");
    project
        .git_with(("TESTUDO_BYPASS_REASON", "known"), &["push", "-q", "origin", "topic:again"])
        .ok()
        .says(&["pre-push was bypassed, reason given: known"]);
    project.git(&["push", "-q", "origin", ":again"]).ok();
}

#[test]
fn a_branch_that_merged_what_is_known_is_not_refused_for_it() {
    let Some(project) = Project::repository("merged") else { return };
    commit(&project, "start.txt", "start\n");
    project.git(&["branch", "feature"]).ok();
    commit(&project, "old.py", &key_line('M'));
    project.git(&["checkout", "-q", "feature"]).ok();
    commit(&project, "new.txt", "new\n");
    let main = project.git(&["rev-parse", "@{-1}"]).ok().out.trim().to_owned();
    project.git(&["merge", "-q", "--no-edit", &main]).ok();
    let range = format!("{main}..HEAD");
    project.testudo(&["scan", "--range", &range, "--fail-on", "low"]).ok();
    // What the merge itself changes is news.
    project.git(&["reset", "-q", "--hard", "HEAD~1"]).ok();
    project.git(&["merge", "-q", "--no-commit", "--no-ff", &main]).ok();
    project.write("evil.py", &key_line('N'));
    project.git(&["add", "-A"]).ok();
    project.git(&["commit", "-q", "-m", "merge"]).ok();
    project.testudo(&["scan", "--range", &range, "--fail-on", "low"]).fails(1).says(&["evil.py"]);
}

#[test]
fn a_server_refuses_a_push_unless_the_push_says_why() {
    let Some(project) = pushed("receive") else { return };
    project.testudo(&["hook", "install", "server.git"]).ok().says(&["pre-receive: installed"]);
    project.git(&["-C", "server.git", "config", "receive.advertisePushOptions", "true"]).ok();
    commit(&project, "clean.py", "x = 2\n");
    project.git(&["push", "-q", "origin", "main", "main:copy"]).ok();
    commit(&project, "new.py", &key_line('B'));
    project.git(&["push", "-q", "origin", "main"]).fails(1).says(&["new.py:1", "testudo-bypass"]);
    project.git(&["push", "-q", "origin", "main:fresh"]).fails(1).says(&["new.py:1"]);
    project.git_with(("TESTUDO_BYPASS_REASON", "not here"), &["push", "-q", "origin", "main"]).fails(1);
    project.git(&["push", "-q", "-o", "testudo-bypass=", "origin", "main"]).fails(1);
    project
        .git(&["push", "-q", "-o", "other=1", "-o", "testudo-bypass=INC-2", "origin", "main"])
        .ok()
        .says(&["pre-receive was bypassed, reason given: INC-2"]);
}

#[test]
fn a_hook_that_gets_something_else_than_git_says_is_an_error() {
    let Some(project) = Project::repository("input") else { return };
    project.write("input", "one two\n");
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["hook", "run", "pre-push", "origin", "url"]);
    command.stdin(fs::File::open(project.path("input")).unwrap());
    Ran::of(command.output().unwrap()).fails(2).says(&["standard input, line 1"]);
    project.testudo(&["hook", "run", "pre-push"]).ok();
}

#[test]
fn a_token_in_the_name_of_a_file_that_is_gone_is_found_in_the_history() {
    let Some(project) = Project::repository("names") else { return };
    let token = key_of('N');
    project.write(&format!("export/{token}.txt"), "nothing\n");
    project.git(&["add", "-A"]).ok();
    project.git(&["commit", "-q", "-m", "add"]).ok();
    project.git(&["rm", "-rq", "export"]).ok();
    project.write(&format!("link/{token}"), "version https://git-lfs.github.com/spec/v1\n");
    project.git(&["add", "-A"]).ok();
    project.git(&["commit", "-q", "-m", &format!("remove {token}")]).ok();
    let (found, _) = history_of(&project, &[]);
    assert!(found.iter().any(|f| f.contains("export/")), "{found:?}");
    assert!(found.iter().any(|f| f.contains("(commit message)")), "{found:?}");
    assert!(!found.iter().any(|f| f.contains(&token)), "{found:?}");
    let tree = project.testudo(&["scan", "--format", "json"]).ok();
    assert!(tree.out.contains("lfs-pointer") && !tree.out.contains(&token), "{}", tree.out);
}

#[test]
fn directories_that_name_each_other_many_times_are_told_and_end_the_scan() {
    let Some(project) = Project::repository("tree-bomb") else { return };
    project.write("a.txt", &key_line('B'));
    let mut oid = project.git(&["hash-object", "-w", "a.txt"]).ok().out.trim().to_owned();
    let mut mode = "100644 blob";
    // 10 to the power of 12 files.
    for _ in 0..12 {
        let entries: String = (0..10).map(|n| format!("{mode} {oid}\tf{n}\n")).collect();
        project.write("entries", &entries);
        let mut command = project.command("git", &["mktree"]);
        command.stdin(fs::File::open(project.path("entries")).unwrap());
        oid = Ran::of(command.output().unwrap()).ok().out.trim().to_owned();
        mode = "040000 tree";
    }
    let commit = project.git(&["commit-tree", &oid, "-m", "all of it"]).ok().out.trim().to_owned();
    project.git(&["update-ref", "refs/heads/main", &commit]).ok();
    project.testudo(&["scan", "--history", "--no-cache"]).ok().says(&["NOT COVERED", "named too often"]);
    project.testudo(&["gitleaks", "git", "."]).says(&["named too often"]);
}

/// The findings and notices of a history, one a line, and how many blobs were new to the scan.
fn history_of(project: &Project, arguments: &[&str]) -> (Vec<String>, u64) {
    let all = ["--confidence", "low", "--severity", "info", "--persona", "auditor", "--format", "json"];
    let ran = project.testudo(&[&["scan", "--history"], &all[..], arguments].concat()).ok();
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let list = |name: &str| report[name].as_array().unwrap().clone();
    let told = list("findings").into_iter().chain(list("notices")).map(|entry| entry.to_string()).collect();
    (told, report["coverage"][0]["counts"]["new_blobs"].as_u64().unwrap())
}

#[test]
fn a_second_scan_of_a_history_reads_what_is_new_and_says_the_same() {
    let Some(project) = Project::repository("memory") else { return };
    let steps: [(&str, &[&[&str]]); 6] = [
        ("one", &[]),
        ("two", &[&["tag", "-a", "v1", "-m", "api_key = \"q8Zr2LmX0vB7tK4w\""]]),
        ("three", &[&["checkout", "-q", "-b", "side"]]),
        ("four", &[&["checkout", "-q", "-"], &["merge", "-q", "--no-edit", "side"]]),
        ("five", &[&["gc", "-q"]]),
        (
            "six",
            &[
                &["branch", "-D", "side"],
                &["tag", "-d", "v1"],
                &["reset", "-q", "--hard", "HEAD~2"],
                &["reflog", "expire", "--expire=now", "--all"],
                &["gc", "-q", "--prune=now"],
            ],
        ),
    ];
    for (number, (name, commands)) in steps.iter().enumerate() {
        let value = format!("Rope{number}!dock-{}", number * 7919);
        project.write(&format!("{name}.conf"), &format!("db_password = \"{value}\"\n"));
        project.write("shared.conf", &format!("db_password = \"{value}\"\n"));
        let wide: Vec<u8> =
            format!("db_password = \"Wide{value}\"\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(project.path("wide.txt"), wide).unwrap();
        project.git(&["add", "-A"]).ok();
        project.git(&["commit", "-q", "-m", &format!("password = \"{value}message\"")]).ok();
        for command in *commands {
            project.git(command).ok();
        }
        let (fresh, all) = history_of(&project, &["--no-cache"]);
        let (found, new) = history_of(&project, &[]);
        assert_eq!(found, fresh, "{name}");
        for place in ["wide.txt", "shared.conf", "(commit message)"] {
            assert!(fresh.iter().any(|f| f.contains(place)), "{name}: nothing found in {place}");
        }
        let packed = matches!(*name, "five" | "six");
        assert!(number == 0 || packed || new < all, "{name}: {new} of {all}");
        let (again, none) = history_of(&project, &[]);
        assert_eq!((again, none), (fresh, 0), "{name}");
        let (everything, _) = history_of(&project, &["--unreachable", "--no-cache"]);
        assert_eq!(history_of(&project, &["--unreachable"]).0, everything, "{name}");
    }
    let files = fs::read_dir(project.cache().join("testudo/history")).unwrap();
    for file in files {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(4).any(|w| w == b"Rope"), "a memory holds no value");
    }
}
