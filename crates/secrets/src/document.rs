//! Rule documents: Markdown that explains a rule and holds the cases that test it.
//!
//! Cases stand in fenced blocks marked `bad` (must be found) and `good` (must not be); `file=NAME` behind the mark names
//! the file that a case stands in, for rules that look at it. Secrets in cases are templates, `{{kind:argument}}`,
//! expanded with a fixed seed, so that the repository holds no text that looks like a live secret.

/// Whether a case must be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It must give a finding of the rule.
    Found,
    /// It must not.
    Quiet,
}

/// One case of a rule document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What must come of it.
    pub expect: Expect,
    /// Name of the file that it stands in, where that matters.
    pub file: Option<String>,
    /// The text, templates not yet expanded.
    pub text: String,
    /// Line of the fence, counted from 1.
    pub line: usize,
}

/// The cases of a document, in order.
#[must_use]
pub fn cases(document: &str) -> Vec<Case> {
    let (mut cases, mut open): (Vec<Case>, Option<Case>) = (Vec::new(), None);
    for (number, line) in document.lines().enumerate() {
        match (&mut open, line) {
            (None, _) => {
                open = fence(line).map(|(expect, file)| Case { expect, file, text: String::new(), line: number + 1 });
            }
            (Some(_), "```") => cases.extend(open.take()),
            (Some(case), _) => {
                case.text.push_str(line);
                case.text.push('\n');
            }
        }
    }
    cases
}

/// What the opening line of a case says: what to expect and the name of the file.
fn fence(line: &str) -> Option<(Expect, Option<String>)> {
    let mut words = line.strip_prefix("```")?.split(' ');
    let expect = match words.next()? {
        "bad" => Expect::Found,
        "good" => Expect::Quiet,
        _ => return None,
    };
    Some((expect, words.find_map(|word| word.strip_prefix("file=")).map(str::to_owned)))
}

/// The document up to its cases: what a reader of a report wants.
#[must_use]
pub fn without_cases(document: &str) -> String {
    let end = ["\n## Found", "\n## Not found"].iter().filter_map(|h| document.find(h)).min().unwrap_or(document.len());
    document[..end].trim().to_owned()
}

/// The section under a second-level heading, without the heading.
#[must_use]
pub fn section<'a>(document: &'a str, heading: &str) -> Option<&'a str> {
    let start = document.find(&format!("## {heading}\n"))? + heading.len() + 4;
    let end = document[start..].find("\n## ").map_or(document.len(), |e| start + e);
    Some(document[start..end].trim())
}

const ALNUM: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A small generator (splitmix64): the same seed gives the same text everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn text(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[(self.next() % alphabet.len() as u64) as usize])).collect()
    }
}

/// Expands the templates of a text. Unknown ones stay as they are.
#[must_use]
pub fn expand(text: &str, seed: u64) -> String {
    let (mut random, mut out, mut rest) = (Random(seed), String::new(), text);
    while let Some(start) = rest.find("{{") {
        out.push_str(&rest[..start]);
        let end = rest[start..].find("}}").map(|e| start + e);
        let expanded = end.and_then(|end| template(&rest[start + 2..end], &mut random));
        match (end, expanded) {
            (Some(end), Some(value)) => {
                out.push_str(&value);
                rest = &rest[end + 2..];
            }
            _ => {
                out.push_str("{{");
                rest = &rest[start + 2..];
            }
        }
    }
    out + rest
}

fn template(body: &str, random: &mut Random) -> Option<String> {
    let (kind, argument) = body.split_once(':').unwrap_or((body, ""));
    let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let joined = |parts: &[&[u8]]| parts.concat();
    let alphabet = match kind {
        "alnum" => ALNUM.to_vec(),
        "hex" => joined(&[b"0123456789abcdef"]),
        "HEX" => joined(&[b"0123456789ABCDEF"]),
        "lower" => range(b'a', b'z'),
        "upper" => range(b'A', b'Z'),
        "digits" => range(b'0', b'9'),
        "lowernum" => joined(&[b"0123456789", &range(b'a', b'z')]),
        "uppernum" => joined(&[b"0123456789", &range(b'A', b'Z')]),
        "base32" => joined(&[&range(b'A', b'Z'), b"234567"]),
        "base64" => joined(&[ALNUM, b"+/"]),
        "base64url" => joined(&[ALNUM, b"_-"]),
        _ => return special(kind, argument, random),
    };
    Some(random.text(&alphabet, argument.parse().ok()?))
}

fn special(kind: &str, argument: &str, random: &mut Random) -> Option<String> {
    match kind {
        "uuid" if argument.is_empty() => {
            let hex = random.text(b"0123456789abcdef", 32);
            Some(format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]))
        }
        "set" => {
            let (members, count) = argument.rsplit_once(':')?;
            Some(random.text(&set(members.as_bytes()), count.parse().ok()?))
        }
        "crc62" => {
            let body = random.text(ALNUM, argument.parse().ok()?);
            let checksum = crate::checksum::base62(crate::checksum::crc32(body.as_bytes()), 6);
            Some(body + &checksum)
        }
        "jwt" if argument.is_empty() => {
            let subject = random.text(b"0123456789", 10);
            let url = |text: &str| {
                crate::base64::encode(text.as_bytes(), crate::base64::URL).trim_end_matches('=').to_owned()
            };
            let payload = format!("{{\"sub\": \"{subject}\", \"iat\": 1700000000}}");
            let signature = random.text(&joined_url(), 43);
            Some(format!("{}.{}.{signature}", url("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), url(&payload)))
        }
        "b64" => Some(crate::base64::encode(argument.as_bytes(), crate::base64::STANDARD)),
        "pem" => {
            let lines: Vec<String> = (0..12).map(|_| random.text(&[ALNUM, b"+/"].concat(), 64)).collect();
            Some(format!("-----BEGIN {argument}-----\n{}\n-----END {argument}-----", lines.join("\n")))
        }
        "split" => Some(argument.to_owned()),
        "repeat" => {
            let (text, count) = argument.rsplit_once(':')?;
            Some(text.repeat(count.parse().ok()?))
        }
        _ => None,
    }
}

fn joined_url() -> Vec<u8> {
    [ALNUM, b"_-"].concat()
}

/// Members of a set such as `A-F0-9_`.
fn set(text: &[u8]) -> Vec<u8> {
    let (mut members, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if text.get(at + 1) == Some(&b'-') && at + 2 < text.len() {
            members.extend(text[at]..=text[at + 2]);
            at += 3;
        } else {
            members.push(text[at]);
            at += 1;
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_and_sections_are_read() {
        let document = "# T\n\nWhat.\n\n## How to fix\n1. Revoke.\n\n## Found\n```bad\na {{split:b}}\n```\n## Not found\n```good file=home/.npmrc\nc\n```\n```goodness\nd\n```\n";
        let found = cases(document);
        assert_eq!(
            (found.len(), found[0].expect, found[0].text.as_str(), found[0].line),
            (2, Expect::Found, "a {{split:b}}\n", 9)
        );
        assert_eq!((&found[0].file, found[1].file.as_deref()), (&None, Some("home/.npmrc")));
        assert_eq!(
            (without_cases(document).as_str(), section(document, "How to fix")),
            ("# T\n\nWhat.\n\n## How to fix\n1. Revoke.", Some("1. Revoke."))
        );
    }

    #[test]
    fn templates_expand_the_same_every_time() {
        let text =
            "{{alnum:8}} {{hex:4}} {{set:A-C_:6}} {{uuid}} {{b64:hi}} {{repeat:ab:2}} {{ vault }} {{unknown:3}} {{";
        let once = expand(text, 7);
        assert_eq!(once, expand(text, 7));
        assert_ne!(once, expand(text, 8));
        assert!(once.ends_with("aGk= abab {{ vault }} {{unknown:3}} {{"), "{once}");
        assert_eq!(once.split(' ').next().map(str::len), Some(8));
    }
}
