//! Decoders: compressed bytes in, plain bytes out, all behind [`Read`]. Memory stays below [`WINDOW_MAX`] or so each.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::read::MultiBzDecoder;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use lzma_rust2::{LzipReader, Lzma2Reader, LzmaReader, XzReader};
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// The largest history a decoder may keep, in bytes. `xz -9` asks for a quarter of it.
pub(super) const WINDOW_MAX: u32 = 256 << 20;

/// The same in KiB with some space for the decoder itself.
const MEMORY_KIB: u32 = (WINDOW_MAX >> 10) + 1024;

/// A decoder over some input.
pub(super) type Decoder<'a> = Box<dyn Read + 'a>;

/// gzip, with any number of members.
pub(super) fn gzip<'a>(input: impl Read + 'a) -> Decoder<'a> {
    Box::new(MultiGzDecoder::new(input))
}

/// Raw deflate.
pub(super) fn deflate<'a>(input: impl Read + 'a) -> Decoder<'a> {
    Box::new(DeflateDecoder::new(input))
}

/// bzip2, with any number of streams.
pub(super) fn bzip2<'a>(input: impl Read + 'a) -> Decoder<'a> {
    Box::new(MultiBzDecoder::new(input))
}

/// xz, with any number of streams.
pub(super) fn xz<'a>(input: impl Read + 'a) -> Decoder<'a> {
    Box::new(XzReader::new_mem_limit(BufReader::new(input), true, MEMORY_KIB))
}

/// lzip, with any number of members.
pub(super) fn lzip<'a>(input: impl Read + 'a) -> Decoder<'a> {
    Box::new(LzipReader::new(BufReader::new(input)))
}

/// The .lzma format: a header of 13 bytes and one stream.
pub(super) fn lzma<'a>(input: impl Read + 'a) -> io::Result<Decoder<'a>> {
    Ok(Box::new(LzmaReader::new_mem_limit(BufReader::new(input), MEMORY_KIB, None)?))
}

/// Raw LZMA with the five bytes of properties that zip and 7z keep. The size is that of the plain data in bytes, if
/// the stream has no end mark.
pub(super) fn raw_lzma<'a>(input: impl Read + 'a, properties: &[u8], size: Option<u64>) -> io::Result<Decoder<'a>> {
    let [first, dictionary @ ..] = *properties.first_chunk::<5>().ok_or_else(short_properties)?;
    let dictionary = window(u32::from_le_bytes(dictionary))?;
    let size = size.unwrap_or(u64::MAX);
    Ok(Box::new(LzmaReader::new_with_props(BufReader::new(input), size, first, dictionary, None)?))
}

/// Raw LZMA2 with its one byte of properties.
pub(super) fn raw_lzma2<'a>(input: impl Read + 'a, properties: &[u8]) -> io::Result<Decoder<'a>> {
    let dictionary = match properties.first() {
        Some(bits @ 0..40) => (2 | u32::from(bits & 1)) << (bits / 2 + 11),
        Some(40) => u32::MAX,
        _ => return Err(short_properties()),
    };
    Ok(Box::new(Lzma2Reader::new(BufReader::new(input), window(dictionary)?, None)))
}

fn window(size: u32) -> io::Result<u32> {
    if size > WINDOW_MAX {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "its dictionary is larger than 256 MiB"));
    }
    Ok(size)
}

fn short_properties() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed properties of a compression method")
}

/// Zstandard, with any number of frames.
pub(super) fn zstd<'a>(input: impl Read + 'a) -> Decoder<'a> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW_MAX.into());
    Box::new(ZstdFrames { decoder, input: BufReader::new(input), place: Place::BetweenFrames })
}

/// Where in a series of frames a decoder is.
enum Place {
    BetweenFrames,
    InFrame,
    Failed,
}

struct ZstdFrames<R> {
    decoder: FrameDecoder,
    input: BufReader<R>,
    place: Place,
}

impl<R: Read> ZstdFrames<R> {
    /// Begins the next frame; skippable ones are skipped. False at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.input) {
                Ok(()) => {
                    self.place = Place::InFrame;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.input).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(zstd_error(error)),
            }
        }
        Ok(false)
    }

    fn decode(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if matches!(self.place, Place::BetweenFrames) && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.input, one).map_err(io::Error::other)?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.end_frame()?;
        }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.place = Place::BetweenFrames;
        let stated = self.decoder.get_checksum_from_data();
        if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "checksum of a frame does not match"));
        }
        Ok(())
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if matches!(self.place, Place::Failed) || buffer.is_empty() {
            return Ok(0);
        }
        let result = self.decode(buffer);
        if result.is_err() {
            self.place = Place::Failed;
        }
        result
    }
}

/// Dictionaries are kept elsewhere, and larger windows are refused: neither is damage.
fn zstd_error(error: FrameDecoderError) -> io::Error {
    match error {
        FrameDecoderError::WindowSizeTooBig { .. } | FrameDecoderError::DictNotProvided { .. } => {
            io::Error::new(io::ErrorKind::Unsupported, error)
        }
        other => io::Error::other(other),
    }
}

/// LZ4, with any number of frames.
pub(super) fn lz4<'a>(input: impl Read + 'a) -> Decoder<'a> {
    Box::new(Lz4Frames { frame: Some(lz4_flex::frame::FrameDecoder::new(BufReader::new(input))) })
}

struct Lz4Frames<R: Read> {
    /// None after the last frame, or damage.
    frame: Option<lz4_flex::frame::FrameDecoder<BufReader<R>>>,
}

impl<R: Read> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(mut frame) = self.frame.take() {
            let count = frame.read(buffer)?;
            if count > 0 {
                self.frame = Some(frame);
                return Ok(count);
            }
            let mut input = frame.into_inner();
            if !input.fill_buf()?.is_empty() {
                // One decoder a frame: a used one has buffers of the size of its own blocks.
                self.frame = Some(lz4_flex::frame::FrameDecoder::new(input));
            }
        }
        Ok(0)
    }
}
