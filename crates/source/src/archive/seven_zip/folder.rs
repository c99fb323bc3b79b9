//! Decoders of one 7z folder, put together as its header says.

use std::io::Read;

use lzma_rust2::filter::{bcj::BcjReader, bcj2::Bcj2Reader, delta::DeltaReader};

use super::{
    Failure, ProblemKind,
    header::{Coder, Feed, Folder},
};
use crate::archive::codec::{self, Decoder};

/// Puts a meter around one stage, so that no stage can produce without end while the folder produces nothing.
type Metered<'m> = dyn for<'a> Fn(Decoder<'a>) -> Decoder<'a> + 'm;

/// The plain output of a folder.
pub(super) fn decoder<'a>(bytes: &'a [u8], folder: &Folder, metered: &Metered<'_>) -> Result<Decoder<'a>, Failure> {
    let plan = Plan { bytes, folder, metered };
    Ok(Box::new(plan.output(folder.main)?.take(folder.size())))
}

struct Plan<'a, 'f> {
    bytes: &'a [u8],
    folder: &'f Folder,
    metered: &'f Metered<'f>,
}

impl<'a> Plan<'a, '_> {
    /// The output of a coder. The header was checked: coders feed each other as a tree.
    fn output(&self, index: usize) -> Result<Decoder<'a>, Failure> {
        let coder = self.folder.coders.get(index).ok_or(Failure::Malformed("the 7z header lacks a coder"))?;
        let feeds = self.folder.feeds.get(coder.inputs.clone()).unwrap_or_default();
        let mut inputs = feeds.iter().map(|feed| self.input(feed)).collect::<Result<Vec<_>, _>>()?;
        let stage = match (inputs.pop(), inputs.len()) {
            (Some(input), 0) => single(coder, input)?,
            (Some(last), 3) if coder.method == 0x0303_011b => {
                inputs.push(last);
                Box::new(Bcj2Reader::new(inputs, coder.size))
            }
            _ => return Err(unsupported(coder)),
        };
        Ok((self.metered)(stage))
    }

    fn input(&self, feed: &Feed) -> Result<Decoder<'a>, Failure> {
        match feed {
            Feed::Coder(index) => self.output(*index),
            Feed::Packed(range) => match self.bytes.get(range.start..range.end.min(self.bytes.len())) {
                Some(data) => Ok(Box::new(data)),
                None => Err(Failure::Malformed("the 7z file ends before its data")),
            },
        }
    }
}

/// A coder of one input (Methods.txt of the LZMA SDK).
fn single<'a>(coder: &Coder, input: Decoder<'a>) -> Result<Decoder<'a>, Failure> {
    Ok(match coder.method {
        0 => input,
        0x03_0101 => codec::raw_lzma(input, &coder.properties, Some(coder.size))?,
        0x21 => codec::raw_lzma2(input, &coder.properties)?,
        0x03 => Box::new(DeltaReader::new(input, coder.properties.first().map_or(1, |d| usize::from(*d) + 1))),
        0x04 | 0x0303_0103 => Box::new(BcjReader::new_x86(input, 0)),
        0x05 | 0x0303_0205 => Box::new(BcjReader::new_ppc(input, 0)),
        0x06 | 0x0303_0401 => Box::new(BcjReader::new_ia64(input, 0)),
        0x07 | 0x0303_0501 => Box::new(BcjReader::new_arm(input, 0)),
        0x08 | 0x0303_0701 => Box::new(BcjReader::new_arm_thumb(input, 0)),
        0x09 | 0x0303_0805 => Box::new(BcjReader::new_sparc(input, 0)),
        0x0a => Box::new(BcjReader::new_arm64(input, 0)),
        0x0b => Box::new(BcjReader::new_riscv(input, 0)),
        0x04_0108 => codec::deflate(input),
        0x04_0202 => codec::bzip2(input),
        0x04f7_1101 => codec::zstd(input),
        0x04f7_1104 => codec::lz4(input),
        0x06f1_0101..=0x06f1_07ff => return Err(Failure::Problem(ProblemKind::Encrypted)),
        _ => return Err(unsupported(coder)),
    })
}

fn unsupported(coder: &Coder) -> Failure {
    Failure::Problem(ProblemKind::Unsupported(format!("7z method {:x} cannot be read", coder.method)))
}
