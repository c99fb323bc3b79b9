//! Which values a program gets, and under which names.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use testudo_vault::{Scalar, cipher, path::Path, tree::Tree};
use zeroize::Zeroizing;

use super::ExecArgs;
use crate::commands::vault::open::Opened;

/// How a value reaches the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In a variable.
    Variable,
    /// In a file in memory, whose path is in a variable.
    File,
}

/// A value that is handed over.
pub(super) struct Value {
    /// The value, as text.
    pub(super) text: Zeroizing<String>,
    /// How.
    pub(super) way: Way,
    /// Where it stands.
    path: Path,
    /// Whether it is to be masked.
    secret: bool,
}

/// What is handed over, by the name of its variable.
pub(super) struct Handed(pub(super) BTreeMap<String, Value>);

impl Handed {
    /// Where the values stand in their files, sorted.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.0.values().map(|value| value.path.to_string()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// What must not be seen, with the names of variables.
    pub(super) fn secrets(&self) -> Vec<(&str, &Zeroizing<String>)> {
        self.0.iter().filter(|(_, value)| value.secret).map(|(name, value)| (name.as_str(), &value.text)).collect()
    }
}

/// What the arguments ask for, out of files of which later ones win.
pub(super) fn choose(args: &ExecArgs, opened: &[Opened]) -> Result<Handed> {
    let mut handed = Handed(BTreeMap::new());
    if args.allow.is_empty() && args.file.is_empty() {
        for file in opened {
            everything(file, &mut handed)?;
        }
    }
    for (asked, way) in [(&args.allow, Way::Variable), (&args.file, Way::File)] {
        for word in asked {
            let (path, name) = named(word)?;
            let Some(value) = find(opened, &path, way)? else {
                bail!("{path}: is in none of the files; `testudo vault keys` lists what is")
            };
            insert(&mut handed, name, value)?;
        }
    }
    let missing = |name: &&String| handed.0.get(*name).is_none_or(|value| value.text.is_empty());
    let missing: Vec<&str> = args.require.iter().filter(missing).map(String::as_str).collect();
    if !missing.is_empty() {
        bail!("required, and missing or empty: {}. The command was not started", missing.join(", "));
    }
    Ok(handed)
}

/// Every value at the top of a file.
fn everything(file: &Opened, handed: &mut Handed) -> Result<()> {
    for (plain, stored) in file.documents.iter().zip(&file.stored.file.documents) {
        let Tree::Map(entries) = plain else { continue };
        for (key, value) in entries.iter().filter(|(_, value)| !value.is_comment()) {
            if matches!(value, Tree::Map(_) | Tree::List(_)) {
                bail!("{key}: lists and maps are no variables; choose what is handed over: --allow PATH=NAME");
            }
            if loads_code(key) {
                bail!(
                    "{key}: this variable makes programs load or run other code, and whoever can write the file can set it; if that is meant, name what is handed over: --allow {key}"
                );
            }
            let path = Path::of_key(key);
            let secret = is_secret(path.get(stored));
            if let Some(value) = text(value) {
                insert(handed, key.clone(), Value { text: value, way: Way::Variable, path, secret })?;
            }
        }
    }
    Ok(())
}

/// Beginnings and whole names of variables that loaders, shells and interpreters take code or its place from.
const LOADING: (&[&str], &[&str]) = (
    &["LD_", "DYLD_", "BASH_FUNC_", "GIT_CONFIG"],
    &[
        "BASH_ENV",
        "GCONV_PATH",
        "GIT_ASKPASS",
        "GIT_EXEC_PATH",
        "GIT_EXTERNAL_DIFF",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "IFS",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "LUA_INIT",
        "NODE_OPTIONS",
        "NODE_PATH",
        "PATH",
        "PERL5DB",
        "PERL5LIB",
        "PERL5OPT",
        "PHPRC",
        "PHP_INI_SCAN_DIR",
        "PROMPT_COMMAND",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "RUBYLIB",
        "RUBYOPT",
        "SHELLOPTS",
        "_JAVA_OPTIONS",
    ],
);

/// Whether a variable makes programs load or run other code. A file of secrets can be written by everybody who knows a
/// recipient, so its values are no more trusted than the place where it lies.
fn loads_code(name: &str) -> bool {
    LOADING.0.iter().any(|start| name.starts_with(start)) || LOADING.1.contains(&name)
}

/// A path with the name of its variable.
fn named(word: &str) -> Result<(Path, String)> {
    let (path, name) = match word.rsplit_once('=') {
        Some((path, name)) => (path, Some(name)),
        None => (word, None),
    };
    // A name of a variable is a key, whatever stands in it.
    let parsed = Path::parse(path)?;
    match name.or_else(|| parsed.key()) {
        Some(name) => Ok((parsed.clone(), name.to_owned())),
        None => bail!("{word}: leads into a map or list; say the name of the variable: {word}=NAME"),
    }
}

/// The value of the last file that has it.
fn find(opened: &[Opened], path: &Path, way: Way) -> Result<Option<Value>> {
    for file in opened.iter().rev() {
        for (plain, stored) in file.documents.iter().zip(&file.stored.file.documents).rev() {
            let Some(value) = path.get(plain) else { continue };
            if matches!(value, Tree::Map(_) | Tree::List(_)) {
                bail!("{path}: is a list or map; name a value in it");
            }
            let secret = is_secret(path.get(stored));
            return Ok(text(value).map(|text| Value { text, way, path: path.clone(), secret }));
        }
    }
    Ok(None)
}

fn insert(handed: &mut Handed, name: String, value: Value) -> Result<()> {
    if name.is_empty() || name.contains(['=', '\0']) {
        bail!("{name:?}: is no name of a variable; choose another: --allow PATH=NAME");
    }
    if value.way == Way::Variable && value.text.contains('\0') {
        bail!("{name}: the value has a zero byte, which no variable can hold; hand it over with --file");
    }
    handed.0.insert(name, value);
    Ok(())
}

/// A value as programs expect it; none for nothing.
fn text(value: &Tree) -> Option<Zeroizing<String>> {
    let text = match value {
        Tree::Leaf(Scalar::Bool(value)) => value.to_string(),
        Tree::Leaf(scalar) => String::from_utf8(scalar.bytes()).ok()?,
        Tree::Null | Tree::Map(_) | Tree::List(_) => return None,
    };
    Some(Zeroizing::new(text))
}

/// Whether a value is encrypted in its file. Truth values are not masked: they stand everywhere.
fn is_secret(stored: Option<&Tree>) -> bool {
    let encrypted = |text: &str| cipher::is_encrypted(text) && !text.ends_with("type:bool]");
    stored.and_then(Tree::text).is_some_and(encrypted)
}
