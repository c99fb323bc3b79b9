//! Packs made from arbitrary bytes, so that a fuzzer spends its time behind the checks of the form.
//!
//! A recipe is a list of entries. The first byte of each says its kind: a whole blob, a delta against an earlier entry of
//! the pack, or a delta against an id, which may be in another pack, later in this one, or nowhere. The index lists every
//! entry under an id that follows from the number of the entry alone, so two packs can refer to each other.

use testudo_source::git::Oid;

use crate::{git::deflated, input::Input};

/// Entries of one pack.
const MOST: usize = 24;
/// Length of a SHA-1.
const HASH: usize = 20;

/// A pack with its index.
#[derive(Debug)]
pub struct Made {
    /// The pack; its trailer is zeros, which nothing reads.
    pub pack: Vec<u8>,
    /// Its index, version 2.
    pub index: Vec<u8>,
}

/// An id that follows from some bytes. Not SHA-1: objects are found by what the index says, never by their content.
#[must_use]
pub fn id_of(bytes: &[u8]) -> Oid {
    let mut id = [0; HASH];
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for (at, byte) in bytes.iter().chain(&[0; HASH]).enumerate() {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        id[at % HASH] ^= (state >> 32) as u8;
    }
    Oid::from_bytes(&id).expect("20 bytes are an id")
}

/// Makes a pack of a recipe.
#[must_use]
pub fn write_pack(recipe: &[u8]) -> Made {
    let mut input = Input::new(recipe);
    let shared = input.byte();
    let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
    let (mut offsets, mut contents): (Vec<usize>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    while !input.is_empty() && offsets.len() < MOST {
        let (kind, choice) = (input.byte(), usize::from(input.byte()));
        let offset = pack.len();
        let base = (!offsets.is_empty()).then(|| choice % offsets.len());
        match (kind % 4, base) {
            (1 | 2, Some(base)) => {
                let (delta, result) = delta(&contents[base], &mut input);
                header(&mut pack, 6, delta.len());
                distance(&mut pack, offset - offsets[base]);
                pack.extend_from_slice(&deflated(&delta));
                contents.push(result);
            }
            (3, _) => {
                let base = contents.get(choice % MOST).cloned().unwrap_or_default();
                let (delta, result) = delta(&base, &mut input);
                header(&mut pack, 7, delta.len());
                pack.extend_from_slice(name(choice).as_bytes());
                pack.extend_from_slice(&deflated(&delta));
                contents.push(result);
            }
            _ => {
                let len = choice;
                let blob = input.bytes(len).to_vec();
                header(&mut pack, 3, blob.len());
                pack.extend_from_slice(&deflated(&blob));
                contents.push(blob);
            }
        }
        offsets.push(offset);
    }
    pack.extend_from_slice(&[0; HASH]);
    // The first numbers of the second pack follow those of the first, or repeat them.
    let first = usize::from(shared) % (2 * MOST);
    let named = offsets.iter().enumerate().map(|(at, offset)| (name(first + at), *offset)).collect();
    Made { pack, index: index(named) }
}

/// Id of the entry with this number.
fn name(number: usize) -> Oid {
    id_of(&number.to_be_bytes())
}

/// The header of an entry: kind and size.
fn header(pack: &mut Vec<u8>, kind: u8, mut size: usize) {
    let mut byte = kind << 4 | (size & 15) as u8;
    size >>= 4;
    while size > 0 {
        pack.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    pack.push(byte);
}

/// How far before an entry its base begins (gitformat-pack, "offset encoding").
fn distance(pack: &mut Vec<u8>, mut distance: usize) {
    let mut bytes = vec![(distance & 0x7f) as u8];
    distance >>= 7;
    while distance > 0 {
        distance -= 1;
        bytes.push(0x80 | (distance & 0x7f) as u8);
        distance >>= 7;
    }
    pack.extend(bytes.iter().rev());
}

/// Instructions of the recipe as a delta, and what it makes of the base.
fn delta(base: &[u8], input: &mut Input<'_>) -> (Vec<u8>, Vec<u8>) {
    let (mut body, mut result) = (Vec::new(), Vec::new());
    for _ in 0..1 + input.byte() % 8 {
        let op = input.byte();
        if op & 0x80 == 0 || base.is_empty() {
            let inserted = input.bytes(usize::from(op & 0x7f).max(1));
            if !inserted.is_empty() {
                body.push(inserted.len() as u8);
                body.extend_from_slice(inserted);
                result.extend_from_slice(inserted);
            }
        } else {
            let from = input.number() % base.len();
            let len = (1 + usize::from(input.byte())).min(base.len() - from);
            body.extend_from_slice(&[0x93, (from & 0xff) as u8, (from >> 8) as u8, len as u8]);
            // A length of 256 has zero in its lowest byte, which would mean 64 KiB.
            if len == 256 {
                let at = body.len() - 4;
                body.splice(at.., [0xb3, (from & 0xff) as u8, (from >> 8) as u8, 0, 1]);
            }
            result.extend_from_slice(&base[from..from + len]);
        }
    }
    let mut delta = Vec::new();
    for mut size in [base.len(), result.len()] {
        while size > 0x7f {
            delta.push(0x80 | (size & 0x7f) as u8);
            size >>= 7;
        }
        delta.push(size as u8);
    }
    delta.extend_from_slice(&body);
    (delta, result)
}

/// A version 2 index.
fn index(mut named: Vec<(Oid, usize)>) -> Vec<u8> {
    named.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut out = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255u8 {
        let up_to = named.iter().filter(|(oid, _)| oid.as_bytes()[0] <= first).count() as u32;
        out.extend_from_slice(&up_to.to_be_bytes());
    }
    named.iter().for_each(|(oid, _)| out.extend_from_slice(oid.as_bytes()));
    out.extend(std::iter::repeat_n(0, named.len() * 4));
    named.iter().for_each(|(_, offset)| out.extend_from_slice(&(*offset as u32).to_be_bytes()));
    out.extend_from_slice(&[0; 2 * HASH]);
    out
}
