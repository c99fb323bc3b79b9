//! Command lines in variables, such as `EDITOR`, taken apart as a shell does: blanks, quotes and backslashes, nothing else.
//! No shell is started.

use anyhow::{Result, bail};

/// The words of a line: one at least.
pub(super) fn split(line: &str, variable: &str) -> Result<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(_) => bail!("{variable}: a quote is not closed"),
        None if words.is_empty() => bail!("{variable}: is empty, where a command is expected"),
        None => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        for (line, words) in [
            ("vi", vec!["vi"]),
            ("  code  --wait ", vec!["code", "--wait"]),
            ("'a b'\"c \\\" d\" e\\ f ''", vec!["a bc \" d", "e f", ""]),
            ("$HOME;ls", vec!["$HOME;ls"]),
        ] {
            assert_eq!(split(line, "EDITOR").unwrap(), words);
        }
        assert!(split("'a", "EDITOR").is_err() && split(" ", "EDITOR").is_err());
    }
}
