//! Shannon entropy of short texts.

/// Bits a character: counts are over characters, their share over the length in bytes, as gitleaks computes it.
/// For ASCII this is the entropy; bytes that are not UTF-8 count as one character each.
#[must_use]
pub fn shannon(text: &[u8]) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    let share = 1.0 / text.len() as f64;
    let term = |count: u32| {
        let frequency = f64::from(count) * share;
        -frequency * frequency.log2()
    };
    if text.is_ascii() {
        let mut counts = [0u32; 128];
        text.iter().for_each(|b| counts[usize::from(*b)] += 1);
        return counts.iter().filter(|c| **c > 0).map(|c| term(*c)).sum();
    }
    let mut counts = std::collections::BTreeMap::new();
    for c in String::from_utf8_lossy(text).chars() {
        *counts.entry(c).or_insert(0u32) += 1;
    }
    counts.into_values().map(term).sum()
}

/// Bits a byte, whatever the bytes stand for.
#[must_use]
pub fn shannon_of_bytes(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    bytes.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let frequencies = counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / bytes.len() as f64);
    frequencies.map(|f| -f * f.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (text, expected) in [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcdefgh", 3.0), ("ää", 0.5)] {
            assert!((shannon(text.as_bytes()) - expected).abs() < 1e-9, "{text}");
            let of_bytes = if text.is_ascii() { expected } else { 1.0 };
            assert!((shannon_of_bytes(text.as_bytes()) - of_bytes).abs() < 1e-9, "{text}");
        }
    }
}
