//! One write to the spool: what happened, and what the agent then knows. Both are on the disk together or not at all, so
//! a place in a log never moves without the alerts that were read before it.
//!
//! A frame is the length of its text and a CRC-32C over it (RFC 3720 appendix B.4), 4 bytes each, least first, and then the
//! text, which is JSON. What is too long for one frame is a group of them: all but the last say that more comes, and a group
//! counts only when it is whole.

use std::{borrow::Cow, collections::BTreeMap, io};

use serde::{Deserialize, Serialize};
use testudo_model::AgentEvent;

/// Bytes in front of the text.
pub(crate) const HEAD: usize = 8;
/// Longest text of a frame, in bytes: nothing longer is read, and nothing longer written.
pub(crate) const MAX_FRAME: usize = 64 << 20;
/// About how long the texts of a group are, in bytes.
pub(crate) const PART: usize = 4 << 20;

/// An event, with its number over all starts of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// From 1; gaps are of events that gave way to others.
    pub(crate) number: u64,
    /// The start of the agent that saw it.
    pub(crate) boot: String,
    pub(crate) event: AgentEvent,
}

/// What is written at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// Whether `set` is all that is known, as at the beginning of each file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) all: bool,
    /// Whether the next frame belongs to this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) more: bool,
    /// Number of the last event before this frame.
    pub(crate) after: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<Kept>,
    /// What is known from now on, by name; nothing means that it is forgotten.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) set: BTreeMap<String, Option<String>>,
}

/// What stands at a place of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A frame, and its length with its head.
    Frame(Box<Frame>, usize),
    /// The file ends here.
    End,
    /// What follows is no whole frame.
    Torn,
}

/// Bytes that an event takes in a frame.
pub(crate) fn size_of<T: Serialize>(event: &T) -> usize {
    serde_json::to_vec(event).map_or(0, |text| text.len())
}

impl Frame {
    /// The group of frames that says the same, each about as long as `part` at most; its events take `size` bytes.
    pub(crate) fn parts(&self, size: usize, part: usize) -> Vec<Cow<'_, Self>> {
        let set: usize = self.set.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, String::len)).sum();
        if size + set <= part {
            return vec![Cow::Borrowed(self)];
        }
        self.clone().cut(part).into_iter().map(Cow::Owned).collect()
    }

    fn cut(self, part: usize) -> Vec<Self> {
        let after = self.after;
        let mut parts = vec![Self { all: self.all, after, ..Self::default() }];
        let mut size = 0;
        let mut room = |parts: &mut Vec<Self>, needed: usize, after: u64| {
            if size > 0 && size + needed > part {
                parts.iter_mut().for_each(|part| part.more = true);
                parts.push(Self { after, ..Self::default() });
                size = 0;
            }
            size += needed;
        };
        for (key, value) in self.set {
            room(&mut parts, key.len() + value.as_ref().map_or(0, String::len), after);
            let last = parts.last_mut().expect("there is a first part");
            last.set.insert(key, value);
        }
        for kept in self.events {
            room(&mut parts, size_of(&kept), kept.number.saturating_sub(1));
            let last = parts.last_mut().expect("there is a first part");
            last.events.push(kept);
        }
        parts
    }

    /// The frame as it is written.
    ///
    /// # Errors
    /// It is longer than what is read.
    pub(crate) fn bytes(&self) -> io::Result<Vec<u8>> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= MAX_FRAME).ok_or_else(|| {
            io::Error::other(format!("a frame of {} bytes is longer than what is read ({MAX_FRAME})", text.len()))
        })?;
        let mut bytes = Vec::with_capacity(HEAD + text.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&crc32c(&text).to_le_bytes());
        bytes.extend_from_slice(&text);
        Ok(bytes)
    }

    /// Reads the frame at the beginning of some bytes.
    pub(crate) fn read(bytes: &[u8]) -> Read {
        if bytes.is_empty() {
            return Read::End;
        }
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (Some(length), Some(sum)) = (word(0), word(4)) else { return Read::Torn };
        let length = length as usize;
        let text =
            bytes.get(HEAD..HEAD.saturating_add(length)).filter(|text| length <= MAX_FRAME && crc32c(text) == sum);
        match text.map(serde_json::from_slice) {
            Some(Ok(frame)) => Read::Frame(Box::new(frame), HEAD + length),
            _ => Read::Torn,
        }
    }
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let (mut value, mut bit) = (at as u32, 0);
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0x82f6_3b78 } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| (sum >> 8) ^ TABLE[((sum ^ u32::from(*byte)) & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_the_standard() {
        // RFC 3720 appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn any_bytes_are_a_frame_or_none() {
        // A small generator (splitmix64) with a fixed seed.
        let mut seed = 3_u64;
        let mut next = || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z ^ (z >> 27)
        };
        for _ in 0..20_000 {
            let length = next() % 64;
            let mut bytes: Vec<u8> = (0..length).map(|_| next().to_le_bytes()[0]).collect();
            if bytes.len() > HEAD && next() % 2 == 0 {
                // A length and a sum that fit, over a text that is none.
                let (head, text) = bytes.split_at_mut(HEAD);
                head[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
                head[4..].copy_from_slice(&crc32c(text).to_le_bytes());
            }
            assert_eq!(Frame::read(&bytes) == Read::End, bytes.is_empty());
        }
    }

    #[test]
    fn frames_that_are_whole_and_others() {
        let frame = Frame { after: 7, set: BTreeMap::from([("a".to_owned(), None)]), ..Frame::default() };
        let bytes = frame.bytes().unwrap();
        assert_eq!(Frame::read(&bytes), Read::Frame(Box::new(frame), bytes.len()));
        assert_eq!(Frame::read(&[]), Read::End);
        for cut in 1..bytes.len() {
            assert_eq!(Frame::read(&bytes[..cut]), Read::Torn);
        }
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert_eq!(Frame::read(&bent), Read::Torn, "{at}");
        }
    }

    #[test]
    fn what_is_too_long_to_be_read_is_not_written() {
        let long = Some("x".repeat(MAX_FRAME));
        let frame = Frame { set: BTreeMap::from([("a".to_owned(), long)]), ..Frame::default() };
        assert!(frame.bytes().unwrap_err().to_string().contains("longer than what is read"));
    }
}
