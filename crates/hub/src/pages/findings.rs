//! Findings: a list that can be filtered, moved through with keys, and decided about; and one finding in full.

use testudo_model::{Finding, Severity};

use super::{Html, Place, chart, day_and_time, empty, page, text, token};
use crate::{
    Hub,
    act::triage::{self, Triage},
    api::findings::filter,
    auth::{Permission, Person},
    http::{Ask, Fields, Refusal, Response, encode},
    store::{self, Filter, FindingRow, FindingState, Page},
};

/// Rows of one page.
const ROWS: usize = 50;
/// Findings that are counted; more are "or more".
const COUNTED: usize = 1000;
/// Further places that the page of a finding lists.
const RELATED: usize = 50;
/// Gates that the page of a finding lists.
const GATES: usize = 20;
/// Names of the filter.
const NAMES: [&str; 7] = ["state", "severity", "rule", "product", "owner", "text", "scan"];

/// The list.
pub(crate) fn list(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let filter = filter(ask.query())?;
    let (found, count, products, names, counts) = hub.store.read(|connection| {
        Ok((
            store::findings(connection, &filter, ROWS)?,
            store::matching(connection, &filter, COUNTED)?,
            store::products(connection)?,
            person.names(),
            store::severities(connection, None)?,
        ))
    })?;
    let mut body = "<h1>Findings</h1>\n".to_owned();
    if products.is_empty() {
        body += &empty("Nothing was pushed yet.", "testudo push --product NAME");
        return Ok(page(ask, Place::Findings, "Findings", &body));
    }
    body += &chart::severities(&counts);
    body += &fields(&filter, &products);
    let next = further(&found, ask.query());
    if found.findings.is_empty() {
        body += &(nothing(&next) + &next);
        return Ok(page(ask, Place::Findings, "Findings", &body));
    }
    let count = match count {
        None => "Findings".to_owned(),
        Some(COUNTED..) => format!("{COUNTED} or more findings"),
        Some(count) if count > ROWS => format!("{count} findings, {} of them here", found.findings.len()),
        Some(count) => format!("{count} findings"),
    };
    body += &table(person, &found, (&names, &count), ask);
    body += &next;
    Ok(page(ask, Place::Findings, "Findings", &body))
}

/// Where the list goes on.
fn further(found: &Page, query: &Fields) -> Html {
    let Some(next) = &found.next else { return String::new() };
    let word = if found.findings.len() == ROWS { "Next page" } else { "Search further" };
    format!("<p><a rel=\"next\" href=\"/findings?{}after={next}\">{word}</a></p>\n", again(query))
}

fn nothing(next: &str) -> Html {
    if next.is_empty() {
        return empty("No finding is like that. Take a filter away, or look at all states.", "");
    }
    empty("No finding is like that among those that were searched. The search goes on from here.", "")
}

/// The filter of this page, for another one.
fn again(query: &Fields) -> Html {
    let named = NAMES.iter().filter(|name| query.has(name));
    named.map(|name| format!("{name}={}&amp;", encode(query.get(name).unwrap_or_default()))).collect()
}

fn options(words: &[&str], chosen: Option<&str>, all: &str) -> Html {
    let mut out = format!("<option value=\"\">{all}</option>");
    for word in words {
        let selected = if chosen == Some(*word) { " selected" } else { "" };
        out += &format!("<option value=\"{0}\"{selected}>{0}</option>", text(word));
    }
    out
}

fn fields(filter: &Filter, products: &[store::ProductRow]) -> Html {
    let states = FindingState::ALL.map(FindingState::as_str);
    let severities: Vec<&str> = Severity::WORDS.iter().rev().copied().collect();
    let products: Vec<&str> = products.iter().map(|product| product.name.as_str()).collect();
    let value = |own: Option<&String>| text(own.map_or("", String::as_str));
    format!(
        "<form class=\"fields\" method=\"get\" action=\"/findings\" role=\"search\" aria-label=\"Filter findings\">\n\
         <div><label for=\"text\">Text</label><input id=\"text\" name=\"text\" type=\"search\" data-search value=\"{}\"></div>\n\
         <div><label for=\"state\">State</label><select id=\"state\" name=\"state\">{}</select></div>\n\
         <div><label for=\"severity\">Severity</label><select id=\"severity\" name=\"severity\">{}</select></div>\n\
         <div><label for=\"product\">Product</label><select id=\"product\" name=\"product\">{}</select></div>\n\
         <div><label for=\"rule\">Rule</label><input id=\"rule\" name=\"rule\" value=\"{}\"></div>\n\
         <div><label for=\"owner\">Owner</label><input id=\"owner\" name=\"owner\" value=\"{}\"></div>\n\
         <div><label for=\"scan\">First seen in scan</label><input id=\"scan\" name=\"scan\" inputmode=\"numeric\" pattern=\"[0-9]*\" value=\"{}\"></div>\n\
         <div><button>Filter</button></div>\n</form>\n",
        value(filter.text.as_ref()),
        options(&states, filter.state.map(FindingState::as_str), "all"),
        options(&severities, filter.severity.map(Severity::as_str), "all"),
        options(&products, filter.product.as_deref(), "all"),
        value(filter.rule.as_ref()),
        value(filter.owners.first()),
        value(filter.scan.map(|scan| scan.to_string()).as_ref()),
    )
}

fn table(person: &Person, found: &Page, (names, count): (&[String], &str), ask: &Ask<'_>) -> Html {
    let may = ask.principal.may(Permission::Triage);
    let mut out = if may {
        format!("<form method=\"post\" action=\"/findings/triage\">{}\n", token(person))
    } else {
        String::new()
    };
    out += "<p class=\"quiet\">Keys: <kbd>j</kbd> and <kbd>k</kbd> move, <kbd>x</kbd> chooses, <kbd>Enter</kbd> opens, <kbd>/</kbd> searches.</p>\n";
    out += &format!("<table class=\"list\"><caption>{count}, the greatest harm first</caption>\n<thead><tr>");
    if may {
        out += "<th scope=\"col\" class=\"narrow\">Choose</th>";
    }
    out += "<th scope=\"col\" class=\"narrow\">Severity</th><th scope=\"col\">Finding</th><th scope=\"col\">Where</th><th scope=\"col\">Owner</th><th scope=\"col\" class=\"narrow\">State</th></tr></thead>\n<tbody>\n";
    for finding in &found.findings {
        out += &row(finding, may.then(|| triage::may(person, finding, names)));
    }
    out += "</tbody></table>\n";
    if may {
        let chosen = "<p class=\"quiet\"><span data-count aria-live=\"polite\"></span> <button type=\"button\" class=\"plain\" data-all hidden>Choose all or none</button></p>\n";
        out += &decision(ask.now.day(), "what is chosen", chosen);
        out += "</form>\n";
    }
    out
}

/// `choice` is none where nobody chooses, else whether this one may be chosen.
fn row(finding: &FindingRow, choice: Option<bool>) -> Html {
    let choose = match choice {
        None => String::new(),
        Some(false) => "<td class=\"narrow\"></td>".to_owned(),
        Some(true) => format!(
            "<td class=\"narrow\"><input type=\"checkbox\" name=\"finding\" value=\"{0}\" aria-label=\"Choose finding {0}, {1}\"></td>",
            finding.id,
            text(&finding.title)
        ),
    };
    format!(
        "<tr data-row>{choose}<td class=\"narrow\"><span class=\"severity {severity}\">{severity}</span></td>\
         <th scope=\"row\"><a href=\"/findings/{id}\">{title}</a><span class=\"sub\">{rule}, {product}</span></th>\
         <td data-name=\"Where\">{place}</td><td data-name=\"Owner\">{owners}</td><td class=\"narrow\" data-name=\"State\">{state}</td></tr>\n",
        severity = finding.severity.as_str(),
        id = finding.id,
        title = text(&finding.title),
        rule = text(&finding.rule),
        product = text(&finding.product),
        place = text(&place(finding)),
        owners = text(&finding.owners.join(", ")),
        state = finding.state.as_str(),
    )
}

fn place(finding: &FindingRow) -> String {
    if finding.line > 0 { format!("{}:{}", finding.path, finding.line) } else { finding.path.clone() }
}

/// The fields of a decision about something; `first` stands above them.
fn decision(today: &str, about: &str, first: &str) -> Html {
    format!(
        "<fieldset><legend>Decide about {about}</legend>\n{first}<div class=\"row\">\n\
         <div><label for=\"decision\">Decision</label><select id=\"decision\" name=\"state\" required>\
         <option value=\"\">choose</option><option value=\"accepted\">accepted until then</option><option value=\"false-positive\">false positive</option>\
         <option value=\"wont-fix\">stays as it is</option><option value=\"open\">open again</option></select></div>\n\
         <div><label for=\"reason\">Reason</label><input id=\"reason\" name=\"reason\" required maxlength=\"500\"></div>\n\
         <div><label for=\"until\">Last day (not for open again)</label><input id=\"until\" name=\"until\" type=\"date\" min=\"{}\"></div>\n\
         <div><button>Decide</button></div>\n</div></fieldset>\n",
        text(today)
    )
}

/// Decides.
pub(crate) fn triage(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let number = |text: &str| text.parse().map_err(|_| Refusal::malformed("a finding has a number"));
    let decision = Triage {
        findings: ask.form.all("finding").map(number).collect::<Result<_, _>>()?,
        state: FindingState::of(ask.form.get("state")).ok_or_else(|| Refusal::malformed("choose a decision"))?,
        reason: ask.form.get("reason").to_owned(),
        until: ask.form.get("until").to_owned(),
    };
    let done = triage::decide(hub, ask, &decision)?;
    Ok(Response::see_other(&match decision.findings.as_slice() {
        [one] => format!("/findings/{one}"),
        _ => format!("/decisions/{}", done.decision),
    }))
}

/// One finding.
pub(crate) fn one(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let id = ask.number("finding")?;
    let names = person.names();
    let (finding, pushed, gates) = hub.store.read(|connection| {
        let gates = store::gates_of(connection, id, GATES)?;
        Ok((store::finding(connection, id)?, store::document(connection, id)?, gates))
    })?;
    let finding = finding.ok_or(Refusal::Absent)?;
    let mut body = format!(
        "<h1>{}</h1>\n<p><span class=\"severity {2}\">{2}</span> {1}</p>\n<p>{3}</p>\n",
        text(&finding.title),
        finding.state.as_str(),
        finding.severity.as_str(),
        text(pushed.as_ref().map_or(&finding.message, |pushed| &pushed.message))
    );
    body += &about(&finding, pushed.as_ref());
    if let Some(pushed) = &pushed {
        body += &source(pushed);
    }
    if pushed.as_ref().is_none_or(|pushed| pushed.properties.contains_key(store::CUT)) {
        body += "<p class=\"quiet\">It was pushed with more than is kept in full: its source, further places and how to fix it are in the report.</p>\n";
    }
    body += &failed_gates(&finding.product, &gates);
    body += &format!(
        "<ul class=\"links\"><li><a href=\"/products/{0}/timeline\">Timeline of {1}</a></li><li><a href=\"/findings?rule={2}\">All of this rule</a></li><li><a href=\"/concerns?about={0}\">Ask security about it</a></li></ul>\n",
        encode(&finding.product),
        text(&finding.product),
        encode(&finding.rule)
    );
    if triage::may(person, &finding, &names) {
        body += &format!(
            "<form method=\"post\" action=\"/findings/triage\">{}<input type=\"hidden\" name=\"finding\" value=\"{id}\">\n{}</form>\n",
            token(person),
            decision(ask.now.day(), "this finding", "")
        );
    }
    Ok(page(ask, Place::Findings, &finding.title, &body))
}

/// The gates that a finding failed, the newest first.
fn failed_gates(product: &str, (gates, all): &(Vec<store::GateRow>, usize)) -> Html {
    if gates.is_empty() {
        return String::new();
    }
    let mut out = "<h2>Gates that it failed</h2>\n".to_owned();
    if gates.len() < *all {
        out += &format!("<p>The newest {} of {all}.</p>\n", gates.len());
    }
    out += "<ul>\n";
    for gate in gates {
        let link = crate::timeline::link(product, &gate.environment, gate.seq);
        let (environment, time) = (text(&gate.environment), day_and_time(&gate.time));
        out += &format!("<li><a href=\"{link}\">entry {environment}:{}</a>, {time}</li>\n", gate.seq);
    }
    out + "</ul>\n"
}

/// Who owns it. A list is kept up to an end, and the whole finding has all of them.
fn owners(finding: &FindingRow, pushed: Option<&Finding>) -> String {
    let more = pushed.map_or(0, |pushed| pushed.owner.len().saturating_sub(finding.owners.len()));
    match (finding.owners.is_empty(), more) {
        (true, _) => "nobody is written down".to_owned(),
        (false, 0) => finding.owners.join(", "),
        (false, more) => format!("{}, and {more} more who do not have it in their work", finding.owners.join(", ")),
    }
}

fn about(finding: &FindingRow, pushed: Option<&Finding>) -> Html {
    let mut facts = vec![
        ("Where", text(&place(finding))),
        ("Product", format!("<a href=\"/products/{}\">{}</a>", encode(&finding.product), text(&finding.product))),
        ("Rule", format!("<code>{}</code>", text(&finding.rule))),
        ("Found by", text(if finding.tool.is_empty() { &finding.detector } else { &finding.tool })),
        ("Owner", text(&owners(finding, pushed))),
        ("Since", day_and_time(&finding.opened)),
        ("First seen in", format!("<a href=\"/findings?state=&amp;scan={0}\">scan {0}</a>", finding.first_scan)),
        ("Identity", format!("<code>{}</code>", text(&finding.fingerprint))),
    ];
    if let Some(closed) = &finding.closed {
        facts.push(("Gone since", day_and_time(closed)));
    }
    if let (Some(reason), Some(until), Some(by)) = (&finding.reason, &finding.until, &finding.decided_by) {
        let entry =
            finding.decision.map_or_else(String::new, |seq| format!(" (<a href=\"/decisions/{seq}\">entry {seq}</a>)"));
        facts.push(("Decision", format!("{} by {} until {}{entry}", text(reason), text(by), text(until))));
    }
    let facts: String = facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n")).collect();
    format!("<dl class=\"facts\">\n{facts}</dl>\n")
}

/// The source around it, and how to get rid of it.
fn source(finding: &Finding) -> Html {
    let mut out = String::new();
    if let Some(snippet) = &finding.snippet {
        let lines: String = snippet.text.lines().map(|line| text(line) + "\n").collect();
        out += &format!(
            "<h2 id=\"source\">Source</h2>\n<pre class=\"code\" tabindex=\"0\" aria-labelledby=\"source\"><code>{lines}</code></pre>\n"
        );
    }
    if let Some(fix) = &finding.fix {
        out += &format!("<h2>How to fix</h2>\n<p>{}</p>\n", text(&fix.description));
    }
    if !finding.related.is_empty() {
        let (all, shown) = (finding.related.len(), finding.related.iter().take(RELATED));
        let places: String = shown.map(|place| format!("<li>{}</li>\n", text(&place.display_path()))).collect();
        let which = if all > RELATED { format!(": the first {RELATED} of {all}") } else { String::new() };
        out += &format!("<h2>Further places{which}</h2>\n<ul>\n{places}</ul>\n");
    }
    let mut names: Vec<String> = finding.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    names.extend(finding.owasp.iter().chain(&finding.aliases).cloned());
    if !names.is_empty() {
        out += &format!("<p class=\"quiet\">{}</p>\n", text(&names.join(", ")));
    }
    out
}
