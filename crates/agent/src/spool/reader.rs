//! Reading events out of the spool while somebody else writes it: each sink at its own pace.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
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
}

impl Reader {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), segment: 0, offset: 0 }
    }

    /// A reader of the same spool, from its beginning on.
    pub(crate) fn again(&self) -> Self {
        Self::new(&self.folder)
    }

    /// The next frame; none where there is none yet.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, AgentError> {
        loop {
            if let Some(frame) = self.here()? {
                return Ok(Some(frame));
            }
            let later = segments(&self.folder)?.into_iter().find(|number| *number > self.segment);
            // The file was ended between these two looks.
            if later.is_some()
                && let Some(frame) = self.here()?
            {
                return Ok(Some(frame));
            }
            let Some(later) = later else { return Ok(None) };
            (self.segment, self.offset) = (later, 0);
        }
    }

    fn here(&mut self) -> Result<Option<Frame>, AgentError> {
        let path = path_of(&self.folder, self.segment);
        let told = |source| AgentError::Read { path: path.clone(), source };
        let mut file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(told)?,
        };
        file.seek(SeekFrom::Start(self.offset)).map_err(told)?;
        let mut bytes = Vec::new();
        (&mut file).take(HEAD as u64).read_to_end(&mut bytes).map_err(told)?;
        if bytes.len() < HEAD {
            return Ok(None);
        }
        let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let length = u64::from(length).min(MAX_FRAME as u64);
        file.take(length).read_to_end(&mut bytes).map_err(told)?;
        let Read::Frame(frame, length) = Frame::read(&bytes) else { return Ok(None) };
        self.offset += length as u64;
        Ok(Some(*frame))
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
