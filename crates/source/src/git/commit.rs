//! Commits and annotated tags.

use super::{
    Oid,
    calendar::{DAY, date_of, days},
};

/// Who did something, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Seconds since 1970-01-01 UTC.
    pub seconds: i64,
}

impl Signature {
    fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let (name, rest) = text.split_once('<').unwrap_or((&text, ""));
        let email = rest.split_once('>').map_or(rest, |(email, _)| email);
        Self { name: name.trim().to_owned(), email: email.trim().to_owned(), seconds: time(text.as_bytes()) }
    }

    /// The time as RFC 3339 in UTC.
    #[must_use]
    pub fn date(&self) -> String {
        // Clamped to years that RFC 3339 can write.
        let seconds = self.seconds.clamp(days(0, 1, 1) * DAY, days(10_000, 1, 1) * DAY - 1);
        let (year, month, day) = date_of(seconds.div_euclid(DAY));
        let second = seconds.rem_euclid(DAY);
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }
}

/// A parsed commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitObject {
    /// Root tree.
    pub tree: Oid,
    /// Parents, first parent first.
    pub parents: Vec<Oid>,
    /// Who wrote it.
    pub author: Signature,
    /// Who committed it.
    pub committer: Signature,
    /// Offset of the message in the object.
    pub message_at: usize,
}

impl CommitObject {
    /// Parses the content of a commit object; none where it has no tree.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut tree, mut parents) = (None, Vec::new());
        let (mut author, mut committer) = (Signature::default(), Signature::default());
        let message_at = each_header(bytes, |key, value| match key {
            b"tree" => tree = tree.or(Oid::from_hex(value)),
            b"parent" => parents.extend(Oid::from_hex(value)),
            b"author" => author = Signature::parse(value),
            b"committer" => committer = Signature::parse(value),
            _ => {}
        });
        Some(Self { tree: tree?, parents, author, committer, message_at })
    }
}

/// What a walk over commits needs of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommitLinks {
    /// Root tree.
    pub(super) tree: Oid,
    /// Parents, first parent first.
    pub(super) parents: Vec<Oid>,
    /// When it was committed, in seconds since 1970-01-01 UTC.
    pub(super) seconds: i64,
}

impl CommitLinks {
    /// Parses the content of a commit object; none where it has no tree.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut tree, mut parents, mut seconds) = (None, Vec::new(), 0);
        each_header(bytes, |key, value| match key {
            b"tree" => tree = tree.or(Oid::from_hex(value)),
            b"parent" => parents.extend(Oid::from_hex(value)),
            b"committer" => seconds = time(value),
            _ => {}
        });
        Some(Self { tree: tree?, parents, seconds })
    }
}

/// The seconds behind the e-mail address of a signature.
fn time(signature: &[u8]) -> i64 {
    let digits = signature.iter().rposition(|b| *b == b'>').map_or(&b""[..], |at| &signature[at + 1..]);
    let text = std::str::from_utf8(digits).unwrap_or_default();
    text.split_ascii_whitespace().next().and_then(|s| s.parse().ok()).unwrap_or(0)
}

/// A parsed annotated tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagObject {
    /// What it points at.
    pub target: Oid,
    /// Who made it.
    pub tagger: Signature,
    /// Offset of the message in the object.
    pub message_at: usize,
}

impl TagObject {
    /// Parses the content of a tag object; none where it points at nothing.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut target, mut tagger) = (None, Signature::default());
        let message_at = each_header(bytes, |key, value| match key {
            b"object" => target = target.or(Oid::from_hex(value)),
            b"tagger" => tagger = Signature::parse(value),
            _ => {}
        });
        Some(Self { target: target?, tagger, message_at })
    }
}

/// Calls `each` for every header line and returns where the message begins.
fn each_header<'a>(bytes: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        let end = bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |p| at + p);
        let line = &bytes[at..end];
        at = (end + 1).min(bytes.len());
        if line.is_empty() {
            break;
        }
        // Continuation lines (signatures) begin with a space and name no header.
        if let Some(space) = line.iter().position(|b| *b == b' ').filter(|p| *p > 0) {
            each(&line[..space], &line[space + 1..]);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_read() {
        let text = b"tree 83baae61804e65cc73a7201a7252750c76066a30\nparent 83baae61804e65cc73a7201a7252750c76066a31\nauthor A B <a@b.example> 951782400 +0100\ncommitter C <c@d.example> 0 +0000\ngpgsig -----BEGIN\n tree x\n\nsubject\n\nbody\n";
        let commit = CommitObject::parse(text).unwrap();
        assert_eq!(commit.parents.len(), 1);
        assert_eq!((commit.author.name.as_str(), commit.author.date().as_str()), ("A B", "2000-02-29T00:00:00Z"));
        assert_eq!(&text[commit.message_at..], b"subject\n\nbody\n");
        let links = CommitLinks::parse(text).unwrap();
        assert_eq!((links.tree, links.parents, links.seconds), (commit.tree, commit.parents, 0));
        assert_eq!(time(b"A <a@b> 951782400 +0100"), 951_782_400);
        assert!(CommitObject::parse(b"garbage").is_none());
        assert!(CommitLinks::parse(b"garbage").is_none());
    }
}
