//! Names of members as shown to people. Nothing is ever written under them.

/// A member name made harmless: `/`-separated and relative, without `.` and `..`, control characters replaced.
pub(super) fn display(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    let parts: Vec<&str> = clean.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    if parts.is_empty() { "unnamed".to_owned() } else { parts.join("/") }
}

/// Endings of compressed streams and what their content ends with.
const STREAM_ENDINGS: [(&str, &str); 16] = [
    (".gz", ""),
    (".bz2", ""),
    (".xz", ""),
    (".zst", ""),
    (".lz4", ""),
    (".lz", ""),
    (".lzma", ""),
    (".tgz", ".tar"),
    (".taz", ".tar"),
    (".tbz", ".tar"),
    (".tbz2", ".tar"),
    (".txz", ".tar"),
    (".tzst", ".tar"),
    (".tlz", ".tar"),
    (".svgz", ".svg"),
    (".emz", ".emf"),
];

/// The name of what is inside a compressed stream: `logs/app.log.gz` holds `app.log`.
pub(super) fn inside_stream(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    let lower = base.to_ascii_lowercase();
    let stripped = STREAM_ENDINGS.iter().find_map(|(ending, inner)| {
        let stem = lower.strip_suffix(ending).filter(|stem| !stem.is_empty())?;
        Some(format!("{}{inner}", base.get(..stem.len())?))
    });
    stripped.unwrap_or_else(|| base.to_owned())
}

/// Cuts a name to at most `limit` bytes, at a character. None if it is short enough.
pub(super) fn cut(name: &str, limit: usize) -> Option<&str> {
    (name.len() > limit).then(|| &name[..name.floor_char_boundary(limit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_and_visible() {
        for (name, expected) in [
            ("a/b.txt", "a/b.txt"),
            ("./a//b", "a/b"),
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            ("..\\windows\\x.dll", "windows/x.dll"),
            ("a\u{1b}[31m\nb\0", "a\u{fffd}[31m\u{fffd}b\u{fffd}"),
            ("..", "unnamed"),
            ("", "unnamed"),
        ] {
            assert_eq!(display(name), expected);
        }
    }

    #[test]
    fn streams_lose_their_ending() {
        for (name, expected) in [
            ("logs/app.log.gz", "app.log"),
            ("X.TGZ", "X.tar"),
            ("a.tbz2", "a.tar"),
            ("noending", "noending"),
            (".gz", ".gz"),
            ("İ.gz", "İ"),
        ] {
            assert_eq!(inside_stream(name), expected);
        }
        assert_eq!((cut("äöü", 3), cut("äöü", 6)), (Some("ä"), None));
    }
}
