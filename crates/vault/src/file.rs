//! A file of secrets: values, and under `sops` who can open it and how it was encrypted.

use crate::{
    Format, Scalar, VaultError,
    cipher::{self, DataKey, Sealer},
    keys::{self, Identities},
    rules::{KEYS, Rules, UNENCRYPTED},
    tree::{self, Tree},
};

/// The version of sops whose files these are.
const VERSION: &str = "3.11.0";
/// The key under which metadata stand.
const SOPS: &str = "sops";
/// Kinds of keys besides age, as files call them.
const FOREIGN: [&str; 6] = ["kms", "gcp_kms", "azure_kv", "hc_vault", "hckms", "pgp"];

/// A file, encrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The values, each encrypted where the rules say so: one map for each document.
    pub documents: Vec<Tree>,
    /// What stands under `sops`. Keys that are not known stay.
    pub metadata: Tree,
}

/// How a new file is encrypted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Who can open it: `age1…`.
    pub recipients: Vec<String>,
    /// The rule that says what is encrypted, by its key in metadata: one of [`KEYS`]. None encrypts all but the values of keys
    /// that end in [`UNENCRYPTED`].
    pub rule: Option<(String, String)>,
    /// Whether the sum is over encrypted values only.
    pub mac_only_encrypted: bool,
}

impl File {
    /// Reads an encrypted text.
    ///
    /// # Errors
    /// It is not of its format, or has no part `sops`: it is not encrypted.
    pub fn read(text: &str, format: Format) -> Result<Self, VaultError> {
        let mut documents = format.read(text)?;
        let mut metadata = None;
        for document in &mut documents {
            let Tree::Map(entries) = document else { continue };
            if format == Format::Dotenv {
                metadata = crate::dotenv::take_metadata(entries)?;
            } else if let Some(at) = entries.iter().position(|(key, value)| key == SOPS && !value.is_comment()) {
                let (_, found) = entries.remove(at);
                metadata.get_or_insert(found);
            }
        }
        let missing = || VaultError::Metadata("it is missing: the file is not encrypted".to_owned());
        let metadata = metadata.ok_or_else(missing)?;
        if !matches!(metadata, Tree::Map(_)) {
            return Err(VaultError::Metadata("it is no map".to_owned()));
        }
        Ok(Self { documents, metadata })
    }

    /// Whether values in the clear already have a part `sops`, so that they cannot be encrypted.
    #[must_use]
    pub fn is_encrypted(documents: &[Tree], format: Format) -> bool {
        let is_metadata = |key: &str| if format == Format::Dotenv { key.starts_with("sops_") } else { key == SOPS };
        let has = |tree: &Tree| match tree {
            Tree::Map(entries) => entries.iter().any(|(key, value)| is_metadata(key) && !value.is_comment()),
            _ => false,
        };
        documents.iter().any(has)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// The format cannot hold what is in it.
    pub fn write(&self, format: Format) -> Result<String, VaultError> {
        let mut documents = self.documents.clone();
        for document in &mut documents {
            let Tree::Map(entries) = document else { continue };
            if format == Format::Dotenv {
                entries.extend(crate::dotenv::metadata(&self.metadata));
            } else {
                entries.push((SOPS.to_owned(), self.metadata.clone()));
            }
        }
        format.write(&documents)
    }

    /// Encrypts values for the first time. `time` is RFC 3339 in UTC.
    ///
    /// # Errors
    /// There is no recipient, or one is none; the rule is none; the system gives no random numbers.
    pub fn encrypt(documents: Vec<Tree>, plan: &Plan, time: &str) -> Result<Self, VaultError> {
        if plan.recipients.is_empty() {
            return Err(VaultError::Metadata("nobody could open the file: it has no recipient".to_owned()));
        }
        let key = cipher::new_key()?;
        let mut file = Self { documents, metadata: plan.metadata(&key, time)? };
        let sealer = Sealer::new(key);
        file.seal(&sealer, time)?;
        Ok(file)
    }

    /// The key of the file, where one of the identities opens it.
    ///
    /// # Errors
    /// None does, or the key is split among groups.
    pub fn key(&self, identities: &Identities) -> Result<DataKey, VaultError> {
        let list = |name: &str| match self.metadata.get(name) {
            Some(Tree::List(entries)) => entries.as_slice(),
            _ => &[],
        };
        if !list("key_groups").is_empty() {
            let why = "the key is split among several groups (`key_groups`), which is not supported; use sops";
            return Err(VaultError::Metadata(why.to_owned()));
        }
        let opened = list("age").iter().filter_map(|entry| entry.get("enc")?.text());
        opened.filter_map(|enc| keys::unwrap(enc, identities)).next().ok_or_else(|| {
            let foreign = FOREIGN.into_iter().filter(|kind| !list(kind).is_empty());
            let names = self.recipients();
            if names.is_empty() {
                return VaultError::Foreign { kinds: foreign.collect::<Vec<_>>().join(", ") };
            }
            let foreign = foreign.map(|kind| format!("{kind} (not supported)"));
            VaultError::NoKey { recipients: names.into_iter().chain(foreign).collect::<Vec<_>>().join(", ") }
        })
    }

    /// The age recipients of the file.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        match self.metadata.get("age") {
            Some(Tree::List(entries)) => {
                entries.iter().filter_map(|entry| entry.get("recipient")?.text().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Kinds of keys of the file that are kept as they are and cannot be used.
    #[must_use]
    pub fn foreign(&self) -> Vec<&'static str> {
        let has = |kind: &&str| matches!(self.metadata.get(kind), Some(Tree::List(entries)) if !entries.is_empty());
        FOREIGN.into_iter().filter(has).collect()
    }

    /// The values in the clear, and what encrypts them again.
    ///
    /// # Errors
    /// A value or the order of values was changed after it was encrypted.
    pub fn decrypt(&self, key: DataKey) -> Result<(Vec<Tree>, Sealer), VaultError> {
        let mut documents = self.documents.clone();
        let text = |name: &str| self.metadata.get(name).and_then(Tree::text).unwrap_or_default();
        let mac = cipher::decrypt(text("mac"), &key, text("lastmodified")).map_err(|_| VaultError::Mac)?;
        let mut sealer = Sealer::new(key);
        let sum = tree::decrypt(&mut documents, &mut sealer, &Rules::of(&self.metadata)?)?;
        if mac == Scalar::Text(sum) { Ok((documents, sealer)) } else { Err(VaultError::Mac) }
    }

    /// The same file with other values. What did not change is written as it was.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn with(&self, documents: Vec<Tree>, sealer: &Sealer, time: &str) -> Result<Self, VaultError> {
        let mut file = Self { documents, metadata: self.metadata.clone() };
        file.seal(sealer, time)?;
        Ok(file)
    }

    /// Encrypts the values, and writes the sum and the time.
    fn seal(&mut self, sealer: &Sealer, time: &str) -> Result<(), VaultError> {
        if self.documents.is_empty() {
            // Somewhere the metadata have to stand.
            self.documents.push(Tree::Map(Vec::new()));
        }
        let sum = tree::encrypt(&mut self.documents, sealer, &Rules::of(&self.metadata)?)?;
        let mac = sealer.encrypt(&Scalar::Text(sum), time)?;
        let Tree::Map(entries) = &mut self.metadata else { return Ok(()) };
        for (name, value) in [("lastmodified", time), ("mac", mac.as_str())] {
            let value = text(value);
            match entries.iter_mut().find(|(key, _)| key == name) {
                Some((_, old)) => *old = value,
                None => entries.push((name.to_owned(), value)),
            }
        }
        Ok(())
    }
}

impl Plan {
    fn metadata(&self, key: &DataKey, time: &str) -> Result<Tree, VaultError> {
        let wrapped = self.recipients.iter().map(|recipient| {
            let enc = keys::wrap(key, recipient)?;
            Ok(Tree::Map(vec![("recipient".to_owned(), text(recipient)), ("enc".to_owned(), text(&enc))]))
        });
        let mut entries = vec![
            ("age".to_owned(), Tree::List(wrapped.collect::<Result<_, VaultError>>()?)),
            ("lastmodified".to_owned(), text(time)),
            ("mac".to_owned(), text("")),
        ];
        match &self.rule {
            Some((key, rule)) if KEYS.contains(&key.as_str()) => entries.push((key.clone(), text(rule))),
            Some((key, _)) => return Err(VaultError::Metadata(format!("`{key}` is no rule"))),
            None => entries.push((KEYS[0].to_owned(), text(UNENCRYPTED))),
        }
        if self.mac_only_encrypted {
            entries.push(("mac_only_encrypted".to_owned(), Tree::Leaf(Scalar::Bool(true))));
        }
        entries.push(("version".to_owned(), text(VERSION)));
        Ok(Tree::Map(entries))
    }
}

fn text(text: &str) -> Tree {
    Tree::Leaf(Scalar::Text(text.to_owned()))
}
