//! Reading events out of the spool while somebody else writes it: each sink at its own pace.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::frame::{Frame, HEAD, Kept, MAX_FRAME, Read};
use crate::AgentError;

/// How the names of the files end.
const END: &str = ".spool";

/// The files of a spool, by number.
pub(crate) fn segments(folder: &Path) -> Result<Vec<u64>, AgentError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| AgentError::Read { path: folder.to_owned(), source })?,
    };
    let number = |name: &str| u64::from_str_radix(name.strip_suffix(END)?, 16).ok();
    let mut numbers: Vec<u64> =
        entries.flatten().filter_map(|entry| number(&entry.file_name().to_string_lossy())).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The file of a number.
pub(crate) fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}{END}"))
}

/// A place in the spool.
#[derive(Debug)]
pub(crate) struct Reader {
    folder: PathBuf,
    segment: u64,
    offset: u64,
    /// The file of the offset: one that is written anew has another.
    inode: u64,
    /// What could not be read, for people.
    unread: Vec<String>,
}

/// What stands at the place of a reader.
enum Here {
    /// A whole group of frames, as one.
    Frame(Frame),
    /// Nothing, or not yet.
    End,
    /// Bytes that are no whole group: they are being written, or were damaged.
    Torn,
}

impl Reader {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), segment: 0, offset: 0, inode: 0, unread: Vec::new() }
    }

    /// A reader of the same spool, from its beginning on.
    pub(crate) fn again(&self) -> Self {
        Self::new(&self.folder)
    }

    /// What could not be read since this was asked last.
    pub(crate) fn unread(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unread)
    }

    /// The next frame; none where there is none yet. What cannot be read and has a file behind it is told.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, AgentError> {
        loop {
            if let Here::Frame(frame) = self.here()? {
                return Ok(Some(frame));
            }
            let later = segments(&self.folder)?.into_iter().find(|number| *number > self.segment);
            let Some(later) = later else { return Ok(None) };
            // The file was ended between these two looks.
            match self.here()? {
                Here::Frame(frame) => return Ok(Some(frame)),
                Here::Torn => self.unread.push(format!(
                    "{}: what stands from byte {} on cannot be read: the file was damaged, and events of it are lost",
                    path_of(&self.folder, self.segment).display(),
                    self.offset
                )),
                Here::End => {}
            }
            (self.segment, self.offset) = (later, 0);
        }
    }

    fn here(&mut self) -> Result<Here, AgentError> {
        let path = path_of(&self.folder, self.segment);
        let told = |source| AgentError::Read { path: path.clone(), source };
        let mut file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Here::End),
            file => file.map_err(told)?,
        };
        let inode = file.metadata().map_err(told)?.ino();
        if std::mem::replace(&mut self.inode, inode) != inode {
            // What was read of it before is passed over by its numbers.
            self.offset = 0;
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(told)?;
        let (mut events, mut length) = (Vec::new(), 0);
        // A group that is not whole yet is read again from its beginning: it may be taken back.
        loop {
            match frame(&mut file).map_err(told)? {
                Read::Frame(mut frame, more) => {
                    length += more as u64;
                    events.append(&mut frame.events);
                    if !frame.more {
                        self.offset += length;
                        return Ok(Here::Frame(Frame { events, ..*frame }));
                    }
                }
                Read::End if length == 0 => return Ok(Here::End),
                Read::End | Read::Torn => return Ok(Here::Torn),
            }
        }
    }

    /// Events after a number, in order: at most `most`, and no more frames than are needed for that.
    pub(crate) fn events(&mut self, after: u64, most: usize) -> Result<Vec<Kept>, AgentError> {
        let mut events = Vec::new();
        while events.len() < most {
            let Some(frame) = self.next()? else { break };
            events.extend(frame.events.into_iter().filter(|kept| kept.number > after));
        }
        Ok(events)
    }
}

/// The frame at the place of a file.
fn frame(file: &mut fs::File) -> io::Result<Read> {
    let mut bytes = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut bytes)?;
    if let Some(length) = bytes.first_chunk::<4>().filter(|_| bytes.len() == HEAD) {
        let length = u64::from(u32::from_le_bytes(*length)).min(MAX_FRAME as u64);
        file.take(length).read_to_end(&mut bytes)?;
    }
    Ok(Frame::read(&bytes))
}
