//! Where the person who asks is signed in, and how they sign out there.

use super::{Place, day_and_time, page, text, token};
use crate::{
    Hub,
    act::people,
    http::{Ask, Refusal, Response},
    store,
};

/// The list.
pub(crate) fn list(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let person = ask.person()?;
    let sessions = hub.store.read(|connection| store::sessions(connection, person, ask.now.seconds))?;
    let mut body = "<h1>Your sessions</h1>\n<p>A session ends after 12 hours without a request, after 7 days in any case, and when your role changes.</p>\n\
                    <table class=\"list\"><caption>The newest first</caption>\n<thead><tr><th scope=\"col\">From</th><th scope=\"col\">Since</th><th scope=\"col\">Last request</th><th scope=\"col\">Ends</th><th scope=\"col\">Here or there</th></tr></thead>\n<tbody>\n".to_owned();
    for session in &sessions {
        let end = if session.own {
            "this session".to_owned()
        } else {
            format!(
                "<form class=\"inline\" method=\"post\" action=\"/sessions/{}/end\">{}<button aria-label=\"Sign out there: session from {} since {}\">Sign out there</button></form>",
                session.name,
                token(person),
                text(&session.address),
                text(&session.begun)
            )
        };
        body += &format!(
            "<tr><th scope=\"row\">{}</th><td data-name=\"Since\">{}</td><td data-name=\"Last request\">{} minutes ago</td><td data-name=\"Ends\">{}</td><td>{end}</td></tr>\n",
            text(&session.address),
            day_and_time(&session.begun),
            session.idle,
            day_and_time(&session.ends)
        );
    }
    body += "</tbody></table>\n";
    if sessions.len() > 1 {
        body += &format!(
            "<form method=\"post\" action=\"/sessions/end\">{}<button>Sign out everywhere else</button></form>\n",
            token(person)
        );
    }
    Ok(page(ask, Place::Elsewhere, "Your sessions", &body))
}

/// Signs out there.
pub(crate) fn end(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    people::end_session(hub, ask, ask.parameter("session"))?;
    Ok(Response::see_other("/sessions"))
}

/// Signs out everywhere else.
pub(crate) fn end_others(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    people::end_others(hub, ask)?;
    Ok(Response::see_other("/sessions"))
}
