//! The target of a request, with one reading: segments of a path and fields of a query, decoded once (RFC 3986 section 2.1).
//! Whatever could be read in two ways is refused.

use super::request::Fields;

/// Longest target, in bytes.
const LONGEST: usize = 4096;

/// A path and a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Target {
    /// Decoded, without empty ones; `/` has none.
    pub(crate) segments: Vec<String>,
    /// Decoded.
    pub(crate) query: Fields,
}

impl Target {
    /// Reads `/a/b?c=d`; none where it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST || text.contains('#') {
            return None;
        }
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let path = path.strip_prefix('/')?;
        let segments =
            if path.is_empty() { Vec::new() } else { path.split('/').map(segment).collect::<Option<_>>()? };
        Some(Self { segments, query: Fields::parse(query)? })
    }
}

fn segment(text: &str) -> Option<String> {
    let decoded = decode(text.as_bytes(), Plus::Kept)?;
    // An agent's alert has slashes in its name, so an encoded slash is a character like others; dots alone are not.
    let odd = decoded.is_empty() || matches!(decoded.as_str(), "." | "..") || decoded.contains(['\\', '\0']);
    (!odd && !decoded.chars().any(char::is_control)).then_some(decoded)
}

/// What a plus sign is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// Itself.
    Kept,
    /// A space, as in forms.
    Space,
}

/// Percent-decodes; none where a percent sign is followed by something else than two digits, or the result is not UTF-8.
pub(super) fn decode(text: &[u8], plus: Plus) -> Option<String> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'%' => {
                let value = digit(text.get(at + 1)?)? * 16 + digit(text.get(at + 2)?)?;
                out.push(u8::try_from(value).ok()?);
                at += 2;
            }
            b'+' if plus == Plus::Space => out.push(b' '),
            other => out.push(*other),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

/// A text as one segment of a path or one value of a query.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&testudo_model::hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_one_reading() {
        let read = |text: &str| Target::parse(text).map(|t| (t.segments.join("|"), format!("{:?}", t.query)));
        assert_eq!(read("/").unwrap().0, "");
        assert_eq!(read("/a%20b/c%2Fd").unwrap().0, "a b|c/d");
        assert!(read("/a?x=1&x=2&y=a+b%26").unwrap().1.contains("a b&"));
        for bad in [
            "",
            "a",
            "//",
            "/a/",
            "/a//b",
            "/..",
            "/a/../b",
            "/%2e%2e",
            "/%2E",
            "/%00",
            "/%0a",
            "/%",
            "/%4",
            "/%zz",
            "/%ff",
            "/a#b",
            "/a\\b",
            "/%5c",
            "/?a=%ff",
            "http://x.example/",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(Target::parse(&format!("/{}", "a".repeat(LONGEST))).is_none());
    }

    #[test]
    fn whatever_is_encoded_comes_back() {
        for text in ["", "web-1/6f/4", "a b&c=d?#", "ä%2F", "<script>\"'"] {
            assert_eq!(decode(encode(text).as_bytes(), Plus::Space).as_deref(), Some(text));
        }
    }
}
