//! Small readers that archive formats are made of.

use std::io::{self, Read};

use flate2::Crc;

/// How much is read at once. A decoder that meets damage may lose what it had decoded in the same call.
const PIECE: usize = 8 << 10;

/// Reads until `limit` bytes are there, the end, or an error; whatever was read is kept.
pub(super) fn read_up_to(input: &mut dyn Read, limit: u64) -> (Vec<u8>, Option<io::Error>) {
    let mut bytes = Vec::new();
    let mut piece = [0; PIECE];
    while (bytes.len() as u64) < limit {
        let wanted = usize::try_from(limit - bytes.len() as u64).unwrap_or(PIECE).min(PIECE);
        match input.read(&mut piece[..wanted]) {
            Ok(0) => return (bytes, None),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (bytes, Some(error)),
        }
    }
    (bytes, None)
}

/// A stream whose first bytes were read already to look at them.
pub(super) struct Primed<'a> {
    head: Vec<u8>,
    given: usize,
    error: Option<io::Error>,
    rest: &'a mut dyn Read,
}

impl<'a> Primed<'a> {
    /// Reads up to `count` bytes ahead.
    pub(super) fn new(rest: &'a mut dyn Read, count: usize) -> Self {
        let (head, error) = read_up_to(rest, count as u64);
        Self::with_head(head, error, rest)
    }

    /// Puts what [`read_up_to`] gave back in front.
    pub(super) fn with_head(head: Vec<u8>, error: Option<io::Error>, rest: &'a mut dyn Read) -> Self {
        Self { head, given: 0, error, rest }
    }

    /// The bytes that were read ahead.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The error behind the head, where there is nothing else to read.
    pub(super) fn take_error_of_empty(&mut self) -> Option<io::Error> {
        if self.head.is_empty() { self.error.take() } else { None }
    }
}

impl Read for Primed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ahead = &self.head[self.given..];
        if ahead.is_empty() {
            return self.error.take().map_or_else(|| self.rest.read(buffer), Err);
        }
        let count = ahead.read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

/// The next `left` bytes of a stream. Fails where the stream ends before.
pub(super) struct Exact<'a> {
    input: &'a mut dyn Read,
    left: u64,
    failed: bool,
}

impl<'a> Exact<'a> {
    pub(super) fn new(input: &'a mut dyn Read, left: u64) -> Self {
        Self { input, left, failed: false }
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Whether a read error was met and given to the reader.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Reads over what is left.
    pub(super) fn skip(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let result = match self.input.read(&mut buffer[..wanted]) {
            Ok(0) => Err(cut_off()),
            other => other,
        };
        match &result {
            Ok(count) => self.left -= *count as u64,
            Err(error) => self.failed = error.kind() != io::ErrorKind::Interrupted,
        }
        result
    }
}

/// The error of data that ends too early.
pub(super) fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the data ends before its stated length")
}

/// Fails at the end of a stream that does not have the stated CRC-32 and length.
pub(super) struct Verified<R> {
    inner: R,
    seen: Crc,
    length: u64,
    expected: Option<(u32, u64)>,
}

impl<R: Read> Verified<R> {
    /// Expects a CRC-32 and a length; nothing, where they are not known.
    pub(super) fn new(inner: R, expected: Option<(u32, u64)>) -> Self {
        Self { inner, seen: Crc::new(), length: 0, expected }
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count > 0 {
            self.seen.update(&buffer[..count]);
            self.length += count as u64;
        } else if !buffer.is_empty() && self.expected.take().is_some_and(|e| e != (self.seen.sum(), self.length)) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "checksum or length do not match the content"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_fails_where_the_stream_ends_before() {
        let mut input = b"abcdef".as_slice();
        let mut exact = Exact::new(&mut input, 4);
        assert_eq!(read_up_to(&mut exact, 10).0, b"abcd");
        assert!(!exact.failed());
        let mut exact = Exact::new(&mut input, 4);
        let (bytes, error) = read_up_to(&mut exact, 10);
        assert_eq!((bytes.as_slice(), error.unwrap().kind()), (b"ef".as_slice(), io::ErrorKind::UnexpectedEof));
        assert!(exact.failed());
    }

    #[test]
    fn verified_compares_at_the_end() {
        let sum = |bytes: &[u8]| {
            let mut crc = Crc::new();
            crc.update(bytes);
            crc.sum()
        };
        let check = |expected| read_up_to(&mut Verified::new(b"content".as_slice(), expected), 100);
        assert!(check(Some((sum(b"content"), 7))).1.is_none());
        assert!(check(None).1.is_none());
        for wrong in [(sum(b"content"), 8), (sum(b"other"), 7)] {
            let (bytes, error) = check(Some(wrong));
            assert_eq!((bytes.as_slice(), error.is_some()), (b"content".as_slice(), true));
        }
    }

    #[test]
    fn primed_gives_head_error_and_rest_in_order() {
        let mut rest = b"rest".as_slice();
        let error = io::Error::other("in between");
        let mut primed = Primed::with_head(b"head".to_vec(), Some(error), &mut rest);
        let (bytes, error) = read_up_to(&mut primed, 100);
        assert_eq!((bytes.as_slice(), error.unwrap().to_string().as_str()), (b"head".as_slice(), "in between"));
        assert_eq!(read_up_to(&mut primed, 100).0, b"rest");
    }
}
