//! The style and the script of the pages.

use crate::{
    Hub,
    http::{Ask, Kind, Refusal, Response},
};

/// The style.
pub(crate) fn style(_: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    let style = concat!(include_str!("hub.css"), "\n").to_owned() + testudo_board::STYLE;
    Ok(Response::asset(Kind::Css, &style))
}

/// The script.
pub(crate) fn script(_: &Hub, _: &Ask<'_>) -> Result<Response, Refusal> {
    Ok(Response::asset(Kind::Script, include_str!("hub.js")))
}
