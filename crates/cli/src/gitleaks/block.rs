//! The listing of `--verbose`: one block of lines a finding, in gitleaks' words and colours.

use std::{env, io::IsTerminal as _};

use testudo_secrets::gitleaks::CompatFinding;

/// Bytes of a line that are shown before and behind the match.
const AROUND: usize = 20;
/// Bytes of a secret that are shown in colour.
const SECRET: usize = 100;
/// Bytes of a secret of a required rule: all up to the first, else as many as the second.
const REQUIRED: (usize, usize) = (40, 37);

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    None,
    /// The sixteen of ECMA-48 and its successors.
    Sixteen,
    /// 256 by index.
    Indexed,
    /// 24 bits.
    True,
}

/// A style, as it is written for each depth of colours.
struct Style {
    /// Codes in front of the colour.
    face: &'static str,
    sixteen: &'static str,
    indexed: &'static str,
    direct: &'static str,
}

const MATCH: Style = Style { face: "", sixteen: "93", indexed: "38;5;221", direct: "38;2;245;212;69" };
const LEAK: Style = Style { face: "1;3;", sixteen: "91", indexed: "38;5;202", direct: "38;2;240;92;7" };
const NEARBY: Style = Style { face: "", sixteen: "90", indexed: "38;5;137", direct: "38;2;191;148;120" };

/// The blocks of all findings.
pub(super) fn all(findings: &[CompatFinding], no_color: bool) -> String {
    let depth = if no_color { Depth::None } else { depth() };
    findings.iter().map(|f| block(f, no_color, depth)).collect()
}

/// What the environment says of the terminal, in the order in which gitleaks' own library asks.
fn depth() -> Depth {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let forced = !matches!(variable("CLICOLOR_FORCE").as_str(), "" | "0");
    let refused = !variable("NO_COLOR").is_empty() || (variable("CLICOLOR") == "0" && !forced);
    let terminal = std::io::stdout().is_terminal();
    let (term, color) = (variable("TERM"), variable("COLORTERM").to_lowercase());
    let known = match (color.as_str(), term.as_str()) {
        _ if !terminal => Depth::None,
        ("24bit" | "truecolor", term) if term.starts_with("screen") => Depth::Indexed,
        ("24bit" | "truecolor", _) => Depth::True,
        ("yes" | "true", _) => Depth::Indexed,
        (_, "xterm-kitty") => Depth::True,
        (_, "linux") => Depth::Sixteen,
        (_, term) if term.contains("256color") => Depth::Indexed,
        (_, term) if term.contains("color") || term.contains("ansi") => Depth::Sixteen,
        _ => Depth::None,
    };
    match known {
        _ if refused => Depth::None,
        Depth::None if forced => Depth::Sixteen,
        known => known,
    }
}

fn block(f: &CompatFinding, no_color: bool, depth: Depth) -> String {
    let (line, secret, matched) = (f.line.trim(), f.secret.trim(), f.matched.trim());
    let mut out = String::new();
    let place = line.find(matched).zip(matched.find(secret));
    match place.filter(|_| !no_color && !matched.starts_with("file detected:")) {
        Some((at, secret_at)) => {
            field(&mut out, "Finding:", &in_line(line, (at, matched), (secret_at, secret), depth));
            field(&mut out, "Secret:", &styled(&cut(secret, SECRET), &LEAK, depth));
        }
        None => {
            field(&mut out, "Finding:", matched);
            field(&mut out, "Secret:", secret);
        }
    }
    field(&mut out, "RuleID:", &f.rule);
    field(&mut out, "Entropy:", &format!("{:.6}", f.entropy as f32));
    if !f.file.is_empty() {
        if !f.tags.is_empty() {
            field(&mut out, "Tags:", &format!("[{}]", f.tags.join(" ")));
        }
        field(&mut out, "File:", &f.file);
        field(&mut out, "Line:", &f.start_line.to_string());
        if !f.commit.is_empty() {
            for (name, value) in
                [("Commit:", &f.commit), ("Author:", &f.author), ("Email:", &f.email), ("Date:", &f.date)]
            {
                field(&mut out, name, value);
            }
        }
        field(&mut out, "Fingerprint:", &f.fingerprint());
        if !f.link.is_empty() {
            field(&mut out, "Link:", &f.link);
        }
    }
    for (at, required) in f.required.iter().enumerate() {
        let name = if at == 0 { "Required:" } else { "" };
        let secret = required.secret.trim();
        let secret = if secret.len() > REQUIRED.0 { cut(secret, REQUIRED.1) } else { secret.to_owned() };
        let secret = styled(&secret, &NEARBY, depth);
        field(&mut out, name, &format!("{}:{}:{secret}", required.rule, required.start_line));
    }
    out + "\n"
}

fn field(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!("{name:<12} {value}\n"));
}

/// The match with some of its line around it.
fn in_line(line: &str, (at, matched): (usize, &str), (secret_at, secret): (usize, &str), depth: Depth) -> String {
    let start = if at > AROUND { format!("...{}", bytes(line, at - AROUND, at)) } else { line[..at].to_owned() };
    let start = start.trim_start_matches(' ');
    let start = start.strip_prefix('\n').unwrap_or(start);
    let mut end = at + matched.len();
    if line.len() <= end + 1 {
        end = line.len();
    }
    let rest = cut(&line[end..], AROUND);
    let (before, behind) = (&matched[..secret_at], &matched[secret_at + secret.len()..]);
    let leak = styled(&cut(secret, SECRET), &LEAK, depth);
    format!("{start}{}{leak}{}{rest}", styled(before, &MATCH, depth), styled(behind, &MATCH, depth))
}

/// Bytes of a text, also where they begin or end within a character.
fn bytes(text: &str, from: usize, to: usize) -> String {
    String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned()
}

/// At most `most` bytes, and three dots where more were there.
fn cut(text: &str, most: usize) -> String {
    if text.len() > most { bytes(text, 0, most) + "..." } else { text.to_owned() }
}

/// A text in a style. Its lines get the same width, and each is styled for itself.
fn styled(text: &str, style: &Style, depth: Depth) -> String {
    let width = text.split('\n').map(|line| line.chars().count()).max().unwrap_or(0);
    let codes = match depth {
        Depth::None => String::new(),
        Depth::Sixteen => format!("\u{1b}[{}{}m", style.face, style.sixteen),
        Depth::Indexed => format!("\u{1b}[{}{}m", style.face, style.indexed),
        Depth::True => format!("\u{1b}[{}{}m", style.face, style.direct),
    };
    let end = if depth == Depth::None { "" } else { "\u{1b}[0m" };
    let line = |line: &str| format!("{codes}{line}{end}{}", " ".repeat(width - line.chars().count()));
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
