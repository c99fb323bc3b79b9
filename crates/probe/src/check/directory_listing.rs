//! `probe-directory-listing`: the page that web servers make of a folder. The title and the list of links must both be there.

use super::{Hit, Page};
use crate::html::{Token, tokens};

pub(super) fn check(page: &Page<'_>) -> Vec<Hit> {
    if !page.is_shown() {
        return Vec::new();
    }
    let path = page.url.target().split('?').next().unwrap_or_default();
    let (mut title, mut links, mut up) = (String::new(), 0, false);
    for token in tokens(&page.answer.text()) {
        match token {
            Token::Raw { tag, text } if tag.name == "title" => title = text.trim().to_owned(),
            Token::Start(tag) if tag.name == "a" => {
                let to = tag.attribute("href").unwrap_or_default();
                links += usize::from(!to.starts_with('?'));
                up |= matches!(to, "../" | "..");
            }
            _ => {}
        }
    }
    // Apache, nginx and Python; Jetty and Tomcat; Caddy and lighttpd.
    let named = ["Index of /", "Directory listing for /", "Directory Listing For", "Directory: /"];
    let is_title = named.iter().any(|start| title.starts_with(start));
    if is_title && path.ends_with('/') && (links > 0 || up) {
        return vec![Hit::whole(format!("the server lists what is in {path}"))];
    }
    Vec::new()
}
