//! Files that somebody changed: whatever was done, reading ends, and what opens holds the values that were encrypted.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use testudo_vault::{File, Format, VaultError, cipher, cipher::Sealer, limits, path, tree::Tree};

const TIME: &str = "2026-01-31T12:00:00Z";
const TEXTS: [(Format, &str); 3] = [
    (
        Format::Yaml,
        "# head\na: 1\nb:\n    # c\n    - x\n    - y: |\n        two\n        lines\n# last\n---\nd: 2001-12-14\ne: [true, 1.5, null, {}]\n",
    ),
    (Format::Json, "{\"a\": 1, \"b\": [\"x\", {\"y\": \"two\\nlines\"}], \"d\": true, \"e\": null}"),
    (Format::Dotenv, "# head\nA=1\nB=two\\nlines\nC_unencrypted=x\n"),
];

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

/// A file under a key of the test: no recipient is needed.
fn encrypted(text: &str, format: Format, key: &cipher::DataKey) -> String {
    let documents = format.read(text).unwrap();
    let metadata =
        Format::Json.read("{\"unencrypted_suffix\": \"_unencrypted\", \"version\": \"3.11.0\"}").unwrap().remove(0);
    let file = File { documents: Vec::new(), metadata };
    file.with(documents, &Sealer::new(key.clone()), TIME).unwrap().write(format).unwrap()
}

/// The bytes of all values, in order: what the sum is over.
fn values(documents: &[Tree]) -> Vec<Vec<u8>> {
    let leaves = documents.iter().flat_map(path::leaves);
    leaves.filter_map(|(_, tree)| if let Tree::Leaf(scalar) = tree { Some(scalar.bytes()) } else { None }).collect()
}

fn opened(text: &str, format: Format, key: &cipher::DataKey) -> Result<Vec<Tree>, VaultError> {
    File::read(text, format)?.decrypt(key.clone()).map(|(documents, _)| documents)
}

#[test]
fn what_opens_is_what_was_encrypted() {
    let (key, mut numbers) = (cipher::new_key().unwrap(), Numbers(11));
    for (format, text) in TEXTS {
        let whole = encrypted(text, format, &key);
        let expected = values(&opened(&whole, format, &key).unwrap());
        let (mut read, mut refused) = (0, 0);
        for round in 0..4000 {
            let mut bytes = whole.clone().into_bytes();
            for _ in 0..1 + numbers.below(3) {
                let (at, other) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
                match numbers.below(6) {
                    0 => bytes[at] ^= 1 << numbers.below(7),
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, b"\n #:-[]{}\"'|,=\\"[numbers.below(15)]),
                    3 => bytes.truncate(at.max(1)),
                    4 => bytes.swap(at, other),
                    _ => {
                        let part = bytes[at.min(other)..at.max(other)].to_vec();
                        bytes.extend(part);
                    }
                }
            }
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            match opened(&changed, format, &key) {
                Ok(documents) => {
                    read += 1;
                    // Comments, empty maps and nulls are in no sum. A value of two lines of comments is none.
                    assert_eq!(values(&documents), expected, "round {round}: {changed}");
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().contains("lines"), "{error}");
                }
            }
        }
        assert!(refused > 2000 && read > 0, "{format:?}: {read} read, {refused} refused");
    }
}

#[test]
fn limits_are_errors() {
    let deep = |open: &str, close: &str, levels: usize| open.repeat(levels) + "1" + &close.repeat(levels);
    let yaml = format!("a: {}\n", deep("[", "]", limits::DEPTH + 1));
    let bomb: String =
        (1..9).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))).collect();
    let bomb = format!("a0: &a0 [{}]\n{bomb}", ["x"; 10].join(","));
    for (format, text, word) in [
        (Format::Yaml, yaml.as_str(), "nest deeper than 64"),
        (Format::Yaml, bomb.as_str(), "more than 1000000 values"),
        (Format::Json, &format!("{{\"a\": {}}}", deep("[", "]", limits::DEPTH + 1)), "nest deeper than 64"),
        (Format::Json, &format!("{{\"a\": {}}}", deep("[", "]", 100_000)), "recursion limit"),
        (Format::Dotenv, &"A=".repeat(limits::SIZE), "bytes; at most"),
        (Format::Yaml, &"a".repeat(limits::SIZE + 1), "bytes; at most"),
    ] {
        let error = format.read(text).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}
