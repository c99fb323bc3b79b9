//! What every page has: head, navigation, skip link, and the way back.

use testudo_report::{markup, markup_lines};

use crate::{
    auth::{Permission, Person, Principal},
    http::{Ask, Refusal, Response, TOKEN},
};

/// A piece of HTML that is escaped already.
pub(crate) type Html = String;

/// Where a page is in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Board,
    Work,
    Findings,
    Concerns,
    Alerts,
    Audit,
    Admin,
    Elsewhere,
}

/// Name, path, permission.
const NAVIGATION: &[(Place, &str, &str, Permission)] = &[
    (Place::Board, "Board", "/", Permission::Read),
    (Place::Work, "My work", "/work", Permission::Read),
    (Place::Findings, "Findings", "/findings", Permission::Read),
    (Place::Concerns, "Concerns", "/concerns", Permission::Read),
    (Place::Alerts, "Alerts", "/alerts", Permission::Read),
    (Place::Audit, "Audit", "/audit", Permission::Audit),
    (Place::Admin, "Admin", "/admin", Permission::Administer),
];

/// A page for the one who asks.
pub(crate) fn page(ask: &Ask<'_>, place: Place, title: &str, body: &str) -> Response {
    Response::page(document(ask.principal, place, title, body))
}

/// A text, escaped.
pub(crate) fn text(text: &str) -> Html {
    markup(text)
}

/// A text of several lines, escaped: what stands in a field is sent back as it is.
pub(crate) fn lines(text: &str) -> Html {
    markup_lines(text)
}

/// The field that binds a form to its session.
pub(crate) fn token(person: &Person) -> Html {
    format!("<input type=\"hidden\" name=\"{TOKEN}\" value=\"{}\">", person.session.form_token())
}

/// What stands where there is nothing yet: why, and the next command to type.
pub(crate) fn empty(why: &str, command: &str) -> Html {
    let command = if command.is_empty() {
        String::new()
    } else {
        format!("<pre tabindex=\"0\"><code>{}</code></pre>", markup(command))
    };
    format!("<div class=\"empty\"><p>{}</p>{command}</div>\n", markup(why))
}

/// A time for people.
pub(crate) fn day_and_time(time: &str) -> Html {
    let shown = match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(clock)) => format!("{day} {clock}"),
        _ => time.to_owned(),
    };
    format!("<time datetime=\"{}\">{}</time>", markup(time), markup(&shown))
}

/// Why something was not done, as a page.
pub(crate) fn refused(refusal: &Refusal, principal: &Principal) -> Response {
    let title = refusal.title();
    let mut body = format!("<h1>{title}</h1>\n<p>{}.</p>\n", markup(&capital(&refusal.to_string())));
    if refusal.status() == 401 {
        body += "<pre tabindex=\"0\"><code>testudo hub link --user NAME</code></pre>\n";
    }
    let page = Response::page(document(principal, Place::Elsewhere, title, &body));
    refusal.with_headers(page.with_status(refusal.status()))
}

fn capital(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn document(principal: &Principal, place: Place, title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} – testudo hub</title>\n<link rel=\"stylesheet\" href=\"/hub.css\">\n\
         <script src=\"/hub.js\" defer></script>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to content</a>\n\
         {}<main id=\"main\" tabindex=\"-1\">\n{body}</main>\n</body>\n</html>\n",
        markup(title),
        header(principal, place)
    )
}

fn header(principal: &Principal, place: Place) -> Html {
    let mut out = "<header class=\"top\">\n<p class=\"name\"><a href=\"/\">testudo hub</a></p>\n".to_owned();
    if let Principal::Person(person) = principal {
        out += "<nav aria-label=\"Pages\"><ul>\n";
        for (own, name, path, _) in NAVIGATION.iter().filter(|(.., permission)| principal.may(*permission)) {
            let current = if *own == place { " aria-current=\"page\"" } else { "" };
            out += &format!("<li><a href=\"{path}\"{current}>{name}</a></li>\n");
        }
        out += &format!(
            "</ul></nav>\n<form class=\"who\" method=\"post\" action=\"/sign-out\">{}<a href=\"/sessions\">{} ({})</a> <button>Sign out</button></form>\n",
            token(person),
            markup(&person.name),
            person.role.as_str()
        );
    }
    out + "</header>\n"
}
