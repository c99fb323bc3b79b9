//! Files and folders.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::{Host, Left, Text};
use crate::sca::{
    Answer,
    rule::{Name, Pattern},
};

/// Largest file that is looked into, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// Deepest folder below one that a policy names.
const MAX_DEPTH: usize = 32;

/// What is looked for below a folder: the name of a file, and a line in it.
type Wanted<'a> = (&'a Name, Option<&'a Pattern>);

impl Host {
    pub(super) fn file(&self, path: impl AsRef<Path>, pattern: Option<&Pattern>, left: &mut Left) -> Answer {
        if let Some(late) = self.late() {
            return late;
        }
        let path = path.as_ref();
        match (regular(path), pattern) {
            (Answer::Yes, Some(pattern)) => match self.content(path, left) {
                Ok(content) => self.lines(&content, pattern),
                Err(why) => Answer::Unknown(why),
            },
            // Nobody can say what a line of a file that is not there would be.
            (Answer::No, Some(_)) => Answer::Unknown(format!("there is no file {}", path.display())),
            (answer, _) => answer,
        }
    }

    fn content(&self, path: &Path, left: &mut Left) -> Text {
        if left.bytes == 0 {
            return Err(format!("{}: there is more before it than one rule looks into", path.display()));
        }
        let found = self.kept.borrow().files.get(path).cloned();
        let content = found.unwrap_or_else(|| self.kept_content(path));
        let size = content.as_ref().map_or(0, |content| content.len());
        left.bytes = left.bytes.saturating_sub(size as u64);
        content
    }

    fn kept_content(&self, path: &Path) -> Text {
        let content = read(path);
        let size = content.as_ref().map_or(0, |content| content.len());
        let mut kept = self.kept.borrow_mut();
        if kept.takes(size + path.as_os_str().len()) {
            kept.files.insert(path.to_owned(), content.clone());
        }
        content
    }

    pub(super) fn folder(
        &self,
        path: impl AsRef<Path>,
        (name, pattern): (Option<&Name>, Option<&Pattern>),
        left: &mut Left,
    ) -> Answer {
        if let Some(late) = self.late() {
            return late;
        }
        let path = path.as_ref();
        let Some(name) = name else {
            return match fs::read_dir(path) {
                Ok(_) => Answer::Yes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Answer::No,
                Err(error) => Answer::Unknown(format!("{}: {error}", path.display())),
            };
        };
        self.below(path, (name, pattern), (0, left))
    }

    fn below(&self, path: &Path, wanted: Wanted<'_>, (depth, left): (usize, &mut Left)) -> Answer {
        let told = |error: &io::Error| Answer::Unknown(format!("{}: {error}", path.display()));
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return told(&error),
        };
        let mut all = Answer::No;
        for entry in entries {
            if depth == MAX_DEPTH || left.entries == 0 {
                return Answer::Unknown(format!("{}: there is more below it than is looked at", path.display()));
            }
            if let Some(late) = self.late() {
                return late;
            }
            left.entries -= 1;
            let answer = match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
                Err(error) => told(&error),
                Ok((kind, entry)) if kind.is_dir() => self.below(&entry.path(), wanted, (depth + 1, left)),
                Ok((_, entry)) if wanted.0.fits(entry.file_name().as_encoded_bytes()) => {
                    self.file(entry.path(), wanted.1, left)
                }
                Ok(_) => continue,
            };
            match answer {
                Answer::Yes => return Answer::Yes,
                Answer::No => {}
                unknown @ Answer::Unknown(_) => all = all.or(unknown),
            }
        }
        all
    }
}

/// Whether a path leads to a file, as links have it. Pipes and devices are not opened.
fn regular(path: &Path) -> Answer {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Answer::Yes,
        Ok(_) => Answer::Unknown(format!("{} is no regular file", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Answer::No,
        Err(error) => Answer::Unknown(format!("{}: {error}", path.display())),
    }
}

fn read(path: &Path) -> Text {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let content = read_regular(path, MAX_FILE).map_err(told)?;
    if content.len() as u64 > MAX_FILE {
        return Err(format!("{}: is larger than {MAX_FILE} bytes", path.display()));
    }
    Ok(content.into())
}

/// The first bytes of a regular file, one more than `most` where there are more. Whatever else lies there is not waited for:
/// not the other end of a pipe, nor more of a file of the kernel such as `/proc/kmsg`.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub(crate) fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut content = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut content)?;
    Ok(content)
}
