//! `probe-stack-trace`: the inside of a program that failed. A page that only talks of errors has no frames with files and
//! lines; a tutorial has, so a page counts only where it comes with a status of failure, or as the page of a debugger.

use super::{Hit, Page};
use crate::Answer;

/// Fewest frames in a row of lines that make a trace.
const LEAST_FRAMES: usize = 2;

/// Whether a line is a frame of a trace.
type Frame = fn(&str) -> bool;

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    let failed = page.answer.status >= 400;
    let found = if failed { trace(page.answer) } else { None }.or_else(|| debugger(page.answer));
    found
        .map(|what| Hit::whole(format!("the answer with status {} shows {what}", page.answer.status)))
        .into_iter()
        .collect()
}

/// The trace of a language in an answer.
pub(crate) fn trace(answer: &Answer) -> Option<&'static str> {
    let text = answer.text().replace("&quot;", "\"").replace("&#34;", "\"").replace("&lt;", "<");
    // Some servers write a trace as one line of JSON, or break lines with tags.
    let text = text.replace("\\n", "\n").replace("<br", "\n<br").replace("<li", "\n<li");
    let count = |is: Frame| text.lines().map(str::trim).filter(|line| is(line)).count();
    let languages: &[(&'static str, Frame)] = &[
        ("a stack trace of Python", python),
        ("a stack trace of Java", java),
        ("a stack trace of JavaScript", javascript),
        ("a stack trace of PHP", php),
        ("a stack trace of .NET", dotnet),
        ("a stack trace of Ruby", ruby),
        ("a stack trace of Go", go),
    ];
    languages.iter().find(|(_, is)| count(*is) >= LEAST_FRAMES).map(|(name, _)| *name)
}

/// The page of a debugger, which comes with a status of success in some frameworks.
fn debugger(answer: &Answer) -> Option<&'static str> {
    let text = answer.text();
    let has = |marks: &[&str]| marks.iter().all(|mark| text.contains(mark));
    has(&["<title>", "// Werkzeug Debugger</title>", "TRACEBACK"]).then_some("the debugger of Werkzeug")
}

fn python(line: &str) -> bool {
    line.contains("File \"") && line.contains("\", line ")
}

fn java(line: &str) -> bool {
    let frame = line.rsplit("at ").next().filter(|_| line.contains("at ")).unwrap_or_default();
    frame.contains(".java:") && frame.contains('(')
}

fn javascript(line: &str) -> bool {
    let at = line.find("at ").map(|at| &line[at..]).unwrap_or_default();
    [".js:", ".ts:", ".mjs:", ".cjs:", "node:internal"].iter().any(|mark| at.contains(mark))
        && at.trim_end_matches(|c: char| !c.is_ascii_digit()).ends_with(|c: char| c.is_ascii_digit())
}

fn php(line: &str) -> bool {
    let numbered = line.starts_with('#') && line[1..].starts_with(|c: char| c.is_ascii_digit());
    numbered && line.contains(".php(")
}

fn dotnet(line: &str) -> bool {
    line.contains("at ") && line.contains(".cs:line ")
}

fn ruby(line: &str) -> bool {
    line.contains(".rb:") && (line.contains(":in `") || line.contains(":in '"))
}

fn go(line: &str) -> bool {
    line.contains(".go:") && line.contains(" +0x")
}
