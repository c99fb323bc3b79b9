//! Pages of the application, and what they say takes input: links and forms within the scope, few of each kind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;
use testudo_net::Method;

use crate::{
    Ask, Class, Profile,
    endpoint::{Endpoint, Parameter, Place},
    html::{Tag, Token, tokens},
    link,
    run::Run,
};

/// Most pages that are opened.
const MAX_PAGES: usize = 60;
/// Most pages of one route: a shop has one page for a thousand articles.
const MAX_ALIKE: usize = 2;
/// Most links of one page that are looked at.
const MAX_LINKS: usize = 2_000;
/// Most endpoints that are kept.
const MAX_ENDPOINTS: usize = 100;
/// Most fields of one form.
const MAX_FIELDS: usize = 30;

/// Extensions of files that are sent as they lie there, whatever query stands behind their names.
const PLAIN_FILES: &[&str] = &[
    "avif",
    "css",
    "gif",
    "ico",
    "jpeg",
    "jpg",
    "js",
    "json",
    "map",
    "mjs",
    "mp3",
    "mp4",
    "ogg",
    "png",
    "svg",
    "ttf",
    "webm",
    "webmanifest",
    "webp",
    "woff",
    "woff2",
];

/// What a page leads to.
#[derive(Debug, Default, PartialEq)]
pub struct Leads {
    /// References of links and frames, as they stand.
    pub links: Vec<String>,
    /// Forms.
    pub forms: Vec<Form>,
    /// Whether links were left out for a limit.
    pub more: bool,
}

/// A form of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent, as it stands.
    pub action: String,
    /// Whether it is posted.
    pub posted: bool,
    /// Whether its fields go as something else than name and value.
    pub other: bool,
    /// Whether it asks for a password.
    pub password: bool,
    /// Names and values of its fields.
    pub fields: Vec<(String, String)>,
    /// Whether fields were left out for a limit.
    pub more: bool,
}

/// Reads the links and forms of a page.
#[must_use]
pub fn leads(page: &str) -> Leads {
    let mut leads = Leads::default();
    let mut form: Option<Form> = None;
    for token in tokens(page) {
        match token {
            Token::Start(tag) if tag.name == "form" && form.is_none() => form = Some(opened(&tag)),
            Token::End(name) if name == "form" => leads.forms.extend(form.take()),
            Token::Start(tag) => {
                let reference = match tag.name.as_str() {
                    "a" | "area" => tag.attribute("href"),
                    "iframe" | "frame" => tag.attribute("src"),
                    // What is made on request takes input; a plain file does not.
                    "img" | "script" | "source" | "video" | "audio" | "embed" | "track" | "input" => {
                        tag.attribute("src").filter(|address| is_made(address))
                    }
                    "link" => tag.attribute("href").filter(|address| is_made(address)),
                    "object" => tag.attribute("data").filter(|address| is_made(address)),
                    _ => None,
                };
                leads.more |= reference.is_some() && leads.links.len() >= MAX_LINKS;
                leads.links.extend(reference.filter(|_| leads.links.len() < MAX_LINKS).map(str::to_owned));
                if let Some(form) = &mut form {
                    field(form, &tag);
                }
            }
            _ => {}
        }
    }
    leads.forms.extend(form);
    leads
}

/// Whether what an address names is made on request: it has a query that is more than the version of a plain file.
fn is_made(address: &str) -> bool {
    let Some((path, _)) = address.split_once('?') else { return false };
    let file = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    !file.rsplit_once('.').is_some_and(|(_, extension)| PLAIN_FILES.contains(&extension))
}

fn opened(tag: &Tag) -> Form {
    let is = |name: &str, value: &str| tag.attribute(name).is_some_and(|own| own.trim().eq_ignore_ascii_case(value));
    Form {
        action: tag.attribute("action").unwrap_or_default().to_owned(),
        posted: is("method", "post"),
        other: is("enctype", "multipart/form-data") || is("enctype", "text/plain") || is("method", "dialog"),
        ..Form::default()
    }
}

/// A field with a value that its form would take.
fn field(form: &mut Form, tag: &Tag) {
    let kind = tag.attribute("type").unwrap_or("text").to_ascii_lowercase();
    let given = tag.attribute("value").map(str::to_owned);
    if tag.name == "option" {
        // The first choice of the list before it.
        if let Some((_, value)) = form.fields.last_mut().filter(|(_, value)| value.is_empty()) {
            *value = given.unwrap_or_default();
        }
        return;
    }
    if !matches!(tag.name.as_str(), "input" | "select" | "textarea" | "button") {
        return;
    }
    form.password |= kind == "password";
    let Some(name) = tag.attribute("name").filter(|name| !name.is_empty()) else { return };
    let sample = match (tag.name.as_str(), kind.as_str()) {
        ("select", _) => "",
        ("input", "number" | "range") => "1",
        ("input", "email") => "probe@testudo.example",
        ("input", "url") => "https://testudo.example/",
        ("input", "date") => "2024-01-31",
        ("input", "checkbox" | "radio") => "on",
        ("input", "image" | "file" | "reset") => return,
        _ => "testudo",
    };
    if form.fields.iter().any(|(known, _)| known == name) {
        return;
    }
    form.more |= form.fields.len() >= MAX_FIELDS;
    if form.fields.len() < MAX_FIELDS {
        form.fields
            .push((name.to_owned(), given.filter(|value| !value.is_empty()).unwrap_or_else(|| sample.to_owned())));
    }
}

/// What was found on the way.
#[derive(Debug, Default)]
pub(crate) struct Crawled {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) pages: u64,
    /// Forms that the profile does not allow to send.
    pub(crate) unsent: u64,
    /// Whether links were left for a limit.
    pub(crate) more: bool,
}

/// Follows links from the start, the nearest first.
pub(crate) fn crawl(run: &mut Run<'_, '_>, start: &str) -> Crawled {
    let mut crawled = Crawled::default();
    let mut queue = VecDeque::from([start.to_owned()]);
    let mut seen = BTreeSet::from([start.to_owned()]);
    let mut alike: BTreeMap<_, usize> = BTreeMap::new();
    let mut known = BTreeSet::new();
    while let Some(target) = queue.pop_front() {
        let endpoint = Endpoint::of_link(&target);
        let count = alike.entry(endpoint.key()).or_default();
        *count += 1;
        if *count > MAX_ALIKE || crawled.pages as usize >= MAX_PAGES {
            crawled.more |= crawled.pages as usize >= MAX_PAGES;
            continue;
        }
        let Ok(answer) = run.ask(&Ask::look(&target)) else { continue };
        crawled.pages += 1;
        let mut found = answer.header("location").map(str::to_owned).into_iter().collect::<Vec<_>>();
        if answer.is_page() {
            let leads = leads(&answer.text());
            found.extend(leads.links);
            crawled.more |= leads.more;
            leads.forms.iter().for_each(|form| take_form(run, &mut crawled, &mut known, &target, form));
        }
        if !endpoint.parameters.is_empty() && answer.status < 400 {
            keep(&mut crawled, &mut known, endpoint);
        }
        let origin = run.session.scope.url().clone();
        for reference in found {
            let Some(next) = link::resolve(&origin, &target, &reference) else { continue };
            if run.session.scope.admit(&next).is_err() || seen.contains(&next) {
                continue;
            }
            crawled.more |= seen.len() >= MAX_LINKS;
            if seen.len() < MAX_LINKS {
                seen.insert(next.clone());
                queue.push_back(next);
            }
        }
    }
    crawled
}

type Known = BTreeSet<(Method, String, Vec<(Place, String)>)>;

fn keep(crawled: &mut Crawled, known: &mut Known, endpoint: Endpoint) {
    if crawled.endpoints.len() >= MAX_ENDPOINTS {
        crawled.more = true;
    } else if known.insert(endpoint.key()) {
        crawled.endpoints.push(endpoint);
    }
}

fn take_form(run: &Run<'_, '_>, crawled: &mut Crawled, known: &mut Known, page: &str, form: &Form) {
    let Some(target) = link::resolve(run.session.scope.url(), page, &form.action) else { return };
    crawled.more |= form.more;
    if (form.posted && run.session.profile == Profile::Safe) || form.other || form.password {
        crawled.unsent += 1;
        return;
    }
    let mut endpoint =
        Endpoint::of_link(if form.posted { &target } else { target.split('?').next().unwrap_or_default() });
    let place = if form.posted { Place::Form } else { Place::Query };
    if form.posted {
        endpoint.method = Method::Post;
    }
    let parameter = |(name, value): &(String, String)| Parameter {
        name: name.clone(),
        place,
        value: Some(Value::from(value.clone())),
    };
    endpoint.parameters.extend(form.fields.iter().map(parameter));
    let admitted = endpoint.usual(Class::Look).is_some_and(|ask| run.session.scope.admit(&ask.target).is_ok());
    if admitted && !endpoint.parameters.is_empty() {
        keep(crawled, known, endpoint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_forms_are_read() {
        let page = "<img src=/a.png><img src='/i?f=1'><script src=/s.js?v=2></script><a href=/a>x</a><!-- <a href=/no> --><iframe src=f></iframe><script>'<a href=/no>'</script>
            <form action=/s><input name=q><input type=number name=n><select name=c><option value=v><option value=w></select>
            <input type=submit value=Go><input name=q value=2></form>
            <form method=POST><input type=password name=p><textarea name=t></textarea>";
        let leads = leads(page);
        assert_eq!(leads.links, ["/i?f=1", "/a", "f"]);
        let pairs = |form: &Form| form.fields.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&");
        assert_eq!(leads.forms.iter().map(pairs).collect::<Vec<_>>(), ["q=testudo&n=1&c=v", "p=testudo&t=testudo"]);
        assert_eq!(
            leads.forms.iter().map(|f| (f.posted, f.password)).collect::<Vec<_>>(),
            [(false, false), (true, true)]
        );
    }
}
