//! Reading `testudo.toml`: every table and key is checked against the table of keys, and remembers its place.

use std::{collections::BTreeMap, ops::Range};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{
    Config,
    keys::{KEYS, Key, key, sections},
};
use crate::{
    problem::{Fault, quoted},
    suggest::nearest,
};

/// Largest file that is read, in bytes: far above any real one.
pub const MAX_BYTES: usize = 1 << 20;

/// Sections whose content whoever needs them reads: their tables have names of the user's own.
const ELSEWHERE: &[&str] = &["agent", "release"];

/// Problems that are told at once; more do not help anybody.
const MAX_FAULTS: usize = 20;

/// The values of a file and the byte range of each.
pub(super) struct Document {
    pub(super) config: Config,
    pub(super) places: BTreeMap<&'static str, Range<usize>>,
}

impl Document {
    pub(super) fn read(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > MAX_BYTES {
            return Err(vec![Fault::new(format!("is larger than {MAX_BYTES} bytes"), None)]);
        }
        let table = DeTable::parse(text).map_err(|error| {
            let fault = Fault::new(format!("not valid TOML: {}", error.message()), None);
            vec![fault.at(error.span().unwrap_or(0..0))]
        })?;
        let mut document = Self { config: Config::default(), places: BTreeMap::new() };
        let mut faults: Vec<Fault> =
            table.get_ref().iter().flat_map(|(name, value)| document.add_section(name, value)).collect();
        if faults.is_empty() {
            return Ok(document);
        }
        faults.sort_by_key(|fault| fault.span.as_ref().map_or(0, |span| span.start));
        faults.truncate(MAX_FAULTS);
        Err(faults)
    }

    fn add_section(&mut self, name: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Vec<Fault> {
        let section = name.get_ref().as_ref();
        if ELSEWHERE.contains(&section) {
            return not_a_table(section, value).into_iter().collect();
        }
        if !sections().contains(&section) {
            return vec![unknown_section(section).at(name.span())];
        }
        let Some(table) = value.get_ref().as_table() else { return not_a_table(section, value).into_iter().collect() };
        table.iter().filter_map(|(name, value)| self.add_key(section, name, value).err()).collect()
    }

    fn add_key(
        &mut self,
        section: &str,
        name: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Fault> {
        let short = name.get_ref().as_ref();
        let key = key(&format!("{section}.{short}")).ok_or_else(|| unknown_key(section, short).at(name.span()))?;
        (key.set_toml)(&mut self.config, value)?;
        self.places.insert(key.name, value.span());
        Ok(())
    }
}

fn not_a_table(section: &str, value: &Spanned<DeValue<'_>>) -> Option<Fault> {
    let help = format!("write it as a table: [{section}]");
    value
        .get_ref()
        .as_table()
        .is_none()
        .then(|| Fault::new(format!("`{section}` is a table"), Some(help)).at(value.span()))
}

fn unknown_section(name: &str) -> Fault {
    let help = match (
        nearest(name, sections().into_iter().chain(ELSEWHERE.iter().copied())),
        KEYS.iter().find(|key| key.short() == name),
    ) {
        (Some(near), _) => format!("did you mean `[{near}]`?"),
        (None, Some(key)) => format!("did you mean `{}` in `[{}]`?", key.short(), key.section()),
        (None, None) => format!("the sections are: {}", sections().join(", ")),
    };
    Fault::new(format!("{} is not a section", quoted(name)), Some(help))
}

fn unknown_key(section: &str, name: &str) -> Fault {
    let own: Vec<&Key> = KEYS.iter().filter(|key| key.section() == section).collect();
    let elsewhere = KEYS.iter().find(|key| key.short() == name);
    let help = match (elsewhere, nearest(name, own.iter().map(|key| key.short()))) {
        (Some(key), _) => format!("did you mean `{}` in `[{}]`?", key.short(), key.section()),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => {
            let names: Vec<_> = own.iter().map(|key| key.short()).collect();
            format!("the keys of `[{section}]` are: {}", names.join(", "))
        }
    };
    Fault::new(format!("{} is not a key of `[{section}]`", quoted(name)), Some(help))
}
