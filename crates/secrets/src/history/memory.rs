//! What an earlier scan of a history found out, so that the next one reads only new packs, loose objects and commits.
//!
//! The memory names objects by their ids and matches by keyed digests. It holds no text of the repository but paths, and
//! belongs to one repository, one set of rules and one key. A memory that is damaged in any way remembers nothing.

use sha2::{Digest as _, Sha256};
use testudo_source::git::Oid;

use super::{Known, PackIdentity};

/// First bytes of the file.
const HEADER: &[u8] = b"testudo history 1\n";
const CHECKSUM: usize = 32;

/// A change that brought a blob with matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownChange {
    /// The commit.
    pub commit: Oid,
    /// Path of the file.
    pub path: String,
    /// Its content.
    pub blob: Oid,
}

/// The memory of one history.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Memory {
    /// What was searched.
    pub known: Known,
    /// Blobs with matches, and what these are known by.
    pub blobs: Vec<(Oid, Vec<u64>)>,
    /// Blobs that were looked at.
    pub visited: u64,
    /// Bytes that these blobs have.
    pub raw_bytes: u64,
    /// Commits and tags whose changes and messages were looked at, sorted.
    pub commits: Vec<Oid>,
    /// Changes of those commits, in their order.
    pub changes: Vec<KnownChange>,
    /// Commits and tags whose messages have findings.
    pub messages: Vec<Oid>,
}

impl Memory {
    /// Largest file that is worth reading, in bytes.
    pub const MAX_BYTES: u64 = 256 << 20;

    /// Reads a file that was written for `context`. Nothing where it was written for something else, or is damaged.
    #[must_use]
    pub fn read(bytes: &[u8], context: &[u8]) -> Option<Self> {
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
        if Sha256::digest(body).as_slice() != checksum {
            return None;
        }
        let mut input = Input { rest: body.strip_prefix(HEADER)? };
        if input.bytes()? != context {
            return None;
        }
        let packs = input.list(|i| Some((i.oid()?, i.number()?)))?;
        let loose = input.list(Input::oid)?;
        let memory = Self {
            known: Known { packs: packs.into_iter().collect(), loose: loose.into_iter().collect() },
            blobs: input.list(|i| Some((i.oid()?, i.list(Input::number)?)))?,
            visited: input.number()?,
            raw_bytes: input.number()?,
            commits: input.list(Input::oid)?,
            changes: input.list(Input::change)?,
            messages: input.list(Input::oid)?,
        };
        input.rest.is_empty().then_some(memory)
    }

    /// Whether a commit or tag was looked at.
    #[must_use]
    pub fn has_commit(&self, oid: &Oid) -> bool {
        self.commits.binary_search(oid).is_ok()
    }

    /// The file for `context`.
    #[must_use]
    pub fn write(&self, context: &[u8]) -> Vec<u8> {
        let mut output = HEADER.to_vec();
        put_bytes(&mut output, context);
        put_list(&mut output, self.known.packs.iter(), |o, (checksum, size): &PackIdentity| {
            put_oid(o, checksum);
            put_number(o, *size);
        });
        put_list(&mut output, self.known.loose.iter(), put_oid);
        put_list(&mut output, self.blobs.iter(), |o, (oid, matches)| {
            put_oid(o, oid);
            put_list(o, matches.iter(), |o, id| put_number(o, *id));
        });
        put_number(&mut output, self.visited);
        put_number(&mut output, self.raw_bytes);
        put_list(&mut output, self.commits.iter(), put_oid);
        put_list(&mut output, self.changes.iter(), |o, change| {
            put_oid(o, &change.commit);
            put_bytes(o, change.path.as_bytes());
            put_oid(o, &change.blob);
        });
        put_list(&mut output, self.messages.iter(), put_oid);
        let checksum = Sha256::digest(&output);
        output.extend_from_slice(&checksum);
        output
    }
}

fn put_number(output: &mut Vec<u8>, number: u64) {
    output.extend_from_slice(&number.to_le_bytes());
}

fn put_bytes(output: &mut Vec<u8>, bytes: &[u8]) {
    put_number(output, bytes.len() as u64);
    output.extend_from_slice(bytes);
}

fn put_oid(output: &mut Vec<u8>, oid: &Oid) {
    output.push(oid.as_bytes().len() as u8);
    output.extend_from_slice(oid.as_bytes());
}

fn put_list<T>(output: &mut Vec<u8>, list: impl ExactSizeIterator<Item = T>, put: impl Fn(&mut Vec<u8>, T)) {
    put_number(output, list.len() as u64);
    list.for_each(|item| put(output, item));
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.take(len)
    }

    fn oid(&mut self) -> Option<Oid> {
        let len = usize::from(*self.take(1)?.first()?);
        Oid::from_bytes(self.take(len)?)
    }

    fn change(&mut self) -> Option<KnownChange> {
        let commit = self.oid()?;
        let path = String::from_utf8(self.bytes()?.to_vec()).ok()?;
        Some(KnownChange { commit, path, blob: self.oid()? })
    }

    /// A list; its length is believed only as far as there are bytes for it.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.number()?).ok().filter(|count| *count <= self.rest.len())?;
        (0..count).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn oid(byte: u8) -> Oid {
        Oid::from_bytes(&[byte; 20]).unwrap()
    }

    fn sample() -> Memory {
        Memory {
            known: Known { packs: BTreeSet::from([(oid(1), 77)]), loose: BTreeSet::from([oid(2), oid(3)]) },
            blobs: vec![(oid(4), vec![5, 6]), (oid(5), Vec::new())],
            visited: 8,
            raw_bytes: 9,
            commits: vec![oid(10)],
            changes: vec![KnownChange { commit: oid(10), path: "a/\u{e9}".to_owned(), blob: oid(4) }],
            messages: vec![oid(10)],
        }
    }

    #[test]
    fn what_is_written_is_read_for_the_same_context() {
        for memory in [Memory::default(), sample()] {
            let bytes = memory.write(b"context");
            assert_eq!(Memory::read(&bytes, b"context"), Some(memory));
            assert_eq!(Memory::read(&bytes, b"another"), None);
        }
    }

    #[test]
    fn damage_anywhere_remembers_nothing() {
        let bytes = sample().write(b"context");
        for cut in 0..bytes.len() {
            assert_eq!(Memory::read(&bytes[..cut], b"context"), None);
            let mut changed = bytes.clone();
            changed[cut] ^= 0x40;
            assert_eq!(Memory::read(&changed, b"context"), None);
            // The same lies under a checksum that fits.
            let body = changed.len() - CHECKSUM;
            let checksum = Sha256::digest(&changed[..body]);
            changed[body..].copy_from_slice(&checksum);
            drop(Memory::read(&changed, b"context"));
        }
    }
}
