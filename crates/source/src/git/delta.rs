//! Deltas as packs store them (gitformat-pack, "Deltified representation"): copy and insert instructions.

/// One instruction, with where its bytes land in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// `len` bytes of the base from `from` on.
    Copy {
        /// Offset in the base.
        from: usize,
        /// Offset in the result.
        to: usize,
        /// Number of bytes.
        len: usize,
    },
    /// `len` bytes that are new.
    Insert {
        /// Offset in the result.
        to: usize,
        /// Number of bytes.
        len: usize,
    },
}

/// Sizes of base and result that a delta declares, and the offset of its first instruction.
#[must_use]
pub fn header(delta: &[u8]) -> Option<(u64, u64, usize)> {
    let (base, first) = varint(delta, 0)?;
    let (result, second) = varint(delta, first)?;
    Some((base, result, second))
}

fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
        shift += 7;
        if shift > 56 {
            return None;
        }
    }
}

/// Applies a delta to its base. `out` and `segments` are replaced. Neighbouring copies that continue each other
/// are one segment. Returns none where the delta does not fit its base or declares more than `limit` bytes.
pub fn apply(base: &[u8], delta: &[u8], limit: u64, out: &mut Vec<u8>, segments: &mut Vec<Segment>) -> Option<()> {
    out.clear();
    segments.clear();
    let (base_size, result_size, mut at) = header(delta)?;
    if base_size != base.len() as u64 || result_size > limit {
        return None;
    }
    let result_size = usize::try_from(result_size).ok()?;
    out.reserve_exact(result_size);
    while at < delta.len() {
        let op = delta[at];
        at += 1;
        if op & 0x80 != 0 {
            let (from, len) = copy_arguments(op, delta, &mut at)?;
            out.extend_from_slice(base.get(from..from.checked_add(len)?)?);
            push_copy(segments, from, out.len() - len, len);
        } else if op != 0 {
            let len = usize::from(op);
            out.extend_from_slice(delta.get(at..at + len)?);
            at += len;
            push_insert(segments, out.len() - len, len);
        } else {
            return None;
        }
        if out.len() > result_size {
            return None;
        }
    }
    (out.len() == result_size).then_some(())
}

fn copy_arguments(op: u8, delta: &[u8], at: &mut usize) -> Option<(usize, usize)> {
    let mut take = |bits: std::ops::Range<u32>| {
        let mut value = 0usize;
        for (index, bit) in bits.enumerate() {
            if op >> bit & 1 != 0 {
                value |= usize::from(*delta.get(*at)?) << (8 * index);
                *at += 1;
            }
        }
        Some(value)
    };
    let from = take(0..4)?;
    let len = take(4..7)?;
    Some((from, if len == 0 { 0x1_0000 } else { len }))
}

fn push_copy(segments: &mut Vec<Segment>, from: usize, to: usize, len: usize) {
    if let Some(Segment::Copy { from: last_from, len: last_len, .. }) = segments.last_mut()
        && *last_from + *last_len == from
    {
        *last_len += len;
        return;
    }
    segments.push(Segment::Copy { from, to, len });
}

fn push_insert(segments: &mut Vec<Segment>, to: usize, len: usize) {
    if let Some(Segment::Insert { len: last, .. }) = segments.last_mut() {
        *last += len;
        return;
    }
    segments.push(Segment::Insert { to, len });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_inserts() {
        let delta = [11, 9, 0x91, 6, 5, 4, b'-', b'x', b'y', b'z'];
        let (mut out, mut segments) = (Vec::new(), Vec::new());
        assert!(apply(b"hello world", &delta, 100, &mut out, &mut segments).is_some());
        assert_eq!(out, b"world-xyz");
        assert_eq!(segments, [Segment::Copy { from: 6, to: 0, len: 5 }, Segment::Insert { to: 5, len: 4 }]);
    }

    #[test]
    fn hostile_deltas_are_refused() {
        let (mut out, mut segments) = (Vec::new(), Vec::new());
        for delta in [
            &[][..],
            &[11],
            &[11, 9],
            &[11, 9, 0],
            &[11, 9, 0xff],
            &[11, 9, 0x91, 9, 5],
            &[3, 1, 1, b'x'],
            &[11, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, b'a'],
            &[0xff; 12],
        ] {
            assert!(apply(b"hello world", delta, 100, &mut out, &mut segments).is_none(), "{delta:?}");
        }
        let mut state = 5u64;
        for _ in 0..5000 {
            let bytes: Vec<u8> = (0..20)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 40) as u8
                })
                .collect();
            if apply(b"hello world", &bytes, 100, &mut out, &mut segments).is_some() {
                assert!(out.len() <= 100);
            }
        }
    }
}
