//! Questions and concerns.

use super::{Html, Place, day_and_time, empty, page, text, token};
use crate::{
    Hub,
    act::concern::{self, Answer, End, Raise},
    api::{concerns::which, number},
    auth::Person,
    http::{Ask, Refusal, Response},
    store::{self, ConcernRow, Which},
};

/// Rows of each part of the page.
const ROWS: usize = 100;

/// The list, and the form that raises one.
pub(crate) fn list(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let (wanted, after) = (which(ask)?, number(ask, "after")?);
    let mut body = "<h1>Concerns</h1>\n<p>Ask security a question, or say what worries you. Each has an owner and a day, and none is closed without an answer.</p>\n".to_owned();
    if let Some(which) = wanted {
        body += "<ul class=\"links\"><li><a href=\"/concerns\">All concerns</a></li></ul>\n";
        body += &part(hub, ask, (which, after))?;
        return Ok(page(ask, Place::Concerns, "Concerns", &body));
    }
    let (mine, products) = hub
        .store
        .read(|connection| Ok((store::concerns_of(connection, &person.name, ROWS)?, store::products(connection)?)))?;
    body += &part(hub, ask, (Which::Open, None))?;
    let names: Vec<&str> = products.iter().filter(|p| !p.archived).map(|product| product.name.as_str()).collect();
    body += &form(person, &names, ask);
    if !mine.is_empty() {
        let which = if mine.len() == ROWS { format!("newest {ROWS}") } else { "newest".to_owned() };
        body += &table(&format!("Asked by you, the {which} first"), &mine, ask.now.day());
    }
    body += &part(hub, ask, (Which::Answered, None))?;
    Ok(page(ask, Place::Concerns, "Concerns", &body))
}

/// The concerns of one kind, from one on, and where the list goes on.
fn part(hub: &Hub, ask: &Ask<'_>, (which, after): (Which, Option<i64>)) -> Result<Html, Refusal> {
    let (mut rows, all) = hub.store.read(|connection| {
        Ok((store::concerns(connection, which, after, ROWS + 1)?, store::concern_count(connection, which)?))
    })?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let (caption, state) = match which {
        Which::Open if rows.is_empty() => return Ok(empty("No question waits for an answer.", "")),
        Which::Answered if rows.is_empty() => return Ok(String::new()),
        Which::Open => ("Waiting for an answer, the earliest day first", "open"),
        Which::Answered => ("Answered, the newest first", "answered"),
    };
    let shown = if rows.len() < all { format!("{caption}: {} of {all}", rows.len()) } else { caption.to_owned() };
    let mut out = table(&shown, &rows, ask.now.day());
    if let Some(last) = rows.last().filter(|_| more) {
        let number = last.number;
        out += &format!(
            "<p><a rel=\"next\" href=\"/concerns?state={state}&amp;after={number}\">Next page: {caption}</a></p>\n"
        );
    }
    Ok(out)
}

fn table(caption: &str, rows: &[ConcernRow], today: &str) -> Html {
    let mut out = format!(
        "<table class=\"list\"><caption>{caption}</caption>\n<thead><tr><th scope=\"col\">Question</th><th scope=\"col\">Product</th><th scope=\"col\">Owner</th><th scope=\"col\">Due</th><th scope=\"col\">State</th></tr></thead>\n<tbody>\n"
    );
    for row in rows {
        let due = row.concern.due.as_deref().unwrap_or_default();
        let late = if row.is_open() && due < today { " <span class=\"due\">late</span>" } else { "" };
        out += &format!(
            "<tr data-row><th scope=\"row\"><a href=\"/concerns/{}\">{}</a></th><td data-name=\"Product\">{}</td><td data-name=\"Owner\">{}</td><td data-name=\"Due\">{}{late}</td><td data-name=\"State\">{}</td></tr>\n",
            row.number,
            text(&row.concern.title),
            text(&row.concern.product),
            text(row.concern.owner.as_deref().unwrap_or_default()),
            text(due),
            store::concern_word(row.concern.state)
        );
    }
    out + "</tbody></table>\n"
}

fn form(person: &Person, products: &[&str], ask: &Ask<'_>) -> Html {
    let about = ask.query().get("about").unwrap_or_default();
    let option = |name: &&str| {
        let selected = if *name == about { " selected" } else { "" };
        format!("<option value=\"{0}\"{selected}>{0}</option>", text(name))
    };
    let options: String = products.iter().map(option).collect();
    format!(
        "<section aria-labelledby=\"new\"><h2 id=\"new\">Ask or raise</h2>\n<form class=\"fields\" method=\"post\" action=\"/concerns\">{}\n\
         <div class=\"wide\"><label for=\"title\">Question or concern, in one line</label><input id=\"title\" name=\"title\" required maxlength=\"500\"></div>\n\
         <div class=\"wide\"><label for=\"body\">In full (may be empty)</label><textarea id=\"body\" name=\"text\" maxlength=\"10000\"></textarea></div>\n\
         <div><label for=\"product\">Product</label><select id=\"product\" name=\"product\" required>{options}</select></div>\n\
         <div><label for=\"owner\">Who answers (name, handle or role:ID)</label><input id=\"owner\" name=\"owner\" required maxlength=\"500\"></div>\n\
         <div><label for=\"due\">By which day</label><input id=\"due\" name=\"due\" type=\"date\" required min=\"{}\"></div>\n\
         <div><button>Raise</button></div>\n</form></section>\n",
        token(person),
        text(ask.now.day())
    )
}

/// One concern.
pub(crate) fn one(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let number = ask.number("concern")?;
    let (row, names) = (hub.store.read(|connection| store::concern(connection, number))?, person.names());
    let row = row.ok_or(Refusal::Absent)?;
    let lines: String = row.concern.text.lines().map(|line| format!("<p>{}</p>\n", text(line))).collect();
    let mut body = format!("<h1>{}</h1>\n{lines}{}", text(&row.concern.title), about(&row));
    if let Some(answer) = &row.concern.answer {
        let lines: String = answer.lines().map(|line| format!("<p>{}</p>\n", text(line))).collect();
        body += &format!("<h2>Answer</h2>\n{lines}");
    } else if concern::may(person, &row, &names) {
        body += &answer_form(person, &row, ask.now.day());
    }
    Ok(page(ask, Place::Concerns, &row.concern.title, &body))
}

fn about(row: &ConcernRow) -> Html {
    let mut facts = vec![
        ("State", store::concern_word(row.concern.state).to_owned()),
        ("Product", text(&row.concern.product)),
        ("Asked by", format!("{}, {}", text(&row.concern.raised_by), day_and_time(&row.concern.raised))),
        ("Owner", text(row.concern.owner.as_deref().unwrap_or_default())),
        ("Due", text(row.concern.due.as_deref().unwrap_or_default())),
    ];
    if let (Some(by), Some(when)) = (&row.concern.answered_by, &row.answered) {
        facts.push(("Answered by", format!("{}, {}", text(by), day_and_time(when))));
    }
    if let Some(seq) = row.decision {
        facts.push(("Ledger", format!("<a href=\"/decisions/{seq}\">decision {seq}</a>")));
    }
    let facts: String = facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n")).collect();
    format!("<dl class=\"facts\">\n{facts}</dl>\n")
}

fn answer_form(person: &Person, row: &ConcernRow, today: &str) -> Html {
    let number = row.number;
    format!(
        "<section aria-labelledby=\"answer-it\"><h2 id=\"answer-it\">Answer</h2>\n<form class=\"fields\" method=\"post\" action=\"/concerns/{number}/answer\">{0}\n\
         <div class=\"wide\"><label for=\"answer\">Answer</label><textarea id=\"answer\" name=\"answer\" required maxlength=\"10000\"></textarea></div>\n\
         <div><label for=\"end\">It is</label><select id=\"end\" name=\"state\"><option value=\"closed\">closed</option><option value=\"accepted\">accepted as it is</option></select></div>\n\
         <div><button>Answer</button></div>\n</form></section>\n\
         <section aria-labelledby=\"assign\"><h2 id=\"assign\">Give it to somebody</h2>\n<form class=\"fields\" method=\"post\" action=\"/concerns/{number}/assign\">{0}\n\
         <div><label for=\"owner\">Who answers</label><input id=\"owner\" name=\"owner\" required maxlength=\"500\" value=\"{1}\"></div>\n\
         <div><label for=\"due\">By which day</label><input id=\"due\" name=\"due\" type=\"date\" required min=\"{2}\"></div>\n\
         <div><button>Give</button></div>\n</form></section>\n",
        token(person),
        text(row.concern.owner.as_deref().unwrap_or_default()),
        text(today)
    )
}

/// Raises one.
pub(crate) fn raise(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let field = |name: &str| ask.form.get(name).to_owned();
    let new = Raise {
        product: field("product"),
        title: field("title"),
        text: field("text"),
        owner: field("owner"),
        due: field("due"),
    };
    let row = concern::raise(hub, ask, &new)?;
    Ok(Response::see_other(&format!("/concerns/{}", row.number)))
}

/// Gives one to somebody.
pub(crate) fn assign(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let number = ask.number("concern")?;
    concern::assign(hub, ask, number, (ask.form.get("owner"), ask.form.get("due")))?;
    Ok(Response::see_other(&format!("/concerns/{number}")))
}

/// Answers one.
pub(crate) fn answer(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let number = ask.number("concern")?;
    let state = match ask.form.get("state") {
        "closed" => End::Closed,
        "accepted" => End::Accepted,
        _ => return Err(Refusal::malformed("a concern ends closed or accepted")),
    };
    concern::answer(hub, ask, number, &Answer { answer: ask.form.get("answer").to_owned(), state })?;
    Ok(Response::see_other(&format!("/concerns/{number}")))
}
