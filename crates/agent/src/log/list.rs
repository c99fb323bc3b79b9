//! Lists that rules look values up in (`<list>`): the text from which OSSEC and Wazuh make CDB files, one `key:value` a line.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::expression::{Expression, Haystack};

/// Largest list that is read, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// Keys and their values.
pub(crate) type Entries = BTreeMap<String, String>;

/// What of a list has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    Key,
    NoKey,
    /// The key is there, and its value is what the expression wants.
    Value,
    /// The key, or the front of it up to a dot.
    Address,
    NoAddress,
    AddressValue,
}

impl Lookup {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "match_key" => Some(Self::Key),
            "not_match_key" => Some(Self::NoKey),
            "match_key_value" => Some(Self::Value),
            "address_match_key" => Some(Self::Address),
            "not_address_match_key" => Some(Self::NoAddress),
            "address_match_key_value" => Some(Self::AddressValue),
            _ => None,
        }
    }

    /// Whether a value of a field is in a list as is wanted.
    pub(crate) fn holds(self, value: &str, list: &Entries, check: Option<&Expression>) -> bool {
        let found = match self {
            Self::Key | Self::NoKey | Self::Value => list.get(value),
            Self::Address | Self::NoAddress | Self::AddressValue => address(value, list),
        };
        match self {
            Self::Key | Self::Address => found.is_some(),
            Self::NoKey | Self::NoAddress => found.is_none(),
            Self::Value | Self::AddressValue => found.is_some_and(|own| {
                let lower = own.to_ascii_lowercase();
                check.is_none_or(|check| check.holds(Haystack { text: own.as_bytes(), lower: lower.as_bytes() }))
            }),
        }
    }
}

/// The entry of an address, or of the longest front of it that ends with a dot.
fn address<'l>(value: &str, list: &'l Entries) -> Option<&'l String> {
    let fronts = value.match_indices('.').map(|(at, _)| &value[..=at]).collect::<Vec<_>>();
    list.get(value).or_else(|| fronts.into_iter().rev().find_map(|front| list.get(front)))
}

/// The lists of a folder, each read once.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    folder: Option<PathBuf>,
    read: BTreeMap<String, Arc<Entries>>,
}

impl Lists {
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned), read: BTreeMap::new() }
    }

    /// The list of a name, as rules have it (`etc/lists/amazon/aws-sources`).
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn get(&mut self, name: &str) -> Result<Arc<Entries>, String> {
        if let Some(list) = self.read.get(name) {
            return Ok(Arc::clone(list));
        }
        let folder = self.folder.as_ref().ok_or("no folder of lists is named: `--lists DIR`")?;
        let below = name.rsplit_once("lists/").map_or(name, |(_, below)| below);
        if Path::new(below).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
            return Err(format!("the list `{name}` is not below the folder of lists"));
        }
        let path = folder.join(below);
        let told = |error: std::io::Error| format!("the list {} cannot be read: {error}", path.display());
        if fs::metadata(&path).map_err(told)?.len() > MAX_SIZE {
            return Err(format!("the list {} is larger than {MAX_SIZE} bytes", path.display()));
        }
        let text = String::from_utf8_lossy(&fs::read(&path).map_err(told)?).into_owned();
        let list = Arc::new(text.lines().filter_map(entry).collect());
        self.read.insert(name.to_owned(), Arc::clone(&list));
        Ok(list)
    }
}

/// `key:value`, `key`, `"a:b":value`.
fn entry(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let (key, value) = match line.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((key, rest)) => (key, rest.strip_prefix(':').unwrap_or(rest)),
        None => line.split_once(':').unwrap_or((line, "")),
    };
    (!key.is_empty()).then(|| (key.to_owned(), value.trim().trim_matches('"').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::expression::Dialect;

    #[test]
    fn entries_and_look_ups() {
        let folder = std::env::temp_dir().join(format!("testudo-lists-{}", std::process::id()));
        fs::create_dir_all(folder.join("x")).unwrap();
        fs::write(folder.join("x/l"), "a:read\n\"b:c\":write\n10.1.:\nplain\n\n").unwrap();
        let mut lists = Lists::new(Some(&folder));
        let list = lists.get("etc/lists/x/l").unwrap();
        let check = Expression::new(Dialect::OsMatch, "^read$").unwrap();
        for (lookup, value, expected) in [
            (Lookup::Key, "a", true),
            (Lookup::Key, "b:c", true),
            (Lookup::Key, "plain", true),
            (Lookup::Key, "z", false),
            (Lookup::NoKey, "z", true),
            (Lookup::Value, "a", true),
            (Lookup::Value, "b:c", false),
            (Lookup::Address, "10.1.2.3", true),
            (Lookup::Address, "10.10.2.3", false),
            (Lookup::NoAddress, "10.1.2.3", false),
        ] {
            assert_eq!(lookup.holds(value, &list, Some(&check)), expected, "{lookup:?} {value}");
        }
        for (name, why) in [("etc/lists/../x", "not below"), ("none", "cannot be read")] {
            assert!(lists.get(name).unwrap_err().contains(why), "{name}");
        }
        assert!(Lists::default().get("x").unwrap_err().contains("--lists"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
