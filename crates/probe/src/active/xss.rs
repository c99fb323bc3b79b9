//! `probe-xss-reflected`: input that comes back where a browser runs it. The page is read as a browser reads it, so what
//! comes back as text, in a value, in a comment, or in a script's string is no proof.

use super::{Attempt, Spot, Trial, prove};
use crate::{
    Answer,
    canary::Canaries,
    html::{Tag, Token, tokens},
    run::Run,
    script,
};

/// What is sent, with `{c}` for the name of a function that does not exist. The first leaves texts, values, comments and
/// elements without markup; the others stay within a value, a string, or an address.
const FORMS: &[&str] = &[
    "\"'></script></textarea></title></style>--><img src=x onerror={c}()>",
    "\" autofocus onfocus={c}() x=\"",
    "' autofocus onfocus={c}() x='",
    "x autofocus onfocus={c}() x=",
    "'-{c}()-'",
    "\"-{c}()-\"",
    "${{c}()}",
    "javascript:{c}()",
];

pub(super) fn attack(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    // A word first: where it does not come back in a page, nothing else does.
    let word = run.session.canaries.word();
    let Some(ask) = spot.with(&word) else { return };
    let Ok(answer) = run.ask(&ask) else { return };
    if !answer.is_page() || !answer.text().contains(&word) {
        return;
    }
    for form in FORMS {
        let make = |canaries: &Canaries, _: &str| {
            let name = canaries.word();
            let text = form.replace("{c}", &name);
            Attempt { text, control: name.clone(), proof: Box::new(move |answer| proof(answer, &name)) }
        };
        let message = "what is sent comes back in the page as script";
        if prove(run, spot, &Trial { rule: "probe-xss-reflected", message, make: &make }) {
            return;
        }
    }
}

/// Where a call of `name` would be run.
fn proof(answer: &Answer, name: &str) -> Option<String> {
    if !answer.is_page() {
        return None;
    }
    tokens(&answer.text()).iter().find_map(|token| match token {
        Token::Start(tag) => in_tag(tag, name),
        Token::Raw { tag, text } if tag.name == "script" && is_code(tag) && script::calls(text, name) => {
            Some(format!("a script with the call {name}()"))
        }
        _ => None,
    })
}

fn in_tag(tag: &Tag, name: &str) -> Option<String> {
    tag.attributes.iter().find_map(|(attribute, value)| {
        let handler = attribute.starts_with("on") && attribute.len() > 2 && script::calls(value, name);
        let address =
            is_address(&tag.name, attribute) && script_address(value).is_some_and(|code| script::calls(&code, name));
        (handler || address).then(|| format!("an element `{}` with {attribute}={value}", tag.name))
    })
}

/// Attributes whose address is gone to: by a click, by sending a form, or at once.
fn is_address(element: &str, attribute: &str) -> bool {
    matches!(
        (element, attribute),
        ("a" | "area", "href")
            | ("form", "action")
            | ("button" | "input", "formaction")
            | ("iframe" | "frame" | "embed", "src")
            | ("object", "data")
    )
}

/// The code of an address `javascript:...`, as browsers read it: spaces in front and line breaks anywhere do not count.
fn script_address(value: &str) -> Option<String> {
    let clean: String = value.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let clean = clean.trim_start_matches(|c: char| c <= ' ');
    let scheme = clean.get(..11).filter(|start| start.eq_ignore_ascii_case("javascript:"))?;
    Some(clean[scheme.len()..].to_owned())
}

/// Whether a script element holds code, and not data.
fn is_code(tag: &Tag) -> bool {
    let kind = tag.attribute("type").unwrap_or_default().trim().to_ascii_lowercase();
    kind.is_empty() || kind == "module" || kind.ends_with("javascript") || kind.ends_with("ecmascript")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_runs_is_proof() {
        for (body, proven) in [
            ("<p><img src=x onerror=tq()></p>", true),
            ("<p>&lt;img src=x onerror=tq()&gt;</p>", false),
            ("<input value=\"\" autofocus onfocus=tq() x=\"\">", true),
            ("<input value=\"&quot; onfocus=tq() x=\">", false),
            ("<input value='\" onfocus=tq() x=\"'>", false),
            ("<textarea><img src=x onerror=tq()></textarea>", false),
            ("<title><img src=x onerror=tq()></title>", false),
            ("<!-- <img src=x onerror=tq()> -->", false),
            ("<!-- --><img src=x onerror=tq()>", true),
            ("<script>var a='</script><img src=x onerror=tq()>'</script>", true),
            ("<script>var a=''-tq()-''</script>", true),
            ("<script>var a='\\'-tq()-\\''</script>", false),
            ("<script type=application/json>{\"a\":tq()}</script>", false),
            ("<a href=\"javascript:tq()\">x</a>", true),
            ("<a href=\" JavaScript:tq()\">x</a>", true),
            ("<a href=\"/javascript:tq()\">x</a>", false),
            ("<a title=\"javascript:tq()\">x</a>", false),
            ("<button onclick=\"f('&#39;-tq()-&#39;')\">", true),
            ("<button onclick=\"f('\\&#39;-tq()-\\&#39;')\">", false),
            ("<p data-x=tq()>", false),
            ("tq()", false),
        ] {
            let answer = Answer::parse(&format!("HTTP/1.1 200 OK\nContent-Type: text/html\n\n{body}")).unwrap();
            assert_eq!(proof(&answer, "tq").is_some(), proven, "{body}");
            let data = Answer::parse(&format!("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{body}")).unwrap();
            assert_eq!(proof(&data, "tq"), None, "{body}");
        }
    }
}
