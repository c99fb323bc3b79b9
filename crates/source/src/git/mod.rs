//! Reading a git repository: refs, objects, the index, and packs along their deltas.
//!
//! Everything is read from the files themselves. No git program is started and nothing of the scanned
//! repository's configuration is executed: hooks, filters and `safe.directory` play no part.

pub mod ancestry;
pub mod attributes;
pub mod attribution;
pub mod calendar;
mod commit;
pub mod delta;
mod error;
pub mod forest;
pub mod index;
pub mod lines;
pub mod log;
mod marks;
mod objects;
mod oid;
pub mod pack;
pub mod pathspec;
pub mod rename;
mod repository;
pub mod revision;
pub mod staged;
pub mod tree;
pub mod tree_diff;

pub use commit::{CommitObject, Signature, TagObject};
pub use error::GitError;
pub use marks::Place;
pub use objects::{Object, Objects, ReadLimits, Reader};
pub use oid::Oid;
pub use pack::Kind;
pub use repository::{Reference, Repository};

use std::{fs::File, io};

/// Reads exactly `buffer.len()` bytes at `offset`.
#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    file.read_exact_at(buffer, offset)
}

/// Reads exactly `buffer.len()` bytes at `offset`.
#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !buffer.is_empty() {
        let read = file.seek_read(buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[read..];
        offset += read as u64;
    }
    Ok(())
}
