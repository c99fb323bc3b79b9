//! HTTP: from bytes to a [`Request`], from a [`Response`] to bytes, and everything that holds for every request.
//!
//! `serve.rs` is the only file that knows the library and the socket. What a handler sees is checked already: size, encoding,
//! host, origin, who asks and what they may do.

mod body;
mod certificate;
mod dispatch;
mod form;
mod places;
mod refusal;
mod request;
mod response;
mod serve;
mod target;

pub(crate) use body::Body;
pub use certificate::Encryption;
pub(crate) use dispatch::{Ask, answer, cookie, guessing, refused};
pub(crate) use form::Form;
pub(crate) use form::TOKEN;
pub use refusal::Refusal;
pub(crate) use request::{Fields, Request};
pub(crate) use response::{Kind, Response};
pub use serve::Listener;
pub(crate) use target::{Target, encode};
