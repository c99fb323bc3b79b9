//! Targets: what a running application answers, and what describes its API. Nothing here opens a connection.

use std::time::Duration;

use testudo_net::Url;
use testudo_probe::{
    Answer, Description, Limits, Profile, Scope, Target, Unverified,
    check::{LOOKS, Page},
    cookie, csp, html, leads, link, openapi, script,
};

use crate::input::text;

fn origin() -> Url {
    Url::parse("https://shop.example/app/").expect("the address is valid")
}

/// A description of an API: whatever it says, a plan of a probe stays within the scope.
pub fn description(data: &[u8]) {
    let text = text(data).into_owned();
    let Ok(document) = openapi::read(&text) else { return };
    if let Some(schemas) = document.get("components").and_then(|all| all.get("schemas")).and_then(|all| all.as_object())
    {
        for schema in schemas.values().take(20) {
            if let Some(value) = openapi::sample(&document, schema) {
                assert_eq!(openapi::mismatch(&document, schema, &value), openapi::mismatch(&document, schema, &value));
            }
        }
    }
    let target = Target {
        url: origin(),
        profile: Profile::Full,
        include: Vec::new(),
        exclude: vec!["/app/private".to_owned()],
        limits: Limits { requests: 200, time: Duration::from_secs(3_600), ..Limits::default() },
        headers: Vec::new(),
        unverified: Unverified::Withhold,
        description: Some(Description::Text { name: "api".to_owned(), text }),
        seed: 1,
    };
    let scope = Scope::new(origin(), &[], &target.exclude);
    let planned = testudo_probe::plan(&target).expect("the description can be read, and the target is in scope");
    assert!(planned.len() <= 200);
    for ask in planned {
        assert!(ask.target.starts_with("/app/") && scope.admit(&ask.target).is_ok(), "{}", ask.target);
    }
}

/// A page: pieces, links, forms and scripts.
pub fn page(data: &[u8]) {
    let text = text(data);
    let tokens = html::tokens(&text);
    assert!(tokens.len() <= html::MAX_TOKENS + 2 && tokens.len() <= text.len() * 2);
    for token in &tokens {
        if let html::Token::Raw { text: raw, .. } = token {
            assert!(text.contains(raw.as_str()));
            assert!(!script::calls(raw, "tq") || raw.contains("tq("));
        }
    }
    for reference in leads(&text).links {
        if let Some(target) = link::resolve(&origin(), "/app/page", &reference) {
            assert_eq!(link::resolve(&origin(), "/", &target).as_ref(), Some(&target));
        }
    }
}

/// An answer with its headers, in front of every check.
pub fn answer(data: &[u8]) {
    let text = text(data);
    for line in text.lines() {
        if let Some(cookie) = cookie::parse(line) {
            assert!(!cookie.name.is_empty());
        }
        let policy = csp::parse(line);
        assert_eq!(csp::weakness(&policy), csp::weakness(&policy));
        assert_eq!(link::decode(&link::encode(line)), line);
    }
    let Ok(answer) = Answer::parse(&text) else { return };
    for (_, _, look) in LOOKS {
        let hits = look(&Page { url: &origin(), answer: &answer });
        assert!(hits.iter().all(|hit| !hit.message.is_empty()));
    }
}
