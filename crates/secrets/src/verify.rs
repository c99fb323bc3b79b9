//! How to ask an issuer whether a value is live. Nothing is asked without `--verify`.

/// One harmless request; `{{secret}}` in any text stands for the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Address.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// `user:password` for HTTP basic authentication.
    pub basic: Option<String>,
    /// Request body.
    pub body: Option<String>,
    /// Status codes that prove the value live.
    pub active: Vec<u16>,
    /// Status codes that prove it dead.
    pub inactive: Vec<u16>,
}
