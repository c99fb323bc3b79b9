//! `probe-open-redirect`: input that decides to which host visitors are sent.

use super::{Attempt, Spot, Trial, prove};
use crate::{Answer, canary::Canaries, run::Run};

/// What is sent: `{c}` is a host that nobody has, `{h}` the host of the target, for comparisons that look at one end only.
const FORMS: &[&str] = &[
    "https://{c}.example/",
    "//{c}.example/",
    "/\\{c}.example/",
    "https://{h}.{c}.example/",
    "https://{c}.example/{h}",
];

pub(super) fn attack(run: &mut Run<'_, '_>, spot: Spot<'_>) {
    let own = run.session.scope.url().host().to_string();
    for form in FORMS {
        let make = |canaries: &Canaries, _: &str| {
            let word = canaries.word();
            let text = form.replace("{c}", &word).replace("{h}", &own);
            let host = format!("{word}.example");
            Attempt { text, control: format!("/{word}"), proof: Box::new(move |answer| proof(answer, &host)) }
        };
        let message = "it decides to which site visitors are sent";
        if prove(run, spot, &Trial { rule: "probe-open-redirect", message, make: &make }) {
            return;
        }
    }
}

/// A redirect to a host, or to one below it.
fn proof(answer: &Answer, host: &str) -> Option<String> {
    let sent_on = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    let location = answer.header("location").filter(|_| sent_on);
    let refresh = answer.header("refresh").and_then(|value| Some(value.split_once('=')?.1));
    let to = location.or(refresh)?;
    let found = leads_to(to)?;
    (found == host || found.ends_with(&format!(".{host}"))).then(|| format!("a redirect to {found}"))
}

/// The host that a browser goes to (URL standard, section 4.4); none where it stays.
fn leads_to(location: &str) -> Option<String> {
    let clean: String = location.trim().chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let clean = clean.replace('\\', "/");
    let lower = clean.to_ascii_lowercase();
    let rest = match lower.strip_prefix("https:").or_else(|| lower.strip_prefix("http:")) {
        Some(rest) => rest.trim_start_matches('/'),
        None => lower.strip_prefix("//")?.trim_start_matches('/'),
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.split(':').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_judged_by_where_a_browser_goes() {
        for (status, location, proven) in [
            (302, "https://tq.example/", true),
            (302, "//tq.example/", true),
            (302, "/\\tq.example/", true),
            (302, "https:tq.example", true),
            (302, "https://shop.example@tq.example/", true),
            (302, "https://shop.tq.example/", true),
            (302, "/?next=https://tq.example/", false),
            (302, "https://shop.example/https://tq.example/", false),
            (302, "https://tq.example.shop.example/", false),
            (302, "/login", false),
            (200, "https://tq.example/", false),
            (201, "https://tq.example/", false),
        ] {
            let headers = vec![("location".to_owned(), location.to_owned())];
            let answer = Answer { status, headers, ..Answer::default() };
            assert_eq!(proof(&answer, "tq.example").is_some(), proven, "{location}");
        }
    }
}
