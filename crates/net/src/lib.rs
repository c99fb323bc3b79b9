//! The one HTTP client of the workspace. No other crate opens a socket.
//!
//! A [`Client`] is made from a [`Policy`], and what the policy does not name does not happen: which hosts, by which
//! scheme, on which port, at which addresses, how much is read and for how long. Nothing is taken from the environment,
//! so neither a proxy variable nor a file in the home directory can lead a request elsewhere.
//!
//! The guard against server-side request forgery has three parts. An address in text form has one reading only
//! ([`Url`]). A name is looked up once, every address that it has is held against the registries of special purposes
//! ([`address`]), and the connection goes to an address that was checked: there is no second look-up that could say
//! something else. A redirect is not followed unless the policy says so, and then it passes the same checks.
//!
//! TLS is rustls with ring, and the roots of Mozilla that are compiled in, not those of the machine: a certificate that
//! somebody has added to a machine must not be able to read what is sent. There is no way to switch the check off. A
//! policy can name authorities instead of those roots, or trust one certificate that was looked at before ([`tls`]).
//!
//! The crate `log` is a dependency for its feature `max_level_off` alone: the HTTP library below would otherwise be able
//! to write addresses and headers, which hold secrets, to a logger that somebody installs one day.

pub mod address;
mod body;
mod client;
mod encrypted;
mod error;
mod pace;
mod policy;
mod resolve;
pub mod tls;
mod url;

pub use body::Body;
pub use client::{Client, Method, Request, Response, is_own_header};
pub use error::NetError;
pub use policy::{Coding, HostPattern, HostRule, HostRuleError, Limits, Policy, Reach, Redirects, Timeouts};
pub use tls::Trust;
pub use url::{Host, Scheme, Url, UrlError};
