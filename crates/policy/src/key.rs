//! The key under which secret values are turned into digests.
//!
//! 32 bytes, as 64 hexadecimal digits in `.testudo/key` of the project, committed by default so that every machine
//! makes the same digests. That is a trade: who has the key and a digest can test guesses of a weak secret (a short
//! password; not a random token) without network. A private key, given by the environment value `TESTUDO_DIGEST_KEY`, closes
//! that. Without either the built-in key is used: digests are the same in every project, and anybody can test guesses.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::{PolicyError, atomic};

/// Name of the environment value that overrides the file.
pub const ENVIRONMENT_NAME: &str = "TESTUDO_DIGEST_KEY";

/// Folder and file below the root of a project.
const PLACE: [&str; 2] = [".testudo", "key"];

/// Digits, a line break, and room for a comment somebody may have added; more is not a key.
const MAX_BYTES: u64 = 1024;

/// The key that is used where there is none. It is public, and so no secret.
const BUILT_IN: [u8; 32] = *b"testudo: built-in key, no secret";

/// A key. Its debug form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// Wraps 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for HMAC-SHA256 (RFC 2104).
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits; blanks around them do not count.
    fn parse(text: &str, place: &str) -> Result<Self, PolicyError> {
        let text = text.trim();
        let wrong = |found: String| PolicyError::KeyText { place: place.to_owned(), found };
        if let Some(other) = text.chars().position(|c| !c.is_ascii_hexdigit()) {
            return Err(wrong(format!("another character at position {}", other + 1)));
        }
        if text.len() != 64 {
            return Err(wrong(format!("{} digits", text.len())));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
        Ok(Self(bytes))
    }
}

/// Value of a hexadecimal digit.
const fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The environment value.
    Environment,
    /// This file.
    File(PathBuf),
    /// Nothing was there; the public built-in key is used.
    BuiltIn,
}

/// The key of a project: `environment` (the value of [`ENVIRONMENT_NAME`], empty counts as not set), then the file
/// below `root`, then the built-in key.
///
/// # Errors
/// The value or the file is no key, or the file is not a plain file or cannot be read. A key that is there and wrong is
/// never passed over: all digests would change.
pub fn load(root: &Path, environment: Option<&str>) -> Result<(Key, KeyOrigin), PolicyError> {
    if let Some(text) = environment.filter(|text| !text.is_empty()) {
        return Ok((Key::parse(text, ENVIRONMENT_NAME)?, KeyOrigin::Environment));
    }
    let path = path(root);
    check_folder(root)?;
    match atomic::read_plain(&path, MAX_BYTES)? {
        Some(text) => Ok((Key::parse(&text, &path.display().to_string())?, KeyOrigin::File(path))),
        None => Ok((Key(BUILT_IN), KeyOrigin::BuiltIn)),
    }
}

/// Writes a new key (mode 0644, it is meant to be committed) and gives its path.
///
/// # Errors
/// There is a key already, a link or special file is in the way, or the folder cannot be written.
pub fn create(root: &Path, key: &Key) -> Result<PathBuf, PolicyError> {
    let path = path(root);
    let folder = root.join(PLACE[0]);
    match fs::create_dir(&folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            return Err(PolicyError::Write { path: folder, source });
        }
        _ => check_folder(root)?,
    }
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() => return Err(PolicyError::KeyExists { path }),
        _ => atomic::replace(&path, &format!("{}\n", testudo_model::hex(&key.0)))?,
    }
    Ok(path)
}

fn path(root: &Path) -> PathBuf {
    root.join(PLACE[0]).join(PLACE[1])
}

/// The folder is absent or a plain one.
fn check_folder(root: &Path) -> Result<(), PolicyError> {
    let folder = root.join(PLACE[0]);
    match fs::symlink_metadata(&folder) {
        Ok(meta) if !meta.is_dir() => Err(PolicyError::NotPlain { path: folder, expected: "folder" }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Project(PathBuf);

    impl Project {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("testudo-key-{name}-{}", std::process::id()));
            fs::create_dir_all(&root).unwrap();
            Self(root)
        }
    }

    impl Drop for Project {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_created_key_is_loaded_and_not_replaced() {
        let project = Project::new("create");
        let key = Key::new(std::array::from_fn(|i| i as u8 * 8));
        assert_eq!(load(&project.0, None).unwrap(), (Key(BUILT_IN), KeyOrigin::BuiltIn));
        let path = create(&project.0, &key).unwrap();
        assert_eq!(load(&project.0, Some("")).unwrap(), (key.clone(), KeyOrigin::File(path.clone())));
        assert!(matches!(create(&project.0, &key), Err(PolicyError::KeyExists { .. })));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
        let other = "AB".repeat(32);
        assert_eq!(load(&project.0, Some(&other)).unwrap(), (Key([0xab; 32]), KeyOrigin::Environment));
    }

    #[test]
    fn what_is_no_key_is_an_error_that_does_not_show_it() {
        let project = Project::new("bad");
        for (text, found) in
            [("ab".repeat(31), "62 digits"), ("xyz".repeat(30), "position 1"), ("ü".to_owned(), "position 1")]
        {
            let message = load(&project.0, Some(&text)).unwrap_err().to_string();
            assert!(
                message.contains(found) && message.contains(ENVIRONMENT_NAME) && !message.contains(&text),
                "{message}"
            );
        }
        fs::create_dir(project.0.join(".testudo")).unwrap();
        fs::write(path(&project.0), "short").unwrap();
        assert!(matches!(load(&project.0, None), Err(PolicyError::KeyText { .. })));
        fs::write(path(&project.0), "a".repeat(2_000)).unwrap();
        assert!(matches!(load(&project.0, None), Err(PolicyError::TooLarge { .. })));
        assert_eq!(format!("{:?}", Key(BUILT_IN)), "Key(..)");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let project = Project::new("link");
        let outside = project.0.join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(&outside, project.0.join(".testudo")).unwrap();
        let key = Key(BUILT_IN);
        assert!(matches!(create(&project.0, &key), Err(PolicyError::NotPlain { .. })));
        assert!(matches!(load(&project.0, None), Err(PolicyError::NotPlain { .. })));
        fs::remove_file(project.0.join(".testudo")).unwrap();
        fs::create_dir(project.0.join(".testudo")).unwrap();
        symlink(outside.join("key"), path(&project.0)).unwrap();
        assert!(matches!(create(&project.0, &key), Err(PolicyError::NotPlain { .. })));
        assert!(matches!(load(&project.0, None), Err(PolicyError::NotPlain { .. })));
        assert!(!outside.join("key").exists());
    }
}
