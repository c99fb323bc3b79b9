//! The examples of the README and of the book, run as a reader would.
//!
//! Every line of a `console` or `sh` block that calls `testudo` is run in a project of the page's own, and must exit with
//! 0, or with what a comment on the line says: `# exits with 1`. A `text` block under `<!-- output -->` is what the command
//! before it printed. What cannot be run here stands under `<!-- not run: REASON -->`, and the number of those is held.

use std::{fmt::Write as _, fs, path::PathBuf};

use crate::{Project, Ran};

/// Commands that the documentation shows and this test does not run: they need a cluster, a server or an application.
const NOT_RUN: usize = 27;

/// One thing that a page asks for.
#[derive(Debug)]
enum Step {
    /// A line for the shell, and the exit code it promises.
    Run { line: usize, text: String, code: i32 },
    /// What the command before must have printed.
    Output { line: usize, text: String },
    /// Commands that are not run, with why.
    NotRun { line: usize, reason: String },
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The README and every page of the book, sorted.
fn pages() -> Vec<PathBuf> {
    let (mut found, mut folders) = (vec![root().join("README.md")], vec![root().join("docs/src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The steps of a page, in order.
fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut note = "";
    let mut lines = page.lines().enumerate().map(|(at, line)| (at + 1, line));
    while let Some((_, line)) = lines.next() {
        let language = line.trim_start().strip_prefix("```");
        let Some(language) = language else {
            if !line.trim().is_empty() {
                note = line.trim();
            }
            continue;
        };
        let block: Vec<(usize, &str)> =
            lines.by_ref().take_while(|(_, l)| !l.trim_start().starts_with("```")).collect();
        read_block(language, note, &block, &mut steps);
        note = "";
    }
    steps
}

fn read_block(language: &str, note: &str, block: &[(usize, &str)], steps: &mut Vec<Step>) {
    let Some((line, _)) = block.first().copied() else { return };
    if language == "text" && note == "<!-- output -->" {
        let text = block.iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n");
        steps.push(Step::Output { line, text });
        return;
    }
    if !matches!(language, "console" | "sh") {
        return;
    }
    let reason = note.strip_prefix("<!-- not run: ").and_then(|rest| rest.strip_suffix(" -->"));
    for (line, text) in commands(language, block) {
        match reason {
            Some(reason) => steps.push(Step::NotRun { line, reason: reason.to_owned() }),
            None => {
                let code = text.rsplit_once("# exits with ").map_or(0, |(_, code)| code.trim().parse().unwrap());
                steps.push(Step::Run { line, text, code });
            }
        }
    }
}

/// The commands of a block that call testudo: a line each, or a whole `case`.
fn commands(language: &str, block: &[(usize, &str)]) -> Vec<(usize, String)> {
    if block.iter().any(|(_, line)| line.ends_with("case $? in")) {
        let whole = block.iter().map(|(_, line)| *line).collect::<Vec<_>>().join("\n");
        return vec![(block[0].0, whole)];
    }
    let calls = |text: &str| text.split_whitespace().any(|word| word == "testudo");
    let prompt = if language == "console" { "$ " } else { "" };
    let lines = block.iter().filter_map(|(at, line)| Some((*at, line.strip_prefix(prompt)?.to_owned())));
    lines.filter(|(_, text)| calls(text)).collect()
}

/// A rule file in the format of gitleaks.
const RULES: &str = r#"[[rules]]
id = "acme-key"
description = "Acme key"
regex = '''\b(acme_[0-9a-z]{24})\b'''
keywords = ["acme_"]
"#;

/// The same rule, with what our own rules need.
const COMPANY_RULE: &str = r#"[[rules]]
id = "acme-api-key"
description = "Acme API key"
regex = '''\b(acme_live_[0-9A-Za-z]{32})\b'''
keywords = ["acme_live_"]
"#;

const COMPANY_DOCUMENT: &str = "# Acme API key\n\nA key.\n\n## Why it matters\nMoney.\n\n## How to fix\n1. Revoke it.\n\n\
    ## Found\n```bad\nkey = acme_live_{{alnum:32}}\n```\n\n## Not found\n```good\nkey = acme_live_short\n```\n";

/// The same document with a case that no rule finds.
const WRONG_DOCUMENT: &str = "# Acme API key\n\nA key.\n\n## Why it matters\nMoney.\n\n## How to fix\n1. Revoke it.\n\n\
    ## Found\n```bad\nkey = acme_live_{{alnum:31}}\n```\n\n## Not found\n```good\nkey = acme_live_short\n```\n";

/// A small clean project with a history, tags, a remote branch and the files that the pages name.
fn sample(name: &str) -> Option<Project> {
    let project = Project::repository(name)?;
    project.write("README.md", "# Sample\n");
    project.write("src/app.py", "def greet(name):\n    return f\"hello {name}\"\n");
    project.write("gitleaks.toml", RULES);
    project.write(".gitleaks.toml", RULES);
    project.write(
        "acme.yml",
        "rules: [{id: acme.1, name: Acme key, pattern: 'acme_([0-9a-z]{8})', examples: [acme_0q1w2e3r], \
         negative_examples: [acme_short]}]",
    );
    project.write("broken.toml", &RULES.replace(r"\b(acme_[0-9a-z]{24})\b", "a(b"));
    project.write("company.toml", RULES);
    project.write("gitleaks-default.toml", RULES);
    project.write("company/acme-api-key.toml", COMPANY_RULE);
    project.write("company/acme-api-key.md", COMPANY_DOCUMENT);
    project.write("draft/acme-api-key.toml", COMPANY_RULE);
    project.write("draft/acme-api-key.md", WRONG_DOCUMENT);
    project.write(".secrets.baseline", "{\"version\": \"1.5.0\", \"results\": {}}\n");
    project.write("security/plan.toml", include_str!("../../../plan/src/sample.toml"));
    project.write("apps/portal/main.py", "print(1)\n");
    project.write("doc/door.md", "checked\n");
    project.write("settings.yml", "retries: 3\n");
    project.write(".gitleaksignore", "# accepted\nsrc/old.py:acme-key:3\n");
    project.write("gitleaks-report.json", "[]\n");
    project.write(
        "semgrep.json",
        r#"{"version": "1.99.0", "results": [], "errors": [], "paths": {"scanned": ["src/app.py"]}}"#,
    );
    project.write("leaks.json", "[]\n");
    let recipient = crate::vault::own_key(&project);
    project.write(".sops.yaml", &format!("creation_rules:\n  - path_regex: ^deploy/\n    age: {recipient}\n"));
    project.write("plain.env", "DB_PASSWORD=hunter2-hunter3\nOLD_TOKEN=none-none\n");
    project.write("deploy/README.md", "# Deploy\n");
    project.testudo(&["vault", "create", "deploy/sample.env", "--from", "plain.env"]).ok();
    project.write(".gitignore", "*.sarif\n*.html\nplain.env\n");
    for round in ["v1.4.0", "v1.5.0", "head"] {
        project.write("CHANGES.md", &format!("{round}\n"));
        project.git(&["add", "."]).ok();
        project.git(&["commit", "-q", "-m", round]).ok();
        project.git(&["tag", round]).ok();
    }
    project.git(&["update-ref", "refs/remotes/origin/main", "v1.5.0"]).ok();
    project.git(&["init", "-q", "--bare", "project.git"]).ok();
    Some(project)
}

#[test]
fn every_example_of_the_documentation_runs() {
    let (mut run, mut not_run, mut faults) = (0, Vec::new(), String::new());
    for page in pages() {
        let name = page.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let steps = steps(&fs::read_to_string(&page).unwrap());
        if steps.is_empty() {
            continue;
        }
        let Some(project) = sample(&format!("book-{}", name.replace(['/', '.'], "-"))) else { return };
        let mut last = None;
        for step in steps {
            match step {
                Step::Run { line, text, code } => {
                    run += 1;
                    let ran = Ran::of(project.command("sh", &["-c", &text]).output().unwrap());
                    if ran.code != code {
                        writeln!(faults, "{name}:{line}: `{text}` exits with {}, not {code}:\n{ran:?}", ran.code)
                            .unwrap();
                    }
                    last = Some(ran);
                }
                Step::Output { line, text } => {
                    let said = last.as_ref().is_some_and(|ran| ran.out.contains(&text) || ran.err.contains(&text));
                    if !said {
                        writeln!(faults, "{name}:{line}: this is not what is printed:\n{text}\nbut\n{last:?}").unwrap();
                    }
                }
                Step::NotRun { line, reason } => not_run.push(format!("{name}:{line}: {reason}")),
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(run > 70, "only {run} examples were found");
    assert_eq!(not_run.len(), NOT_RUN, "examples that are not run: {not_run:#?}");
}

#[test]
fn a_page_is_read_as_its_author_meant() {
    let page = "a\n```console\n$ testudo scan .  # exits with 3\nclean\n```\n\n<!-- output -->\n```text\nclean\n```\n\
        <!-- not run: asks a server -->\n\n```sh\ntestudo scan --verify .\nls\n```\n```sh\necho x | testudo scan -\n```\n";
    let found: Vec<String> = steps(page).iter().map(|step| format!("{step:?}")).collect();
    assert_eq!(
        found,
        [
            r#"Run { line: 3, text: "testudo scan .  # exits with 3", code: 3 }"#,
            r#"Output { line: 9, text: "clean" }"#,
            r#"NotRun { line: 14, reason: "asks a server" }"#,
            r#"Run { line: 18, text: "echo x | testudo scan -", code: 0 }"#,
        ]
    );
}
