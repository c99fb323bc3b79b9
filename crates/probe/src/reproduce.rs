//! A request as a command for a POSIX shell, so that a reader can see for themselves.

use testudo_net::{Method, Url};

use crate::Ask;

/// Stands for the value of a header that the user gave.
const MASKED: &str = "***";

/// Headers of the user by name, which are never shown.
pub(crate) struct Given<'a> {
    pub(crate) names: &'a [&'a str],
    /// Whether the certificate is not trusted.
    pub(crate) unverified: bool,
}

/// The `curl` command that makes a request.
pub(crate) fn curl(url: &Url, ask: &Ask, given: &Given<'_>) -> String {
    let mut words = vec!["curl".to_owned(), "-i".to_owned(), "--path-as-is".to_owned()];
    if given.unverified {
        words.push("-k".to_owned());
    }
    match ask.method {
        Method::Get if ask.body.is_none() => {}
        Method::Head => words.push("-I".to_owned()),
        method => words.extend(["-X".to_owned(), method.as_str().to_owned()]),
    }
    for name in given.names {
        words.extend(["-H".to_owned(), quote(&format!("{name}: {MASKED}"))]);
    }
    for (name, value) in &ask.headers {
        words.extend(["-H".to_owned(), quote(&format!("{name}: {value}"))]);
    }
    if let Some(body) = &ask.body {
        words.extend(["-H".to_owned(), quote(&format!("Content-Type: {}", body.kind))]);
        words.extend(["--data-raw".to_owned(), quote(&body.text)]);
    }
    words.push(quote(&format!("{}{}", url.origin(), url.target())));
    words.join(" ")
}

/// One word of a shell (POSIX shell, section 2.2.2): nothing in it means anything to the shell.
pub(crate) fn quote(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::ask::{Class, Content};

    #[test]
    fn a_command_says_everything_but_secrets() {
        let ask = Ask {
            class: Class::Malicious,
            method: Method::Post,
            target: "/a?x=%27".to_owned(),
            headers: vec![("X-Test".to_owned(), "it's".to_owned())],
            body: Some(Content { kind: "application/json", text: "{\"a\": \"$(id)\"}".to_owned() }),
        };
        let url = Url::parse("https://shop.example/a?x=%27").unwrap();
        let shown = curl(&url, &ask, &Given { names: &["Authorization"], unverified: true });
        assert_eq!(
            shown,
            r#"curl -i --path-as-is -k -X POST -H 'Authorization: ***' -H 'X-Test: it'\''s' -H 'Content-Type: application/json' --data-raw '{"a": "$(id)"}' 'https://shop.example/a?x=%27'"#
        );
        let look = curl(&url, &Ask::look("/a"), &Given { names: &[], unverified: false });
        assert_eq!(look, "curl -i --path-as-is 'https://shop.example/a?x=%27'");
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in ["", "a b", "it's", "''", "$(id)`id`\\", "a\nb", "-n", "*?[x]", "!x", "\"q\"", "é;&|<>#~"] {
            let said = Command::new("sh").arg("-c").arg(format!("printf %s {}", quote(text))).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), text);
        }
    }
}
