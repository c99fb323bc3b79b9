//! Commit messages as gitleaks reports them: read back from what `git log` prints.

/// The message of a commit: the lines of its subject joined by a space, an empty line, and the rest with single empty
/// lines between its paragraphs. Spaces at the ends of lines are gone, and tabs have become spaces.
pub(super) fn printed(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.split('\n').skip_while(|line| line.trim().is_empty()).peekable();
    let first = lines.peek().copied().map(expanded).unwrap_or_default();
    // git puts the same indentation before every line; the reader takes that of the first line from all.
    let indent: String = first.chars().take_while(|c| c.is_whitespace()).collect();
    let mut title = String::new();
    for line in lines.by_ref() {
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let space = if title.is_empty() { "" } else { " " };
        title = title + space + &expanded(line);
    }
    let (mut body, mut empty) = (String::new(), false);
    for line in lines {
        let line = expanded(line.trim_end());
        let line = line.strip_prefix(&indent).unwrap_or(&line);
        if line.is_empty() {
            empty = true;
            continue;
        }
        if !body.is_empty() {
            body.push_str(if empty { "\n\n" } else { "\n" });
        }
        empty = false;
        body.push_str(line);
    }
    if body.is_empty() { title } else { format!("{title}\n\n{body}") }
}

/// Tabs become spaces up to the next multiple of eight columns, as `git log` shows them.
fn expanded(line: &str) -> String {
    if !line.contains('\t') {
        return line.to_owned();
    }
    let (mut out, mut column) = (String::new(), 0);
    for c in line.chars() {
        if c == '\t' {
            let width = 8 - column % 8;
            out.extend(std::iter::repeat_n(' ', width));
            column += width;
        } else {
            out.push(c);
            column += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_is_read_back_from_a_log() {
        for (message, printed_) in [
            ("subject\n", "subject"),
            ("two\nlines\n\nbody\n", "two lines\n\nbody"),
            ("\n\na\r\n\r\nb\r\n\r\n\r\nc  \n", "a\n\nb\n\nc"),
            ("a\n\n\tx\ny\tz\n", "a\n\n        x\ny       z"),
            ("", ""),
        ] {
            assert_eq!(printed(message.as_bytes()), printed_, "{message:?}");
        }
    }
}
