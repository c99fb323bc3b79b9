//! Targets: files of secrets, in the clear and encrypted, and what says how they are encrypted.

use testudo_vault::{
    File, Format,
    cipher::{DataKey, Sealer},
    path, sops_config,
    tree::Tree,
};

use crate::input::text;

/// A key for tests, so that no seed needs one.
fn key() -> DataKey {
    DataKey::new([7; 32])
}

/// A text in each format: what is written reads back as the same, also after it was encrypted and decrypted.
pub fn document(data: &[u8]) {
    let text = text(data);
    for format in [Format::Yaml, Format::Json, Format::Dotenv] {
        let Ok(documents) = format.read(&text) else { continue };
        let Ok(written) = format.write(&documents) else { continue };
        let again = format.read(&written).unwrap_or_else(|error| panic!("{error} in {written:?}"));
        assert_eq!(format.write(&again).ok().as_ref(), Some(&written), "a second writing differs");
        if !documents.is_empty() && !File::is_encrypted(&documents, format) {
            sealed(documents, format, &written);
        }
        for (path, value) in again.first().map(path::leaves).unwrap_or_default() {
            let found = path::Path::parse(&path.to_string()).ok().and_then(|path| path.get(&again[0]).cloned());
            // A key that holds both a quote and a bracket has no path of its own.
            assert!(
                found.as_ref() == Some(value) || path.to_string().contains("\"]") || is_not_a_number(value),
                "{path}"
            );
        }
    }
}

fn is_not_a_number(value: &Tree) -> bool {
    matches!(value, Tree::Leaf(testudo_vault::Scalar::Float(number)) if number.is_nan())
}

fn sealed(documents: Vec<Tree>, format: Format, written: &str) {
    let file = File { documents: Vec::new(), metadata: Tree::Map(Vec::new()) };
    let sealer = Sealer::new(key());
    let Ok(file) = file.with(documents, &sealer, "2026-01-31T12:00:00Z") else { return };
    let Ok(text) = file.write(format) else { return };
    let read = File::read(&text, format).unwrap_or_else(|error| panic!("{error} in {text:?}"));
    let (opened, _) = read.decrypt(key()).unwrap_or_else(|error| panic!("{error} in {text:?}"));
    assert_eq!(format.write(&opened).ok().as_deref(), Some(written));
}

/// An encrypted file: an error or its values, which can be written.
pub fn encrypted(data: &[u8]) {
    let text = text(data);
    for format in [Format::Yaml, Format::Json, Format::Dotenv] {
        let Ok(file) = File::read(&text, format) else { continue };
        assert!(file.recipients().len() <= text.len() && file.foreign().len() <= 6);
        if let Ok((documents, sealer)) = file.decrypt(key()) {
            assert!(file.with(documents, &sealer, "2026-01-31T12:00:00Z").is_ok());
        }
    }
}

/// `.sops.yaml`.
pub fn rules(data: &[u8]) {
    let text = text(data);
    for path in ["prod/a.yaml", "x"] {
        if let Ok(Some(plan)) = sops_config::plan(&text, path) {
            assert!(plan.recipients.iter().all(|recipient| !recipient.is_empty() || text.contains("''")));
        }
    }
}
