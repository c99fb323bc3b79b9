//! 7z (7zFormat.txt of the LZMA SDK): a list of folders, each one compressed stream with some files after another.

mod folder;
mod header;

use std::{io, rc::Rc};

use header::{Archive, FilesInfo, Folder, Malformed};

use super::{
    ProblemKind,
    budget::Gauge,
    codec::Decoder,
    expansion::{Expansion, problem_of},
    readers::{Exact, Verified, read_up_to},
};

/// The longest header that is read, packed or not. A header takes about a hundred bytes a file.
const HEADER_MAX: u64 = 32 << 20;

/// Headers can be packed, and the header that says how can be packed too.
const HEADER_NESTING_MAX: usize = 4;

/// Why an archive or folder cannot be read.
pub(super) enum Failure {
    Malformed(&'static str),
    Problem(ProblemKind),
    Read(io::Error),
}

impl From<Malformed> for Failure {
    fn from(Malformed(what): Malformed) -> Self {
        Self::Malformed(what)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl Failure {
    fn problem(&self) -> ProblemKind {
        match self {
            Self::Malformed(what) => ProblemKind::Damaged((*what).to_owned()),
            Self::Problem(kind) => kind.clone(),
            Self::Read(error) => problem_of(error),
        }
    }
}

/// Gives the members of a 7z file.
pub(super) fn expand(run: &mut Expansion<'_>, bytes: &[u8]) {
    let gauge = Gauge::new(run.limits(), bytes.len() as u64);
    let source = Source { bytes, gauge };
    let header = match source.header(run) {
        Ok(header) => header,
        Err(failure) => return run.problem(failure.problem()),
    };
    match header::read(&header) {
        Ok(archive) => source.files(run, &archive),
        Err(Malformed(what)) => run.damaged(what),
    }
}

struct Source<'a> {
    bytes: &'a [u8],
    gauge: Rc<Gauge>,
}

impl<'a> Source<'a> {
    /// The plain header.
    fn header(&self, run: &Expansion<'_>) -> Result<Vec<u8>, Failure> {
        let mut header = header::locate(self.bytes)?.to_vec();
        for _ in 0..HEADER_NESTING_MAX {
            let Some(streams) = header::packed_header(&header)? else { return Ok(header) };
            let folder = streams.folders.first().ok_or(Failure::Malformed("a packed 7z header without data"))?;
            let size = folder.size();
            if size > HEADER_MAX {
                return Err(Failure::Problem(ProblemKind::Unsupported(
                    "its 7z header is longer than 32 MiB".to_owned(),
                )));
            }
            let (bytes, error) = read_up_to(&mut self.decoder(run, folder)?, size);
            match error {
                Some(error) => return Err(error.into()),
                None if bytes.len() as u64 != size => {
                    return Err(Failure::Malformed("the packed 7z header is cut off"));
                }
                None => header = bytes,
            }
        }
        Err(Failure::Malformed("7z headers are packed into each other"))
    }

    fn decoder<'s>(&'s self, run: &Expansion<'_>, folder: &'s Folder) -> Result<Decoder<'s>, Failure> {
        folder::decoder(self.bytes, folder, &|stage| Box::new(run.meter(stage, &self.gauge)))
    }

    fn files(&self, run: &mut Expansion<'_>, archive: &Archive<'_>) {
        let mut files = archive.files.clone();
        for folder in &archive.streams.folders {
            if run.is_over() {
                return;
            }
            match self.decoder(run, folder) {
                Ok(mut decoder) => unpack(run, folder, &mut decoder, &mut files),
                Err(failure) => refuse(run, folder, &failure, &mut files),
            }
        }
    }
}

/// Gives the files of one folder.
fn unpack(run: &mut Expansion<'_>, folder: &Folder, decoder: &mut Decoder<'_>, files: &mut FilesInfo<'_>) {
    let (mut broken, mut lost) = (false, 0);
    for part in &folder.parts {
        let Some(file) = files.next_with_content() else { return run.damaged("the 7z header lists too few files") };
        // Files behind damage are counted on, to find those of the next folder.
        if broken || run.is_over() {
            lost += 1;
            continue;
        }
        let mut content = Exact::new(decoder, part.size);
        if !file.is_link {
            let mut verified = Verified::new(&mut content, part.crc.map(|crc| (crc, part.size)));
            run.member(&file.name, &mut verified, Some(part.size));
        }
        broken = content.failed();
        if !broken && let Err(error) = content.skip() {
            run.read_error(&error);
            broken = true;
        }
    }
    if lost > 0 && broken {
        run.damaged(&format!("{lost} files behind it in the same 7z folder could not be read"));
    }
}

/// Tells of a folder that cannot be decoded, for each of its files.
fn refuse(run: &mut Expansion<'_>, folder: &Folder, failure: &Failure, files: &mut FilesInfo<'_>) {
    for _ in &folder.parts {
        let Some(file) = files.next_with_content() else { return };
        run.unreadable_member(&file.name, failure.problem());
    }
}

#[cfg(test)]
mod tests {
    use sevenz_rust2::{
        EncoderConfiguration, EncoderMethod, Password,
        encoder_options::{AesEncoderOptions, Bzip2Options, DeltaOptions, Lzma2Options, LzmaOptions},
    };

    use crate::archive::{
        ProblemKind,
        samples::{expand_all, pairs, seven_zip, texts},
    };

    const FILES: [(&str, &[u8]); 3] = [("dir/a.txt", b"first file"), ("ä.txt", b"second file"), ("c", b"third")];
    const EXPECTED: [(&str, &str); 3] = [("dir/a.txt", "first file"), ("ä.txt", "second file"), ("c", "third")];

    #[test]
    fn methods_and_filters() {
        let lzma2 = || EncoderConfiguration::from(Lzma2Options::from_level(1));
        let cases: [Vec<EncoderConfiguration>; 6] = [
            vec![lzma2()],
            vec![LzmaOptions::from_level(1).into()],
            vec![Bzip2Options::from_level(1).into()],
            vec![EncoderConfiguration::new(EncoderMethod::COPY)],
            vec![EncoderConfiguration::new(EncoderMethod::BCJ_X86_FILTER), lzma2()],
            vec![DeltaOptions::from_distance(4).into(), lzma2()],
        ];
        for (at, methods) in cases.into_iter().enumerate() {
            assert_eq!(texts("a.7z", &seven_zip(&FILES, methods)), pairs(&EXPECTED), "case {at}");
        }
    }

    #[test]
    fn encrypted_files_are_told_each() {
        let aes = AesEncoderOptions::new(Password::from("example"));
        let file = seven_zip(&FILES, vec![aes.into(), Lzma2Options::from_level(1).into()]);
        let (members, problems) = expand_all("a.7z", &file);
        assert_eq!(members, []);
        // The header is encrypted too, so that there are no names.
        assert_eq!(problems, [(String::new(), ProblemKind::Encrypted)]);
    }

    #[test]
    fn damaged_data_gives_the_files_before() {
        let big: Vec<u8> = (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let files = [("a", b"first".as_slice()), ("b", &big), ("c", b"last")];
        let mut file = seven_zip(&files, vec![EncoderConfiguration::new(EncoderMethod::COPY)]);
        file[50] ^= 1;
        let (members, problems) = expand_all("a.7z", &file);
        assert_eq!(members.iter().map(|m| m.0.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(problems.iter().map(|p| p.0.as_str()).collect::<Vec<_>>(), ["b"]);
        file.truncate(1000);
        let (members, problems) = expand_all("a.7z", &file);
        assert_eq!((members.len(), problems.len()), (0, 1), "the header is at the end");
    }
}
