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
const FORMS: &[(Kind, &str)] = &[
    (Kind::Handler, "\"'></script></textarea></title></style>--><img src=x onerror={c}()>"),
    // Without quotes, which a filter takes out and a statement breaks at.
    (Kind::Handler, "<img src=x onerror={c}()>"),
    (Kind::Handler, "\" autofocus onfocus={c}() x=\""),
    (Kind::Handler, "' autofocus onfocus={c}() x='"),
    (Kind::Handler, "x autofocus onfocus={c}() x="),
    (Kind::Script, "'-{c}()-'"),
    (Kind::Script, "\"-{c}()-\""),
    (Kind::Script, "${{c}()}"),
    (Kind::Address, "javascript:{c}()"),
];

/// Where a form is run, if it is: elsewhere it would be broken code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As the handler of an event that the form itself brings.
    Handler,
    /// Within a script or handler of the page.
    Script,
    /// As an address.
    Address,
}

pub(super) fn attack(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    // A word first: where it does not come back in a page, nothing else does.
    let word = run.session.canaries.word();
    let Some(ask) = spot.with(&word) else { return };
    let Ok(answer) = run.ask(&ask) else { return };
    if !answer.is_shown() || !answer.text().contains(&word) {
        return;
    }
    for (kind, form) in FORMS {
        let make = |canaries: &Canaries, _: &str| {
            let name = canaries.word();
            let text = form.replace("{c}", &name);
            Attempt { text, control: name.clone(), proof: Box::new(move |answer| proof(answer, *kind, &name)) }
        };
        let message = "what is sent comes back in the page as script";
        if prove(run, spot, &Trial { rule: "probe-xss-reflected", message, make: &make }) {
            return;
        }
    }
}

/// Where a call of `name` would be run.
fn proof(answer: &Answer, kind: Kind, name: &str) -> Option<String> {
    if !answer.is_shown() {
        return None;
    }
    let mut inert = 0_usize;
    tokens(&answer.text()).iter().find_map(|token| match token {
        // What stands in a template is not a part of the page (HTML standard, section 4.12.3).
        Token::Start(tag) if tag.name == "template" => {
            inert += 1;
            None
        }
        Token::End(name) if name == "template" => {
            inert = inert.saturating_sub(1);
            None
        }
        _ if inert > 0 => None,
        Token::Start(tag) => in_tag(tag, kind, name),
        Token::Raw { tag, text }
            if kind == Kind::Script && tag.name == "script" && is_code(tag) && script::calls(text, name) =>
        {
            Some(format!("a script with the call {name}()"))
        }
        _ => None,
    })
}

fn in_tag(tag: &Tag, kind: Kind, name: &str) -> Option<String> {
    tag.attributes.iter().find_map(|(attribute, value)| {
        let event = attribute.starts_with("on") && attribute.len() > 2;
        let run = match kind {
            // The handler that was sent is this call and nothing else.
            Kind::Handler => event && *value == format!("{name}()"),
            Kind::Script => event && script::calls(value, name),
            Kind::Address => {
                is_address(&tag.name, attribute)
                    && script_address(value).is_some_and(|code| code.starts_with(&format!("{name}(")))
            }
        };
        run.then(|| format!("an element `{}` with {attribute}={value}", tag.name))
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
    fn a_form_proves_only_what_it_was_made_for() {
        let page = "<script>var a='\"'>&lt;img src=x onerror=tq()&gt;'</script>";
        let answer = Answer::parse(&format!("HTTP/1.1 200 OK\nContent-Type: text/html\n\n{page}")).unwrap();
        assert_eq!(proof(&answer, Kind::Handler, "tq"), None);
    }

    #[test]
    fn what_a_browser_does_not_show_is_no_proof() {
        for (head, proven) in [
            ("200 OK", true),
            ("404 Not Found", true),
            ("200 OK\nContent-Disposition: inline", true),
            ("200 OK\nContent-Disposition: Attachment; filename=a.html", false),
            ("302 Found\nLocation: /x", false),
            ("302 Found", true),
            ("204 No Content", false),
        ] {
            let text = format!("HTTP/1.1 {head}\nContent-Type: text/html\n\n<img src=x onerror=tq()>");
            assert_eq!(proof(&Answer::parse(&text).unwrap(), Kind::Handler, "tq").is_some(), proven, "{head}");
        }
    }

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
            ("<template><img src=x onerror=tq()></template>", false),
            ("<template></template><img src=x onerror=tq()>", true),
        ] {
            let answer = Answer::parse(&format!("HTTP/1.1 200 OK\nContent-Type: text/html\n\n{body}")).unwrap();
            let any = |answer: &Answer| {
                [Kind::Handler, Kind::Script, Kind::Address].into_iter().find_map(|kind| proof(answer, kind, "tq"))
            };
            assert_eq!(any(&answer).is_some(), proven, "{body}");
            let data = Answer::parse(&format!("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{body}")).unwrap();
            assert_eq!(any(&data), None, "{body}");
        }
    }
}
