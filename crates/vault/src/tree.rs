//! A document of values, in the order of its file, and the walk over it that encrypts and decrypts.

use zeroize::Zeroizing;

use crate::{
    Scalar, VaultError,
    cipher::{self, Sealer},
    rules::Rules,
};

/// A value with what is in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// Keys with values, in order. A comment is a value with an empty key.
    Map(Vec<(String, Self)>),
    /// Values and comments in order.
    List(Vec<Self>),
    /// A value.
    Leaf(Scalar),
    /// Nothing, which is never encrypted.
    Null,
}

/// What a leaf is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Map,
    List,
}

/// Where a leaf stands.
#[derive(Debug)]
pub struct Place {
    /// The keys on the way, without numbers of list items.
    pub path: Vec<String>,
    /// Comments above, one list for each map and list on the way: those that no value followed yet.
    pub comments: Vec<Vec<String>>,
    within: Within,
}

type Each<'e> = dyn FnMut(&Place, &Scalar) -> Result<Scalar, VaultError> + 'e;

impl Tree {
    /// The value of a key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => {
                entries.iter().find(|(name, value)| name == key && !value.is_comment()).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text of a leaf.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Leaf(Scalar::Text(text) | Scalar::Time(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether this is a comment.
    #[must_use]
    pub fn is_comment(&self) -> bool {
        matches!(self, Self::Leaf(Scalar::Comment(_)))
    }

    /// Levels of lists and maps.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Map(entries) => 1 + entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Leaf(_) | Self::Null => 0,
        }
    }

    /// How many values there are, lists and maps among them.
    #[must_use]
    pub fn count(&self) -> usize {
        1 + match self {
            Self::Map(entries) => entries.iter().map(|(_, value)| value.count()).sum(),
            Self::List(items) => items.iter().map(Self::count).sum(),
            Self::Leaf(_) | Self::Null => 0,
        }
    }

    /// Puts something in the place of every leaf and comment, in the order of the document.
    fn replace(&mut self, place: &mut Place, each: &mut Each<'_>) -> Result<(), VaultError> {
        match self {
            Self::Map(entries) => {
                place.comments.push(Vec::new());
                for (key, value) in entries {
                    let keyed = !place.note(value);
                    if keyed {
                        place.path.push(key.clone());
                    }
                    place.within = Within::Map;
                    value.replace(place, each)?;
                    if keyed {
                        place.path.pop();
                        place.passed();
                    }
                }
                place.comments.pop();
            }
            Self::List(items) => {
                place.comments.push(Vec::new());
                for item in items {
                    let value = !place.note(item);
                    place.within = Within::List;
                    item.replace(place, each)?;
                    if value {
                        place.passed();
                    }
                }
                place.comments.pop();
            }
            Self::Leaf(scalar) => *scalar = each(place, scalar)?,
            Self::Null => {}
        }
        Ok(())
    }
}

impl Place {
    fn top() -> Self {
        Self { path: Vec::new(), comments: Vec::new(), within: Within::Map }
    }

    /// Keeps a comment for what follows; whether it is one.
    fn note(&mut self, tree: &Tree) -> bool {
        let Tree::Leaf(Scalar::Comment(text)) = tree else { return false };
        if let Some(comments) = self.comments.last_mut() {
            comments.push(text.clone());
        }
        true
    }

    /// A value came: the comments before it are over.
    fn passed(&mut self) {
        if let Some(comments) = self.comments.last_mut() {
            comments.clear();
        }
    }

    /// What binds a value to its place.
    fn bound(&self) -> String {
        self.path.join(":") + ":"
    }
}

/// Encrypts what the rules say. Gives the sum over the values.
pub(crate) fn encrypt(documents: &mut [Tree], sealer: &Sealer, rules: &Rules) -> Result<String, VaultError> {
    let mut sum = Sum::new(rules);
    for document in documents {
        document.replace(&mut Place::top(), &mut |place, value| {
            let encrypted = rules.encrypts(place, value);
            sum.add(value, encrypted);
            if !encrypted {
                return Ok(value.clone());
            }
            let text = sealer.encrypt(value, &place.bound())?;
            match value {
                Scalar::Comment(_) if rules.keeps(&text) => Err(VaultError::Metadata(
                    "`unencrypted_comment_regex` matches an encrypted comment; make it narrower".to_owned(),
                )),
                Scalar::Comment(_) => Ok(Scalar::Comment(text)),
                _ => Ok(Scalar::Text(text)),
            }
        })?;
    }
    Ok(sum.finish())
}

/// Decrypts what the rules say. Gives the sum over the values.
pub(crate) fn decrypt(documents: &mut [Tree], sealer: &mut Sealer, rules: &Rules) -> Result<String, VaultError> {
    let mut sum = Sum::new(rules);
    for document in documents {
        document.replace(&mut Place::top(), &mut |place, value| {
            let encrypted = rules.encrypts(place, value);
            let plain = if encrypted { open(place, value, sealer)? } else { value.clone() };
            sum.add(&plain, encrypted);
            Ok(plain)
        })?;
    }
    Ok(sum.finish())
}

fn open(place: &Place, value: &Scalar, sealer: &mut Sealer) -> Result<Scalar, VaultError> {
    match value {
        Scalar::Comment(text) => Ok(comment(place, text, sealer).unwrap_or_else(|| value.clone())),
        Scalar::Text(text) if text.is_empty() => Ok(value.clone()),
        Scalar::Text(text) => match sealer.decrypt(text, &place.bound())? {
            // sops writes comments of lists as items. A value that says so elsewhere was changed.
            Scalar::Comment(_) if place.within == Within::Map => {
                Err(VaultError::NotAValue { path: place.path.join(".") })
            }
            plain => Ok(plain),
        },
        _ => Err(VaultError::NotAValue { path: place.path.join(".") }),
    }
}

/// A comment in the clear; none where nobody encrypted it. Writers disagree about which map a comment is in, so it is tried
/// as one of every map around it.
fn comment(place: &Place, text: &str, sealer: &mut Sealer) -> Option<Scalar> {
    if !cipher::is_encrypted(text) {
        return None;
    }
    let paths = (0..=place.path.len()).rev().map(|length| place.path[..length].join(":") + ":");
    let mut opened = paths.filter_map(|path| sealer.decrypt(text, &path).ok());
    opened.find(|plain| matches!(plain, Scalar::Comment(_)))
}

/// A sum over values: SHA-512, hexadecimal in capitals.
struct Sum {
    hasher: sha2::Sha512,
    only_encrypted: bool,
}

impl Sum {
    fn new(rules: &Rules) -> Self {
        use sha2::Digest as _;
        let mut hasher = sha2::Sha512::new();
        if rules.sums_only_encrypted() {
            // What sets such sums apart from the others: SHA-256 of "sops".
            hasher.update(sha2::Sha256::digest(b"sops"));
        }
        Self { hasher, only_encrypted: rules.sums_only_encrypted() }
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
