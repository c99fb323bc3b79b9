//! Sets of objects, kept small and fast: a history has millions of trees.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::Oid;

/// A map with a fast hash that is seeded at random; never iterated in an order that shows.
pub(crate) type FastMap<K, V> = HashMap<K, V, RandomState>;
/// A set with the same hash.
pub(crate) type FastSet<K> = HashSet<K, RandomState>;

/// Where an object is: number of the pack and position in its index; none for loose ones.
pub type Place = Option<(usize, usize)>;

/// A set of objects: one bit for each object of a pack, the id for others.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    packed: Vec<Vec<u64>>,
    loose: FastSet<Oid>,
}

impl Marks {
    /// Whether the object is in the set.
    pub(crate) fn contains(&self, oid: &Oid, place: Place) -> bool {
        let Some((pack, position)) = place else { return self.loose.contains(oid) };
        let word = self.packed.get(pack).and_then(|words| words.get(position / 64));
        word.is_some_and(|word| word & 1 << (position % 64) != 0)
    }

    /// Adds an object. Returns whether it is new.
    pub(crate) fn insert(&mut self, oid: &Oid, place: Place) -> bool {
        let Some((pack, position)) = place else { return self.loose.insert(*oid) };
        if self.packed.len() <= pack {
            self.packed.resize_with(pack + 1, Vec::new);
        }
        let words = &mut self.packed[pack];
        let (word, bit) = (position / 64, 1u64 << (position % 64));
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        let news = words[word] & bit == 0;
        words[word] |= bit;
        news
    }
}

/// A set of pairs of an object and a path, remembered by 128 bits of two seeded hashes.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    seeds: (RandomState, RandomState),
    known: FastSet<(u64, u64)>,
}

impl Paths {
    /// Adds a pair. Returns whether it is new.
    pub(crate) fn insert(&mut self, oid: &Oid, path: &[u8]) -> bool {
        use std::hash::BuildHasher as _;
        let key = (oid, path);
        self.known.insert((self.seeds.0.hash_one(key), self.seeds.1.hash_one(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_pairs_are_remembered() {
        let oid = |byte| Oid::from_bytes(&[byte; 20]).unwrap();
        let mut marks = Marks::default();
        for (id, place) in [(1, Some((0, 0))), (2, Some((2, 700))), (3, None)] {
            assert!(!marks.contains(&oid(id), place));
            assert!(marks.insert(&oid(id), place));
            assert!(marks.contains(&oid(id), place));
            assert!(!marks.insert(&oid(id), place));
        }
        assert!(!marks.contains(&oid(1), Some((0, 1))));
        assert!(!marks.contains(&oid(1), None));
        let mut paths = Paths::default();
        assert!(paths.insert(&oid(1), b"a"));
        assert!(paths.insert(&oid(1), b"b"));
        assert!(!paths.insert(&oid(1), b"a"));
    }
}
