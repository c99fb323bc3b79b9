//! `probe-exposed-*`: files and pages that nobody meant to publish. A name alone proves nothing: the content must have the
//! shape of what the name says, and a path that cannot exist must not have it, so a server that answers everything with a
//! page is not believed.

use testudo_model::Confidence;

use crate::{
    Answer, Ask,
    finding::{Draft, Exchange},
    run::Run,
};

/// What of an answer proves it, in words that give nothing away; none where it is something else.
type Shape = fn(&Answer) -> Option<String>;

/// Rule, path below the scope, and the shape.
const FILES: &[(&str, &str, Shape)] = &[
    ("probe-exposed-actuator", "actuator", actuator),
    ("probe-exposed-actuator", "actuator/env", actuator_env),
    ("probe-exposed-api-description", "openapi.json", description),
    ("probe-exposed-api-description", "swagger.json", description),
    ("probe-exposed-api-description", "v3/api-docs", description),
    ("probe-exposed-backup", "backup.sql", sql),
    ("probe-exposed-backup", "backup.tar.gz", gzip),
    ("probe-exposed-backup", "backup.zip", zip),
    ("probe-exposed-backup", "dump.sql", sql),
    ("probe-exposed-ds-store", ".DS_Store", ds_store),
    ("probe-exposed-environment", ".env", environment),
    ("probe-exposed-environment", ".env.production", environment),
    ("probe-exposed-git", ".git/HEAD", git_head),
    ("probe-exposed-git", ".git/config", git_config),
    ("probe-exposed-phpinfo", "info.php", phpinfo),
    ("probe-exposed-phpinfo", "phpinfo.php", phpinfo),
    ("probe-exposed-server-status", "server-status", server_status),
];

/// Asks for each file, and where it seems to be there, for one beside it that cannot be.
pub(crate) fn check(run: &mut Run<'_, '_>) {
    for (rule, path, shape) in FILES {
        let ask = Ask::look(format!("{}{path}", run.session.scope.prefix()));
        let Ok(answer) = run.ask(&ask) else { continue };
        let Some(shows) = shape(&answer).filter(|_| answer.status == 200) else { continue };
        let control =
            Ask::look(format!("{}{}", run.session.scope.prefix(), beside(path, &run.session.canaries.word())));
        let Ok(other) = run.ask(&control) else { continue };
        let believed = other.status != 200 || shape(&other).is_none();
        let Ok(again) = run.ask(&ask) else { continue };
        if !believed || shape(&again).is_none() {
            continue;
        }
        let evidence = vec![
            Exchange::new("hit", &ask, &answer, &shows),
            Exchange::new("replay", &ask, &again, &shows),
            Exchange::new("control", &control, &other, "not of this shape"),
        ];
        let message = format!("/{path} can be read by everybody: {shows}");
        run.add(&Draft {
            rule,
            route: path,
            subject: ("", ""),
            ask: &ask,
            message,
            confidence: Confidence::High,
            evidence,
        });
    }
}

/// A path like another one that cannot exist.
fn beside(path: &str, word: &str) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let slash = if folder.is_empty() { "" } else { "/" };
    // The ending stays: some servers decide by it.
    let ending = name.find('.').filter(|at| *at > 0).map(|at| &name[at..]).unwrap_or_default();
    let dot = if name.starts_with('.') { "." } else { "" };
    format!("{folder}{slash}{dot}{word}{ending}")
}

fn git_head(answer: &Answer) -> Option<String> {
    let text = answer.text();
    let text = text.trim_end();
    let hash = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let reference =
        text.strip_prefix("ref: refs/").is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    (reference || hash).then(|| "the HEAD of a git repository".to_owned())
}

fn git_config(answer: &Answer) -> Option<String> {
    let text = answer.text();
    let is = text.trim_start().starts_with('[') && text.contains("[core]") && text.contains("repositoryformatversion");
    is.then(|| "the configuration of a git repository".to_owned())
}

/// Lines `NAME=value` and comments, and nothing else. Values are never shown.
fn environment(answer: &Answer) -> Option<String> {
    let text = answer.text();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut names = Vec::new();
    for line in lines {
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let upper = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if name.is_empty() || !upper || value.contains('<') {
            return None;
        }
        names.push(name.to_owned());
    }
    (!names.is_empty()).then(|| format!("{} settings, {} and so on", names.len(), names[0]))
}

fn ds_store(answer: &Answer) -> Option<String> {
    answer.body.starts_with(b"\0\0\0\x01Bud1").then(|| "the index of a folder".to_owned())
}

fn gzip(answer: &Answer) -> Option<String> {
    answer.body.starts_with(&[0x1f, 0x8b, 8]).then(|| "a compressed archive".to_owned())
}

fn zip(answer: &Answer) -> Option<String> {
    answer.body.starts_with(b"PK\x03\x04").then(|| "a ZIP archive".to_owned())
}

fn sql(answer: &Answer) -> Option<String> {
    let text = answer.text().to_ascii_lowercase();
    let statements = ["create table ", "insert into ", "drop table if exists", "copy public."];
    let lines = text.lines().filter(|line| statements.iter().any(|start| line.trim_start().starts_with(start))).count();
    (lines > 0 && !answer.is_page()).then(|| format!("a dump of a database with {lines} statements"))
}

fn phpinfo(answer: &Answer) -> Option<String> {
    let text = answer.text();
    let is = text.contains("phpinfo()</title>") && text.contains("PHP Version") && text.contains("class=\"e\"");
    is.then(|| "the output of phpinfo()".to_owned())
}

fn server_status(answer: &Answer) -> Option<String> {
    let text = answer.text();
    let is = text.contains("Apache Server Status for") && text.contains("Server Version:");
    is.then(|| "the status page of Apache".to_owned())
}

fn actuator(answer: &Answer) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let links = value.get("_links")?.as_object()?;
    let is = links
        .values()
        .any(|link| link.get("href").and_then(|to| to.as_str()).is_some_and(|to| to.contains("/actuator")));
    is.then(|| format!("{} management endpoints", links.len()))
}

fn actuator_env(answer: &Answer) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let sources = value.get("propertySources")?.as_array()?;
    Some(format!("the settings of the application from {} sources", sources.len()))
}

fn description(answer: &Answer) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let versioned = ["openapi", "swagger"].iter().any(|key| value.get(key).is_some_and(serde_json::Value::is_string));
    let paths = value.get("paths")?.as_object()?.len();
    versioned.then(|| format!("a description of {paths} paths"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_beside_is_of_the_same_kind() {
        for (path, expected) in [
            (".git/HEAD", ".git/w"),
            (".env", ".w"),
            (".env.production", ".w"),
            ("backup.tar.gz", "w.tar.gz"),
            ("server-status", "w"),
            ("actuator/env", "actuator/w"),
        ] {
            assert_eq!(beside(path, "w"), expected);
        }
        assert!(FILES.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
    }

    #[test]
    fn shapes_are_those_of_the_content() {
        let answer = |body: &str| Answer { status: 200, body: body.as_bytes().to_vec(), ..Answer::default() };
        for (shape, body, is) in [
            (git_head as Shape, "ref: refs/heads/main\n", true),
            (git_head, "ref: refs/ a page about git", false),
            (git_head, "<html>ref: refs/heads/main", false),
            (environment, "# x\nAPP_ENV=local\nexport DB_HOST=\n", true),
            (environment, "a=b", false),
            (environment, "APP=1\nhello", false),
            (environment, "A=<html>", false),
            (environment, "", false),
            (sql, "-- dump\nCREATE TABLE a (b int);", true),
            (sql, "<html><p>create table ", false),
            (actuator, r#"{"_links":{"self":{"href":"http://x.example/actuator"}}}"#, true),
            (actuator, r#"{"_links":{"self":{"href":"http://x.example/api"}}}"#, false),
            (description, r#"{"openapi":"3.0.0","paths":{}}"#, true),
            (description, r#"{"paths":{}}"#, false),
            (ds_store, "\0\0\0\u{1}Bud1", true),
            (zip, "PK\u{3}\u{4}", true),
            (gzip, "PK", false),
        ] {
            assert_eq!(shape(&answer(body)).is_some(), is, "{body}");
        }
    }

    #[test]
    fn values_of_settings_are_not_shown() {
        let answer = Answer { body: b"DB_PASSWORD=hunter2hunter2".to_vec(), ..Answer::default() };
        assert_eq!(environment(&answer).unwrap(), "1 settings, DB_PASSWORD and so on");
    }
}
