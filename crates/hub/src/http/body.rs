//! The body of a request. A small one is in memory, a large one in a file without a name, so that many large ones at once do
//! not fill the memory, and none is left behind.

use std::{
    fs::{File, OpenOptions},
    io::{self, Cursor, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// Bytes that are kept in memory.
const IN_MEMORY: usize = 256 << 10;

/// A body that is being received.
#[derive(Debug)]
pub(super) struct Receiving {
    place: PathBuf,
    memory: Vec<u8>,
    file: Option<File>,
    sum: Sha256,
}

impl Receiving {
    /// Nothing yet. `place` is where a file would be, for a moment.
    pub(super) fn new(place: PathBuf) -> Self {
        Self { place, memory: Vec::new(), file: None, sum: Sha256::new() }
    }

    /// Takes bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        if self.file.is_none() && self.memory.len() + bytes.len() > IN_MEMORY {
            let mut file = nameless(&self.place)?;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => {
                self.memory.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// The body as a whole.
    pub(super) fn end(self) -> io::Result<Body> {
        let digest = testudo_model::hex(&self.sum.finalize());
        let content = match self.file {
            Some(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                Content::File(file)
            }
            None => Content::Memory(self.memory),
        };
        Ok(Body { content, digest })
    }
}

/// A file that only this process has.
fn nameless(place: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(place)?;
    // It lives as long as it is open. Where the system cannot do that, the start of the hub clears the folder.
    drop(std::fs::remove_file(place));
    Ok(file)
}

#[derive(Debug)]
enum Content {
    Memory(Vec<u8>),
    File(File),
}

/// The body of a request.
#[derive(Debug)]
pub(crate) struct Body {
    content: Content,
    digest: String,
}

impl Body {
    /// A body in memory.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let digest = testudo_model::hex(&Sha256::digest(&bytes));
        Self { content: Content::Memory(bytes), digest }
    }

    /// Hexadecimal SHA-256.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// Reads it from its beginning.
    pub(crate) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.content {
            Content::Memory(bytes) => Box::new(Cursor::new(bytes)),
            Content::File(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(0))?;
                Box::new(file)
            }
        })
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_come_back_and_leave_nothing() {
        let place = std::env::temp_dir().join(format!("testudo-hub-body-{}", std::process::id()));
        for size in [0, 10, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut receiving = Receiving::new(place.clone());
            for part in bytes.chunks(70_000) {
                receiving.push(part).unwrap();
            }
            let body = receiving.end().unwrap();
            assert_eq!(body.bytes().unwrap(), bytes);
            assert_eq!(body.bytes().unwrap(), bytes, "read twice");
            assert_eq!(body.digest(), Body::of(bytes).digest());
            assert!(!place.exists());
        }
    }
}
