//! Precedence: default, then file, then environment, then flags; and where each value came from.

use std::{collections::BTreeMap, fmt, ops::Range, path::Path};

use super::{
    Config, ConfigError,
    file::Document,
    keys::{KEYS, Key, key, sections},
};
use crate::{
    problem::{Fault, FileProblem, line_number, quoted},
    suggest::nearest,
};

/// A second name of a variable, which counts where the first is not set.
const ENVIRONMENT_ALIASES: &[(&str, &str)] = &[("TESTUDO_SCAN_PERSONA", "view.persona")];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File {
        /// The file as it was named.
        path: String,
        /// Line of the value, counted from 1.
        line: u32,
    },
    /// An environment variable of this name.
    Environment(String),
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.pad("default"),
            Self::File { path, line } => f.pad(&format!("{path}:{line}")),
            Self::Environment(name) => f.pad(name),
            Self::Flag => f.pad("flag"),
        }
    }
}

/// What the configuration is made of, lowest precedence first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// Text and path of the configuration file.
    pub file: Option<(&'a str, &'a Path)>,
    /// Name and value of environment variables; the caller may pass all of them. An empty value counts as not set.
    pub environment: &'a [(String, String)],
    /// Key (`view.persona`) and value of each flag. A list key may come several times, and commas separate too.
    pub flags: &'a [(String, String)],
}

/// One key of `testudo config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Dotted name of the key.
    pub key: &'static str,
    /// The value as TOML writes it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The configuration that holds, and where each value came from.
#[derive(Debug, Clone, Default)]
pub struct Effective {
    /// The values.
    pub config: Config,
    /// Keys that are not at their default.
    origins: BTreeMap<&'static str, Origin>,
    /// What [`Self::refuse`] points at.
    places: BTreeMap<&'static str, FileProblem>,
}

impl Effective {
    /// Puts the layers on top of one another.
    ///
    /// # Errors
    /// The first layer with an unknown key or a wrong value, in the order file, environment, flags.
    pub fn resolve(layers: Layers<'_>) -> Result<Self, ConfigError> {
        let mut effective = Self::default();
        if let Some((text, path)) = layers.file {
            effective.add_file(text, path)?;
        }
        effective.add_environment(layers.environment)?;
        effective.add_flags(layers.flags)?;
        Ok(effective)
    }

    fn add_file(&mut self, text: &str, path: &Path) -> Result<(), ConfigError> {
        let document = Document::read(text).map_err(|faults| in_file(faults, text, path))?;
        self.config = document.config;
        for (name, span) in document.places {
            let line = line_number(text, span.start);
            self.origins.insert(name, Origin::File { path: path.display().to_string(), line });
            self.places.insert(name, place(span, text, path));
        }
        Ok(())
    }

    fn add_environment(&mut self, variables: &[(String, String)]) -> Result<(), ConfigError> {
        let set: BTreeMap<&str, &str> =
            variables.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.as_str(), v.as_str())).collect();
        refuse_unknown_variables(&set)?;
        for key in KEYS {
            let alias = ENVIRONMENT_ALIASES.iter().find(|(_, target)| *target == key.name).map(|(name, _)| *name);
            let own = key.environment_name();
            let found = [Some(own.as_str()), alias].into_iter().flatten().find_map(|n| set.get_key_value(n));
            if let Some((name, value)) = found {
                let wrong =
                    |fault: Fault| ConfigError::Environment { name: (*name).to_owned(), message: fault.sentence() };
                (key.set_words)(&mut self.config, &[value]).map_err(wrong)?;
                self.origins.insert(key.name, Origin::Environment((*name).to_owned()));
            }
        }
        Ok(())
    }

    fn add_flags(&mut self, flags: &[(String, String)]) -> Result<(), ConfigError> {
        let mut words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in flags {
            words.entry(name).or_default().push(value);
        }
        for (name, words) in words {
            let wrong = |message: String| ConfigError::Flag { key: name.to_owned(), message };
            let key = key(name).ok_or_else(|| wrong(unknown_key(name)))?;
            (key.set_words)(&mut self.config, &words).map_err(|fault| wrong(fault.sentence()))?;
            self.origins.insert(key.name, Origin::Flag);
        }
        Ok(())
    }

    /// Every key with its value and where it came from, in the order of the reference.
    #[must_use]
    pub fn origins(&self) -> Vec<Shown> {
        let show = |key: &Key| Shown { key: key.name, value: (key.show)(&self.config), origin: self.origin(key.name) };
        KEYS.iter().map(show).collect()
    }

    /// Where one key came from; [`Origin::Default`] also for a name that is no key.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// The error for a value that only its user can judge (a glob, an output format), pointing at where it was written.
    #[must_use]
    pub fn refuse(&self, key: &str, message: &str) -> ConfigError {
        match (self.origin(key), self.places.get(key)) {
            (Origin::File { .. }, Some(place)) => {
                ConfigError::File(vec![FileProblem { message: message.to_owned(), ..place.clone() }])
            }
            (Origin::Environment(name), _) => ConfigError::Environment { name, message: message.to_owned() },
            _ => ConfigError::Flag { key: key.to_owned(), message: message.to_owned() },
        }
    }
}

/// All faults of a file as one error, in the order of their places.
pub(super) fn in_file(mut faults: Vec<Fault>, text: &str, path: &Path) -> ConfigError {
    faults.sort_by_key(|fault| fault.span.as_ref().map_or(0, |span| span.start));
    ConfigError::File(faults.into_iter().map(|fault| fault.in_file(text, path)).collect())
}

fn place(span: Range<usize>, text: &str, path: &Path) -> FileProblem {
    Fault::new("", None).at(span).in_file(text, path)
}

fn unknown_key(name: &str) -> String {
    match nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(near) => format!("{} is not a key; did you mean `{near}`?", quoted(name)),
        None => format!("{} is not a key; `testudo config show` lists them", quoted(name)),
    }
}

/// Variables that begin like a section and are no settings: a secret is never shown among them.
const NO_SETTINGS: &[&str] = &["TESTUDO_HUB_TOKEN"];

/// A variable that starts like a section of ours and names no key is a mistake. Other names belong to somebody else.
fn refuse_unknown_variables(set: &BTreeMap<&str, &str>) -> Result<(), ConfigError> {
    let mut known: Vec<String> = KEYS.iter().map(Key::environment_name).collect();
    known.extend(ENVIRONMENT_ALIASES.iter().map(|(name, _)| (*name).to_owned()));
    known.extend(NO_SETTINGS.iter().map(|name| (*name).to_owned()));
    let prefixes: Vec<String> = sections().iter().map(|s| format!("TESTUDO_{}_", s.to_ascii_uppercase())).collect();
    for name in set.keys().filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))) {
        if known.iter().all(|k| k != name) {
            // Compared with dashes, because that is how the nearest key is looked for.
            let dashed: Vec<String> = known.iter().map(|k| k.replace('_', "-")).collect();
            let near = nearest(name, dashed.iter().map(String::as_str)).map(|k| k.replace('-', "_"));
            let help = near
                .map_or_else(|| "`testudo config show` lists the keys".to_owned(), |k| format!("did you mean {k}?"));
            let message = format!("sets no key; {help}");
            return Err(ConfigError::Environment { name: (*name).to_owned(), message });
        }
    }
    Ok(())
}
