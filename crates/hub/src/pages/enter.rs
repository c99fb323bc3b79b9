//! Signing in with a link, and signing out.
//!
//! Looking at a link does not use it up: programs that preview links would. A button does.

use super::{Place, page};
use crate::{
    Hub,
    act::people,
    auth::{Principal, Secret},
    http::{Ask, Refusal, Response, cookie, guessing},
};

/// How to sign in.
pub(crate) fn sign_in(_: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let body = "<h1>Sign in</h1>\n<p>A link signs you in. Ask an administrator for one, or print one on the machine of the hub:</p>\n\
                <pre tabindex=\"0\"><code>testudo hub link --user NAME</code></pre>\n\
                <p>A link works once, within 15 minutes.</p>\n";
    Ok(page(ask, Place::Elsewhere, "Sign in", body))
}

/// What a link shows.
pub(crate) fn welcome(_: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    let secret = Secret::parse(ask.parameter("link")).ok_or(Refusal::Absent)?;
    let body = format!(
        "<h1>Welcome</h1>\n<p>This link signs you in on this browser. It works once.</p>\n\
         <form method=\"post\" action=\"/welcome/{}\">{}<button>Sign in</button></form>\n",
        secret.text(),
        own_token(ask)
    );
    Ok(page(ask, Place::Elsewhere, "Welcome", &body))
}

/// Who is signed in already sends the token of that session.
fn own_token(ask: &Ask<'_>) -> String {
    match ask.principal {
        Principal::Person(person) => super::token(person),
        _ => String::new(),
    }
}

/// Uses the link up. A session that was there ends, so nobody goes on with one that somebody else chose.
pub(crate) fn enter(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    guessing(hub, ask.address, &ask.now)?;
    let link = Secret::parse(ask.parameter("link"));
    let session = link.map(|link| people::enter(hub, ask, &link)).transpose()?.flatten();
    let Some(session) = session else {
        hub.throttle.failed(ask.address, ask.now.seconds);
        return Err(Refusal::Forbidden(
            "this link was used, or is older than 15 minutes; ask for another one".to_owned(),
        ));
    };
    if matches!(ask.principal, Principal::Person(_)) {
        people::leave(hub, ask)?;
    }
    Ok(Response::see_other("/").with_header("set-cookie", cookie(hub, Some(&session))))
}

/// Ends the session.
pub(crate) fn sign_out(hub: &Hub, ask: &Ask<'_>) -> Result<Response, Refusal> {
    people::leave(hub, ask)?;
    Ok(Response::see_other("/sign-in").with_header("set-cookie", cookie(hub, None)))
}
