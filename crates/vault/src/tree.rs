//! A document of values, in the order of its file.

use zeroize::Zeroizing;

use crate::{
    Scalar, VaultError,
    cipher::{self, DataKey},
    rules::Rules,
};

/// A value with what is in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Keys with values, in order; a comment has no key.
    Map(Vec<(String, Tree)>),
    /// Values in order.
    List(Vec<Tree>),
    /// A value.
    Leaf(Scalar),
    /// Nothing, which is never encrypted.
    Null,
}

impl Tree {
    /// The value of a key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a leaf.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Leaf(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Gives every leaf in the order of the document, with its path.
    pub fn visit<'t>(&'t self, each: &mut dyn FnMut(&[&'t str], &'t Scalar)) {
        fn walk<'t>(tree: &'t Tree, path: &mut Vec<&'t str>, each: &mut dyn FnMut(&[&'t str], &'t Scalar)) {
            match tree {
                Tree::Map(entries) => {
                    for (key, value) in entries {
                        path.push(key);
                        walk(value, path, each);
                        path.pop();
                    }
                }
                Tree::List(items) => items.iter().for_each(|item| walk(item, path, each)),
                Tree::Leaf(scalar) => each(path, scalar),
                Tree::Null => {}
            }
        }
        walk(self, &mut Vec::new(), each);
    }

    /// Puts something in the place of every leaf, in the order of the document.
    ///
    /// # Errors
    /// The first of `each`.
    pub fn replace(
        &mut self,
        each: &mut dyn FnMut(&[String], &Scalar) -> Result<Scalar, VaultError>,
    ) -> Result<(), VaultError> {
        fn walk(
            tree: &mut Tree,
            path: &mut Vec<String>,
            each: &mut dyn FnMut(&[String], &Scalar) -> Result<Scalar, VaultError>,
        ) -> Result<(), VaultError> {
            match tree {
                Tree::Map(entries) => entries.iter_mut().try_for_each(|(key, value)| {
                    // A comment is of the map around it.
                    let keyed = !matches!(value, Tree::Leaf(Scalar::Comment(_)));
                    if keyed {
                        path.push(key.clone());
                    }
                    let result = walk(value, path, each);
                    if keyed {
                        path.pop();
                    }
                    result
                }),
                Tree::List(items) => items.iter_mut().try_for_each(|item| walk(item, path, each)),
                Tree::Leaf(scalar) => each(path, scalar).map(|new| *scalar = new),
                Tree::Null => Ok(()),
            }
        }
        walk(self, &mut Vec::new(), each)
    }
}

/// What binds a value to its place: the keys on the way, not the numbers of list items.
pub(crate) fn place(path: &[String]) -> String {
    path.join(":") + ":"
}

/// Encrypts what the rules say. Gives the sum over the values.
pub(crate) fn encrypt(tree: &mut Tree, key: &DataKey, rules: &Rules) -> Result<String, VaultError> {
    let mut sum = rules.sum();
    tree.replace(&mut |path, value| {
        let encrypted = rules.encrypts(path);
        sum.add(value, encrypted);
        if !encrypted {
            return Ok(value.clone());
        }
        let text = cipher::encrypt(value, key, &place(path))?;
        Ok(match value {
            Scalar::Comment(_) => Scalar::Comment(text),
            _ => Scalar::Text(text),
        })
    })?;
    Ok(sum.finish())
}

/// Decrypts what the rules say. Gives the sum over the values.
pub(crate) fn decrypt(tree: &mut Tree, key: &DataKey, rules: &Rules) -> Result<String, VaultError> {
    let mut sum = rules.sum();
    tree.replace(&mut |path, value| {
        let encrypted = rules.encrypts(path);
        let plain = match value {
            // A comment that nobody encrypted is left as it is, by every reader.
            Scalar::Comment(text) if !(encrypted && cipher::is_encrypted(text)) => return Ok(value.clone()),
            Scalar::Text(text) if encrypted && text.is_empty() => value.clone(),
            Scalar::Text(text) | Scalar::Comment(text) if encrypted => cipher::decrypt(text, key, &place(path))?,
            _ if encrypted => return Err(VaultError::NotAValue { path: path.join(".") }),
            _ => value.clone(),
        };
        sum.add(&plain, encrypted);
        Ok(plain)
    })?;
    Ok(sum.finish())
}

/// A sum over values: SHA-512, hexadecimal in capitals.
pub(crate) struct Sum {
    hasher: sha2::Sha512,
    only_encrypted: bool,
}

impl Sum {
    pub(crate) fn new(only_encrypted: bool) -> Self {
        use sha2::Digest as _;
        let mut hasher = sha2::Sha512::new();
        if only_encrypted {
            // What sets such sums apart from the others: SHA-256 of "sops".
            hasher.update(sha2::Sha256::digest(b"sops"));
        }
        Self { hasher, only_encrypted }
    }

    fn add(&mut self, value: &Scalar, encrypted: bool) {
        use sha2::Digest as _;
        if !matches!(value, Scalar::Comment(_)) && (encrypted || !self.only_encrypted) {
            self.hasher.update(&*Zeroizing::new(value.bytes()));
        }
    }

    fn finish(self) -> String {
        use sha2::Digest as _;
        testudo_model::hex(&self.hasher.finalize()).to_uppercase()
    }
}
