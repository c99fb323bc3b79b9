//! The body of an answer, read within its limits: as it comes over the wire, and as it is after its coding was undone.

use std::{
    fmt,
    io::{self, Read},
};

use flate2::read::MultiGzDecoder;

use crate::{Coding, Host, Limits, NetError};

/// The body of an answer. Errors of [`Read`] hold a [`NetError`].
pub struct Body {
    host: Host,
    inner: Bounded<Box<dyn Read + Send>>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({})", self.host)
    }
}

impl Body {
    pub(crate) fn new(host: Host, wire: impl Read + Send + 'static, coding: Coding, limits: Limits) -> Self {
        let wire = Bounded { reader: wire, left: limits.received, limit: limits.received };
        let decoded: Box<dyn Read + Send> = match coding {
            Coding::Identity | Coding::Unasked => Box::new(wire),
            Coding::Gzip => Box::new(MultiGzDecoder::new(wire)),
        };
        Self { host, inner: Bounded { reader: decoded, left: limits.decoded, limit: limits.decoded } }
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// The body is too large, damaged, or did not come in time.
    pub fn bytes(mut self) -> Result<Vec<u8>, NetError> {
        let mut bytes = Vec::new();
        let failed = |error: io::Error| match error.downcast::<NetError>() {
            Ok(own) => own,
            Err(_) => NetError::BadAnswer { host: self.host.clone() },
        };
        self.inner.read_to_end(&mut bytes).map_err(|error| failed(told(&self.host, error)))?;
        Ok(bytes)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| told(&self.host, error))
    }
}

/// An error of the library as one of ours; theirs may hold parts of the answer.
fn told(host: &Host, error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    let host = host.clone();
    let own = match error.downcast::<Beyond>() {
        Ok(Beyond(limit)) => NetError::TooLarge { host, limit },
        Err(error) => match error.downcast::<ureq::Error>() {
            Ok(ureq::Error::Timeout(_)) => NetError::Timeout { host },
            Ok(_) => NetError::BadAnswer { host },
            Err(error) if error.kind() == io::ErrorKind::TimedOut => NetError::Timeout { host },
            Err(_) => NetError::BadAnswer { host },
        },
    };
    io::Error::other(own)
}

/// More than so many bytes.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes")]
struct Beyond(u64);

/// A reader that fails when there is more than its limit.
struct Bounded<R> {
    reader: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // The end at the limit is allowed; a byte beyond is not.
            return match self.reader.read(&mut [0; 1])? {
                0 => Ok(0),
                _ => Err(io::Error::other(Beyond(self.limit))),
            };
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.reader.read(&mut buffer[..room])?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn read(wire: Vec<u8>, coding: Coding, received: u64, decoded: u64) -> Result<Vec<u8>, NetError> {
        let host = Host::parse("a.example").unwrap();
        Body::new(host, io::Cursor::new(wire), coding, Limits { headers: 0, received, decoded }).bytes()
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn both_sizes_have_a_limit() {
        let host = Host::parse("a.example").unwrap();
        let large = |limit| Err(NetError::TooLarge { host: host.clone(), limit });
        assert_eq!(read(b"12345".to_vec(), Coding::Identity, 5, 5), Ok(b"12345".to_vec()));
        assert_eq!(read(b"12345".to_vec(), Coding::Identity, 4, 9), large(4));
        assert_eq!(read(b"12345".to_vec(), Coding::Identity, 9, 4), large(4));
        let bomb = gzip(&vec![0; 1 << 22]);
        assert!(bomb.len() < 1 << 15);
        assert_eq!(read(bomb.clone(), Coding::Gzip, 1 << 20, 1 << 20), large(1 << 20));
        assert_eq!(read(bomb, Coding::Gzip, 100, 1 << 30), large(100));
        let two = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(read(two, Coding::Gzip, 1 << 10, 1 << 10), Ok(b"one two".to_vec()));
        assert_eq!(read(b"no gzip".to_vec(), Coding::Gzip, 99, 99), Err(NetError::BadAnswer { host: host.clone() }));
    }

    #[test]
    fn an_endless_body_ends_at_the_limit() {
        let host = Host::parse("a.example").unwrap();
        let limits = Limits { headers: 0, received: 1 << 16, decoded: 1 << 20 };
        let body = Body::new(host.clone(), io::repeat(b'x'), Coding::Identity, limits);
        assert_eq!(body.bytes(), Err(NetError::TooLarge { host, limit: 1 << 16 }));
    }
}
