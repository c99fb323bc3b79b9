//! `probe-sql-injection-error`: a quotation mark that brings the message of a database about broken syntax.

use super::{Attempt, Spot, Trial, prove, unescaped};
use crate::{Answer, canary::Canaries, finding::shortened, run::Run};

/// What databases and their drivers write about broken syntax: every part must be there, in lower case.
const MESSAGES: &[(&str, &[&str])] = &[
    ("MySQL or MariaDB", &["you have an error in your sql syntax"]),
    ("PostgreSQL", &["unterminated quoted string at or near"]),
    ("PostgreSQL", &["syntax error at or near \""]),
    ("SQLite", &["unrecognized token: \""]),
    ("SQLite", &["near \"", "\": syntax error"]),
    ("SQL Server", &["unclosed quotation mark after the character string"]),
    ("SQL Server", &["incorrect syntax near '"]),
    ("Oracle", &["ora-01756"]),
    ("Oracle", &["ora-00933"]),
    ("DB2", &["db2 sql error: sqlcode="]),
    ("a database", &["sqlstate[42000]"]),
    ("a database", &["sqlstate[hy000]", "syntax"]),
];

pub(super) fn attack(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    for marks in ["'\"", "\\"] {
        let make = |canaries: &Canaries, base: &str| {
            let word = canaries.word();
            // A number stays a number in the control: a word in its place may break a query for another reason.
            let control = match base.parse::<u64>() {
                Ok(number) => number.saturating_add(canaries.number(1, 9)).to_string(),
                Err(_) => format!("{base}{word}"),
            };
            Attempt { text: format!("{base}{word}{marks}"), control, proof: Box::new(proof) }
        };
        let message = "a quotation mark in it breaks a query of a database";
        if prove(run, spot, &Trial { rule: "probe-sql-injection-error", message, make: &make }) {
            return;
        }
    }
}

fn proof(answer: &Answer) -> Option<String> {
    let text = unescaped(&answer.text()).replace("\\\"", "\"");
    let lower = text.to_ascii_lowercase();
    let (database, parts) = MESSAGES.iter().find(|(_, parts)| parts.iter().all(|part| lower.contains(part)))?;
    let at = lower.find(parts[0])?;
    Some(format!("a message of {database}: {}", shortened(&text[at..], 80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_known_however_they_are_wrapped() {
        for (body, proven) in [
            ("You have an error in your SQL syntax; check the manual", true),
            ("sqlite3.OperationalError: unrecognized token: &quot;&#39;x&quot;", true),
            ("{\"error\":\"near \\\"x\\\": syntax error\"}", true),
            ("ERROR: syntax error at or near \"x\" at character 9", true),
            ("a syntax error", false),
            ("an error in the database", false),
        ] {
            let answer = Answer { status: 500, body: body.as_bytes().to_vec(), ..Answer::default() };
            assert_eq!(proof(&answer).is_some(), proven, "{body}");
        }
    }
}
