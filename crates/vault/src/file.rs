//! A file of secrets: values, and under `sops` who can open it and how it was encrypted.

use crate::{
    Scalar, VaultError,
    cipher::{self, DataKey},
    keys::{self, Identities},
    rules::{Rules, UNENCRYPTED},
    tree::{self, Tree},
};

/// The version of sops whose files these are.
const VERSION: &str = "3.11.0";

/// A file, encrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The values, each encrypted where the rules say so.
    pub values: Tree,
    /// What stands under `sops`. Keys that are not known stay.
    pub metadata: Tree,
}

impl File {
    /// Takes a document apart.
    ///
    /// # Errors
    /// It has no part `sops`: it is not encrypted.
    pub fn of(document: Tree) -> Result<Self, VaultError> {
        let Tree::Map(mut entries) = document else {
            return Err(VaultError::Metadata("it is missing: the file is not encrypted".to_owned()));
        };
        let at = entries.iter().position(|(key, _)| key == "sops");
        let at = at.ok_or_else(|| VaultError::Metadata("it is missing: the file is not encrypted".to_owned()))?;
        let (_, metadata) = entries.remove(at);
        Ok(Self { values: Tree::Map(entries), metadata })
    }

    /// The document again, the part `sops` last.
    #[must_use]
    pub fn document(&self) -> Tree {
        let mut entries = match &self.values {
            Tree::Map(entries) => entries.clone(),
            _ => Vec::new(),
        };
        entries.push(("sops".to_owned(), self.metadata.clone()));
        Tree::Map(entries)
    }

    /// Encrypts values for recipients. `time` is RFC 3339 in UTC.
    ///
    /// # Errors
    /// A recipient is none, or the system gives no random numbers.
    pub fn encrypt(mut values: Tree, recipients: &[String], time: &str) -> Result<Self, VaultError> {
        let key = cipher::new_key()?;
        let text = |text: &str| Tree::Leaf(Scalar::Text(text.to_owned()));
        let wrapped = recipients.iter().map(|recipient| {
            let enc = keys::wrap(&key, recipient)?;
            Ok(Tree::Map(vec![("recipient".to_owned(), text(recipient)), ("enc".to_owned(), text(&enc))]))
        });
        let entries = vec![
            ("age".to_owned(), Tree::List(wrapped.collect::<Result<_, VaultError>>()?)),
            ("lastmodified".to_owned(), text(time)),
            ("unencrypted_suffix".to_owned(), text(UNENCRYPTED)),
            ("version".to_owned(), text(VERSION)),
        ];
        let metadata = Tree::Map(entries);
        let sum = tree::encrypt(&mut values, &key, &Rules::of(&metadata)?)?;
        let mut file = Self { values, metadata };
        file.seal(&key, &sum, time)?;
        Ok(file)
    }

    /// The key of the file, where one of the identities opens it.
    ///
    /// # Errors
    /// None does.
    pub fn key(&self, identities: &Identities) -> Result<DataKey, VaultError> {
        let none = Vec::new();
        let entries = match self.metadata.get("age") {
            Some(Tree::List(entries)) => entries,
            _ => &none,
        };
        let opened = entries.iter().filter_map(|entry| entry.get("enc")?.text());
        opened.filter_map(|enc| keys::unwrap(enc, identities)).next().ok_or_else(|| {
            let names: Vec<&str> = entries.iter().filter_map(|entry| entry.get("recipient")?.text()).collect();
            VaultError::NoKey { recipients: names.join(", ") }
        })
    }

    /// The values in the clear.
    ///
    /// # Errors
    /// A value or the order of values was changed after it was encrypted.
    pub fn decrypt(&self, key: &DataKey) -> Result<Tree, VaultError> {
        let mut values = self.values.clone();
        let sum = tree::decrypt(&mut values, key, &Rules::of(&self.metadata)?)?;
        let text = |name: &str| self.metadata.get(name).and_then(Tree::text).unwrap_or_default();
        match cipher::decrypt(text("mac"), key, text("lastmodified")) {
            Ok(Scalar::Text(mac)) if mac == sum => Ok(values),
            _ => Err(VaultError::Mac),
        }
    }

    /// Writes the sum and the time.
    fn seal(&mut self, key: &DataKey, sum: &str, time: &str) -> Result<(), VaultError> {
        let mac = cipher::encrypt(&Scalar::Text(sum.to_owned()), key, time)?;
        let Tree::Map(entries) = &mut self.metadata else { return Ok(()) };
        for (name, value) in [("lastmodified", time), ("mac", mac.as_str())] {
            let value = Tree::Leaf(Scalar::Text(value.to_owned()));
            match entries.iter_mut().find(|(key, _)| key == name) {
                Some((_, old)) => *old = value,
                None => entries.push((name.to_owned(), value)),
            }
        }
        Ok(())
    }
}
