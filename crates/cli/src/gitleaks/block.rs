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

const MATCH: Style = Style { face: "", sixteen: "93", indexed: "38;5;221", direct: "38;2;245;211;69" };
const LEAK: Style = Style { face: "1;3;", sixteen: "91", indexed: "38;5;202", direct: "38;2;240;92;7" };
const NEARBY: Style = Style { face: "", sixteen: "90", indexed: "38;5;138", direct: "38;2;191;147;120" };

/// The blocks of all findings. Texts are cut between bytes, as gitleaks does, so they may end within a character.
pub(super) fn all(findings: &[CompatFinding], no_color: bool) -> Vec<u8> {
    let depth = if no_color { Depth::None } else { depth() };
    findings.iter().flat_map(|f| block(f, no_color, depth)).collect()
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

fn block(f: &CompatFinding, no_color: bool, depth: Depth) -> Vec<u8> {
    let line = f.line.text();
    let (line, secret, matched) = (line.trim(), f.secret.trim(), f.matched.trim());
    let mut out = Vec::new();
    let place = line.find(matched).zip(matched.find(secret));
    match place.filter(|_| !no_color && !matched.starts_with("file detected:")) {
        Some((at, secret_at)) => {
            field(&mut out, "Finding:", in_line(line, (at, matched), (secret_at, secret), depth));
            field(&mut out, "Secret:", styled(&cut(secret, SECRET), &LEAK, depth));
        }
        None => {
            field(&mut out, "Finding:", matched);
            field(&mut out, "Secret:", secret);
        }
    }
    field(&mut out, "RuleID:", &f.rule);
    field(&mut out, "Entropy:", format!("{:.6}", f.entropy as f32));
    if !f.file.is_empty() {
        if !f.tags.is_empty() {
            field(&mut out, "Tags:", format!("[{}]", f.tags.join(" ")));
        }
        field(&mut out, "File:", &f.file);
        field(&mut out, "Line:", f.start_line.to_string());
        if !f.commit.is_empty() {
            for (name, value) in
                [("Commit:", &f.commit), ("Author:", &f.author), ("Email:", &f.email), ("Date:", &f.date)]
            {
                field(&mut out, name, value);
            }
        }
        field(&mut out, "Fingerprint:", f.fingerprint());
        if !f.link.is_empty() {
            field(&mut out, "Link:", &f.link);
        }
    }
    for (at, required) in f.required.iter().enumerate() {
        let name = if at == 0 { "Required:" } else { "" };
        let secret = required.secret.trim();
        let secret = if secret.len() > REQUIRED.0 { cut(secret, REQUIRED.1) } else { secret.into() };
        let mut value = format!("{}:{}:", required.rule, required.start_line).into_bytes();
        value.extend(styled(&secret, &NEARBY, depth));
        field(&mut out, name, value);
    }
    out.push(b'\n');
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: impl AsRef<[u8]>) {
    out.extend_from_slice(format!("{name:<12} ").as_bytes());
    out.extend_from_slice(value.as_ref());
    out.push(b'\n');
}

/// The match with some of its line around it.
fn in_line(line: &str, (at, matched): (usize, &str), (secret_at, secret): (usize, &str), depth: Depth) -> Vec<u8> {
    let whole = line.as_bytes();
    let start = if at > AROUND { [b"...", &whole[at - AROUND..at]].concat() } else { whole[..at].to_vec() };
    let start = start[start.iter().take_while(|b| **b == b' ').count()..].to_vec();
    let mut out = start.strip_prefix(b"\n").map(<[u8]>::to_vec).unwrap_or(start);
    let mut end = at + matched.len();
    if whole.len() <= end + 1 {
        end = whole.len();
    }
    out.extend(styled(&matched.as_bytes()[..secret_at], &MATCH, depth));
    out.extend(styled(&cut(secret, SECRET), &LEAK, depth));
    out.extend(styled(&matched.as_bytes()[secret_at + secret.len()..], &MATCH, depth));
    let rest = &whole[end..];
    out.extend_from_slice(&rest[..rest.len().min(AROUND)]);
    if rest.len() > AROUND {
        out.extend_from_slice(b"...");
    }
    out
}

/// At most `most` bytes, and three dots where more were there.
fn cut(text: &str, most: usize) -> Vec<u8> {
    let bytes = text.as_bytes();
    if bytes.len() > most { [&bytes[..most], b"..."].concat() } else { bytes.to_vec() }
}

/// A text in a style. Its lines get the same width, and each is styled for itself.
fn styled(text: &[u8], style: &Style, depth: Depth) -> Vec<u8> {
    let columns = |line: &[u8]| String::from_utf8_lossy(line).chars().count();
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let width = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
    let codes = match depth {
        Depth::None => String::new(),
        Depth::Sixteen => format!("\u{1b}[{}{}m", style.face, style.sixteen),
        Depth::Indexed => format!("\u{1b}[{}{}m", style.face, style.indexed),
        Depth::True => format!("\u{1b}[{}{}m", style.face, style.direct),
    };
    let end = if depth == Depth::None { "" } else { "\u{1b}[0m" };
    let line = |line: &&[u8]| [codes.as_bytes(), line, end.as_bytes(), &b" ".repeat(width - columns(line))].concat();
    lines.iter().map(line).collect::<Vec<_>>().join(&b'\n')
}
